/* clock.h - milliseconds that only go forward, for patience and deadlines. */
#ifndef BM_CLOCK_H
#define BM_CLOCK_H

#include "base/base.h"

#include <time.h>

static inline int64_t
bm_clock_ms(void)
{
    struct timespec t = { .tv_sec = 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is left until then, for poll(2): never negative, never past an int. */
static inline int
bm_clock_left(int64_t until)
{
    int64_t left = until - bm_clock_ms();

    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
