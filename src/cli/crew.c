#include "cli/crew.h"

#include "cli/crew_work.h"
#include "wire/json.h"
#include "wire/rd.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIPE (1 << 20)    /* bytes that a worker may be ahead, where the kernel gives them */
#define AT_ONCE (1 << 17) /* bytes read at once: a pipe's own size is a page, and each reading wakes a worker up */

struct crew {
    const struct bm_crew_bounds *bounds;
    unsigned n;
    struct member {
        pid_t pid; /* 0: ended */
        FILE *pipe;
    } member[BM_CREW_MOST];
    struct bm_join *join;
    struct bm_lot_chip *chip; /* 20 KiB */
    uint8_t *frame;           /* BM_CREW_MAX */
    uint64_t index;           /* of the next chip */
    iconv_t
        names; /* kept open: file names in 7z archives are UTF-16, and a converter is a library that confined processes could not load */
};

/* Its wait status, whether it had ended by itself or not. */
static int
member_end(struct member *member)
{
    int status = 0;

    if (member->pid <= 0)
        return 0;
    (void)kill(member->pid, SIGKILL);
    while (waitpid(member->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    member->pid = 0;
    return status;
}

/* Whoever still works is not needed any more. */
static void
crew_done(struct crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++) {
        (void)member_end(&crew->member[i]);
        if (crew->member[i].pipe != NULL)
            (void)fclose(crew->member[i].pipe);
    }
    if (crew->names != (iconv_t)-1)
        (void)iconv_close(crew->names);
    bm_join_done(&crew->join);
    free(crew->chip);
    free(crew->frame);
}

static unsigned
workers_choose(const struct bm_lot_job *job, unsigned workers)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    /* our own manifest's leaves are checked faster than they are joined: a second one would hash the whole tree a second time, and wait */
    if (workers == 0)
        workers = job->file.n < BM_CREW_SMALL || cores < 1 || bm_manifest_reader.probe(job->file) ? 1 : (unsigned)cores;
    return workers > BM_CREW_MOST ? BM_CREW_MOST : workers;
}

static enum bm_rc
member_start(struct crew *crew, const struct bm_lot_job *job, unsigned workers, struct bm_fail *fail)
{
    struct member *member = &crew->member[crew->n];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no pipe can be made to read the lot: %s", strerror(errno));
    (void)fcntl(ends[0], F_SETPIPE_SZ, PIPE);
    member->pid = fork();
    if (member->pid == 0)
        bm_crew_work(job, crew->bounds, crew->n, workers, ends[1]);
    (void)close(ends[1]);
    if (member->pid < 0) {
        (void)close(ends[0]);
        return bm_fail(fail, BM_EBUSY, NULL, "no process can be started to read the lot: %s", strerror(errno));
    }
    member->pipe = fdopen(ends[0], "r");
    crew->n++;
    return member->pipe != NULL && setvbuf(member->pipe, NULL, _IOFBF, AT_ONCE) == 0
               ? BM_OK
               : bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the lot");
}

/* ---- what comes back ---- */

static enum bm_rc
ended(const struct crew *crew, int status, struct bm_fail *fail)
{
    unsigned long long at = crew->index;

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return bm_fail(
            fail, BM_EINPUT, NULL,
            "the file was not read in %u seconds of processor time, and stands at about chip %llu: it is refused, look where it comes from",
            crew->bounds->cpu, at);
    return bm_fail(fail, BM_EINPUT, NULL,
                   "the process that read the file ended at about chip %llu: the file is refused, look where it comes from", at);
}

static enum bm_rc
frame_take(struct crew *crew, struct member *member, unsigned *ret_type, struct bm_bytes *ret_body, struct bm_fail *fail)
{
    uint8_t front[5];
    struct bm_rd rd = bm_rd(bm_bytes(front, sizeof(front)));
    size_t n = 0;

    if (fread(front, 1, sizeof(front), member->pipe) == sizeof(front)) {
        *ret_type = bm_rd_u8(&rd);
        n = bm_rd_u32(&rd);
        if (n > 0 && n <= BM_CREW_MAX && fread(crew->frame, 1, n, member->pipe) == n) {
            *ret_body = bm_bytes(crew->frame, n);
            return BM_OK;
        }
    }
    return ended(crew, member_end(member), fail);
}

static enum bm_rc
fail_take(struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    unsigned class = bm_rd_u8(&rd);
    struct bm_bytes text = bm_rd_lv16(&rd, sizeof(fail->text) - 1);

    if (!bm_rd_end(&rd) || class == BM_OK || class > BM_EBUG)
        return bm_fail(fail, BM_EINPUT, NULL, "the process that read the file speaks no sense: the file is refused");
    return bm_fail(fail, (enum bm_rc) class, NULL, "%.*s", (int)text.n, (const char *)text.p);
}

