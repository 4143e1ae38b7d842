#include "cli/envelope.h"

#include "cli/envelope_sealed.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* RFC 5652 6.1, RFC 5083 2.1 */
static const uint8_t oid_enveloped[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03 };
static const uint8_t oid_auth_enveloped[] = { 0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17 };

bool
bm_is_envelope(struct bm_bytes file)
{
    size_t at;

    if (file.n < 20 || file.p[0] != 0x30)
        return false;
    at = file.p[1] > 0x80 && file.p[1] <= 0x84 ? 2 + (size_t)(file.p[1] - 0x80) : 2; /* 0x80: indefinite, in BER */
    return memcmp(file.p + at, oid_enveloped, sizeof(oid_enveloped)) == 0 ||
           memcmp(file.p + at, oid_auth_enveloped, sizeof(oid_auth_enveloped)) == 0;
}

static void
cms_done(CMS_ContentInfo **cms)
{
    CMS_ContentInfo_free(*cms);
}

static void
bio_done(BIO **bio)
{
    BIO_free_all(*bio);
}

static void
x509_done(X509 **x)
{
    X509_free(*x);
}

/* ---- closing ---- */

/* OAEP with SHA-256 in place of PKCS #1 v1.5; SHA-256 in the derivation of ECDH's key in place of SHA-1. */
static bool
recipient_add(CMS_ContentInfo *cms, X509 *cert)
{
    CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);
    EVP_PKEY_CTX *ctx = info != NULL ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;

    if (ctx == NULL)
        return false;
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(cert)) == EVP_PKEY_RSA)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
    return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
}

static bool
key_fits(const X509 *cert)
{
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    int type = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

    return (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 2048) || type == EVP_PKEY_EC;
}

static enum bm_rc
der_add(struct bm_buf *buf, const CMS_ContentInfo *cms, struct bm_fail *fail)
{
    int n = i2d_CMS_ContentInfo(cms, NULL);
    uint8_t *at = n > 0 ? bm_buf_grow(buf, (size_t)n) : NULL;

    if (at == NULL)
        return n > 0 ? bm_buf_check(buf, "the envelope", fail) : bm_envelope_no_memory(fail);
    return i2d_CMS_ContentInfo(cms, &at) == n ? BM_OK : bm_envelope_no_memory(fail);
}

enum bm_rc
bm_envelope_build(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes cert_der, struct bm_fail *fail)
{
    const uint8_t *at = cert_der.p;
    bm_cleanup(x509_done) X509 *cert = d2i_X509(NULL, &at, (long)cert_der.n);
    bm_cleanup(cms_done) CMS_ContentInfo *cms = NULL;
    bm_cleanup(bio_done) BIO *in = NULL;

    if (cert == NULL || !key_fits(cert)) {
        ERR_clear_error();
        return bm_fail(fail, BM_EINPUT, NULL, "the recipient's certificate must have a key that encrypts: RSA of 2048 bits or more, or EC");
    }
    if (content.n > INT_MAX || (in = BIO_new_mem_buf(content.p, (int)content.n)) == NULL ||
        (cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL)) == NULL || !recipient_add(cms, cert) ||
        CMS_final(cms, in, NULL, CMS_BINARY) != 1)
        return bm_envelope_no_memory(fail);
    return der_add(buf, cms, fail);
}

/* ---- opening ---- */

/* What libcrypto hands on, as it does. */
struct opening {
    struct bm_progress *progress;
    uint64_t done, all;
};

static long
opened(BIO *bio, int oper, const char *argp, size_t len, int argi, long argl, int ret, size_t *processed)
{
    struct opening *opening = (struct opening *)(void *)BIO_get_callback_arg(bio);

    (void)argp;
    (void)argi;
    (void)argl;
    (void)processed;
    if (oper == BIO_CB_WRITE)
        bm_progress_show(opening->progress, opening->done += len, opening->all);
    return ret;
}

enum bm_rc
bm_envelope_open_cms(struct bm_buf *content, struct bm_bytes envelope, EVP_PKEY *key, struct bm_progress *progress, struct bm_fail *fail)
{
    struct opening opening = { .progress = progress, .all = envelope.n };
    const uint8_t *at = envelope.p;
    bm_cleanup(cms_done) CMS_ContentInfo *cms = NULL;
    bm_cleanup(bio_done) BIO *out = NULL;
    char *inside = NULL;
    long n;

    if (!bm_is_envelope(envelope) || envelope.n > LONG_MAX || (cms = d2i_CMS_ContentInfo(NULL, &at, (long)envelope.n)) == NULL ||
        at != envelope.p + envelope.n) {
        ERR_clear_error();
        return bm_fail(fail, BM_EINPUT, "RFC 5652 6.1", "the envelope is malformed or cut short: ask for the file again");
    }
    if ((out = BIO_new(BIO_s_mem())) == NULL)
        return bm_envelope_no_memory(fail);
    BIO_set_callback_ex(out, opened);
    BIO_set_callback_arg(out, (char *)&opening);
    if (CMS_decrypt(cms, key, NULL, NULL, out, CMS_BINARY) != 1)
        return bm_envelope_not_for_us(fail);
    BIO_set_callback_ex(out, NULL);
    n = BIO_get_mem_data(out, &inside);
    if (n <= 0)
        return bm_envelope_not_for_us(fail);
    bm_buf_add(content, inside, (size_t)n);
    return bm_buf_check(content, "what the envelope holds", fail);
}
