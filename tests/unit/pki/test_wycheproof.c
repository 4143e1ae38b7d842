/* test_wycheproof.c - bm_key_verify against C2SP/wycheproof: nothing invalid verifies, nothing valid is refused. */
#include "kit.h"

#include <jansson.h>

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

static const char *
string_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    assert_non_null(s);
    return s;
}

static void
bytes_of(struct bm_buf *buf, const json_t *object, const char *name)
{
    const char *hex = string_of(object, name);
    uint8_t *at;

    if (hex[0] == 0)
        return;
    at = bm_buf_grow(buf, strlen(hex) / 2);
    assert_ok(bm_hex_parse(at, strlen(hex) / 2, bm_bytes_str(hex), &kit_fail));
}

static void
case_check(struct bm_crypto *crypto, const char *file, const json_t *group, const json_t *test, enum bm_sig_alg alg)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 65536 }, msg = { .max = 65536 }, sig = { .max = 65536 };
    const char *result = string_of(test, "result");
    struct bm_key key;
    enum bm_rc rc;

    bytes_of(&spki, group, "publicKeyDer");
    bytes_of(&msg, test, "msg");
    bytes_of(&sig, test, "sig");
    rc = bm_key_parse(&key, bm_buf_bytes(&spki), &kit_fail);
    /* keys with an exponent of 3 are good there and refused here */
    if (rc == BM_EINPUT && strstr(kit_fail.text, "exponent") != NULL)
        return;
    if (rc == BM_OK)
        rc = bm_key_verify(crypto, &key, alg, bm_buf_bytes(&msg), bm_buf_bytes(&sig), &kit_fail);
    if ((strcmp(result, "invalid") == 0 && rc != BM_EPOLICY && rc != BM_EINPUT) || (strcmp(result, "valid") == 0 && rc != BM_OK))
        fail_msg("%s case %lld (%s) is %s, but we say %s: %s", file, (long long)json_integer_value(json_object_get(test, "tcId")),
                 string_of(test, "comment"), result, bm_rc_word(rc), kit_fail.text);
}

static json_t *
member_load(const char *archive, const char *file)
{
    char command[BM_PATH + 128];
    json_t *json;
    FILE *f;

    (void)snprintf(command, sizeof(command), "tar -xzOf '%s' 'testvectors_v1/%s'", archive, file);
    assert_non_null(f = popen(command, "r"));
    json = json_loadf(f, 0, NULL);
    assert_int_equal(pclose(f), 0);
    return json;
}

static void
every_vector_comes_out_as_it_says(void **state)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    char archive[BM_PATH];
    size_t count = 0;

    (void)state;
    if (!kit_shared_path(archive, "suites/wycheproof_subset.tar.gz"))
        kit_skip(KIT_NO_SHARED);
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(files); i++) {
        json_t *json, *group, *test;
        size_t g, t;

        assert_non_null(json = member_load(archive, files[i].file));
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

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_vector_comes_out_as_it_says) };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
