/* test_each.c - the hashes of libbirthmark, which allocate nothing, are EVP's: every length up to some blocks, whole and in pieces, and a long text. */
#include "digest/digest.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define LONG 1000003

static void
both_agree(const uint8_t *text, size_t n)
{
    uint8_t want[BM_HASH], hash[BM_HASH];
    const struct bm_bytes pieces[] = { bm_bytes(text, n / 3), bm_bytes(NULL, 0), bm_bytes(text + n / 3, n - n / 3) };

    assert_int_equal(EVP_Digest(text, n, want, NULL, EVP_sha256(), NULL), 1);
    bm_sha256(hash, bm_bytes(text, n));
    assert_memory_equal(hash, want, BM_HASH);
    bm_sha256_pieces(hash, pieces, BM_COUNT(pieces));
    assert_memory_equal(hash, want, BM_HASH);
    assert_int_equal(EVP_Digest(text, n, want, NULL, EVP_sha1(), NULL), 1);
    bm_sha1(hash, bm_bytes(text, n));
    assert_memory_equal(hash, want, BM_SHA1);
}

static void
the_hashes_are_libcryptos(void **state)
{
    uint8_t *text = malloc(LONG);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < LONG; i++)
        text[i] = (uint8_t)(i * i >> 3);
    for (size_t n = 0; n <= 300; n++)
        both_agree(text, n);
    both_agree(text, LONG);
    free(text);
}

static void
the_codes_are_libcryptos(void **state)
{
    uint8_t key[150], want[BM_HASH], code[BM_HASH];

    (void)state;
    memset(key, 0x5a, sizeof(key));
    for (size_t n = 1; n <= sizeof(key); n++) {
        assert_non_null(HMAC(EVP_sha256(), key, (int)n, key, n / 2, want, NULL));
        bm_hmac256(code, bm_bytes(key, n), bm_bytes(key, n / 2));
        assert_memory_equal(code, want, BM_HASH);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_hashes_are_libcryptos), cmocka_unit_test(the_codes_are_libcryptos) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
