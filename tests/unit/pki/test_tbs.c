/* test_tbs.c - certificates and CRLs that we build: every field as libcrypto and `openssl` read it. */
#include "kit.h"

#include "pki/cert.h"
#include "pki/oid.h"
#include "pki/tbs.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#define T0 1764000000 /* 2025-11-24T16:00:00Z */
#define T1 (T0 + 90 * 86400 - 1)
#define CRL_URL "http://ca.example/crl/operational.crl"

static const uint8_t serial[20] = { 0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t hw_serial[] = { 'I', 'F', 'X', ':', '0', '1' };

/* A root, one CA under it and what it needs to sign. */
struct pki {
    struct bm_private *root_key, *ca_key, *device_key;
    struct bm_buf root, ca, ca_name, root_name;
    struct bm_issuer root_issuer, issuer;
};

static struct pki pki;
static struct bm_subject subject = { .device = "bm-0001", .organization = "Example Site", .hw_serial = { hw_serial, sizeof(hw_serial) } };

static void
sign(struct bm_buf *der, struct bm_private *key, const struct bm_buf *tbs)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };

    assert_ok(bm_private_sign(key, bm_buf_bytes(tbs), &signature, &kit_fail));
    bm_signed_build(der, bm_buf_bytes(tbs), bm_private_alg(key), bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(der, "the certificate", &kit_fail));
}

static struct bm_issuer
issuer_of(const struct bm_buf *name, const struct bm_private *key, bm_time not_after)
{
    struct bm_issuer issuer = { .subject = bm_buf_bytes(name), .alg = bm_private_alg(key), .not_after = not_after };

    memcpy(issuer.key_id, bm_private_public(key)->ski, sizeof(issuer.key_id));
    return issuer;
}

static int
make_pki(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    const struct bm_ca_subject root = { "Example Root", "Example", -1 }, ca = { "Example Operational CA", "Example", 0 };

    (void)state;
    subject.hw_type = BM_OID(bm_oid_hw_part);
    pki.root.max = pki.ca.max = BM_MAX_CERT;
    pki.root_name.max = pki.ca_name.max = BM_MAX_DN;
    assert_ok(bm_private_generate(&pki.root_key, BM_KEY_P384, &kit_fail));
    assert_ok(bm_private_generate(&pki.ca_key, BM_KEY_P256, &kit_fail));
    assert_ok(bm_private_generate(&pki.device_key, BM_KEY_P256, &kit_fail));
    bm_name_build(&pki.root_name, root.organization, root.common_name);
    bm_name_build(&pki.ca_name, ca.organization, ca.common_name);
    pki.root_issuer = issuer_of(&pki.root_name, pki.root_key, BM_TIME_NEVER);
    assert_ok(bm_tbs_ca_build(&tbs, &pki.root_issuer, &root, bm_key_spki(bm_private_public(pki.root_key)), bm_bytes(serial, 20), T0 - 86400,
                              BM_TIME_NEVER, &kit_fail));
    sign(&pki.root, pki.root_key, &tbs);
    bm_buf_reset(&tbs);
    assert_ok(bm_tbs_ca_build(&tbs, &pki.root_issuer, &ca, bm_key_spki(bm_private_public(pki.ca_key)), bm_bytes(serial, 16), T0 - 86400,
                              BM_TIME_NEVER, &kit_fail));
    sign(&pki.ca, pki.root_key, &tbs);
    pki.issuer = issuer_of(&pki.ca_name, pki.ca_key, BM_TIME_NEVER);
    (void)snprintf(pki.issuer.crl_url, sizeof(pki.issuer.crl_url), "%s", CRL_URL);
    return 0;
}

static int
free_pki(void **state)
{
    (void)state;
    bm_private_free(pki.root_key);
    bm_private_free(pki.ca_key);
    bm_private_free(pki.device_key);
    bm_buf_done(&pki.root);
    bm_buf_done(&pki.ca);
    bm_buf_done(&pki.root_name);
    bm_buf_done(&pki.ca_name);
    return 0;
}

static struct bm_profile
profile_of(size_t i)
{
    struct bm_profile profile;

    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(i)), &kit_fail));
    return profile;
}

