/* limb_platform.h - the widest number of which this compiler multiplies two without loss: 64 bits where it has numbers of 128. */
#ifndef BM_LIMB_PLATFORM_H
#define BM_LIMB_PLATFORM_H

#include <stdint.h>

#if defined(__SIZEOF_INT128__) && !defined(BM_LIMB_NARROW) /* a test's: the other one here too */
typedef uint64_t bm_limb;
__extension__ typedef unsigned __int128 bm_limb_wide;
#define BM_LIMB_BITS 64
#define BM_LIMB_PAIR(low, high) ((bm_limb)(high) << 32 | (low))
#else
typedef uint32_t bm_limb;
typedef uint64_t bm_limb_wide;
#define BM_LIMB_BITS 32
#define BM_LIMB_PAIR(low, high) (low), (high)
#endif

/* Before a loop over limbs and before what has one: all of it spelled out for speed, but where the compiler was asked for small code (libbirthmark). */
#ifdef __OPTIMIZE_SIZE__
#define BM_LIMB_UNROLL
#define BM_LIMB_INLINE __attribute__((noinline))
#else
#define BM_LIMB_UNROLL _Pragma("GCC unroll 12")
#define BM_LIMB_INLINE inline
#endif

#endif
