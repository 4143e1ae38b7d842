#include "heap.h"

#include "birthmark.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default"))) /* every library calls these */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t place, size_t n);
void __libc_free(void *p);

static atomic_size_t now, peak;
static atomic_ulong count;
static unsigned long refused; /* 0: none */
static bool onwards, ours_alone;
static uintptr_t code, code_end; /* libbirthmark's */

static int
code_find(struct dl_phdr_info *info, size_t size, void *ctx)
{
    const uintptr_t inside = *(const uintptr_t *)ctx;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type == PT_LOAD && inside >= from && inside < from + info->dlpi_phdr[i].p_memsz) {
            code = from;
            code_end = from + info->dlpi_phdr[i].p_memsz;
            return 1;
        }
    }
    return 0;
}

static void
code_know(void)
{
    union {
        struct birthmark *(*function)(void);
        uintptr_t address;
    } inside = { .function = birthmark_new };

    if (code == 0)
        (void)dl_iterate_phdr(code_find, &inside.address);
}

static bool
is_own(const void *caller)
{
    return (uintptr_t)caller >= code && (uintptr_t)caller < code_end;
}

static bool
refuse(const void *caller)
{
    unsigned long n;

    if (ours_alone && !is_own(caller))
        return false;
    n = ++count;
    if (refused == 0 || n < refused || (n > refused && !onwards))
        return false;
    errno = ENOMEM;
    return true;
}

/* Marks of the blocks that libbirthmark asked for, by their place. A full table marks no more: heap_own() says less, never more. */
#define OWN_PLACES 8192u
static void *_Atomic own_blocks[OWN_PLACES];
static atomic_size_t own;

static bool
own_swap(const void *at, void *from, void *to)
{
    const size_t first = (uintptr_t)at >> 4;

    for (size_t i = 0; i < 64; i++) {
        void *expected = from;

        if (atomic_compare_exchange_strong(&own_blocks[(first + i) % OWN_PLACES], &expected, to))
            return true;
    }
    return false;
}

static void *
own_taken(void *p, const void *caller)
{
    if (p != NULL && is_own(caller) && own_swap(p, NULL, p))
        own += malloc_usable_size(p);
    return p;
}

static void
own_given(void *p, size_t n)
{
    if (own_swap(p, p, NULL))
        own -= n;
}

static void *
taken(void *p)
{
    size_t all;

    if (p == NULL)
        return NULL;
    all = atomic_fetch_add(&now, malloc_usable_size(p)) + malloc_usable_size(p);
    if (all > peak)
        peak = all;
    return p;
}

EXPORT void *
malloc(size_t n)
{
    const void *caller = __builtin_return_address(0);

    return refuse(caller) ? NULL : own_taken(taken(__libc_malloc(n)), caller);
}

EXPORT void *
calloc(size_t n, size_t size)
{
    const void *caller = __builtin_return_address(0);

    return refuse(caller) ? NULL : own_taken(taken(__libc_calloc(n, size)), caller);
}

EXPORT void *
realloc(void *p, size_t n)
{
    const void *caller = __builtin_return_address(0);
    size_t before = p == NULL ? 0 : malloc_usable_size(p);
    bool was_own = p != NULL && own_swap(p, p, NULL);
    void *moved;

    if (was_own)
        own -= before;
    if (refuse(caller) || ((moved = __libc_realloc(p, n)) == NULL && n > 0)) {
        if (was_own)
            (void)own_taken(p, (const void *)code);
        return NULL;
    }
    now -= before;
    return own_taken(taken(moved), was_own ? (const void *)code : caller);
}

EXPORT void *
aligned_alloc(size_t place, size_t n)
{
    return refuse(__builtin_return_address(0)) ? NULL : taken(__libc_memalign(place, n));
}

EXPORT int
posix_memalign(void **ret, size_t place, size_t n)
{
    void *p = refuse(__builtin_return_address(0)) ? NULL : taken(__libc_memalign(place, n));

    if (p == NULL)
        return ENOMEM;
    *ret = p;
    return 0;
}

EXPORT void
free(void *p)
{
    if (p != NULL) {
        now -= malloc_usable_size(p);
        own_given(p, malloc_usable_size(p));
    }
    __libc_free(p);
}

size_t
heap_now(void)
{
    return now;
}

size_t
heap_own(void)
{
    return own;
}

size_t
heap_peak(void)
{
    return peak;
}

void
heap_peak_reset(void)
{
    peak = now;
}

void
heap_refuse(unsigned long n, bool on, bool ours)
{
    code_know();
    refused = n;
    onwards = on;
    ours_alone = ours;
    count = 0;
}

unsigned long
heap_count(void)
{
    return count;
}
