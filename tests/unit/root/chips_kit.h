/* chips_kit.h - the virtual chips of one test program, from its start to its end. */
#ifndef BM_TEST_CHIPS_KIT_H
#define BM_TEST_CHIPS_KIT_H

#include "virtual.h"

static struct virtual chips;

static inline int
chips_start(void **state)
{
    (void)state;
    return virtual_start(&chips) ? 0 : -1;
}

static inline int
chips_stop(void **state)
{
    (void)state;
    virtual_stop(&chips);
    return 0;
}

#endif
