/* old_clock.c - preloaded: the machine's clock was never set. For parents only: children start without a preload. */
#include "base/base.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *ret)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ret);

    if (rc == 0 && id == CLOCK_REALTIME)
        ret->tv_sec = 86400; /* 1970-01-02 */
    return rc;
}
