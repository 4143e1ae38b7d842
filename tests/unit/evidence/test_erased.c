/* test_erased.c - a device's word of what it erased: what its key signed is read, every other text is refused. */
#include "kit.h"

#include "evidence/erased.h"
#include "pki/private.h"

static struct bm_fail why;

static const struct bm_erased said = { .time = 1795469649,
                                       .identities = { { .service = "https", .key = { 1 } }, { .service = "mqtt", .key = { 2 } } },
                                       .nidentities = 2,
                                       .sealed = 3 };

static void
word_make(struct bm_buf *text, struct bm_private **ret_key, enum bm_key_alg alg)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };

    assert_int_equal(bm_private_generate(ret_key, alg, &why), BM_OK);
    bm_erased_build(text, &said, bm_key_spki(bm_private_public(*ret_key)));
    assert_int_equal(bm_private_sign(*ret_key, bm_buf_bytes(text), &signature, &why), BM_OK);
    bm_erased_end(text, bm_buf_bytes(&signature));
    assert_false(text->bad);
}

static void
what_a_key_signed_is_read(void **state)
{
    static const enum bm_key_alg algs[] = { BM_KEY_P256, BM_KEY_P384 };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;

    (void)state;
    assert_int_equal(bm_crypto_new(&crypto, &why), BM_OK);
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_ERASED };
        bm_cleanup(bm_private_done) struct bm_private *key = NULL;
        struct bm_erased erased;

        word_make(&text, &key, algs[i]);
        assert_int_equal(bm_erased_check(&erased, bm_buf_bytes(&text), crypto, &why), BM_OK);
        assert_int_equal(erased.time, said.time);
        assert_int_equal(erased.nidentities, 2);
        assert_string_equal(erased.identities[1].service, "mqtt");
        assert_memory_equal(erased.identities[1].key, said.identities[1].key, BM_HASH);
        assert_int_equal(erased.sealed, 3);
        assert_memory_equal(erased.key, bm_private_public(key)->hash, BM_HASH);
    }
}

static void
nothing_else_is(void **state)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_ERASED }, other = { .max = BM_MAX_ERASED };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL, *another = NULL;
    struct bm_erased erased;
    const uint8_t *signature;

    (void)state;
    assert_int_equal(bm_crypto_new(&crypto, &why), BM_OK);
    word_make(&text, &key, BM_KEY_P256);
    word_make(&other, &another, BM_KEY_P256);
    for (size_t n = 0; n < text.n; n++)
        assert_int_not_equal(bm_erased_check(&erased, bm_bytes(text.p, n), crypto, &why), BM_OK);
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] ^= 1;
        assert_int_not_equal(bm_erased_check(&erased, bm_buf_bytes(&text), crypto, &why), BM_OK);
        text.p[i] ^= 1;
    }
    bm_buf_add_str(&text, "sealed 1\n"); /* something behind it */
    assert_int_equal(bm_erased_check(&erased, bm_buf_bytes(&text), crypto, &why), BM_EINPUT);
    text.n -= strlen("sealed 1\n");
    /* another's signature */
    signature = memmem(other.p, other.n, "\nsignature ", 11);
    text.n = (size_t)((const uint8_t *)memmem(text.p, text.n, "\nsignature ", 11) - text.p);
    bm_buf_add(&text, signature, other.n - (size_t)(signature - other.p));
    assert_int_equal(bm_erased_check(&erased, bm_buf_bytes(&text), crypto, &why), BM_EPOLICY);
    assert_non_null(strstr(why.text, "did not sign it"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_key_signed_is_read),
        cmocka_unit_test(nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
