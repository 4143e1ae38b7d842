#include "ca_kit.h"

#include <openssl/bio.h>

const uint8_t serial[20] = { 0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
const uint8_t hw_serial[6] = { 'I', 'F', 'X', ':', '0', '1' };
struct pki pki;
struct bm_subject subject = { .device = "bm-0001", .organization = "Example Site", .hw_serial = { hw_serial, sizeof(hw_serial) } };

void
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

    memcpy(issuer.key_id, bm_key_ski(bm_private_public(key)).octets, sizeof(issuer.key_id));
    return issuer;
}

int
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

int
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

struct bm_profile
profile_of(size_t i)
{
    struct bm_profile profile;

    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(i)), &kit_fail));
    return profile;
}

void
issue(struct bm_buf *der, size_t profile_i, bm_time not_after)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    struct bm_profile profile = profile_of(profile_i);

    assert_ok(bm_tbs_build(&tbs, &profile, &pki.issuer, &subject, bm_key_spki(bm_private_public(pki.device_key)), bm_bytes(serial, 20), T0,
                           not_after, &kit_fail));
    sign(der, pki.ca_key, &tbs);
}

void
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

void
assert_time(const ASN1_TIME *time, int type, const char *want)
{
    assert_int_equal(ASN1_STRING_type(time), type);
    assert_string_equal((const char *)ASN1_STRING_get0_data(time), want);
}
