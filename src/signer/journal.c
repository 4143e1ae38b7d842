#include "base/base.h"
#include "signer/journal.h"

#include "digest/digest.h"
#include "wire/rd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW (4u << 20) /* read at a time; no record is longer */
_Static_assert(WINDOW > BM_MAX_RECORD + BM_RECORD_FRAME, "a record fits into the window");

static enum bm_rc
damaged(uint64_t at, const char *why, struct bm_fail *fail)
{
    return bm_fail(
        fail, BM_EBUG, NULL,
        "the signer's journal is damaged at byte %llu (%s): nothing is signed on it; put its last copy back and run birthmark site "
        "recover",
        (unsigned long long)at, why);
}

static enum bm_rc
io_failed(const char *what, int err, struct bm_fail *fail)
{
    if (err == ENOSPC || err == EDQUOT)
        return bm_fail(fail, BM_EBUG, NULL, "the disk is full: the signer's journal can't be %s; make room and start the server again",
                       what);
    return bm_fail(fail, BM_EBUG, NULL, "the signer's journal can't be %s: %s; see to the disk and start the server again", what,
                   strerror(err));
}

static void
chain_on(uint8_t chain[static BM_HASH], uint8_t type, struct bm_bytes body)
{
    const struct bm_bytes pieces[] = { bm_bytes(chain, BM_HASH), bm_bytes(&type, 1), body };
    uint8_t next[BM_HASH];

    bm_sha256_pieces(next, pieces, BM_COUNT(pieces));
    memcpy(chain, next, BM_HASH);
}

/* Fills p with n bytes of the file, or says why not. */
static enum bm_rc
read_at(int fd, uint64_t at, uint8_t *p, size_t n, struct bm_fail *fail)
{
    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return io_failed("read", got == 0 ? EIO : errno, fail);
        p += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return BM_OK;
}

/* A record's nine bytes: BM_EINPUT when length and complement do not go together or no record is so long. */
static enum bm_rc
head_read(const uint8_t head[static BM_RECORD_HEAD], size_t *ret_length, uint8_t *ret_type, uint64_t at, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_bytes(head, BM_RECORD_HEAD));
    uint32_t length = bm_rd_u32(&rd), complement = bm_rd_u32(&rd);

    if (length != ~complement || length > BM_MAX_RECORD)
        return damaged(at, "a record's length", fail);
    *ret_length = length;
    *ret_type = bm_rd_u8(&rd);
    return BM_OK;
}

struct window {
    int fd;
    uint64_t end;  /* of the file */
    uint64_t from; /* file offset of p[0] */
    size_t n;
    uint8_t *p;
};

static void
window_done(struct window *window)
{
    free(window->p);
}

/* A view of n bytes at this offset; NULL in ret_p when the file ends before. */
static enum bm_rc
window_see(struct window *window, uint64_t at, size_t n, const uint8_t **ret_p, struct bm_fail *fail)
{
    uint64_t left = window->end - at;
    enum bm_rc rc;

    *ret_p = NULL;
    if (left < n)
        return BM_OK;
    if (at + n > window->from + window->n) {
        size_t fill = left < WINDOW ? (size_t)left : WINDOW;

        if ((rc = read_at(window->fd, at, window->p, fill, fail)) != BM_OK)
            return rc;
        window->from = at;
        window->n = fill;
    }
    *ret_p = window->p + (at - window->from);
    return BM_OK;
}

/* One record at journal->size; *ret_more is false at the end and at a record that the end cuts short. */
static enum bm_rc
record_next(struct bm_journal *journal, struct window *window, bool *ret_more, struct bm_record *ret_record, struct bm_fail *fail)
{
    const uint8_t *p = NULL;
    uint64_t at = journal->size;
    uint8_t type = 0;
    size_t n = 0;
    enum bm_rc rc;

    *ret_more = false;
    if ((rc = window_see(window, at, BM_RECORD_HEAD, &p, fail)) != BM_OK || p == NULL)
        return rc;
    if ((rc = head_read(p, &n, &type, at, fail)) != BM_OK)
        return rc;
    if ((rc = window_see(window, at, n + BM_RECORD_FRAME, &p, fail)) != BM_OK || p == NULL)
        return rc;
    p += BM_RECORD_HEAD;
    chain_on(journal->chain, type, bm_bytes(p, n));
    if (memcmp(journal->chain, p + n, BM_HASH) != 0)
        return damaged(at, "a record's chain", fail);
    journal->size += n + BM_RECORD_FRAME;
    *ret_record = (struct bm_record){ .at = at, .type = type, .body = bm_bytes(p, n) };
    *ret_more = true;
    return BM_OK;
}

/* What a crash left after the last whole record goes; what a crash left unsynced is made durable before anything builds on it. */
static enum bm_rc
tail_settle(const struct bm_journal *journal, uint64_t end, struct bm_fail *fail)
{
    if (end > journal->size && ftruncate(journal->fd, (off_t)journal->size) != 0)
        return io_failed("cut at its torn end", errno, fail);
    if (fdatasync(journal->fd) != 0)
        return io_failed("made durable", errno, fail);
    return BM_OK;
}

