/* failing_call.c - preloaded: BM_TEST_CALL="NAME FIRST COUNT HOW" makes the FIRSTth call of NAME and COUNT - 1 after it (COUNT 0: all) fail, or do half. */
#include "base/base.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum how {
    HOW_WELL,
    HOW_FAIL, /* EIO */
    HOW_HALF, /* a write takes half of it */
    HOW_EINTR /* every other call is interrupted */
};

static enum how
how_now(const char *name, unsigned *calls)
{
    const char *text = getenv("BM_TEST_CALL");
    char of[32] = "", how[16] = "";
    unsigned first = 0, count = 0;

    if (text == NULL || sscanf(text, "%31s %u %u %15s", of, &first, &count, how) != 4 || strcmp(of, name) != 0)
        return HOW_WELL;
    if (++*calls < first || (count > 0 && *calls >= first + count))
        return HOW_WELL;
    if (strcmp(how, "eintr") == 0)
        return *calls % 2 == 0 ? HOW_EINTR : HOW_WELL;
    return strcmp(how, "half") == 0 ? HOW_HALF : HOW_FAIL;
}

static long
failed(enum how how)
{
    errno = how == HOW_EINTR ? EINTR : EIO;
    return -1;
}

static long
put(int fd, const void *bytes, size_t n, off_t at)
{
    static unsigned calls;
    enum how how = how_now("pwrite", &calls);

    if (how == HOW_FAIL || how == HOW_EINTR)
        return failed(how);
    return syscall(SYS_pwrite64, fd, bytes, how == HOW_HALF && n > 1 ? n / 2 : n, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    return put(fd, bytes, n, at);
}

EXPORT int
fdatasync(int fd)
{
    static unsigned calls;
    enum how how = how_now("fdatasync", &calls);

    return how == HOW_FAIL ? (int)failed(how) : (int)syscall(SYS_fdatasync, fd);
}

EXPORT ssize_t
getrandom(void *bytes, size_t n, unsigned flags)
{
    static unsigned calls;
    enum how how = how_now("getrandom", &calls);

    return how == HOW_FAIL ? failed(how) : syscall(SYS_getrandom, bytes, n, flags);
}
