/* hooks.h - the power goes at the n-th change to a token or command to a TPM that is more than reading (cut.h counts them), and what the clock says. Linked with --wrap=clock_gettime. */
#ifndef BM_TEST_HOOKS_H
#define BM_TEST_HOOKS_H

#include "root/root.h"

/* Puts them below an opened root; files are cut.c's own. */
void hooks_put(struct bm_root *root, const char *uri);

extern int64_t hooks_clock; /* seconds since 1970; 0: the machine's */

#endif
