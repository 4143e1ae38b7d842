#include "pki/point.h"

#define LIMBS_MAX 12

/*
 * y^2 = x^3 - 3x + b over the integers modulo p (SP 800-186 3.2.1). Both curves have a = -3. Numbers are 32-bit limbs, the lowest first. Every product is
 * Montgomery's, which divides by R = 2^(32 n), so that both sides are compared as they come out of two products after each other: divided by R^2. A list of
 * chips has millions of points, and libcrypto's big numbers take five times as long. Nothing here is secret: it need not run in constant time.
 */
struct curve {
    size_t n;                  /* limbs of a coordinate */
    uint32_t p[LIMBS_MAX];     /* -1 modulo 2^32, both: what Montgomery multiplies p by is the limb that is to go */
    uint32_t three[LIMBS_MAX]; /* 3 / R modulo p */
    uint32_t b[LIMBS_MAX];     /* b / R^2 modulo p */
};

static const struct curve p256 = {
    .n = 8,
    .p = { 0xffffffff, 0xffffffff, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000001, 0xffffffff },
    .three = { 0x00000002, 0x00000009, 0xfffffffa, 0x00000003, 0x00000006, 0xfffffff7, 0x00000009, 0xfffffffc },
    .b = { 0x4584a137, 0xe59be0a6, 0x9ca065a7, 0xfc3521eb, 0xa0f45303, 0x7c178684, 0xd948431a, 0x3081dc38 },
};
static const struct curve p384 = {
    .n = 12,
    .p = { 0xffffffff, 0x00000000, 0x00000000, 0xffffffff, 0xfffffffe, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
           0xffffffff, 0xffffffff },
    .three = { 0x00000012, 0xffffffa3, 0xffffff8a, 0xffffffc3, 0xfffffff9, 0xfffffff3, 0xfffffff0, 0xfffffff6, 0x00000008, 0x00000024,
               0x0000003c, 0x0000003c },
    .b = { 0x4a4651db, 0x915a902a, 0x919d89c2, 0x2c9f09fa, 0x80408afd, 0xfc7a73ca, 0x2ed86bff, 0x9e15936d, 0xabbab844, 0xbefd4246,
           0x8f62a21c, 0xf7cd02a7 },
};

static bool
less(const uint32_t *a, const uint32_t *b, size_t n)
{
    while (n > 0 && a[n - 1] == b[n - 1])
        n--;
    return n > 0 && a[n - 1] < b[n - 1];
}

/* a - b modulo 2^(32 n); the borrow. */
static uint32_t
subtract(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t v = (uint64_t)a[i] - b[i] - borrow;

        ret[i] = (uint32_t)v;
        borrow = v >> 63;
    }
    return (uint32_t)borrow;
}

static uint32_t
add(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < n; i++) {
        carry += (uint64_t)a[i] + b[i];
        ret[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)carry;
}

/* Below p again, where the number (with a carry before it) is below 2 p. */
static void
reduce(const struct curve *curve, uint32_t *number, uint32_t carry)
{
    if (carry > 0 || !less(number, curve->p, curve->n))
        (void)subtract(number, number, curve->p, curve->n);
}

/* One limb of b: t = (t + a b) / 2^32 modulo p, where t has n limbs and a carry (P. Montgomery 1985; "FIOS" in Koc, Acar, Kaliski 1996). */
static void
multiply_limb(const struct curve *curve, uint32_t *t, const uint32_t *a, uint32_t b)
{
    uint64_t sum = (uint64_t)a[0] * b + t[0], low;
    const uint32_t m = (uint32_t)sum; /* sum + m p ends in a limb of zeros */

    low = ((uint64_t)m * curve->p[0] + m) >> 32;
    sum >>= 32;
    for (size_t i = 1; i < curve->n; i++) {
        sum += (uint64_t)a[i] * b + t[i];
        low += (uint64_t)m * curve->p[i] + (uint32_t)sum;
        t[i - 1] = (uint32_t)low;
        sum >>= 32;
        low >>= 32;
    }
    sum += t[curve->n];
    low += (uint32_t)sum;
    t[curve->n - 1] = (uint32_t)low;
    t[curve->n] = (uint32_t)(sum >> 32) + (uint32_t)(low >> 32);
}

/* a b / R modulo p, of two numbers below p. */
static void
multiply(const struct curve *curve, uint32_t *ret, const uint32_t *a, const uint32_t *b)
{
    uint32_t t[LIMBS_MAX + 1] = { 0 };

    for (size_t i = 0; i < curve->n; i++)
        multiply_limb(curve, t, a, b[i]);
    reduce(curve, t, t[curve->n]);
    memcpy(ret, t, curve->n * sizeof(*t));
}

static void
limbs_take(uint32_t *ret, size_t n, const uint8_t *octets)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *at = octets + 4 * (n - 1 - i);

        ret[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
}

static bool
equation_holds(const struct curve *curve, const uint8_t *x_octets, const uint8_t *y_octets)
{
    static const uint32_t one[LIMBS_MAX] = { 1 };
    uint32_t x[LIMBS_MAX], y[LIMBS_MAX], right[LIMBS_MAX];
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
    return point.n == 1 + 2 * 4 * curve_of(alg)->n && point.p[0] == 4;
}

bool
bm_point_on_curve(enum bm_key_alg alg, struct bm_bytes point)
{
    const struct curve *curve = curve_of(alg);

    return bm_point_shaped(alg, point) && equation_holds(curve, point.p + 1, point.p + 1 + 4 * curve->n);
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
