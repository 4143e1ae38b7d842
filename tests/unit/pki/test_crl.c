/* test_crl.c - CRLs that we build, and chains with them: as libcrypto, the `openssl` program and our own reader read them. */
#include "ca_kit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

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

/* url: of the certificates that it is the list of; "": of all. */
static void
make_list(struct bm_buf *der, const char *url, const struct bm_revoked *revoked, size_t n)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_MESSAGE };
    struct bm_issuer issuer = pki.issuer;

    (void)snprintf(issuer.crl_url, sizeof(issuer.crl_url), "%s", url);
    assert_ok(bm_crl_build(&tbs, &issuer, revoked, n, 0x1234, T0, T0 + 86400, &kit_fail));
    sign(der, pki.ca_key, &tbs);
}

static void
make_crl(struct bm_buf *der, const struct bm_revoked *revoked, size_t n)
{
    make_list(der, CRL_URL, revoked, n);
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
                                          full = { .max = BM_MAX_CERT }, whole = { .max = BM_MAX_CERT };

    (void)state;
    memcpy(revoked.serial, serial, 20);
    issue(&device, 0, T1);
    issue(&idevid, 2, BM_TIME_NEVER);
    make_crl(&empty, NULL, 0);
    make_crl(&full, &revoked, 1);
    assert_int_equal(openssl_verify(&device, &empty, true), 0);
    assert_int_not_equal(openssl_verify(&device, &full, true), 0);
    assert_int_equal(openssl_verify(&device, &full, false), 0);
    make_list(&whole, "", NULL, 0);
    assert_int_equal(openssl_verify(&idevid, &whole, true), 0);
}

/* proves: RFC5280 5.2.5 */
static void
a_list_of_other_certificates_says_nothing_of_this_one(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf device = { .max = BM_MAX_CERT }, other = { .max = BM_MAX_CERT };
    ISSUING_DIST_POINT *scope;
    int critical = -1;
    X509_CRL *crl;

    (void)state;
    issue(&device, 0, T1);
    make_list(&other, "http://ca.example/crl/operational-2.crl", NULL, 0);
    assert_int_not_equal(openssl_verify(&device, &other, true), 0);
    crl = crl_of(&other);
    scope = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
    assert_non_null(scope);
    assert_int_equal(critical, 1);
    assert_true(scope->onlyuser == 0 && scope->onlyCA == 0 && scope->indirectCRL == 0 && scope->onlysomereasons == NULL);
    ISSUING_DIST_POINT_free(scope);
    X509_CRL_free(crl);
}

/* All certificates of a bucket at once, each with a reason, in the year 2050: the list still fits into a message with its URL and the longest names and keys. */
static void
a_full_bucket_fits_into_one_message(void **state)
{
    struct bm_revoked *all = calloc(BM_CRL_BUCKET, sizeof(*all));
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_MESSAGE }, der = { .max = BM_MAX_MESSAGE };

    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i < BM_CRL_BUCKET; i++) {
        all[i] = (struct bm_revoked){ .nserial = 20, .reason = 1, .time = 2524608000 + (bm_time)i };
        memcpy(all[i].serial, serial, 20);
    }
    assert_ok(bm_crl_build(&tbs, &pki.issuer, all, BM_CRL_BUCKET, UINT64_MAX, 2524608000, 2524608000 + 86400, &kit_fail));
    sign(&der, pki.ca_key, &tbs);
    print_message("a full bucket's list: %zu bytes\n", der.n);
    assert_true(der.n + BM_MAX_DN + 256 + BM_MAX_SIGNATURE < BM_MAX_MESSAGE - 1024);
    free(all);
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
    assert_true(bm_bytes_equal(cert.ski, bm_bytes(bm_key_ski(&cert.key).octets, 20)));
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
        cmocka_unit_test(every_field_of_a_crl),
        cmocka_unit_test(openssl_verifies_root_operational_device_and_reads_the_crl),
        cmocka_unit_test(a_list_of_other_certificates_says_nothing_of_this_one),
        cmocka_unit_test(a_full_bucket_fits_into_one_message),
        cmocka_unit_test(our_own_reader_agrees),
        cmocka_unit_test(every_truncation_of_a_certificate_is_refused),
    };

    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