static void
issue(struct bm_buf *der, size_t profile_i, bm_time not_after)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    struct bm_profile profile = profile_of(profile_i);

    assert_ok(bm_tbs_build(&tbs, &profile, &pki.issuer, &subject, bm_key_spki(bm_private_public(pki.device_key)), bm_bytes(serial, 20), T0,
                           not_after, &kit_fail));
    sign(der, pki.ca_key, &tbs);
}

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
assert_name(const X509_NAME *name, const char *want)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char text[512];
    int n;

    X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE);
    n = BIO_read(bio, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    assert_string_equal(text, want);
    BIO_free(bio);
}

static void
assert_time(const ASN1_TIME *time, int type, const char *want)
{
    assert_int_equal(ASN1_STRING_type(time), type);
    assert_string_equal((const char *)ASN1_STRING_get0_data(time), want);
}

static void
assert_key_id(const ASN1_OCTET_STRING *id, const struct bm_private *key)
{
    assert_non_null(id);
    assert_int_equal(ASN1_STRING_length(id), 20);
    assert_memory_equal(ASN1_STRING_get0_data(id), bm_private_public(key)->ski, 20);
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

static void
every_field_of_the_authorities(void **state)
{
    X509 *root = x509_of(&pki.root), *ca = x509_of(&pki.ca);

    (void)state;
    /* proves: RFC5280 4.2.1.9 */
    assert_ext(root, NID_basic_constraints, 1, "CA:TRUE");
    assert_ext(ca, NID_basic_constraints, 1, "CA:TRUE, pathlen:0");
    assert_ext(ca, NID_key_usage, 1, "Certificate Sign, CRL Sign");
    assert_int_equal(X509_get_ext_count(ca), 4);
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

static void
make_crl(struct bm_buf *der, const struct bm_revoked *revoked, size_t n)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };

    assert_ok(bm_crl_build(&tbs, &pki.issuer, revoked, n, 0x1234, T0, T0 + 86400, &kit_fail));
    sign(der, pki.ca_key, &tbs);
}

static X509_CRL *
crl_of(const struct bm_buf *der)
{
    const uint8_t *p = der->p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der->n);

    assert_non_null(crl);
    return crl;
}

static void
every_field_of_a_crl(void **state)
{
    struct bm_revoked revoked[2] = { { .nserial = 16, .reason = 1, .time = T0 - 5 }, { .nserial = 20, .reason = 0, .time = T0 - 4 } };
    bm_cleanup(bm_buf_done) struct bm_buf empty = { .max = BM_MAX_CERT }, full = { .max = BM_MAX_CERT }, bad = { .max = BM_MAX_CERT };
    STACK_OF(X509_REVOKED) * list;
    ASN1_INTEGER *number;
    ASN1_ENUMERATED *reason;
    EVP_PKEY *ca_key = public_of(pki.ca_key);
    X509_CRL *crl;

    (void)state;
    memcpy(revoked[0].serial, serial, 16);
    memcpy(revoked[1].serial, serial, 20);
    make_crl(&empty, NULL, 0);
    crl = crl_of(&empty);
    /* proves: RFC5280 5.1.2.6 */
    assert_null(X509_CRL_get_REVOKED(crl));
    X509_CRL_free(crl);

    make_crl(&full, revoked, 2);
    crl = crl_of(&full);
    /* proves: RFC5280 5.1.2.1 */
    assert_int_equal(X509_CRL_get_version(crl), 1);
    assert_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_UTCTIME, "251124160000Z");
    assert_time(X509_CRL_get0_nextUpdate(crl), V_ASN1_UTCTIME, "251125160000Z");
    assert_name(X509_CRL_get_issuer(crl), "O = Example, CN = Example Operational CA");
    number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get(number), 0x1234);
    ASN1_INTEGER_free(number);
    assert_true(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0);
    assert_int_equal(X509_CRL_verify(crl, ca_key), 1);
    EVP_PKEY_free(ca_key);
    list = X509_CRL_get_REVOKED(crl);
    assert_int_equal(sk_X509_REVOKED_num(list), 2);
    /* proves: RFC5280 5.3.1 */
    reason = X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(list, 0), NID_crl_reason, NULL, NULL);
    assert_int_equal(ASN1_ENUMERATED_get(reason), 1);
    ASN1_ENUMERATED_free(reason);
    assert_null(X509_REVOKED_get0_extensions(sk_X509_REVOKED_value(list, 1)));
    assert_time(X509_REVOKED_get0_revocationDate(sk_X509_REVOKED_value(list, 0)), V_ASN1_UTCTIME, "251124155955Z");
    X509_CRL_free(crl);

    revoked[1].reason = 7;
    assert_rc(BM_EBUG, bm_crl_build(&bad, &pki.issuer, revoked, 2, 1, T0, T0 + 1, &kit_fail));
    assert_rc(BM_EBUG, bm_crl_build(&bad, &pki.issuer, revoked, 1, 1, T0, T0, &kit_fail));
}

