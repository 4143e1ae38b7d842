#include "cli/crew_work.h"

#include "cli/crew.h"
#include "proc/confine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ONLY_FD 3
#define HELD (1u << 16) /* bytes written at once */

struct work {
    const struct bm_lot_job *job;
    const struct bm_lot_reader *reader;
    struct bm_reading *reading;
    struct bm_lot_chip *chip;
    struct bm_buf out, body, der;
};

/* Whoever reads the pipe is gone when it breaks: there is nobody to tell. */
static void
flush(struct work *work)
{
    for (size_t at = 0; at < work->out.n;) {
        ssize_t n = write(ONLY_FD, work->out.p + at, work->out.n - at);

        if (n < 0 && errno != EINTR)
            _exit(1);
        at += n > 0 ? (size_t)n : 0;
    }
    bm_buf_reset(&work->out);
}

static void
frame_add(struct work *work, enum bm_crew_frame type)
{
    bm_buf_add_u8(&work->out, (uint8_t)type);
    bm_buf_add_lv32(&work->out, bm_buf_bytes(&work->body));
    if (work->body.bad || work->out.bad)
        _exit(1);
    bm_buf_reset(&work->body);
    if (work->out.n >= HELD)
        flush(work);
}

static _Noreturn void
fail_tell(struct work *work, const struct bm_fail *fail)
{
    bm_buf_reset(&work->body);
    bm_buf_add_u8(&work->body, (uint8_t)fail->rc);
    bm_buf_add_lv16(&work->body, bm_bytes_str(fail->text));
    frame_add(work, BM_CREW_FAIL);
    flush(work);
    _exit(0);
}

static enum bm_rc
item_work(struct work *work, uint64_t index, struct bm_bytes item, uint64_t at, struct bm_fail *fail)
{
    enum bm_rc rc;

    bm_buf_reset(&work->der);
    if ((rc = bm_lot_item_check(work->reader, work->reading, index, item, work->chip, &work->der, fail)) != BM_OK)
        return rc;
    bm_buf_add_u64(&work->body, at);
    bm_lot_chip_build(&work->body, work->chip, bm_buf_bytes(&work->der));
    frame_add(work, BM_CREW_CHIP);
    return BM_OK;
}

static enum bm_rc
items_work(struct work *work, unsigned me, unsigned workers, struct bm_fail *fail)
{
    bool have = true;
    enum bm_rc rc;

    for (uint64_t index = 0; have; index++) {
        struct bm_bytes item;
        uint64_t at;

        if ((rc = work->reader->next(work->reading, &have, &item, &at, fail)) != BM_OK)
            return rc;
        if (have && index / BM_CREW_RUN % workers == me && (rc = item_work(work, index, item, at, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

static enum bm_rc
end_work(struct work *work, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf head = { .max = BM_MAX_NOTE };
    struct bm_lot_result result = { .checked = 0 };
    enum bm_rc rc;

    if ((rc = work->reader->end(work->reading, &result, fail)) != BM_OK)
        return rc;
    if (result.head_note.n > 0)
        bm_lot_head_build(&head, &result.head);
    bm_buf_add_u8(&work->body, (uint8_t)result.format);
    bm_buf_add_u8(&work->body, result.signed_whole);
    bm_buf_add_u8(&work->body, result.signed_each);
    bm_buf_add_u64(&work->body, result.checked);
    bm_buf_add_lv16(&work->body, bm_buf_bytes(&head));
    bm_buf_add_u64(&work->body, result.head_note.n > 0 ? (uint64_t)(result.head_note.p - work->job->file.p) : 0);
    bm_buf_add_u64(&work->body, result.head_note.n);
    bm_buf_add_lv16(&work->body, bm_bytes_str(result.signer));
    frame_add(work, BM_CREW_END);
    return BM_OK;
}

/* Nothing of ours is left to whoever takes this process over: no descriptor but the pipe, no right but to write to it. */
static enum bm_rc
confine(int pipe, const struct bm_crew_bounds *bounds, struct bm_fail *fail)
{
    const struct bm_confine_plan plan = { .name = "reader of lots", .cpu = bounds->cpu, .memory = bounds->memory };
    const struct sigaction plainly = { .sa_handler = SIG_DFL };
    static const int signals[] = {
        SIGINT, SIGTERM, SIGPIPE, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU
    }; /* whose handlers we inherited */

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(pipe, ONLY_FD) != ONLY_FD || close_range(ONLY_FD + 1, ~0u, 0) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "a process to read the lot can't be set up: %s", strerror(errno));
    for (size_t i = 0; i < BM_COUNT(signals); i++)
        (void)sigaction(signals[i], &plainly, NULL);
    return bm_confine(&plan, fail);
}

_Noreturn void
bm_crew_work(const struct bm_lot_job *job, const struct bm_crew_bounds *bounds, unsigned me, unsigned workers, int pipe)
{
    struct work work = { .job = job,
                         .chip = calloc(1, sizeof(*work.chip)),
                         .out = { .max = HELD + 2 * BM_CREW_MAX },
                         .body = { .max = BM_CREW_MAX },
                         .der = { .max = BM_MAX_LEAF } };
    struct bm_fail fail = { .rc = BM_OK };

    /* what tells of a failure is there before memory can run out */
    if (work.chip == NULL || bm_buf_grow(&work.out, work.out.max) == NULL || bm_buf_grow(&work.body, work.body.max) == NULL)
        _exit(1);
    bm_buf_reset(&work.out);
    bm_buf_reset(&work.body);
    if (confine(pipe, bounds, &fail) != BM_OK || bm_lot_reader_find(&work.reader, job, &fail) != BM_OK ||
        work.reader->open(&work.reading, job, &fail) != BM_OK || items_work(&work, me, workers, &fail) != BM_OK ||
        end_work(&work, &fail) != BM_OK) {
        if (fail.rc ==
            BM_ENOMEM) /* it has more than any honest file needs: the machine's own shortage looks otherwise, its processes are killed */
            (void)bm_fail(&fail, BM_EINPUT, NULL,
                          "more than %zu MiB of memory are wanted to read the file: it is refused, look where it comes from",
                          bounds->memory >> 20);
        fail_tell(&work, &fail);
    }
    flush(&work);
    _exit(0);
}
