/* ca_kit.h - virtual chips and a CA, for one test program. */
#ifndef BM_TEST_CA_KIT_H
#define BM_TEST_CA_KIT_H

#include "chips_kit.h"
#include "testca.h"

#include <stdio.h>

static struct testca ca;
static char ca_file[128]; /* its certificate, in PEM */

static inline int
ca_start(void **state)
{
    if (chips_start(state) != 0)
        return -1;
    ca = testca_new();
    (void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", chips.dir);
    testca_write(&ca, ca_file);
    return 0;
}

static inline int
ca_stop(void **state)
{
    testca_free(&ca);
    return chips_stop(state);
}

#endif
