/* test_tbs.c - certificates that we build: every field as libcrypto reads it. CRLs and whole chains: test_crl.c. */
#include "ca_kit.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static X509 *
x509_of(const struct bm_buf *der)
{
    const uint8_t *p = der->p;
    X509 *cert = d2i_X509(NULL, &p, (long)der->n);

    assert_non_null(cert);
    assert_ptr_equal(p, der->p + der->n);
    return cert;
}

/* What libcrypto says of an extension, and whether it is critical; "" when it is absent. */
static const char *
ext_text(const X509 *cert, int nid, int *ret_critical)
{
    static char text[1024];
    int at = X509_get_ext_by_NID(cert, nid, -1);
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    text[0] = 0;
    *ret_critical = -1;
    if (at >= 0) {
        X509_EXTENSION *ext = X509_get_ext(cert, at);

        *ret_critical = X509_EXTENSION_get_critical(ext);
        assert_int_equal(X509V3_EXT_print(bio, ext, X509V3_EXT_ERROR_UNKNOWN, 0), 1);
        n = BIO_read(bio, text, sizeof(text) - 1);
        /* newer releases end some extensions with a line feed */
        while (n > 0 && text[n - 1] == '\n')
            n--;
        text[n > 0 ? n : 0] = 0;
    }
    BIO_free(bio);
    return text;
}

static void
assert_ext(const X509 *cert, int nid, int critical, const char *want)
{
    int got = 0;

    assert_string_equal(ext_text(cert, nid, &got), want);
    assert_int_equal(got, critical);
}

static void
assert_key_id(const ASN1_OCTET_STRING *id, const struct bm_private *key)
{
    assert_non_null(id);
    assert_int_equal(ASN1_STRING_length(id), 20);
    assert_memory_equal(ASN1_STRING_get0_data(id), bm_key_ski(bm_private_public(key)).octets, 20);
}

/* proves: RFC5280 4.1.2.2 */
static void
assert_serial(const X509 *cert)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    uint8_t got[20];

    assert_int_equal(BN_bn2binpad(n, got, 20), 20);
    assert_memory_equal(got, serial, 20);
    BN_free(n);
}

static void
assert_hardware_module(X509 *cert)
{
    static const uint8_t want[] = { 0x30, 0x1e, 0x06, 0x14 };
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    GENERAL_NAME *name;
    ASN1_OBJECT *oid = NULL;
    ASN1_TYPE *value = NULL;
    char text[64];
    const uint8_t *p;

    assert_non_null(names);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    name = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(GENERAL_NAME_get0_otherName(name, &oid, &value), 1);
    OBJ_obj2txt(text, sizeof(text), oid, 1);
    assert_string_equal(text, "1.3.6.1.5.5.7.8.4");
    /* proves: RFC4108 5 */
    p = ASN1_STRING_get0_data(value->value.sequence);
    assert_int_equal(ASN1_STRING_length(value->value.sequence), 4 + sizeof(bm_oid_hw_part) + 2 + sizeof(hw_serial));
    assert_memory_equal(p, want, sizeof(want));
    assert_memory_equal(p + 4, bm_oid_hw_part, sizeof(bm_oid_hw_part));
    assert_memory_equal(p + 4 + sizeof(bm_oid_hw_part), "\x04\x06IFX:01", 8);
    GENERAL_NAMES_free(names);
}

/* Of libcrypto's own reading; the caller frees it. */
static EVP_PKEY *
public_of(const struct bm_private *key)
{
    struct bm_bytes spki = bm_key_spki(bm_private_public(key));
    const unsigned char *p = spki.p;
    EVP_PKEY *made = d2i_PUBKEY(NULL, &p, (long)spki.n);

    assert_non_null(made);
    return made;
}