/* The real program, as a customer would run it. */
static void
write_pem(FILE *f, const char *label, const struct bm_buf *der)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4 * BM_MAX_CERT };

    bm_pem_build(&pem, label, bm_buf_bytes(der));
    assert_int_equal(fwrite(pem.p, 1, pem.n, f), pem.n);
}

static int
openssl_verify(const struct bm_buf *device, const struct bm_buf *crl, bool check_crl)
{
    char dir[] = "/tmp/bm-pki-XXXXXX", path[64], command[512];
    static const char *const names[] = { "root", "ca", "device" };
    const struct bm_buf *ders[] = { &pki.root, &pki.ca, device };
    FILE *f;
    int rc;

    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        assert_non_null(f = fopen(path, "w"));
        write_pem(f, "CERTIFICATE", ders[i]);
        if (i == 0)
            write_pem(f, "X509 CRL", crl);
        (void)fclose(f);
    }
    (void)snprintf(command, sizeof(command), "cd %s && openssl verify -attime %d %s -CAfile root -untrusted ca device >out 2>&1", dir,
                   T0 + 60, check_crl ? "-crl_check -x509_strict" : "");
    rc = system(command);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    return rc;
}

static void
openssl_verifies_root_operational_device_and_reads_the_crl(void **state)
{
    struct bm_revoked revoked = { .nserial = 20, .reason = 1, .time = T0 };
    bm_cleanup(bm_buf_done) struct bm_buf device = { .max = BM_MAX_CERT }, idevid = { .max = BM_MAX_CERT }, empty = { .max = BM_MAX_CERT },
                                          full = { .max = BM_MAX_CERT };

    (void)state;
    memcpy(revoked.serial, serial, 20);
    issue(&device, 0, T1);
    issue(&idevid, 2, BM_TIME_NEVER);
    make_crl(&empty, NULL, 0);
    make_crl(&full, &revoked, 1);
    assert_int_equal(openssl_verify(&device, &empty, true), 0);
    assert_int_equal(openssl_verify(&idevid, &empty, true), 0);
    assert_int_not_equal(openssl_verify(&device, &full, true), 0);
    assert_int_equal(openssl_verify(&device, &full, false), 0);
}