static enum bm_rc
chip_take(struct crew *crew, const struct bm_lot_job *job, const struct bm_lot_sink *sink, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    uint64_t at = bm_rd_u64(&rd);
    struct bm_bytes der;
    enum bm_rc rc;

    if ((rc = bm_lot_chip_parse(crew->chip, &der, bm_rd_rest(&rd), fail)) != BM_OK ||
        (rc = bm_join_chip(crew->join, crew->chip, der, fail)) != BM_OK)
        return rc;
    if (sink != NULL && sink->progress != NULL)
        sink->progress(sink->ctx, at, job->file.n);
    crew->index++;
    return BM_OK;
}

static enum bm_rc
end_take(struct bm_lot_result *ret, const struct bm_lot_job *job, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_lot_result result = { .checked = 0 };
    struct bm_rd rd = bm_rd(body);
    struct bm_bytes head, signer;
    uint64_t from, n;
    unsigned format;
    enum bm_rc rc;

    format = bm_rd_u8(&rd);
    result.signed_whole = bm_rd_u8(&rd) == 1;
    result.signed_each = bm_rd_u8(&rd) == 1;
    result.checked = bm_rd_u64(&rd);
    head = bm_rd_lv16(&rd, UINT16_MAX);
    from = bm_rd_u64(&rd);
    n = bm_rd_u64(&rd);
    signer = bm_rd_lv16(&rd, sizeof(result.signer) - 1);
    if (!bm_rd_end(&rd) || format > BM_FORMAT_CSV || from > job->file.n || n > job->file.n - from || n > BM_MAX_NOTE ||
        (n > 0) != (head.n > 0))
        return bm_fail(fail, BM_EINPUT, NULL, "the process that read the file speaks no sense: the file is refused");
    if (n > 0 && (rc = bm_lot_head_parse(&result.head, head, fail)) != BM_OK)
        return rc;
    result.format = (enum bm_lot_format)format;
    result.head_note = bm_bytes(n > 0 ? job->file.p + from : NULL, n);
    if (signer.n > 0)
        memcpy(result.signer, signer.p, signer.n);
    *ret = result;
    return BM_OK;
}

/* Runs come round in order, so the first that has no chip left ends it. */
static enum bm_rc
chips_take(struct crew *crew, const struct bm_lot_job *job, const struct bm_lot_sink *sink, struct bm_lot_result *result,
           struct bm_fail *fail)
{
    struct bm_bytes body;
    unsigned type = 0;
    enum bm_rc rc;

    for (;;) {
        struct member *member = &crew->member[crew->index / BM_CREW_RUN % crew->n];

        if ((rc = frame_take(crew, member, &type, &body, fail)) != BM_OK)
            return rc;
        if (type == BM_CREW_END)
            return end_take(result, job, body, fail);
        if ((rc = type == BM_CREW_CHIP ? chip_take(crew, job, sink, body, fail) : fail_take(body, fail)) != BM_OK)
            return rc;
    }
}

/* A certificate of 1 KB costs a millisecond where libcrypto is slow: a second a MiB. What a 7z expands to has its own ceiling in memory. */
struct bm_crew_bounds
bm_crew_bounds(uint64_t file_size)
{
    return (struct bm_crew_bounds){ .cpu = 60 + 10 * (unsigned)(file_size >> 20),
                                    .memory = 2 * (size_t)BM_MAX_ARCHIVE_EXPANDED + file_size };
}

enum bm_rc
bm_crew_read(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink, unsigned workers,
             struct bm_fail *fail)
{
    const struct bm_crew_bounds bounds = bm_crew_bounds(job->file.n);

    return bm_crew_read_within(ret_result, job, sink, workers, &bounds, fail);
}

enum bm_rc
bm_crew_read_within(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink, unsigned workers,
                    const struct bm_crew_bounds *bounds, struct bm_fail *fail)
{
    bm_cleanup(crew_done) struct crew crew = { .bounds = bounds,
                                               .chip = calloc(1, sizeof(*crew.chip)),
                                               .frame = malloc(BM_CREW_MAX),
                                               .names = iconv_open(nl_langinfo(CODESET), "UTF-16LE") };
    unsigned n = workers_choose(job, workers);
    struct bm_lot_result result;
    enum bm_rc rc;

    if (crew.chip == NULL || crew.frame == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the lot");
    json_object_seed(0); /* jansson reads /dev/urandom for it, and glibc the time zone: not once the workers are confined */
    tzset();
    if ((rc = bm_join_new(&crew.join, job, sink, fail)) != BM_OK)
        return rc;
    while (crew.n < n)
        if ((rc = member_start(&crew, job, n, fail)) != BM_OK)
            return rc;
    if ((rc = chips_take(&crew, job, sink, &result, fail)) != BM_OK || (rc = bm_join_end(crew.join, &result, fail)) != BM_OK)
        return rc;
    *ret_result = result;
    return BM_OK;
}
