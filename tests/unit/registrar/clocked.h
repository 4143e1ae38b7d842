/* clocked.h - what clocked.c and kit.c agree on. */
#ifndef BM_TEST_CLOCKED_H
#define BM_TEST_CLOCKED_H

#include "base/env.h"
#include "base/limits.h"

#define CLOCK_FD 90
struct clocked_page {
    bm_time now;
    int broken; /* so many of the next fdatasyncs fail with EIO */
};
#define CLOCKED_PROGRAM "birthmark-registrar-clocked"

#endif
