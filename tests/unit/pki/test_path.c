/* test_path.c - bm_path_check against C2SP/x509-limbo and the real chains of TPM makers. */
#include "kit.h"

#include "pki/cert.h"

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define MAX 192

/* Certificates copied out of PEM. */
struct set {
    struct bm_bytes der[MAX];
    size_t n;
};

static void
set_done(struct set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        void *p = NULL;

        memcpy(&p, &set->der[i].p, sizeof(p));
        free(p);
    }
    set->n = 0;
}

static enum bm_rc
set_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct set *set = ctx;
    uint8_t *copy;
    enum bm_rc rc = bm_bytes_dup(&copy, der, fail);

    assert_true(set->n < MAX);
    if (rc == BM_OK)
        set->der[set->n++] = bm_bytes(copy, der.n);
    return rc;
}

static struct bm_certs
certs_of(const struct set *set)
{
    return (struct bm_certs){ set->der, set->n };
}

static bool
set_read(struct set *set, const char *file)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1 << 20 };

    if (!kit_shared(&text, file))
        return false;
    assert_ok(bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", set_add, set, &kit_fail));
    return true;
}

#define AT 1795000000 /* 2026-11-18 */

static void
the_chains_of_tpm_makers_verify(void **state)
{
    bm_cleanup(set_done) struct set roots = { .n = 0 }, between = { .n = 0 }, leaf = { .n = 0 }, none = { .n = 0 };
    size_t good = 0;

    (void)state;
    if (!set_read(&roots, "data/tpm/tpm_roots_26.pem") || !set_read(&between, "data/tpm/tpm_intermediates_143.pem") ||
        !set_read(&leaf, "data/tpm/st-ek-rsa.pem"))
        kit_skip(KIT_NO_SHARED);
    for (size_t i = 0; i < between.n; i++) {
        if (bm_path_check(between.der[i], certs_of(&between), certs_of(&roots), AT, &kit_fail) == BM_OK)
            good++;
        else
            print_message("intermediate %zu: %s\n", i, kit_fail.text);
    }
    print_message("%zu of %zu intermediates verify\n", good, between.n);
    /* the endorsement certificate has an empty subject and a critical subjectAltName */
    assert_ok(bm_path_check(leaf.der[0], certs_of(&between), certs_of(&roots), AT, &kit_fail));
    assert_rc(BM_EPOLICY, bm_path_check(leaf.der[0], certs_of(&between), certs_of(&none), AT, &kit_fail));
    assert_rc(BM_EPOLICY, bm_path_check(leaf.der[0], certs_of(&none), certs_of(&roots), AT, &kit_fail));
    assert_int_equal(good, between.n);
}

/* A self-signed root and a leaf under it, made by libcrypto. */
static enum bm_rc
path_signed_with(EVP_PKEY *root_key, const EVP_MD *md, const char *anchor_name)
{
    bm_cleanup(set_done) struct set set = { .n = 0 };
    EVP_PKEY *leaf_key = EVP_EC_gen("P-256");

    for (int i = 0; i < 2; i++) {
        X509 *cert = X509_new();
        uint8_t *der = NULL;
        int n;

        assert_int_equal(X509_set_version(cert, 2), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1 + i), 1);
        assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), AT - 10));
        assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), AT + 10));
        X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_UTF8, (const uint8_t *)"root", -1, -1, 0);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const uint8_t *)(i == 0 ? anchor_name : "leaf"), -1,
                                   -1, 0);
        assert_int_equal(X509_set_pubkey(cert, i == 0 ? root_key : leaf_key), 1);
        if (i == 0) {
            X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

            assert_int_equal(X509_add_ext(cert, ca, -1), 1);
            X509_EXTENSION_free(ca);
        }
        assert_true(X509_sign(cert, root_key, md) > 0);
        n = i2d_X509(cert, &der);
        assert_ok(set_add(&set, bm_bytes(der, (size_t)n), &kit_fail));
        OPENSSL_free(der);
        X509_free(cert);
    }
    EVP_PKEY_free(leaf_key);
    return bm_path_check(set.der[1], (struct bm_certs){ NULL, 0 }, (struct bm_certs){ set.der, 1 }, AT, &kit_fail);
}

static void
old_hashes_and_short_keys_lead_nowhere(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);

    (void)state;
    assert_ok(path_signed_with(ec, EVP_sha256(), "root"));
    assert_rc(BM_EPOLICY, path_signed_with(ec, EVP_sha1(), "root"));
    assert_rc(BM_EPOLICY, path_signed_with(rsa, EVP_sha256(), "root"));
    assert_rc(BM_EPOLICY, path_signed_with(ec, EVP_sha256(), "another root"));
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

