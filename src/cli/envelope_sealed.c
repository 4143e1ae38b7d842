#include "cli/envelope_sealed.h"

#include "base/base.h"
#include "wire/der.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#define KEY 32 /* bytes of an AES-256 key */
#define TAG 16
#define AT_ONCE (1u << 22) /* bytes: libcrypto counts with int, and the bar moves between them */

/*
 * RFC 5083 2.1, RFC 5652 6.2, RFC 5753 3.1: what bm_envelope_build() writes.
 *
 * SEQUENCE { id-ct-authEnvelopedData, [0] SEQUENCE { 0, SET { recipients }, SEQUENCE { id-data, AES-256-GCM, [0] content }, OCTET STRING tag } }
 * recipient: SEQUENCE { 0, whose, RSAES-OAEP, OCTET STRING }
 *            [1] SEQUENCE { 3, [0] { [1] { EC, BIT STRING point } }, { ECDH with SHA-256, AES-256 wrap }, SEQUENCE { { whose, OCTET STRING }... } }
 */
static const uint8_t oid_auth_enveloped[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17 };
static const uint8_t oid_aes256_gcm[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e };
static const uint8_t oid_ecdh_sha256[] = { 0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01 }; /* 1.3.132.1.11.1 dhSinglePass-stdDH-sha256kdf-scheme */
static const uint8_t oaep_sha256[] = { 0x30, 0x38, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07, 0x30, 0x2b,
                                       0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
                                       0xa1, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,
                                       0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t aes256_wrap[] = { 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d };

struct sealed {
    struct bm_rd recipients;
    struct bm_bytes nonce, content, tag;
};

static bool
sealed_parse(struct sealed *ret, struct bm_bytes envelope)
{
    struct bm_rd file = bm_rd(envelope), outer = bm_der_enter(&file, BM_DER_SEQUENCE), wrapped, in, what, alg, params;
    bool ours = bm_der_oid_is(bm_der_take(&outer, BM_DER_OID), oid_auth_enveloped, sizeof(oid_auth_enveloped));

    wrapped = bm_der_enter(&outer, BM_DER_CONTEXT_CONSTRUCTED(0));
    in = bm_der_enter(&wrapped, BM_DER_SEQUENCE);
    ours &= bm_der_uint(&in, BM_DER_INTEGER) == 0;
    ret->recipients = bm_der_enter(&in, BM_DER_SET);
    what = bm_der_enter(&in, BM_DER_SEQUENCE);
    (void)bm_der_take(&what, BM_DER_OID);
    alg = bm_der_enter(&what, BM_DER_SEQUENCE);
    ours &= bm_der_oid_is(bm_der_take(&alg, BM_DER_OID), oid_aes256_gcm, sizeof(oid_aes256_gcm));
    params = bm_der_enter(&alg, BM_DER_SEQUENCE);
    ret->nonce = bm_der_take(&params, BM_DER_OCTET_STRING);
    ours &= bm_der_uint(&params, BM_DER_INTEGER) == TAG;
    ret->content = bm_der_take(&what, BM_DER_CONTEXT(0));
    ret->tag = bm_der_take(&in, BM_DER_OCTET_STRING);
    return ours && !ret->recipients.bad && bm_rd_end(&params) && bm_rd_end(&alg) && bm_rd_end(&what) && bm_rd_end(&in) &&
           bm_rd_end(&wrapped) && bm_rd_end(&outer) && bm_rd_end(&file) && ret->nonce.n == 12 && ret->tag.n == TAG && ret->content.n > 0;
}

static void
cipher_done(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

enum bm_rc
bm_envelope_no_memory(struct bm_fail *fail)
{
    ERR_clear_error();
    return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an envelope");
}

enum bm_rc
bm_envelope_not_for_us(struct bm_fail *fail)
{
    ERR_clear_error();
    return bm_fail(fail, BM_EPOLICY, NULL, "the envelope cannot be opened with this key: it is for another, or was changed on the way");
}

/* ---- the content ---- */

/* req: RFC5083 2.2 nothing of it stays where the tag does not fit */
static enum bm_rc
content_open(struct bm_buf *content, const struct sealed *sealed, const uint8_t key[static KEY], struct bm_progress *progress,
             struct bm_fail *fail)
{
    bm_cleanup(cipher_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const size_t before = content->n;
    uint8_t *out = bm_buf_grow(content, sealed->content.n), tag[TAG];
    bool good;
    int n;

    if (out == NULL)
        return bm_buf_check(content, "what the envelope holds", fail);
    memcpy(tag, sealed->tag.p, TAG);
    if (ctx == NULL || EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, sealed->nonce.p, NULL) != 1)
        return bm_envelope_no_memory(fail);
    good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1;
    for (size_t at = 0; good && at < sealed->content.n; at += AT_ONCE) {
        size_t left = sealed->content.n - at;

        good = EVP_DecryptUpdate(ctx, out + at, &n, sealed->content.p + at, (int)(left < AT_ONCE ? left : AT_ONCE)) == 1;
        bm_progress_show(progress, at, sealed->content.n);
    }
    if (good && EVP_DecryptFinal_ex(ctx, out + sealed->content.n, &n) == 1)
        return BM_OK;
    explicit_bzero(out, sealed->content.n);
    content->n = before;
    return bm_envelope_not_for_us(fail);
}

/* ---- its key ---- */

/* req: RFC5753 7.2 what the secret is mixed with: ECC-CMS-SharedInfo of AES-256 wrap, here without keying material of the sender's. */
static enum bm_rc
wrapping_key(uint8_t ret_key[static KEY], const struct bm_buf *secret, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = 64 };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_X963KDF, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA256";
    size_t all = bm_der_begin(&info, BM_DER_SEQUENCE), length;
    enum bm_rc rc;

    bm_buf_add(&info, aes256_wrap, sizeof(aes256_wrap));
    length = bm_der_begin(&info, BM_DER_CONTEXT_CONSTRUCTED(2));
    bm_der_add(&info, BM_DER_OCTET_STRING, bm_bytes((const uint8_t[]){ 0, 0, 1, 0 }, 4)); /* 256 bits */
    bm_der_end(&info, length);
    bm_der_end(&info, all);
    if ((rc = bm_buf_check(&info, "a derivation", fail)) == BM_OK) {
        const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret->p, secret->n),
                                      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.p, info.n), OSSL_PARAM_END };

        rc = ctx != NULL && EVP_KDF_derive(ctx, ret_key, KEY, params) == 1 ? BM_OK : bm_envelope_no_memory(fail);
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return rc;
}