static void
our_own_reader_agrees(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    struct bm_certs between = { (const struct bm_bytes[]){ bm_buf_bytes(&pki.ca) }, 1 },
                    anchors = { (const struct bm_bytes[]){ bm_buf_bytes(&pki.root) }, 1 };
    struct bm_cert cert, ca, root;
    char name[128];
    bool critical = false;

    (void)state;
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    issue(&der, 0, T1);
    assert_ok(bm_cert_parse(&cert, bm_buf_bytes(&der), &kit_fail));
    assert_ok(bm_cert_parse(&ca, bm_buf_bytes(&pki.ca), &kit_fail));
    assert_ok(bm_cert_parse(&root, bm_buf_bytes(&pki.root), &kit_fail));
    assert_true(bm_bytes_equal(cert.serial, bm_bytes(serial, 20)));
    assert_int_equal(cert.not_before, T0);
    assert_int_equal(cert.not_after, T1);
    assert_memory_equal(cert.key.hash, bm_private_public(pki.device_key)->hash, BM_HASH);
    assert_true(bm_bytes_equal(cert.ski, bm_bytes(cert.key.ski, 20)));
    assert_true(bm_bytes_equal(cert.aki, ca.ski));
    assert_true(bm_cert_extension(&cert, BM_OID(bm_oid_key_usage), &critical).n == 4 && critical);
    assert_int_equal(bm_cert_extension(&cert, BM_OID(bm_oid_basic_constraints), &critical).n, 0);
    bm_name_print(name, sizeof(name), cert.subject);
    assert_string_equal(name, "serialNumber=bm-0001, CN=bm-0001, O=Example Site");
    bm_name_print(name, 20, cert.subject);
    assert_string_equal(name, "serialNumber=bm-...");
    assert_ok(bm_cert_signed_by(crypto, &cert, &ca, &kit_fail));
    assert_ok(bm_cert_signed_by(crypto, &ca, &root, &kit_fail));
    assert_ok(bm_cert_signed_by(crypto, &root, &root, &kit_fail));
    assert_rc(BM_EPOLICY, bm_cert_signed_by(crypto, &cert, &root, &kit_fail));
    ca.key = root.key;
    assert_rc(BM_EPOLICY, bm_cert_signed_by(crypto, &cert, &ca, &kit_fail));
    assert_string_equal(kit_fail.text, "the certificate: the signature does not verify");
    assert_ok(bm_path_check(bm_buf_bytes(&der), between, anchors, T0, &kit_fail));
    /* proves: RFC5280 4.1.2.5 */
    assert_ok(bm_path_check(bm_buf_bytes(&der), between, anchors, T1, &kit_fail));
    assert_rc(BM_EPOLICY, bm_path_check(bm_buf_bytes(&der), between, anchors, T1 + 1, &kit_fail));
    assert_rc(BM_EPOLICY, bm_path_check(bm_buf_bytes(&der), between, anchors, T0 - 1, &kit_fail));
    /* a CA that is pinned itself is an end, self-signed or not */
    assert_ok(bm_path_check(bm_buf_bytes(&der), (struct bm_certs){ NULL, 0 }, between, T0, &kit_fail));
    between.n = 0;
    assert_rc(BM_EPOLICY, bm_path_check(bm_buf_bytes(&der), between, anchors, T0, &kit_fail));
    assert_string_equal(kit_fail.text, "the certificate does not lead to a trusted one: unable to get local issuer certificate "
                                       "(serialNumber=bm-0001, CN=bm-0001, O=Example Site, 0 above it)");
}

static void
every_truncation_of_a_certificate_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_certs none = { NULL, 0 };
    struct bm_cert cert;

    (void)state;
    issue(&der, 0, T1);
    for (size_t n = 0; n < der.n; n++) {
        uint8_t *cut = malloc(n + 1);

        assert_non_null(cut);
        memcpy(cut, der.p, n);
        assert_rc(BM_EINPUT, bm_cert_parse(&cert, bm_bytes(cut, n), &kit_fail));
        assert_rc(BM_EINPUT, bm_path_check(bm_bytes(cut, n), none, none, T0, &kit_fail));
        free(cut);
    }
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_cert_parse(&cert, bm_buf_bytes(&der), &kit_fail));
    assert_rc(BM_EINPUT, bm_path_check(bm_buf_bytes(&der), none, none, T0, &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_an_operational_certificate),
        cmocka_unit_test(every_field_of_an_idevid),
        cmocka_unit_test(subject_values_are_printable_where_they_fit_and_utf8_otherwise),
        cmocka_unit_test(what_makes_no_certificate_is_refused),
        cmocka_unit_test(every_field_of_the_authorities),
        cmocka_unit_test(every_field_of_a_server_certificate),
        cmocka_unit_test(every_field_of_a_crl),
        cmocka_unit_test(openssl_verifies_root_operational_device_and_reads_the_crl),
        cmocka_unit_test(our_own_reader_agrees),
        cmocka_unit_test(every_truncation_of_a_certificate_is_refused),
    };

    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
