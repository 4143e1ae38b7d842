/* provider_sign.c - ECDSA on P-256 with SHA-256, made in the root of trust. */
#include "device/provider_inside.h"

#include <openssl/core_names.h>

#include <stdlib.h>
#include <strings.h>

/* What is to be signed is gathered, since the root hashes and signs in one step. A handshake's is 130 bytes in TLS 1.3, all its messages in 1.2. */
struct signing {
    const struct bm_provider_identity *key;
    struct bm_buf tbs;
};

static void *
signing_new(void *provider, const char *properties)
{
    struct signing *signing = calloc(1, sizeof(*signing));

    (void)provider;
    (void)properties;
    if (signing != NULL)
        signing->tbs.max = BM_MAX_MESSAGE;
    return signing;
}

static void
signing_free(void *ctx)
{
    struct signing *signing = ctx;

    if (signing != NULL)
        bm_buf_done(&signing->tbs);
    free(signing);
}

static void *
signing_copy(void *ctx)
{
    const struct signing *from = ctx;
    struct signing *signing = signing_new(NULL, NULL);

    if (signing == NULL)
        return NULL;
    signing->key = from->key;
    bm_buf_add_bytes(&signing->tbs, bm_buf_bytes(&from->tbs));
    return signing;
}

/* The keys are P-256 and the roots hash with SHA-256, whatever the caller calls it. */
static bool
hash_ok(const char *digest)
{
    static const char *const names[] = { "", "SHA256", "SHA2-256", "SHA-256", "2.16.840.1.101.3.4.2.1" };

    for (size_t i = 0; digest != NULL && i < BM_COUNT(names); i++) {
        if (strcasecmp(digest, names[i]) == 0)
            return true;
    }
    return digest == NULL;
}

static int
signing_init(void *ctx, const char *digest, void *keydata, const OSSL_PARAM params[])
{
    struct signing *signing = ctx;

    (void)params;
    if (!hash_ok(digest))
        return 0;
    if (keydata != NULL)
        signing->key = keydata;
    bm_buf_reset(&signing->tbs);
    return signing->key != NULL && signing->key->keeper != NULL;
}

static int
signing_update(void *ctx, const unsigned char *data, size_t n)
{
    struct signing *signing = ctx;

    bm_buf_add(&signing->tbs, data, n);
    return !signing->tbs.bad;
}

/* libcrypto's slot for the signature has room for the longest. */
static enum bm_rc
sign(const struct signing *signing, struct bm_buf *made, struct bm_fail *fail)
{
    const struct bm_provider_identity *key = signing->key;
    struct bm_root *root;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    if ((rc = bm_keeper_take(key->keeper, &root, fail)) != BM_OK)
        return rc;
    rc = root->ops->key_sign(root, key->service, false, bm_buf_bytes(&signing->tbs), &alg, made, fail);
    bm_keeper_give(key->keeper, true);
    if (rc == BM_OK && alg != BM_SIG_ECDSA_SHA256)
        return bm_fail(fail, BM_EPOLICY, NULL, "the key of service %s is not on P-256: enrol it again with a new key", key->service);
    return rc;
}

static int
signing_final(void *ctx, unsigned char *signature, size_t *n, size_t room)
{
    uint8_t bytes[BM_P256_SIGNATURE];
    struct bm_buf made = bm_buf_in(bytes, sizeof(bytes));
    struct bm_fail fail;

    if (signature == NULL) {
        *n = BM_P256_SIGNATURE;
        return 1;
    }
    if (sign(ctx, &made, &fail) != BM_OK)
        return bm_provider_refuse(&fail);
    if (made.n > room)
        return 0;
    memcpy(signature, made.p, made.n);
    *n = made.n;
    return 1;
}

static int
signing_once(void *ctx, unsigned char *signature, size_t *n, size_t room, const unsigned char *data, size_t ndata)
{
    if (signature == NULL)
        return signing_final(ctx, NULL, n, room);
    return signing_update(ctx, data, ndata) && signing_final(ctx, signature, n, room);
}

/* AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 3.2): what certificate requests and CMS write beside the signature. */
static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

static int
signing_get_params(void *ctx, OSSL_PARAM params[])
{
    OSSL_PARAM *p;

    (void)ctx;
    if ((p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID)) != NULL &&
        !OSSL_PARAM_set_octet_string(p, algorithm, sizeof(algorithm)))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
    return p == NULL || OSSL_PARAM_set_utf8_string(p, "SHA256");
}

static const OSSL_PARAM *
signing_gettable_params(void *ctx, void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx;
    (void)provider;
    return params;
}

const OSSL_DISPATCH bm_provider_signature[] = {
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_DUPCTX, signing_copy),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_init),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, signing_update),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, signing_final),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_once),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, signing_get_params),
    BM_DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, signing_gettable_params),
    { 0, NULL },
};
