/* test_point.c - which points are on the curve: every answer is libcrypto's. */
#include "kit.h"

#include "pki/point.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#define POINT_MAX 97

struct twin { /* the curve as libcrypto has it */
    enum bm_key_alg alg;
    EC_GROUP *group;
    BIGNUM *p;
    int octets;
    BN_CTX *ctx;
};

static void
twin_open(struct twin *twin, enum bm_key_alg alg)
{
    *twin = (struct twin){ .alg = alg, .octets = alg == BM_KEY_P256 ? 32 : 48, .p = BN_new(), .ctx = BN_CTX_new() };
    twin->group = EC_GROUP_new_by_curve_name(alg == BM_KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
    assert_true(twin->group != NULL && EC_GROUP_get_curve(twin->group, twin->p, NULL, NULL, twin->ctx) == 1);
}

static void
twin_close(struct twin *twin)
{
    EC_GROUP_free(twin->group);
    BN_free(twin->p);
    BN_CTX_free(twin->ctx);
}

/* Both sides give one answer, which comes back. Coordinates at or above the prime are not taken by libcrypto either. */
static bool
agreed(const struct twin *twin, const uint8_t *point)
{
    const size_t n = 1 + 2 * (size_t)twin->octets;
    EC_POINT *theirs = EC_POINT_new(twin->group);
    bool on = EC_POINT_oct2point(twin->group, theirs, point, n, twin->ctx) == 1;
    bool ours = bm_point_on_curve(twin->alg, bm_bytes(point, n));

    EC_POINT_free(theirs);
    if (on != ours) {
        char hex[2 * POINT_MAX + 1];

        bm_hex(hex, bm_bytes(point, n));
        fail_msg("libcrypto says %d, we say %d: %s", on, ours, hex);
    }
    return ours;
}

static void
point_write(const struct twin *twin, uint8_t *ret, const BIGNUM *x, const BIGNUM *y)
{
    ret[0] = 4;
    assert_true(BN_bn2binpad(x, ret + 1, twin->octets) == twin->octets);
    assert_true(BN_bn2binpad(y, ret + 1 + twin->octets, twin->octets) == twin->octets);
}

/* A point of the curve that libcrypto draws. */
static void
point_draw(const struct twin *twin, BIGNUM *x, BIGNUM *y)
{
    EC_POINT *point = EC_POINT_new(twin->group);
    BIGNUM *k = BN_new();

    assert_true(BN_rand_range(k, twin->p) == 1 && EC_POINT_mul(twin->group, point, k, NULL, NULL, twin->ctx) == 1 &&
                EC_POINT_get_affine_coordinates(twin->group, point, x, y, twin->ctx) == 1);
    BN_free(k);
    EC_POINT_free(point);
}

static void
drawn_points_and_their_neighbours(const struct twin *twin)
{
    BIGNUM *x = BN_new(), *y = BN_new(), *other = BN_new();
    uint8_t point[POINT_MAX];

    for (int i = 0; i < 2000; i++) {
        point_draw(twin, x, y);
        point_write(twin, point, x, y);
        assert_true(agreed(twin, point));
        point[1 + (size_t)i % (2 * (size_t)twin->octets)] ^= (uint8_t)(1 << i % 8);
        assert_false(agreed(twin, point));
        assert_true(BN_sub(other, twin->p, y) == 1);
        point_write(twin, point, x, other);
        assert_true(agreed(twin, point));
        point_write(twin, point, y, x);
        (void)agreed(twin, point);
        point[0] = 6;
        assert_false(bm_point_on_curve(twin->alg, bm_bytes(point, 1 + 2 * (size_t)twin->octets)));
    }
    BN_free(x);
    BN_free(y);
    BN_free(other);
}

/* x with each y that there is for it, and with the others that a wrong reduction would mistake for them. */
static void
edge_try(const struct twin *twin, const BIGNUM *x, size_t *on)
{
    const size_t n = (size_t)twin->octets;
    EC_POINT *theirs = EC_POINT_new(twin->group);
    BIGNUM *tx = BN_new(), *y = BN_new();
    uint8_t point[POINT_MAX];

    for (int sign = 0; sign < 2; sign++)
        if (EC_POINT_set_compressed_coordinates(twin->group, theirs, x, sign, twin->ctx) == 1 &&
            EC_POINT_get_affine_coordinates(twin->group, theirs, tx, y, twin->ctx) == 1) {
            point_write(twin, point, tx, y);
            assert_true(agreed(twin, point));
            (*on)++;
            point_write(twin, point, x, y);
            (void)agreed(twin, point);
            if (BN_add(y, y, twin->p) == 1 && BN_num_bits(y) <= twin->octets * 8) {
                point_write(twin, point, tx, y);
                assert_false(agreed(twin, point));
            }
        }
    point_write(twin, point, x, x);
    for (int fill = 0; fill < 3; fill++) {
        (void)agreed(twin, point);
        memset(point + 1 + n, fill == 0 ? 0 : 0xff, n);
    }
    BN_free(tx);
    BN_free(y);
    EC_POINT_free(theirs);
}

/* Around 0, around the prime, around what a limb holds; and every x below 2^(8 octets) that is a small one and the prime. */
static void
edges(const struct twin *twin)
{
    BIGNUM *x = BN_new();
    size_t on = 0;

    for (int shift = 0; shift <= twin->octets * 8; shift += 32)
        for (unsigned small = 0; small < 40; small++) {
            assert_true(BN_one(x) == 1 && BN_lshift(x, x, shift) == 1 && BN_sub_word(x, small < 20 ? 20 - small : 0) == 1 &&
                        BN_add_word(x, small < 20 ? 0 : small - 20) == 1);
            if (!BN_is_negative(x) && BN_num_bits(x) <= twin->octets * 8)
                edge_try(twin, x, &on);
        }
    for (unsigned small = 0; small < 400; small++) {
        assert_true(BN_copy(x, twin->p) != NULL && BN_sub_word(x, 200) == 1 && BN_add_word(x, small) == 1);
        edge_try(twin, x, &on);
    }
    assert_true(on > 400);
    BN_free(x);
}

static void
the_curves_answers_are_libcryptos(void **state)
{
    static const enum bm_key_alg algs[] = { BM_KEY_P256, BM_KEY_P384 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        struct twin twin;

        twin_open(&twin, algs[i]);
        drawn_points_and_their_neighbours(&twin);
        edges(&twin);
        twin_close(&twin);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_curves_answers_are_libcryptos) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
