/* test_envelope.c - an envelope opens with its key alone, whole and unchanged. */
#include "kit.h"

#include "cli/envelope.h"
#include "cli/envelope_sealed.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static struct bm_fail fail;
static struct bm_progress progress = { .what = "opening" };

/* A key in PEM (on P-256, or RSA) and a certificate for it. */
static void
party_make(struct bm_buf *pem, struct bm_buf *cert, bool rsa)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
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

static enum bm_rc
open_with(struct bm_buf *content, struct bm_bytes envelope, struct bm_bytes pem, struct bm_fail *why)
{
    bm_cleanup(bm_envelope_key_done) struct bm_envelope_key key = { .file = NULL };
    enum bm_rc rc = bm_envelope_key_parse(&key, pem, why);

    return rc != BM_OK ? rc : bm_envelope_open(content, envelope, &key, &progress, why);
}

/* What a token does, done by libcrypto. */
static enum bm_rc
soft_rsa(void *ctx, struct bm_bytes sealed, struct bm_buf *key, struct bm_fail *why)
{
    EVP_PKEY_CTX *with = EVP_PKEY_CTX_new(ctx, NULL);
    uint8_t out[256];
    size_t n = sizeof(out);
    int good;

    assert_true(with != NULL && EVP_PKEY_decrypt_init(with) == 1 && EVP_PKEY_CTX_set_rsa_padding(with, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(with, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(with, EVP_sha256()) == 1);
    good = EVP_PKEY_decrypt(with, out, &n, sealed.p, sealed.n);
    EVP_PKEY_CTX_free(with);
    if (good != 1)
        return bm_fail(why, BM_EPOLICY, NULL, "not for us");
    bm_buf_add(key, out, n);
    return BM_OK;
}

static enum bm_rc
soft_ecdh(void *ctx, struct bm_bytes point, struct bm_buf *secret, struct bm_fail *why)
{
    EVP_PKEY *peer = EVP_PKEY_new();
    EVP_PKEY_CTX *with = EVP_PKEY_CTX_new(ctx, NULL);
    uint8_t out[32];
    size_t n = sizeof(out);
    bool good;

    assert_true(peer != NULL && with != NULL && EVP_PKEY_copy_parameters(peer, ctx) == 1);
    good = EVP_PKEY_set1_encoded_public_key(peer, point.p, point.n) == 1 && EVP_PKEY_derive_init(with) == 1 &&
           EVP_PKEY_derive_set_peer(with, peer) == 1 && EVP_PKEY_derive(with, out, &n) == 1;
    EVP_PKEY_CTX_free(with);
    EVP_PKEY_free(peer);
    if (!good)
        return bm_fail(why, BM_EPOLICY, NULL, "not for us");
    bm_buf_add(secret, out, n);
    return BM_OK;
}

/* proves: RFC5753 7.2 */
/* proves: RFC5083 2.2 */
/* What another's key holder opens is what libcrypto's CMS opens, and every other byte is refused. */
static void
a_token_opens(bool rsa)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 4096 }, cert = { .max = 4096 }, other = { .max = 4096 }, unused = { .max = 4096 };
    bm_cleanup(bm_buf_done) struct bm_buf envelope = { .max = 65536 }, content = { .max = 4096 };
    bm_cleanup(bm_envelope_key_done) struct bm_envelope_key ours = { .file = NULL }, theirs = { .file = NULL };
    struct bm_unseal unseal = { .rsa = rsa ? soft_rsa : NULL, .ecdh = rsa ? NULL : soft_ecdh };

    party_make(&key, &cert, rsa);
    party_make(&other, &unused, rsa);
    assert_int_equal(bm_envelope_key_parse(&ours, bm_buf_bytes(&key), &fail), BM_OK);
    assert_int_equal(bm_envelope_key_parse(&theirs, bm_buf_bytes(&other), &fail), BM_OK);
    assert_int_equal(bm_envelope_build(&envelope, bm_bytes_str("the manifest"), bm_buf_bytes(&cert), &fail), BM_OK);
    unseal.ctx = ours.file;
    assert_int_equal(bm_sealed_open(&content, bm_buf_bytes(&envelope), &unseal, &progress, &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&content), bm_bytes_str("the manifest")));
    for (size_t n = 0; n < envelope.n; n++)
        assert_int_equal(bm_sealed_open(&unused, bm_bytes(envelope.p, n), &unseal, &progress, &fail), BM_EINPUT);
    for (size_t i = 0; i < envelope.n; i++) {
        bm_buf_reset(&content);
        envelope.p[i] ^= 1;
        if (bm_sealed_open(&content, bm_buf_bytes(&envelope), &unseal, &progress, &fail) ==
            BM_OK) /* issuer, serial number: whom it names */
            assert_true(bm_bytes_equal(bm_buf_bytes(&content), bm_bytes_str("the manifest")));
        else
            assert_int_equal(content.n, 0);
        envelope.p[i] ^= 1;
    }
    bm_buf_reset(&content);
    unseal.ctx = theirs.file;
    assert_int_equal(bm_sealed_open(&content, bm_buf_bytes(&envelope), &unseal, &progress, &fail), BM_EPOLICY);
    unseal.rsa = unseal.ecdh = NULL;
    assert_int_equal(bm_sealed_open(&content, bm_buf_bytes(&envelope), &unseal, &progress, &fail), BM_EPOLICY);
    bm_buf_add_u8(&envelope, 0);
    assert_int_equal(bm_sealed_open(&content, bm_buf_bytes(&envelope), &unseal, &progress, &fail), BM_EINPUT);
    assert_int_equal(content.n, 0);
}