enum bm_rc
bm_journal_open(struct bm_journal *ret_journal, int fd, bm_journal_each *each, void *ctx, struct bm_fail *fail)
{
    struct bm_journal journal = { .fd = fd, .waiting = { .max = BM_MAX_JOURNAL_BATCH } };
    bm_cleanup(window_done) struct window window = { .fd = fd };
    struct bm_record record;
    struct stat st;
    bool more = true;
    enum bm_rc rc;

    if (fstat(fd, &st) != 0)
        return io_failed("read", errno, fail);
    window.end = (uint64_t)st.st_size;
    if ((window.p = malloc(window.end < WINDOW ? (size_t)window.end + 1 : WINDOW)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the signer's journal");
    for (;;) {
        if ((rc = record_next(&journal, &window, &more, &record, fail)) != BM_OK)
            return rc;
        if (!more)
            break;
        if ((rc = each(ctx, &record, fail)) != BM_OK) {
            bm_fail_prefix(fail, "the signer's journal, byte %llu", (unsigned long long)record.at);
            return rc;
        }
    }
    if ((rc = tail_settle(&journal, window.end, fail)) != BM_OK)
        return rc;
    *ret_journal = journal;
    return BM_OK;
}

void
bm_journal_close(struct bm_journal *journal)
{
    bm_buf_done(&journal->waiting);
}

enum bm_rc
bm_journal_add(struct bm_journal *journal, uint8_t type, struct bm_bytes body, uint64_t *ret_at, struct bm_fail *fail)
{
    uint64_t at = journal->size + journal->waiting.n;
    uint8_t chain[BM_HASH];

    if (body.n > BM_MAX_RECORD)
        return bm_fail(fail, BM_EBUG, NULL, "a record of %zu bytes for the signer's journal: at most %u fit", body.n, BM_MAX_RECORD);
    memcpy(chain, journal->chain, BM_HASH);
    chain_on(chain, type, body);
    bm_buf_add_u32(&journal->waiting, (uint32_t)body.n);
    bm_buf_add_u32(&journal->waiting, ~(uint32_t)body.n);
    bm_buf_add_u8(&journal->waiting, type);
    bm_buf_add_bytes(&journal->waiting, body);
    bm_buf_add(&journal->waiting, chain, BM_HASH);
    if (journal->waiting.bad) {
        journal->broken = true;
        return bm_fail(fail, BM_EBUG, NULL, "there is no memory for what the signer's journal must take");
    }
    memcpy(journal->chain, chain, BM_HASH);
    *ret_at = at;
    return BM_OK;
}

/* req: FAULTS F8 */
static enum bm_rc
write_all(int fd, struct bm_bytes left, uint64_t at, struct bm_fail *fail)
{
    while (left.n > 0) {
        ssize_t put = pwrite(fd, left.p, left.n, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return io_failed("written", put == 0 ? EIO : errno, fail);
        left.p += put;
        left.n -= (size_t)put;
        at += (uint64_t)put;
    }
    return BM_OK;
}

enum bm_rc
bm_journal_write(struct bm_journal *journal, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (journal->broken)
        return bm_fail(fail, BM_EBUG, NULL, "the signer's journal failed before: this process must end");
    if (journal->waiting.n == 0)
        return BM_OK;
    journal->broken = true;
    if ((rc = write_all(journal->fd, bm_buf_bytes(&journal->waiting), journal->size, fail)) != BM_OK)
        return rc;
    journal->broken = false;
    journal->unsynced = true;
    journal->size += journal->waiting.n;
    bm_buf_reset(&journal->waiting);
    return BM_OK;
}

enum bm_rc
bm_journal_sync(struct bm_journal *journal, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_journal_write(journal, fail)) != BM_OK || !journal->unsynced)
        return rc;
    /* req: FAULTS F6 */
    /* A failed fdatasync may have dropped the very pages that a second one would report as clean. */
    journal->broken = true;
    if (fdatasync(journal->fd) != 0)
        return io_failed("made durable", errno, fail);
    journal->broken = false;
    journal->unsynced = false;
    return BM_OK;
}

/* n bytes at this offset into buf, from the disk or from what waits for it. No record lies on both. */
static enum bm_rc
part_read(struct bm_journal *journal, uint64_t at, size_t n, struct bm_buf *buf, struct bm_fail *fail)
{
    const struct bm_buf *waiting = &journal->waiting;
    uint64_t end = journal->size + waiting->n;
    uint8_t *p;

    if (at > end || n > end - at || (at < journal->size && n > journal->size - at))
        return bm_fail(fail, BM_EBUG, NULL, "there is no record at byte %llu of the signer's journal", (unsigned long long)at);
    if (at >= journal->size) {
        bm_buf_add(buf, waiting->p + (at - journal->size), n);
        return bm_buf_check(buf, "a record", fail);
    }
    if ((p = bm_buf_grow(buf, n)) == NULL)
        return bm_buf_check(buf, "a record", fail);
    return read_at(journal->fd, at, p, n, fail);
}

enum bm_rc
bm_journal_read(struct bm_journal *journal, uint64_t at, struct bm_buf *buf, struct bm_record *ret_record, struct bm_fail *fail)
{
    uint8_t type = 0;
    size_t n = 0;
    enum bm_rc rc;

    bm_buf_reset(buf);
    if ((rc = part_read(journal, at, BM_RECORD_HEAD, buf, fail)) != BM_OK)
        return rc;
    if ((rc = head_read(buf->p, &n, &type, at, fail)) != BM_OK)
        return rc;
    bm_buf_reset(buf);
    if ((rc = part_read(journal, at + BM_RECORD_HEAD, n, buf, fail)) != BM_OK)
        return rc;
    *ret_record = (struct bm_record){ .at = at, .type = type, .body = bm_buf_bytes(buf) };
    return BM_OK;
}
