/* test_digest.c - SHA-256 and HMAC give the published values, in pieces and at once, with keys of every length class. */
#include "digest/digest.h"

#include <setjmp.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* FIPS 180-4's own example. */
static void
sha256_of_abc(void **state)
{
    static const uint8_t want[BM_HASH] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                           0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
    const struct bm_bytes pieces[] = { bm_bytes_str("a"), bm_bytes(NULL, 0), bm_bytes_str("bc") };
    uint8_t hash[BM_HASH];

    (void)state;
    bm_sha256(hash, bm_bytes_str("abc"));
    assert_memory_equal(hash, want, sizeof(want));
    bm_sha256_pieces(hash, pieces, BM_COUNT(pieces));
    assert_memory_equal(hash, want, sizeof(want));
}

/* Every beginning of more than two blocks, by itself and as what it is the beginning of. */
static void
a_text_and_its_beginning_are_hashed_at_once(void **state)
{
    uint8_t text[150], begins[BM_HASH], all[BM_HASH], want[BM_HASH];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)i;
    for (size_t n = 0; n <= sizeof(text); n++) {
        bm_sha256_begins(begins, all, bm_bytes(text, sizeof(text)), n);
        bm_sha256(want, bm_bytes(text, n));
        assert_memory_equal(begins, want, sizeof(want));
        bm_sha256(want, bm_bytes(text, sizeof(text)));
        assert_memory_equal(all, want, sizeof(want));
    }
}

static void
sha1_of_abc(void **state)
{
    static const uint8_t want[BM_SHA1] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                           0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
    uint8_t hash[BM_SHA1];

    (void)state;
    for (int i = 0; i < 2; i++) { /* the second time with what the first one kept */
        bm_sha1(hash, bm_bytes_str("abc"));
        assert_memory_equal(hash, want, sizeof(want));
    }
}

/* RFC 4231 4.2's example, then every key length around the block against libcrypto. */
static void
hmac_agrees_with_others(void **state)
{
    static const uint8_t want[BM_HASH] = { 0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b,
                                           0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7 };
    uint8_t key[130], hash[BM_HASH], theirs[BM_HASH];
    unsigned n;

    (void)state;
    memset(key, 0x0b, sizeof(key));
    bm_hmac256(hash, bm_bytes(key, 20), bm_bytes_str("Hi There"));
    assert_memory_equal(hash, want, sizeof(want));
    for (size_t k = 1; k < sizeof(key); k++) {
        bm_hmac256(hash, bm_bytes(key, k), bm_bytes(key, k));
        assert_non_null(HMAC(EVP_sha256(), key, (int)k, key, k, theirs, &n));
        assert_memory_equal(hash, theirs, sizeof(theirs));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sha256_of_abc), cmocka_unit_test(a_text_and_its_beginning_are_hashed_at_once),
                                        cmocka_unit_test(sha1_of_abc), cmocka_unit_test(hmac_agrees_with_others) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
