/* test_nonce.c - nonces live for two epochs, and belong to one purpose, one subject and one signer. */
#include "evidence/nonce.h"

#include <setjmp.h>

#include <cmocka.h>

static const struct bm_secret k = { .b = "0123456789abcdef0123456789abcdef", .n = 32 };
static const uint8_t subject[BM_HASH] = "a root key's hash, 32 bytes long";

static enum bm_rc
check(const char *purpose, const uint8_t who[static BM_HASH], bm_time now, const uint8_t *nonce, size_t n)
{
    struct bm_fail fail = { 0 };

    return bm_nonce_check(&k, purpose, who, now, bm_bytes(nonce, n), &fail);
}

/* { printf 'birthmark/nonce/v1\nroot-signed\n'; printf "a root key's hash, 32 bytes long"; printf '\0\0\0\0\0\x5b\x51\x2c'; } |
 *   openssl mac -digest SHA256 -macopt key:0123456789abcdef0123456789abcdef HMAC */
static void
is_the_hmac_of_its_format(void **state)
{
    static const uint8_t want[BM_NONCE] = {
        0xe6, 0xeb, 0xed, 0xa4, 0xdf, 0x32, 0x99, 0xef, 0x9f, 0xdc, 0xe9, 0xf8, 0xe4, 0xb5, 0x5b, 0xf6,
        0x57, 0xa2, 0x8d, 0xb6, 0x2e, 0xa2, 0x90, 0x16, 0x7d, 0x38, 0xce, 0x4d, 0x40, 0xac, 0xf0, 0x00,
    };
    uint8_t nonce[BM_NONCE];

    (void)state;
    bm_nonce_make(nonce, &k, "root-signed", subject, 0x5b512c);
    assert_memory_equal(nonce, want, BM_NONCE);
}

/* proves: RFC5272 6.6 */
static void
is_good_for_its_own_epoch_and_the_next(void **state)
{
    const bm_time begin = (bm_time)BM_NONCE_EPOCH * 1000;
    uint8_t nonce[BM_NONCE];

    (void)state;
    bm_nonce_make(nonce, &k, "root-signed", subject, 1000);
    assert_int_equal(check("root-signed", subject, begin - 1, nonce, BM_NONCE), BM_EPOLICY);
    assert_int_equal(check("root-signed", subject, begin, nonce, BM_NONCE), BM_OK);
    assert_int_equal(check("root-signed", subject, begin + 2 * BM_NONCE_EPOCH - 1, nonce, BM_NONCE), BM_OK);
    assert_int_equal(check("root-signed", subject, begin + 2 * BM_NONCE_EPOCH, nonce, BM_NONCE), BM_EPOLICY);
}

static void
belongs_to_one_purpose_subject_and_length(void **state)
{
    const bm_time now = 1795469649;
    uint8_t nonce[BM_NONCE + 1] = { 0 }, other[BM_HASH] = { 0 };

    (void)state;
    bm_nonce_make(nonce, &k, "root-signed", subject, (uint64_t)now / BM_NONCE_EPOCH);
    assert_int_equal(check("root-signed", subject, now, nonce, BM_NONCE), BM_OK);
    assert_int_equal(check("tpm-activate", subject, now, nonce, BM_NONCE), BM_EPOLICY);
    assert_int_equal(check("root-signed", other, now, nonce, BM_NONCE), BM_EPOLICY);
    assert_int_equal(check("root-signed", subject, now, nonce, BM_NONCE + 1), BM_EPOLICY);
    for (size_t n = 0; n < BM_NONCE; n++)
        assert_int_equal(check("root-signed", subject, now, nonce, n), BM_EPOLICY);
    for (size_t bit = 0; bit < 8 * BM_NONCE; bit++) {
        nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(check("root-signed", subject, now, nonce, BM_NONCE), BM_EPOLICY);
        nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void
takes_any_time(void **state)
{
    static const bm_time times[] = { INT64_MIN, -1, 0, 1, BM_NONCE_EPOCH, INT64_MAX };
    uint8_t nonce[BM_NONCE] = { 0 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(times); i++)
        assert_int_equal(check("root-signed", subject, times[i], nonce, BM_NONCE), BM_EPOLICY);
    bm_nonce_make(nonce, &k, "root-signed", subject, 0);
    assert_int_equal(check("root-signed", subject, 0, nonce, BM_NONCE), BM_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_hmac_of_its_format),
        cmocka_unit_test(is_good_for_its_own_epoch_and_the_next),
        cmocka_unit_test(belongs_to_one_purpose_subject_and_length),
        cmocka_unit_test(takes_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