static void
every_field_of_an_operational_certificate(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    EVP_PKEY *ca_key = public_of(pki.ca_key), *device_key = public_of(pki.device_key);
    X509 *cert;
    int critical = -1;

    (void)state;
    issue(&der, 0, T1);
    cert = x509_of(&der);
    /* proves: RFC5280 4.1.2.1 */
    assert_int_equal(X509_get_version(cert), 2);
    assert_serial(cert);
    assert_int_equal(X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
    assert_name(X509_get_issuer_name(cert), "O = Example, CN = Example Operational CA");
    assert_name(X509_get_subject_name(cert), "O = Example Site, CN = bm-0001, serialNumber = bm-0001");
    assert_time(X509_get0_notBefore(cert), V_ASN1_UTCTIME, "251124160000Z");
    assert_time(X509_get0_notAfter(cert), V_ASN1_UTCTIME, "260222155959Z");
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), device_key), 1);
    assert_int_equal(X509_get_ext_count(cert), 6);
    assert_ext(cert, NID_key_usage, 1, "Digital Signature");
    assert_ext(cert, NID_ext_key_usage, 0, "TLS Web Client Authentication");
    assert_ext(cert, NID_crl_distribution_points, 0, "Full Name:\n  URI:" CRL_URL);
    assert_ext(cert, NID_basic_constraints, -1, "");
    /* proves: RFC5280 4.2.1.6 */
    (void)ext_text(cert, NID_subject_alt_name, &critical);
    assert_int_equal(critical, 0);
    assert_hardware_module(cert);
    assert_key_id(X509_get0_subject_key_id(cert), pki.device_key);
    assert_key_id(X509_get0_authority_key_id(cert), pki.ca_key);
    assert_int_equal(X509_verify(cert, ca_key), 1);
    EVP_PKEY_free(device_key);
    EVP_PKEY_free(ca_key);
    X509_free(cert);
}

static void
every_field_of_an_idevid(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    X509 *cert;

    (void)state;
    issue(&der, 2, BM_TIME_NEVER);
    cert = x509_of(&der);
    assert_int_equal(X509_get_version(cert), 2);
    assert_serial(cert);
    assert_name(X509_get_subject_name(cert), "O = Example Site, serialNumber = bm-0001");
    assert_time(X509_get0_notAfter(cert), V_ASN1_GENERALIZEDTIME, "99991231235959Z");
    assert_int_equal(X509_get_ext_count(cert), 4);
    assert_ext(cert, NID_key_usage, 1, "Digital Signature");
    assert_ext(cert, NID_ext_key_usage, -1, "");
    assert_ext(cert, NID_crl_distribution_points, -1, "");
    assert_ext(cert, NID_basic_constraints, -1, "");
    assert_hardware_module(cert);
    assert_key_id(X509_get0_subject_key_id(cert), pki.device_key);
    assert_key_id(X509_get0_authority_key_id(cert), pki.ca_key);
    X509_free(cert);
}

static void
subject_values_are_printable_where_they_fit_and_utf8_otherwise(void **state)
{
    static const struct {
        const char *device;
        int type;
    } values[] = { { "Pump (A), no. 7 +/-:=?'", V_ASN1_PRINTABLESTRING },
                   { "pump_7", V_ASN1_UTF8STRING },
                   { "a@b", V_ASN1_UTF8STRING },
                   { "Zähler", V_ASN1_UTF8STRING },
                   { "*", V_ASN1_UTF8STRING } };
    struct bm_profile profile = profile_of(0);
    struct bm_bytes spki = bm_key_spki(bm_private_public(pki.device_key));

    (void)state;
    for (size_t i = 0; i < BM_COUNT(values); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, der = { .max = BM_MAX_CERT };
        struct bm_subject named = subject;
        X509_NAME_ENTRY *entry;
        X509 *cert;

        named.device = values[i].device;
        assert_ok(bm_tbs_build(&tbs, &profile, &pki.issuer, &named, spki, bm_bytes(serial, 20), T0, T1, &kit_fail));
        sign(&der, pki.ca_key, &tbs);
        cert = x509_of(&der);
        entry = X509_NAME_get_entry(X509_get_subject_name(cert), 1);
        /* proves: RFC5280 4.1.2.4 */
        assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(entry)), values[i].type);
        assert_string_equal((const char *)ASN1_STRING_get0_data(X509_NAME_ENTRY_get_data(entry)), values[i].device);
        X509_free(cert);
    }
}

static enum bm_rc
try_tbs(const struct bm_subject *who, const struct bm_issuer *issuer, struct bm_bytes number, bm_time from, bm_time to)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    struct bm_profile profile = profile_of(0);

    return bm_tbs_build(&tbs, &profile, issuer, who, bm_key_spki(bm_private_public(pki.device_key)), number, from, to, &kit_fail);
}

