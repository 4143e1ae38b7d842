/* test_envelope.c - an envelope opens with its key alone, whole and unchanged. */
#include "kit.h"

#include "cli/envelope.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static struct bm_fail fail;

/* A key on P-256 in PEM and a certificate for it. */
static void
party_make(struct bm_buf *pem, struct bm_buf *cert)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *x = X509_new();
    uint8_t *der = NULL;
    char *text;
    long n;
    int nder;

    assert_true(key != NULL && bio != NULL && x != NULL);
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    n = BIO_get_mem_data(bio, &text);
    bm_buf_add(pem, text, (size_t)n);
    assert_true(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
                X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL && X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL &&
                X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0);
    nder = i2d_X509(x, &der);
    assert_true(nder > 0);
    bm_buf_add(cert, der, (size_t)nder);
    OPENSSL_free(der);
    X509_free(x);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static void
test_it_opens_whole_and_unchanged_or_not(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 4096 }, cert = { .max = 4096 }, other = { .max = 4096 }, unused = { .max = 4096 };
    bm_cleanup(bm_buf_done) struct bm_buf envelope = { .max = 65536 }, content = { .max = 4096 };

    (void)state;
    party_make(&key, &cert);
    party_make(&other, &unused);
    assert_int_equal(bm_envelope_build(&envelope, bm_bytes_str("the manifest"), bm_buf_bytes(&cert), &fail), BM_OK);
    assert_true(bm_is_envelope(bm_buf_bytes(&envelope)));
    assert_int_equal(bm_envelope_open(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&key), &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&content), bm_bytes_str("the manifest")));
    bm_buf_reset(&content);
    assert_int_equal(bm_envelope_open(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&other), &fail), BM_EPOLICY);
    for (size_t n = 0; n < envelope.n; n++)
        assert_int_not_equal(bm_envelope_open(&content, bm_bytes(envelope.p, n), bm_buf_bytes(&key), &fail), BM_OK);
    for (size_t i = 0; i < envelope.n; i++) {
        envelope.p[i] ^= 1;
        if (bm_envelope_open(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&key), &fail) ==
            BM_OK) /* issuer, serial number: whom it names */
            assert_true(bm_bytes_equal(bm_buf_bytes(&content), bm_bytes_str("the manifest")));
        bm_buf_reset(&content);
        envelope.p[i] ^= 1;
    }
    bm_buf_add_u8(&envelope, 0);
    assert_int_equal(bm_envelope_open(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&key), &fail), BM_EINPUT);
    assert_int_equal(content.n, 0);
}

static void
test_what_is_no_envelope(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 4096 }, cert = { .max = 4096 }, content = { .max = 4096 };

    (void)state;
    party_make(&key, &cert);
    assert_false(bm_is_envelope(bm_buf_bytes(&cert))); /* DER that begins with a SEQUENCE too */
    assert_false(bm_is_envelope(bm_bytes_str("birthmark-manifest v1\n")));
    assert_false(bm_is_envelope(bm_bytes(NULL, 0)));
    assert_int_equal(bm_envelope_open(&content, bm_buf_bytes(&cert), bm_buf_bytes(&key), &fail), BM_EINPUT);
    assert_int_equal(bm_envelope_open(&content, bm_buf_bytes(&cert), bm_buf_bytes(&cert), &fail), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_opens_whole_and_unchanged_or_not),
        cmocka_unit_test(test_what_is_no_envelope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
