/* puf_wrap.c - operational keys of a PUF in their files: AES-256-GCM under a key of the secret (docs/formats/device-store.md). */
#include "root/puf.h"

#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define LABEL "BIRTHMARK WRAPPED KEY"
#define VERSION 1
#define NONCE 12
#define TAG 16
#define WRAPPED 1024 /* PKCS#8 of a P-256 key in PEM, and a margin */

static void
cipher_done(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

struct wrap_key {
    uint8_t b[32];
};

static void
wrap_key_wipe(struct wrap_key *key)
{
    explicit_bzero(key, sizeof(*key));
}

static enum bm_rc
wrap_key_make(struct wrap_key *ret, const struct bm_files *files, struct bm_fail *fail)
{
    BM_SECRET(secret);
    enum bm_rc rc = bm_puf_secret(&secret, bm_puf_of(&files->root), false, fail);

    if (rc == BM_OK)
        bm_extractor_expand(ret->b, sizeof(ret->b), &secret, "birthmark/puf/v1 wrapping key");
    return rc;
}

/* A context that has the key, the nonce, and the service's name as associated data. */
static EVP_CIPHER_CTX *
cipher_begin(const struct wrap_key *key, const uint8_t nonce[static NONCE], const char *service, bool encrypt)
{
    bm_cleanup(cipher_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    if (ctx == NULL || EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->b, nonce, encrypt) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)service, (int)strlen(service)) != 1) {
        ERR_clear_error();
        return NULL;
    }
    return bm_take(ctx);
}

enum bm_rc
bm_puf_seal(const struct bm_files *files, const char *service, const struct bm_private *key, struct bm_buf *text, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf plain = { .max = WRAPPED }, der = { .max = WRAPPED };
    bm_cleanup(wrap_key_wipe) struct wrap_key wrap;
    bm_cleanup(cipher_done) EVP_CIPHER_CTX *ctx = NULL;
    uint8_t nonce[NONCE], *out;
    int n = 0, last = 0;
    enum bm_rc rc;

    if ((rc = bm_private_build(&plain, key, fail)) != BM_OK || (rc = wrap_key_make(&wrap, files, fail)) != BM_OK ||
        (rc = bm_env_system.random(NULL, nonce, sizeof(nonce), fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&der, VERSION);
    bm_buf_add(&der, nonce, sizeof(nonce));
    out = bm_buf_grow(&der, plain.n + TAG);
    if (out == NULL || (ctx = cipher_begin(&wrap, nonce, service, true)) == NULL ||
        EVP_CipherUpdate(ctx, out, &n, plain.p, (int)plain.n) != 1 || EVP_CipherFinal_ex(ctx, out + n, &last) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + plain.n) != 1) {
        ERR_clear_error();
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not wrap a key: there may be no memory");
    }
    bm_pem_build(text, LABEL, bm_buf_bytes(&der));
    return bm_buf_check(text, "the wrapped key", fail);
}

static enum bm_rc
block_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *wrapped = ctx;

    if (wrapped->n > 0)
        return bm_fail(fail, BM_EINPUT, NULL, "there are two keys");
    bm_buf_add_bytes(wrapped, der);
    return bm_buf_check(wrapped, "the wrapped key", fail);
}

static bool
unwrap(struct bm_buf *plain, const struct wrap_key *wrap, const char *service, struct bm_bytes wrapped)
{
    size_t n = wrapped.n - 1 - NONCE - TAG;
    const uint8_t *in = wrapped.p + 1 + NONCE;
    bm_cleanup(cipher_done) EVP_CIPHER_CTX *ctx = cipher_begin(wrap, wrapped.p + 1, service, false);
    uint8_t tag[TAG], *out = bm_buf_grow(plain, n);
    int done = 0, last = 0;
    bool ok;

    memcpy(tag, in + n, sizeof(tag));
    ok = ctx != NULL && out != NULL && EVP_CipherUpdate(ctx, out, &done, in, (int)n) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 && EVP_CipherFinal_ex(ctx, out + done, &last) == 1;
    ERR_clear_error();
    return ok;
}

enum bm_rc
bm_puf_unseal(const struct bm_files *files, const char *service, struct bm_bytes text, struct bm_private **ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf wrapped = { .max = WRAPPED }, plain = { .max = WRAPPED };
    bm_cleanup(wrap_key_wipe) struct wrap_key wrap;
    enum bm_rc rc;

    if ((rc = bm_pem_parse(text, LABEL, block_take, &wrapped, fail)) != BM_OK)
        return rc;
    if (wrapped.n <= 1 + NONCE + TAG || wrapped.p[0] != VERSION)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no wrapped key of version %d: enrol the service again", VERSION);
    if ((rc = wrap_key_make(&wrap, files, fail)) != BM_OK)
        return rc;
    if (!unwrap(&plain, &wrap, service, bm_buf_bytes(&wrapped)))
        return bm_fail(fail, BM_EPOLICY, NULL, "the wrapped key was altered, or is another chip's or service's: enrol the service again");
    return bm_private_parse(ret_key, bm_buf_bytes(&plain), fail);
}
