/* late_clock.c - preloaded: the clock is BM_TEST_LATE seconds ahead. */
#include "base/base.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *ret)
{
    const char *late = getenv("BM_TEST_LATE");
    int rc = (int)syscall(SYS_clock_gettime, id, ret);

    if (rc == 0 && id == CLOCK_REALTIME && late != NULL)
        ret->tv_sec += strtol(late, NULL, 10);
    return rc;
}