/* RFC 3394. */
static enum bm_rc
key_unwrap(struct bm_buf *key, struct bm_bytes wrapped, const uint8_t wrapping[static KEY], struct bm_fail *fail)
{
    bm_cleanup(cipher_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t out[KEY + 16];
    int n = 0;

    if (wrapped.n != KEY + 8)
        return bm_envelope_not_for_us(fail);
    if (ctx == NULL)
        return bm_envelope_no_memory(fail);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_DecryptInit_ex2(ctx, EVP_aes_256_wrap(), wrapping, NULL, NULL) != 1 ||
        EVP_DecryptUpdate(ctx, out, &n, wrapped.p, (int)wrapped.n) != 1 || n != KEY)
        return bm_envelope_not_for_us(fail);
    bm_buf_add(key, out, KEY);
    explicit_bzero(out, sizeof(out));
    return bm_buf_check(key, "a key", fail);
}

static enum bm_rc
agreed_open(struct bm_buf *key, struct bm_rd in, const struct bm_unseal *unseal, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf secret = { .max = 128 };
    uint64_t version = bm_der_uint(&in, BM_DER_INTEGER);
    struct bm_rd from = bm_der_enter(&in, BM_DER_CONTEXT_CONSTRUCTED(0)), public = bm_der_enter(&from, BM_DER_CONTEXT_CONSTRUCTED(1)), alg,
                 keys, one;
    struct bm_bytes point, wrapped, wrap;
    uint8_t wrapping[KEY];
    enum bm_rc rc;
    bool ours;

    (void)bm_der_raw(&public, BM_DER_SEQUENCE);
    point = bm_der_bits(&public);
    alg = bm_der_enter(&in, BM_DER_SEQUENCE);
    ours = bm_der_oid_is(bm_der_take(&alg, BM_DER_OID), oid_ecdh_sha256, sizeof(oid_ecdh_sha256));
    wrap = bm_der_raw(&alg, BM_DER_SEQUENCE);
    keys = bm_der_enter(&in, BM_DER_SEQUENCE);
    one = bm_der_enter(&keys, BM_DER_SEQUENCE);
    (void)bm_der_any(&one, NULL);
    wrapped = bm_der_take(&one, BM_DER_OCTET_STRING);
    if (version != 3 || !ours || !bm_bytes_equal(wrap, bm_bytes(aes256_wrap, sizeof(aes256_wrap))) || !bm_rd_end(&one) ||
        !bm_rd_end(&keys) || !bm_rd_end(&in) || !bm_rd_end(&public) || !bm_rd_end(&from) || point.n < 3 || point.p[0] != 4)
        return bm_envelope_not_for_us(fail);
    if ((rc = unseal->ecdh(unseal->ctx, point, &secret, fail)) != BM_OK || (rc = wrapping_key(wrapping, &secret, fail)) != BM_OK)
        return rc;
    rc = key_unwrap(key, wrapped, wrapping, fail);
    explicit_bzero(wrapping, sizeof(wrapping));
    return rc;
}

