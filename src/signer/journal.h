/* journal.h - the signer's one file: records that are only ever added, each chained to all before it. Format: docs/formats/journal.md. */
#ifndef BM_JOURNAL_H
#define BM_JOURNAL_H

#include "base/bytes.h"
#include "base/limits.h"

/*
 *  u32 length of the body     u32 its complement (a damaged length must not pass for a torn end)
 *  u8  type
 *  ... body
 *  32  chain: SHA-256(chain of the record before (32 zero bytes before the first) || type || body)
 */
#define BM_RECORD_HEAD 9
#define BM_RECORD_FRAME (BM_RECORD_HEAD + BM_HASH)
#define BM_MAX_RECORD (1u << 20)         /* a body: a chunk of a lot's keys is the longest, half of it */
#define BM_MAX_JOURNAL_BATCH (16u << 20) /* what waits for one write: 64 requests of the largest evidence are 4 MiB */

struct bm_record {
    uint64_t at; /* offset in the file */
    uint8_t type;
    struct bm_bytes body;
};

struct bm_journal {
    int fd;                 /* borrowed */
    uint64_t size;          /* of what is written */
    uint8_t chain[BM_HASH]; /* of the last record added, written or not */
    struct bm_buf waiting;  /* added and not yet written */
    bool unsynced;          /* written and not yet durable */
    bool broken;            /* a write failed: nothing more is taken, the process ends */
};

/* Reads the whole file and calls back for each record, in order. A record that the file's end cuts short was never acknowledged: it is cut off, and the
 * rest made durable. Anything else that is not as it was written: BM_EBUG, "the journal is damaged at byte N". */
typedef enum bm_rc bm_journal_each(void *ctx, const struct bm_record *record, struct bm_fail *fail);
bm_must_use enum bm_rc bm_journal_open(struct bm_journal *ret_journal, int fd, bm_journal_each *each, void *ctx, struct bm_fail *fail);
void bm_journal_close(struct bm_journal *journal); /* frees memory; the descriptor stays the caller's */

/* Adds a record to those that wait; *ret_at is where it will stand. */
bm_must_use enum bm_rc bm_journal_add(struct bm_journal *journal, uint8_t type, struct bm_bytes body, uint64_t *ret_at,
                                      struct bm_fail *fail);

/* Writes what waits, without making it durable: for what is too long to wait whole. BM_EBUG as below. */
bm_must_use enum bm_rc bm_journal_write(struct bm_journal *journal, struct bm_fail *fail);

/* Writes what waits and makes all of it durable with one fdatasync. BM_EBUG whatever goes wrong: no retry can be believed, the process must end. */
bm_must_use enum bm_rc bm_journal_sync(struct bm_journal *journal, struct bm_fail *fail);

/* Reads one record back, durable or waiting, into buf (reset first); the body is a view into it. Its chain was checked when the file was opened. */
bm_must_use enum bm_rc bm_journal_read(struct bm_journal *journal, uint64_t at, struct bm_buf *buf, struct bm_record *ret_record,
                                       struct bm_fail *fail);

#endif
