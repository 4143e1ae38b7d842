/* receipt.h - what was looked at when a lot was received, by whom, and what came out. Format: docs/formats/receipt.md. */
#ifndef BM_CLI_RECEIPT_H
#define BM_CLI_RECEIPT_H

#include "cli/ask.h"
#include "cli/exam.h"
#include "cli/waived.h"

#define BM_MAX_RECEIPT 65536 /* every check with its examples is under 40 KiB */

/* What commands read of one. */
struct bm_receipt {
    char lot[BM_MAX_NAME + 1];
    char vendor[BM_MAX_NAME + 1];
    uint64_t revision;
    char by[BM_MAX_NAME + 1];
    bm_time received;
    uint64_t bytes;
    uint8_t file[BM_HASH];
    uint8_t envelope[BM_HASH]; /* zeros: it came open */
    uint64_t chips;
    uint8_t root[BM_HASH];
};
void bm_receipt_build(struct bm_buf *buf, const struct bm_receipt *receipt, const struct bm_lot_job *job,
                      const struct bm_lot_result *result, const struct bm_exam *exam, const struct bm_waived *waived);
bm_must_use enum bm_rc bm_receipt_parse(struct bm_receipt *ret_receipt, struct bm_bytes text, struct bm_fail *fail);

/* arrived.c: is a lot of this name, made of this root, among those that the site holds? *row: as SHOW, when it is. */
bm_must_use enum bm_rc bm_lot_held(bool *ret_held, struct bm_buf *row, struct bm_ask *ask, const char *lot,
                                   const uint8_t root[static BM_HASH], struct bm_fail *fail);
/* Were these very bytes (as they are kept, or as they came enveloped) received from this vendor? */
bm_must_use enum bm_rc bm_lot_arrived(bool *ret_arrived, struct bm_receipt *ret_receipt, struct bm_buf *row, struct bm_ask *ask,
                                      const char *vendor, const uint8_t file[static BM_HASH], struct bm_fail *fail);
/* BM_EPOLICY when this head is not newer than what was received under its name from its vendor. */
bm_must_use enum bm_rc bm_lot_newer(struct bm_ask *ask, const struct bm_lot_head *head, bool foreign, struct bm_fail *fail);
/* "receipt": its path, into the row of a lot whose receipt is there. */
bm_must_use enum bm_rc bm_receipt_row(json_t *row, const char *home, struct bm_fail *fail);

#endif