static enum bm_rc
transported_open(struct bm_buf *key, struct bm_rd in, const struct bm_unseal *unseal, struct bm_fail *fail)
{
    uint64_t version = bm_der_uint(&in, BM_DER_INTEGER);
    struct bm_bytes alg, sealed;

    (void)bm_der_any(&in, NULL);
    alg = bm_der_raw(&in, BM_DER_SEQUENCE);
    sealed = bm_der_take(&in, BM_DER_OCTET_STRING);
    if (version > 2 || !bm_bytes_equal(alg, bm_bytes(oaep_sha256, sizeof(oaep_sha256))) || !bm_rd_end(&in))
        return bm_envelope_not_for_us(fail);
    return unseal->rsa(unseal->ctx, sealed, key, fail);
}

/* One recipient: BM_EPOLICY when it is somebody else. */
static enum bm_rc
recipient_open(struct bm_buf *content, const struct sealed *sealed, struct bm_rd *recipients, const struct bm_unseal *unseal,
               struct bm_progress *progress, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 512 };
    bool agreed = bm_der_peek(recipients, BM_DER_CONTEXT_CONSTRUCTED(1));
    struct bm_rd in;
    enum bm_rc rc;

    if (!agreed && !bm_der_peek(recipients, BM_DER_SEQUENCE)) {
        (void)bm_der_any(recipients, NULL);
        return bm_envelope_not_for_us(fail);
    }
    in = bm_der_enter(recipients, agreed ? BM_DER_CONTEXT_CONSTRUCTED(1) : BM_DER_SEQUENCE);
    if ((agreed ? unseal->ecdh : unseal->rsa) == NULL)
        return bm_envelope_not_for_us(fail);
    if ((rc = (agreed ? agreed_open : transported_open)(&key, in, unseal, fail)) != BM_OK)
        return rc;
    if (key.n != KEY)
        return bm_envelope_not_for_us(fail);
    return content_open(content, sealed, key.p, progress, fail);
}

enum bm_rc
bm_sealed_open(struct bm_buf *content, struct bm_bytes envelope, const struct bm_unseal *unseal, struct bm_progress *progress,
               struct bm_fail *fail)
{
    struct sealed sealed;
    enum bm_rc rc;

    if (!sealed_parse(&sealed, envelope))
        return bm_fail(
            fail, BM_EINPUT, "RFC 5083 2.1",
            "the envelope is malformed or cut short, or not of the kind that `birthmark lot sign --to` makes, and a key in a token opens "
            "no other: ask for the file again");
    if (sealed.recipients.left == 0)
        return bm_envelope_not_for_us(fail);
    do
        rc = recipient_open(content, &sealed, &sealed.recipients, unseal, progress, fail);
    while (rc == BM_EPOLICY && !sealed.recipients.bad && sealed.recipients.left > 0);
    return rc == BM_EPOLICY ? bm_envelope_not_for_us(fail) : rc;
}
