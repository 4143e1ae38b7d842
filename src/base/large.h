/* large.h - memory for tables that are jumped about in: in pages as large as the system has, so that a jump costs one miss and not several. */
#ifndef BM_LARGE_H
#define BM_LARGE_H

#include <stddef.h>

/* n things of this width, zeros, as calloc(): NULL when there is no memory. Given back with the same numbers; NULL may be. */
void *bm_large_new(size_t n, size_t width);
void bm_large_free(void *p, size_t n, size_t width);

#endif
