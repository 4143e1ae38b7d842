#include "base/large.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LARGE ((size_t)4 << 20) /* bytes from which it pays */

void *
bm_large_new(size_t n, size_t width)
{
    size_t size;
    void *p;

    if (__builtin_mul_overflow(n, width, &size))
        return NULL;
    if (size < LARGE)
        return calloc(n, width);
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, size, MADV_HUGEPAGE); /* advice: without it the table is slower */
    return p;
}

void
bm_large_free(void *p, size_t n, size_t width)
{
    if (p == NULL || n * width < LARGE)
        free(p);
    else
        (void)munmap(p, n * width);
}