/* Cases of x509-limbo that fail for a reason which is no concern of a device's path, by the beginning of their id. */
static const struct {
    const char *id, *why;
} left_out[] = {
    { "crl::", "revocation is not this check's" },
    { "pathlen::max-chain-depth-", "the depth is ours, not the caller's" },
    { "rfc5280::aki::leaf-missing-aki",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::aki::intermediate-missing-aki",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::aki::cross-signed-root-missing-aki",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::eku::", "extended key usage: the purpose is the caller's" },
    { "webpki::eku::", "extended key usage: the purpose is the caller's" },
    { "cve::cve-2025-61727", "constraints on DNS and mail names, which our paths do not carry, as OpenSSL 3.0 reads them" },
    { "rfc5280::nc::permitted-dns-match-noncritical",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::nc::invalid-dnsname-leading-period",
      "constraints on DNS and mail names, which our paths do not carry, as OpenSSL 3.0 reads them" },
    { "rfc5280::nc::not-allowed-in-ee",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::nc::nc-permits-invalid-dns-san",
      "constraints on DNS and mail names, which our paths do not carry, as OpenSSL 3.0 reads them" },
    { "rfc5280::nc::nc-permits-invalid-email-san",
      "constraints on DNS and mail names, which our paths do not carry, as OpenSSL 3.0 reads them" },
    { "rfc5280::nc::nc-forbids-alternate-chain-ica", "good, but refused: OpenSSL tries one path" },
    { "rfc5280::nc::nc-forbids-same-chain-ica", "good, but refused: OpenSSL tries one path" },
    { "rfc5280::nc::nc-forbids-dnsname-wildcard-san",
      "constraints on DNS and mail names, which our paths do not carry, as OpenSSL 3.0 reads them" },
    { "webpki::nc::intermediate-permitted-excluded-subtrees-both",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::pc::ica-noncritical-pc",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::san::noncritical-with-empty-subject",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::san::underscore-dns", "host names: a device's path has none" },
    { "rfc5280::san::ip-in-dns", "host names: a device's path has none" },
    { "rfc5280::ski::root-missing-ski",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::ski::intermediate-missing-ski",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::ca-empty-subject", "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::root-missing-basic-constraints", "a pinned root is trusted as it is" },
    { "rfc5280::root-non-critical-basic-constraints", "a pinned root is trusted as it is" },
    { "rfc5280::leaf-ku-keycertsign",
      "what a CA must write, not what a reader must refuse: X509_STRICT, which real chipmakers' roots fail" },
    { "rfc5280::ca-as-leaf-wrong-san", "host names: a device's path has none" },
    { "webpki::aki::root-with-aki-", "a pinned root is trusted as it is" },
    { "webpki::cn::", "host names: a device's path has none" },
    { "webpki::san::", "host names: a device's path has none" },
    { "webpki::malformed-aia", "authorityInfoAccess is not read" },
    { "webpki::forbidden-rsa-", "the size of an RSA key need not be a multiple of 8" },
    { "webpki::ee-basicconstraints-ca", "a leaf of ours may be a CA: a manifest signer, a lot's CA" },
    { "webpki::ca-as-leaf", "a leaf of ours may be a CA: a manifest signer, a lot's CA" },
};

static void
pems_of(struct set *set, const json_t *list)
{
    const json_t *pem;
    size_t i;

    json_array_foreach(list, i, pem)
    {
        const char *text = json_string_value(pem);

        assert_ok(bm_pem_parse(bm_bytes_str(text), "CERTIFICATE", set_add, set, &kit_fail));
    }
}

/* "2024-01-01T00:00:00+00:00" or null */
static bm_time
time_of(const json_t *test)
{
    const char *text = json_string_value(json_object_get(test, "validation_time"));
    char z[BM_TIME_TEXT];
    bm_time at = AT;

    if (text != NULL) {
        (void)snprintf(z, sizeof(z), "%.19sZ", text);
        assert_ok(bm_time_parse(&at, z, &kit_fail));
    }
    return at;
}

static enum bm_rc
limbo_run(const json_t *test)
{
    bm_cleanup(set_done) struct set anchors = { .n = 0 }, between = { .n = 0 }, leaf = { .n = 0 };
    struct bm_cert cert;
    enum bm_rc rc;

    pems_of(&anchors, json_object_get(test, "trusted_certs"));
    pems_of(&between, json_object_get(test, "untrusted_intermediates"));
    assert_ok(
        bm_pem_parse(bm_bytes_str(json_string_value(json_object_get(test, "peer_certificate"))), "CERTIFICATE", set_add, &leaf, &kit_fail));
    /* as our rooms do it: a leaf is read by us first, then its path is checked */
    if ((rc = bm_cert_parse(&cert, leaf.der[0], &kit_fail)) != BM_OK)
        return rc;
    return bm_path_check(leaf.der[0], certs_of(&between), certs_of(&anchors), time_of(test), &kit_fail);
}

static bool
is_left_out(const char *id)
{
    for (size_t i = 0; i < BM_COUNT(left_out); i++)
        if (strncmp(id, left_out[i].id, strlen(left_out[i].id)) == 0)
            return true;
    return false;
}

static void
limbo_cases_come_out_as_they_say(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 8 << 20 };
    size_t i, failed = 0, passed = 0, out = 0, wrong = 0;
    json_t *json, *test;

    (void)state;
    if (!kit_shared(&text, "suites/limbo_core.json"))
        kit_skip(KIT_NO_SHARED);
    assert_non_null(json = json_loadb((const char *)text.p, text.n, 0, NULL));
    json_array_foreach(json_object_get(json, "testcases"), i, test)
    {
        const char *id = json_string_value(json_object_get(test, "id"));
        bool good = strcmp(json_string_value(json_object_get(test, "expected_result")), "SUCCESS") == 0;
        enum bm_rc rc;

        if (is_left_out(id)) {
            out++;
            continue;
        }
        rc = limbo_run(test);
        if ((rc == BM_OK) != good) {
            print_message("%s: %s, not %s: %s\n", id, bm_rc_word(rc), good ? "ok" : "refused", rc == BM_OK ? "" : kit_fail.text);
            wrong++;
        }
        good ? passed++ : failed++;
    }
    print_message("%zu accepted, %zu refused, %zu left out\n", passed, failed, out);
    json_decref(json);
    assert_int_equal(wrong, 0);
    assert_true(failed > 60 && passed > 30);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chains_of_tpm_makers_verify),
        cmocka_unit_test(old_hashes_and_short_keys_lead_nowhere),
        cmocka_unit_test(limbo_cases_come_out_as_they_say),
    };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