static void
what_makes_no_certificate_is_refused(void **state)
{
    static const uint8_t negative[16] = { 0x80, 1 }, zero[16] = { 0, 1 }, long_one[21] = { 1 };
    static const uint8_t padded[] = { 0x2a, 0x80, 0x01 }, open_end[] = { 0x2a, 0x83 };
    char long_name[66];
    struct bm_issuer issuer = pki.issuer;
    struct bm_subject who = subject;

    (void)state;
    assert_ok(try_tbs(&who, &issuer, bm_bytes(serial, 16), T0, T0));
    assert_rc(BM_EBUG, try_tbs(&who, &issuer, bm_bytes(serial, 15), T0, T1));
    assert_rc(BM_EBUG, try_tbs(&who, &issuer, bm_bytes(long_one, 21), T0, T1));
    assert_rc(BM_EBUG, try_tbs(&who, &issuer, bm_bytes(negative, 16), T0, T1));
    assert_rc(BM_EBUG, try_tbs(&who, &issuer, bm_bytes(zero, 16), T0, T1));
    assert_rc(BM_EBUG, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T0 - 1));
    issuer.not_after = T1 - 1;
    assert_rc(BM_EPOLICY, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    issuer.not_after = T1;
    assert_ok(try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    who.device = "";
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    who.device = "line\nfeed";
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    who.device = "not \xff utf-8";
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    memset(long_name, 'x', 65);
    long_name[65] = 0;
    who.device = long_name;
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    long_name[64] = 0;
    assert_ok(try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    who.hw_serial.n = 0;
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    who.hw_serial = subject.hw_serial;
    who.hw_type = bm_bytes(padded, sizeof(padded));
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
    who.hw_type = bm_bytes(open_end, sizeof(open_end));
    assert_rc(BM_EINPUT, try_tbs(&who, &issuer, bm_bytes(serial, 20), T0, T1));
}

/* A verifier that asks for this policy, without anything of ours. */
static int
verify_asking(X509 *cert, const char *policy)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509 *root = x509_of(&pki.root), *ca = x509_of(&pki.ca);
    STACK_OF(X509) *between = sk_X509_new_null();
    int ok;

    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_true(sk_X509_push(between, ca) > 0);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, between), 1);
    X509_STORE_CTX_set_time(ctx, 0, T0 + 60);
    assert_int_equal(X509_VERIFY_PARAM_add0_policy(X509_STORE_CTX_get0_param(ctx), OBJ_txt2obj(policy, 1)), 1);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_EXPLICIT_POLICY | X509_V_FLAG_X509_STRICT);
    ok = X509_verify_cert(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(between);
    X509_free(root);
    X509_free(ca);
    return ok;
}

/* proves: RFC5280 4.2.1.4 */
static void
what_was_proven_is_a_policy_that_any_verifier_can_ask_for(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, der = { .max = BM_MAX_CERT };
    struct bm_profile profile = profile_of(0);
    struct bm_subject shown = subject;
    X509 *cert;

    (void)state;
    shown.proven = BM_PROVEN_TPM_ACTIVATED | BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED;
    assert_ok(bm_tbs_build(&tbs, &profile, &pki.issuer, &shown, bm_key_spki(bm_private_public(pki.device_key)), bm_bytes(serial, 20), T0,
                           T1, &kit_fail));
    sign(&der, pki.ca_key, &tbs);
    cert = x509_of(&der);
    assert_ext(cert, NID_certificate_policies, 0,
               "Policy: 2.25.28338213597711169294354330679208462799\nPolicy: 2.23.133.11.1.1\nPolicy: 2.23.133.11.1.2");
    assert_int_equal(verify_asking(cert, "2.23.133.11.1.2"), 1);
    assert_int_equal(verify_asking(cert, "2.25.115675854156875854897106146554818711398"), 0); /* no DICE */
    X509_free(cert);
}

/* The arcs in the headers are those in the documents: what libcrypto reads out of the octets. */
static void
every_fact_has_a_word_and_a_policy_of_its_own(void **state)
{
    static const char *const want[] = { "root-signed 2.25.204422528400457712459522207949603002309",
                                        "tpm-activated 2.25.28338213597711169294354330679208462799",
                                        "software 2.25.58256926581796604077796161840005322715",
                                        "tls-front 2.25.184845910872441249083029307405784991135",
                                        "tpm-residency 2.23.133.11.1.1",
                                        "tpm-fixed 2.23.133.11.1.2",
                                        "policy-bound 2.25.304622412189826171993545459604079900200",
                                        "ek-certified 2.25.265292454788625063468464005450897945311",
                                        "dice 2.25.115675854156875854897106146554818711398" };
    char words[BM_MAX_PROVEN];
    size_t i = 0;

    (void)state;
    for (const struct bm_proven_fact *fact; (fact = bm_proven_fact(i)) != NULL; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 64 };
        char oid[80], line[160];
        const unsigned char *p;
        ASN1_OBJECT *object;

        assert_int_equal(fact->bit, 1u << i);
        bm_buf_add_u8(&der, 0x06);
        bm_buf_add_u8(&der, (uint8_t)fact->policy.n);
        bm_buf_add_bytes(&der, fact->policy);
        p = der.p;
        assert_non_null(object = d2i_ASN1_OBJECT(NULL, &p, (long)der.n));
        assert_true(OBJ_obj2txt(oid, sizeof(oid), object, 1) > 0);
        ASN1_OBJECT_free(object);
        (void)snprintf(line, sizeof(line), "%s %s", fact->word, oid);
        assert_string_equal(line, want[i]);
    }
    assert_int_equal(i, BM_COUNT(want));
    bm_proven_print(words, BM_PROVEN_ALL);
    assert_string_equal(words, "root-signed tpm-activated software tls-front tpm-residency tpm-fixed policy-bound ek-certified dice");
    bm_proven_print(words, 0);
    assert_string_equal(words, "");
}

