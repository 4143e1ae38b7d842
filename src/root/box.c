#include "root/box.h"

#include "base/env.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define NONCE 12
#define TAG 16

static void
ctx_done(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

static enum bm_rc
away(struct bm_fail *fail)
{
    return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto cannot encrypt: there may be no memory");
}

enum bm_rc
bm_box_close(struct bm_buf *box, const uint8_t key[static BM_BOX_KEY], const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    bm_cleanup(ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t nonce[NONCE], *out;
    enum bm_rc rc;
    int n;

    if (ctx == NULL)
        return away(fail);
    if ((rc = bm_env_system.random(bm_env_system.ctx, nonce, sizeof(nonce), fail)) != BM_OK)
        return rc;
    bm_buf_add(box, nonce, sizeof(nonce));
    if ((out = bm_buf_grow(box, bytes.n + TAG)) == NULL)
        return bm_buf_check(box, "what is to be sealed", fail);
    if (EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)name, (int)strlen(name)) != 1 ||
        (bytes.n > 0 && EVP_EncryptUpdate(ctx, out, &n, bytes.p, (int)bytes.n) != 1) || EVP_EncryptFinal_ex(ctx, out + bytes.n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + bytes.n) != 1)
        return away(fail);
    return BM_OK;
}

enum bm_rc
bm_box_open(struct bm_buf *bytes, const uint8_t key[static BM_BOX_KEY], const char *name, struct bm_bytes box, struct bm_fail *fail)
{
    bm_cleanup(ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t tag[TAG], *out;
    size_t before = bytes->n, inside;
    int n;

    if (box.n < BM_BOX_EXTRA || box.n > INT32_MAX)
        return bm_fail(fail, BM_EPOLICY, NULL, "it is too short to be sealed data");
    inside = box.n - BM_BOX_EXTRA;
    memcpy(tag, box.p + NONCE + inside, TAG);
    if (ctx == NULL)
        return away(fail);
    if ((out = bm_buf_grow(bytes, inside)) == NULL && inside > 0)
        return bm_buf_check(bytes, "the sealed data", fail);
    if (EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, box.p, NULL) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)name, (int)strlen(name)) != 1 ||
        (inside > 0 && EVP_DecryptUpdate(ctx, out, &n, box.p + NONCE, (int)inside) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 || EVP_DecryptFinal_ex(ctx, tag, &n) != 1) {
        ERR_clear_error();
        if (inside > 0)
            explicit_bzero(out, inside);
        bytes->n = before;
        return bm_fail(fail, BM_EPOLICY, NULL, "it was changed, or sealed by another device");
    }
    return BM_OK;
}
