/* clocked.c - birthmark-registrar as it is, but with the time of a page that the test shares (descriptor 90), and a disk that fails when the page says so. */
#include "base/base.h"
#include "registrar/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clocked.h"

static enum bm_rc
page_now(void *ctx, bm_time *ret_now, struct bm_fail *fail)
{
    const volatile struct clocked_page *page = ctx;

    if (page->now < BM_CLOCK_FLOOR)
        return bm_fail(fail, BM_EBUSY, NULL, "the clock was never set");
    *ret_now = page->now;
    return BM_OK;
}

static volatile struct clocked_page *shared;

/* SQLite finds this one before libc's. */
__attribute__((visibility("default"))) int
fdatasync(int fd)
{
    if (shared != NULL && shared->broken > 0) {
        shared->broken--;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int
main(int argc, char **argv)
{
    struct bm_registrar_options options;
    struct bm_env env = { .now = page_now };
    struct bm_fail fail = { .rc = BM_OK };
    enum bm_rc rc;

    (void)signal(SIGPIPE, SIG_IGN);
    if ((env.ctx = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, CLOCK_FD, 0)) == MAP_FAILED)
        return 97;
    shared = env.ctx;
    if ((rc = bm_registrar_options_parse(&options, argc, argv, &fail)) == BM_OK)
        rc = bm_registrar_run(&options, &env, &fail);
    if (rc != BM_OK)
        (void)fprintf(stderr, "birthmark-registrar: %s\n", fail.text);
    return bm_rc_exit(rc);
}