static void
every_field_of_the_authorities(void **state)
{
    X509 *root = x509_of(&pki.root), *ca = x509_of(&pki.ca);

    (void)state;
    /* proves: RFC5280 4.2.1.9 */
    assert_ext(root, NID_basic_constraints, 1, "CA:TRUE");
    assert_ext(ca, NID_basic_constraints, 1, "CA:TRUE, pathlen:0");
    assert_ext(ca, NID_key_usage, 1, "Certificate Sign, CRL Sign");
    assert_ext(ca, NID_certificate_policies, 0, "Policy: X509v3 Any Policy");
    assert_ext(root, NID_certificate_policies, -1, "");
    assert_int_equal(X509_get_ext_count(ca), 5);
    assert_int_equal(X509_get_signature_nid(ca), NID_ecdsa_with_SHA384);
    assert_name(X509_get_subject_name(root), "O = Example, CN = Example Root");
    assert_name(X509_get_issuer_name(ca), "O = Example, CN = Example Root");
    assert_key_id(X509_get0_subject_key_id(ca), pki.ca_key);
    assert_key_id(X509_get0_authority_key_id(ca), pki.root_key);
    assert_key_id(X509_get0_authority_key_id(root), pki.root_key);
    assert_int_equal(X509_self_signed(root, 1), 1);
    assert_int_equal(X509_check_ca(ca), 1);
    X509_free(root);
    X509_free(ca);
}

static void
every_field_of_a_server_certificate(void **state)
{
    static const char *const hosts[] = { "line1.example", "127.0.0.1", "2001:db8::1" };
    static const char *const wrong[] = { "line1.example", "no spaces" };
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, der = { .max = BM_MAX_CERT };
    struct bm_bytes spki = bm_key_spki(bm_private_public(pki.device_key));
    X509 *cert;

    (void)state;
    assert_ok(bm_tbs_server_build(&tbs, &pki.issuer, hosts, 3, spki, bm_bytes(serial, 20), T0, T1, &kit_fail));
    sign(&der, pki.ca_key, &tbs);
    cert = x509_of(&der);
    assert_name(X509_get_subject_name(cert), "CN = line1.example");
    assert_ext(cert, NID_ext_key_usage, 0, "TLS Web Server Authentication");
    assert_ext(cert, NID_subject_alt_name, 0, "DNS:line1.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1");
    assert_ext(cert, NID_key_usage, 1, "Digital Signature");
    assert_int_equal(X509_check_host(cert, "line1.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    X509_free(cert);
    bm_buf_reset(&tbs);
    assert_rc(BM_EINPUT, bm_tbs_server_build(&tbs, &pki.issuer, wrong, 2, spki, bm_bytes(serial, 20), T0, T1, &kit_fail));
    assert_string_equal(kit_fail.text, "\"no spaces\" is neither a host name nor an IP address");
    assert_rc(BM_EINPUT, bm_tbs_server_build(&tbs, &pki.issuer, wrong, 0, spki, bm_bytes(serial, 20), T0, T1, &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_an_operational_certificate),
        cmocka_unit_test(every_field_of_an_idevid),
        cmocka_unit_test(subject_values_are_printable_where_they_fit_and_utf8_otherwise),
        cmocka_unit_test(what_makes_no_certificate_is_refused),
        cmocka_unit_test(what_was_proven_is_a_policy_that_any_verifier_can_ask_for),
        cmocka_unit_test(every_fact_has_a_word_and_a_policy_of_its_own),
        cmocka_unit_test(every_field_of_the_authorities),
        cmocka_unit_test(every_field_of_a_server_certificate),
    };

    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
