#include "pki/point.h"

#include "pki/limb_platform.h"

#define P256 (256 / BM_LIMB_BITS) /* limbs */
#define P384 (384 / BM_LIMB_BITS)
#define LIMBS_MAX P384
#define OCTETS (BM_LIMB_BITS / 8)

/*
 * y^2 = x^3 - 3x + b over the integers modulo p (SP 800-186 3.2.1). Both curves have a = -3. Numbers are limbs, the lowest first. Every product is
 * Montgomery's, which divides by R = 2^(bits of p), so that both sides are compared as they come out of two products after each other: divided by R^2. A
 * list of chips has millions of points, and libcrypto's big numbers take fifteen times as long. Nothing here is secret: it need not run in constant time.
 */
struct curve {
    size_t n; /* limbs of a coordinate */
    bm_limb p[LIMBS_MAX];
    bm_limb clear;            /* -1 / p modulo 2^(bits of a limb): times the limb that is to go, what p is added so often for */
    bm_limb three[LIMBS_MAX]; /* 3 / R modulo p */
    bm_limb b[LIMBS_MAX];     /* b / R^2 modulo p */
};
#define PAIR BM_LIMB_PAIR

static const struct curve p256 = {
    .n = P256,
    .p = { PAIR(0xffffffff, 0xffffffff), PAIR(0xffffffff, 0x00000000), PAIR(0x00000000, 0x00000000), PAIR(0x00000001, 0xffffffff) },
    .clear = 1,
    .three = { PAIR(0x00000002, 0x00000009), PAIR(0xfffffffa, 0x00000003), PAIR(0x00000006, 0xfffffff7), PAIR(0x00000009, 0xfffffffc) },
    .b = { PAIR(0x4584a137, 0xe59be0a6), PAIR(0x9ca065a7, 0xfc3521eb), PAIR(0xa0f45303, 0x7c178684), PAIR(0xd948431a, 0x3081dc38) },
};
static const struct curve p384 = {
    .n = P384,
    .p = { PAIR(0xffffffff, 0x00000000), PAIR(0x00000000, 0xffffffff), PAIR(0xfffffffe, 0xffffffff), PAIR(0xffffffff, 0xffffffff),
           PAIR(0xffffffff, 0xffffffff), PAIR(0xffffffff, 0xffffffff) },
    .clear = (bm_limb)0x100000001,
    .three = { PAIR(0x00000012, 0xffffffa3), PAIR(0xffffff8a, 0xffffffc3), PAIR(0xfffffff9, 0xfffffff3), PAIR(0xfffffff0, 0xfffffff6),
               PAIR(0x00000008, 0x00000024), PAIR(0x0000003c, 0x0000003c) },
    .b = { PAIR(0x4a4651db, 0x915a902a), PAIR(0x919d89c2, 0x2c9f09fa), PAIR(0x80408afd, 0xfc7a73ca), PAIR(0x2ed86bff, 0x9e15936d),
           PAIR(0xabbab844, 0xbefd4246), PAIR(0x8f62a21c, 0xf7cd02a7) },
};

static bool
less(const bm_limb *a, const bm_limb *b, size_t n)
{
    while (n > 0 && a[n - 1] == b[n - 1])
        n--;
    return n > 0 && a[n - 1] < b[n - 1];
}

/* a - b modulo R; the borrow. */
static bm_limb
subtract(bm_limb *ret, const bm_limb *a, const bm_limb *b, size_t n)
{
    bm_limb borrow = 0;

    for (size_t i = 0; i < n; i++) {
        bm_limb_wide v = (bm_limb_wide)a[i] - b[i] - borrow;

        ret[i] = (bm_limb)v;
        borrow = (bm_limb)(v >> BM_LIMB_BITS) & 1;
    }
    return borrow;
}

static bm_limb
add(bm_limb *ret, const bm_limb *a, const bm_limb *b, size_t n)
{
    bm_limb_wide carry = 0;

    for (size_t i = 0; i < n; i++) {
        carry += (bm_limb_wide)a[i] + b[i];
        ret[i] = (bm_limb)carry;
        carry >>= BM_LIMB_BITS;
    }
    return (bm_limb)carry;
}

/* Below p again, where the number (with a carry before it) is below 2 p. */
static void
reduce(const struct curve *curve, bm_limb *number, bm_limb carry)
{
    if (carry > 0 || !less(number, curve->p, curve->n))
        (void)subtract(number, number, curve->p, curve->n);
}