static void
test_a_key_that_others_hold_opens_it_too(void **state)
{
    (void)state;
    a_token_opens(true);
    a_token_opens(false);
}

static void
test_it_opens_whole_and_unchanged_or_not(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 4096 }, cert = { .max = 4096 }, other = { .max = 4096 }, unused = { .max = 4096 };
    bm_cleanup(bm_buf_done) struct bm_buf envelope = { .max = 65536 }, content = { .max = 4096 };

    (void)state;
    party_make(&key, &cert, false);
    party_make(&other, &unused, false);
    assert_int_equal(bm_envelope_build(&envelope, bm_bytes_str("the manifest"), bm_buf_bytes(&cert), &fail), BM_OK);
    assert_true(bm_is_envelope(bm_buf_bytes(&envelope)));
    assert_int_equal(open_with(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&key), &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&content), bm_bytes_str("the manifest")));
    bm_buf_reset(&content);
    assert_int_equal(open_with(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&other), &fail), BM_EPOLICY);
    for (size_t n = 0; n < envelope.n; n++)
        assert_int_not_equal(open_with(&content, bm_bytes(envelope.p, n), bm_buf_bytes(&key), &fail), BM_OK);
    for (size_t i = 0; i < envelope.n; i++) {
        envelope.p[i] ^= 1;
        if (open_with(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&key), &fail) == BM_OK) /* issuer, serial number: whom it names */
            assert_true(bm_bytes_equal(bm_buf_bytes(&content), bm_bytes_str("the manifest")));
        bm_buf_reset(&content);
        envelope.p[i] ^= 1;
    }
    bm_buf_add_u8(&envelope, 0);
    assert_int_equal(open_with(&content, bm_buf_bytes(&envelope), bm_buf_bytes(&key), &fail), BM_EINPUT);
    assert_int_equal(content.n, 0);
}

static void
test_what_is_no_envelope(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 4096 }, cert = { .max = 4096 }, content = { .max = 4096 };

    (void)state;
    party_make(&key, &cert, false);
    assert_false(bm_is_envelope(bm_buf_bytes(&cert))); /* DER that begins with a SEQUENCE too */
    assert_false(bm_is_envelope(bm_bytes_str("birthmark-manifest v1\n")));
    assert_false(bm_is_envelope(bm_bytes(NULL, 0)));
    assert_int_equal(open_with(&content, bm_buf_bytes(&cert), bm_buf_bytes(&key), &fail), BM_EINPUT);
    assert_int_equal(open_with(&content, bm_buf_bytes(&cert), bm_buf_bytes(&cert), &fail), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_opens_whole_and_unchanged_or_not),
        cmocka_unit_test(test_a_key_that_others_hold_opens_it_too),
        cmocka_unit_test(test_what_is_no_envelope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
