/* clocked.h - what clocked.c and kit.c agree on. */
#ifndef BM_TEST_CLOCKED_H
#define BM_TEST_CLOCKED_H

#include "base/env.h"
#include "base/limits.h"

#define CLOCK_FD 90
#define CLOCKED_PROGRAM "birthmark-registrar-clocked"

#endif