/* One limb of b: t = (t + a b) / 2^(its bits) modulo p, where t has n limbs and a carry (P. Montgomery 1985; "FIOS" in Koc, Acar, Kaliski 1996). */
static inline void
multiply_limb(const struct curve *curve, bm_limb *t, const bm_limb *a, bm_limb b, size_t n)
{
    bm_limb_wide sum = (bm_limb_wide)a[0] * b + t[0], low;
    const bm_limb m = (bm_limb)sum * curve->clear; /* sum + m p ends in a limb of zeros */

    low = ((bm_limb_wide)m * curve->p[0] + (bm_limb)sum) >> BM_LIMB_BITS;
    sum >>= BM_LIMB_BITS;
    BM_LIMB_UNROLL
    for (size_t i = 1; i < n; i++) {
        sum += (bm_limb_wide)a[i] * b + t[i];
        low += (bm_limb_wide)m * curve->p[i] + (bm_limb)sum;
        t[i - 1] = (bm_limb)low;
        sum >>= BM_LIMB_BITS;
        low >>= BM_LIMB_BITS;
    }
    sum += t[n];
    low += (bm_limb)sum;
    t[n - 1] = (bm_limb)low;
    t[n] = (bm_limb)(sum >> BM_LIMB_BITS) + (bm_limb)(low >> BM_LIMB_BITS);
}

static BM_LIMB_INLINE void
multiply_limbs(const struct curve *curve, bm_limb *ret, const bm_limb *a, const bm_limb *b, size_t n)
{
    bm_limb t[LIMBS_MAX + 1] = { 0 };

    BM_LIMB_UNROLL
    for (size_t i = 0; i < n; i++)
        multiply_limb(curve, t, a, b[i], n);
    reduce(curve, t, t[n]);
    memcpy(ret, t, n * sizeof(*t));
}

/* a b / R modulo p, of two numbers below p. */
static void
multiply(const struct curve *curve, bm_limb *ret, const bm_limb *a, const bm_limb *b)
{
    if (curve->n == P256) /* which the compiler knows: no loop is left, and no product with a zero */
        multiply_limbs(&p256, ret, a, b, P256);
    else
        multiply_limbs(&p384, ret, a, b, P384);
}

static void
limbs_take(bm_limb *ret, size_t n, const uint8_t *octets)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *at = octets + OCTETS * (n - 1 - i);

        ret[i] = 0;
        for (size_t k = 0; k < OCTETS; k++)
            ret[i] = ret[i] << 8 | at[k];
    }
}

static bool
equation_holds(const struct curve *curve, const uint8_t *x_octets, const uint8_t *y_octets)
{
    static const bm_limb one[LIMBS_MAX] = { 1 };
    bm_limb x[LIMBS_MAX], y[LIMBS_MAX], right[LIMBS_MAX];
    const size_t n = curve->n;

    limbs_take(x, n, x_octets);
    limbs_take(y, n, y_octets);
    if (!less(x, curve->p, n) || !less(y, curve->p, n))
        return false;
    /* (x^2 - 3) x + b */
    multiply(curve, right, x, x);
    if (subtract(right, right, curve->three, n) > 0)
        (void)add(right, right, curve->p, n);
    multiply(curve, right, right, x);
    reduce(curve, right, add(right, right, curve->b, n));
    multiply(curve, y, y, y);
    multiply(curve, y, y, one);
    return memcmp(y, right, n * sizeof(*y)) == 0;
}

static const struct curve *
curve_of(enum bm_key_alg alg)
{
    return alg == BM_KEY_P256 ? &p256 : &p384;
}

bool
bm_point_shaped(enum bm_key_alg alg, struct bm_bytes point)
{
    return point.n == 1 + 2 * OCTETS * curve_of(alg)->n && point.p[0] == 4;
}

bool
bm_point_on_curve(enum bm_key_alg alg, struct bm_bytes point)
{
    const struct curve *curve = curve_of(alg);

    return bm_point_shaped(alg, point) && equation_holds(curve, point.p + 1, point.p + 1 + OCTETS * curve->n);
}

/* Little endian y, the sign bit of x aside, of the points whose order divides 8; the last three are not canonical. */
static const uint8_t small_order[][32] = {
    { 0 },
    { 1 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};

bool
bm_point_small_order(struct bm_bytes key)
{
    uint8_t y[32];

    if (key.n != sizeof(y))
        return false;
    memcpy(y, key.p, sizeof(y));
    y[31] &= 0x7f;
    for (size_t i = 0; i < BM_COUNT(small_order); i++)
        if (memcmp(y, small_order[i], sizeof(y)) == 0)
            return true;
    return false;
}
