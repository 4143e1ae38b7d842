/* test_wycheproof.c - bm_key_verify against C2SP/wycheproof: nothing invalid verifies, nothing valid is refused. */
#include "wycheproof.h"

static const struct {
    const char *file;
    enum bm_sig_alg alg;
} files[] = {
    { "ecdsa_secp256r1_sha256_test.json", BM_SIG_ECDSA_SHA256 },
    { "ecdsa_secp384r1_sha384_test.json", BM_SIG_ECDSA_SHA384 },
    { "ed25519_test.json", BM_SIG_ED25519 },
    { "rsa_pss_2048_sha256_mgf1_32_test.json", BM_SIG_RSA_PSS_SHA256 },
    { "rsa_signature_2048_sha256_test.json", BM_SIG_RSA_SHA256 },
    { "rsa_signature_3072_sha256_test.json", BM_SIG_RSA_SHA256 },
    { "rsa_signature_4096_sha256_test.json", BM_SIG_RSA_SHA256 },
};

static void
case_check(struct bm_crypto *crypto, const char *file, const json_t *group, const json_t *test, enum bm_sig_alg alg)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 65536 }, msg = { .max = 65536 }, sig = { .max = 65536 };
    const char *result = wycheproof_string(test, "result");
    struct bm_key key;
    enum bm_rc rc;

    wycheproof_bytes(&spki, group, "publicKeyDer");
    wycheproof_bytes(&msg, test, "msg");
    wycheproof_bytes(&sig, test, "sig");
    rc = bm_key_parse(&key, bm_buf_bytes(&spki), &kit_fail);
    /* keys with an exponent of 3 are good there and refused here */
    if (rc == BM_EINPUT && strstr(kit_fail.text, "exponent") != NULL)
        return;
    if (rc == BM_OK)
        rc = bm_key_verify(crypto, &key, alg, bm_buf_bytes(&msg), bm_buf_bytes(&sig), &kit_fail);
    if ((strcmp(result, "invalid") == 0 && rc != BM_EPOLICY && rc != BM_EINPUT) || (strcmp(result, "valid") == 0 && rc != BM_OK))
        fail_msg("%s case %lld (%s) is %s, but we say %s: %s", file, (long long)json_integer_value(json_object_get(test, "tcId")),
                 wycheproof_string(test, "comment"), result, bm_rc_word(rc), kit_fail.text);
}

static void
every_vector_comes_out_as_it_says(void **state)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    char archive[BM_PATH];
    size_t count = 0;

    (void)state;
    if (!kit_shared_path(archive, WYCHEPROOF))
        kit_skip(KIT_NO_SHARED);
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(files); i++) {
        json_t *json, *group, *test;
        size_t g, t;

        assert_non_null(json = wycheproof_load(archive, files[i].file));
        json_array_foreach(json_object_get(json, "testGroups"), g, group)
        {
            json_array_foreach(json_object_get(group, "tests"), t, test)
            {
                case_check(crypto, files[i].file, group, test, files[i].alg);
                count++;
            }
        }
        json_decref(json);
    }
    print_message("%zu vectors\n", count);
    assert_true(count > 1500);
}

/* Public keys of a test of key agreement: off the curve, of other curves, on curves that are spelled out. A P-256 key of ours is only what is one. */
static void
public_keys_are_taken_only_from_the_curve(void **state)
{
    char archive[BM_PATH];
    json_t *json, *group, *test;
    size_t count = 0, g, t;

    (void)state;
    if (!kit_shared_path(archive, WYCHEPROOF))
        kit_skip(KIT_NO_SHARED);
    assert_non_null(json = wycheproof_load(archive, "ecdh_secp256r1_test.json"));
    json_array_foreach(json_object_get(json, "testGroups"), g, group)
    {
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 65536 };
            const char *result = wycheproof_string(test, "result");
            struct bm_key key = { .alg = 0 };
            bool taken;

            wycheproof_bytes(&spki, test, "public");
            taken = bm_key_parse(&key, bm_buf_bytes(&spki), &kit_fail) == BM_OK && key.alg == BM_KEY_P256;
            if ((strcmp(result, "valid") == 0 && !taken) || (strcmp(result, "valid") != 0 && taken))
                fail_msg("case %lld (%s) is %s: %s", (long long)json_integer_value(json_object_get(test, "tcId")),
                         wycheproof_string(test, "comment"), result, kit_fail.text);
            count++;
        }
    }
    json_decref(json);
    assert_true(count > 500);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_vector_comes_out_as_it_says),
                                        cmocka_unit_test(public_keys_are_taken_only_from_the_curve) };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
