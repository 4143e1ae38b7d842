/*
 * provider.c - key management and signature of the provider.
 *
 * An identity's key never leaves its root, so `export` gives the public half only and refuses when the private one is asked for: that refusal is what
 * makes libcrypto sign here and not in the default provider. `import` also takes plain public keys, since libcrypto compares a certificate's key with
 * ours by bringing it here.
 */
#include "device/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <stdio.h>
#include <stdlib.h>

#define POINT 65     /* an uncompressed point of P-256 */
#define SIGNATURE 72 /* the longest ECDSA-Sig-Value on P-256 */
#define GROUP "prime256v1"
#define IDENTITY "birthmark-identity" /* the parameter that names a key: a pointer to struct identity */

struct identity {
    struct bm_root *root; /* NULL: a public key only */
    char service[BM_MAX_NAME + 1];
    uint8_t point[POINT];
};

/* ---- key management ---- */

static void *
key_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct identity));
}

static void
key_free(void *key)
{
    free(key);
}

static int
key_has(const void *keydata, int selection)
{
    const struct identity *key = keydata;

    if (key == NULL)
        return 0;
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && key->root == NULL)
        return 0;
    return !(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) || key->point[0] == 0x04;
}

static int
key_match(const void *a, const void *b, int selection)
{
    (void)selection; /* all on one curve; whoever has the public key has the private one */
    return memcmp(((const struct identity *)a)->point, ((const struct identity *)b)->point, POINT) == 0;
}

static int
key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, IDENTITY);
    struct identity *key = keydata;
    const void *from = NULL;
    const char *group = NULL;
    size_t n = 0;

    if (p != NULL) {
        if (!OSSL_PARAM_get_octet_ptr(p, &from, &n) || n != sizeof(*key))
            return 0;
        memcpy(key, from, sizeof(*key));
        return 1;
    }
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL)
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
    if (p == NULL || !OSSL_PARAM_get_utf8_string_ptr(p, &group) || strcmp(group, GROUP) != 0)
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
    if (p == NULL || !OSSL_PARAM_get_octet_string_ptr(p, &from, &n) || n != POINT)
        return 0;
    memcpy(key->point, from, POINT);
    return 1;
}

static const OSSL_PARAM *
key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_ptr(IDENTITY, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)selection;
    return types;
}

/* OSSL_PARAM points to non-const even where it is only read. */
static OSSL_PARAM
param_text(const char *key, const char *text)
{
    union {
        const char *in;
        char *out;
    } p = { .in = text };

    return OSSL_PARAM_construct_utf8_string(key, p.out, 0);
}

static int
key_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *ctx)
{
    struct identity *key = keydata;
    OSSL_PARAM params[] = {
        param_text(OSSL_PKEY_PARAM_GROUP_NAME, GROUP),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point, POINT),
        OSSL_PARAM_END,
    };

    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && key->root != NULL)
        return 0;
    return callback(params, ctx);
}

static const OSSL_PARAM *
key_export_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? NULL : types;
}

static int
key_get_params(void *keydata, OSSL_PARAM params[])
{
    static const struct {
        const char *name;
        int value;
    } numbers[] = {
        { OSSL_PKEY_PARAM_BITS, 256 },
        { OSSL_PKEY_PARAM_SECURITY_BITS, 128 },
        { OSSL_PKEY_PARAM_MAX_SIZE, SIGNATURE },
    };
    static const struct {
        const char *name;
        const char *value;
    } texts[] = {
        { OSSL_PKEY_PARAM_GROUP_NAME, GROUP },
        { OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed" },
        { OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256" },
        { OSSL_PKEY_PARAM_MANDATORY_DIGEST, "SHA256" },
    };
    static const char *const points[] = { OSSL_PKEY_PARAM_PUB_KEY, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY };
    const struct identity *key = keydata;
    OSSL_PARAM *p;

    for (size_t i = 0; i < BM_COUNT(numbers); i++) {
        if ((p = OSSL_PARAM_locate(params, numbers[i].name)) != NULL && !OSSL_PARAM_set_int(p, numbers[i].value))
            return 0;
    }
    for (size_t i = 0; i < BM_COUNT(texts); i++) {
        if ((p = OSSL_PARAM_locate(params, texts[i].name)) != NULL && !OSSL_PARAM_set_utf8_string(p, texts[i].value))
            return 0;
    }
    for (size_t i = 0; i < BM_COUNT(points); i++) {
        if ((p = OSSL_PARAM_locate(params, points[i])) != NULL && !OSSL_PARAM_set_octet_string(p, key->point, POINT))
            return 0;
    }
    return 1;
}

static const OSSL_PARAM *
key_gettable_params(void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provider;
    return params;
}

static const char *
key_operation_name(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

/* ---- signature ---- */

/* What is to be signed is gathered, since the root hashes and signs in one step. A handshake's is 130 bytes in TLS 1.3, all its messages in 1.2. */
struct signing {
    const struct identity *key;
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

static int
signing_init(void *ctx, const char *digest, void *keydata, const OSSL_PARAM params[])
{
    struct signing *signing = ctx;

    (void)params;
    if (digest != NULL && *digest != '\0' && strcmp(digest, "SHA256") != 0 && strcmp(digest, "SHA2-256") != 0)
        return 0; /* the keys are P-256 and the roots hash with SHA-256 */
    if (keydata != NULL)
        signing->key = keydata;
    bm_buf_reset(&signing->tbs);
    return signing->key != NULL && signing->key->root != NULL;
}

static int
signing_update(void *ctx, const unsigned char *data, size_t n)
{
    struct signing *signing = ctx;

    bm_buf_add(&signing->tbs, data, n);
    return !signing->tbs.bad;
}

static int
signing_final(void *ctx, unsigned char *signature, size_t *n, size_t room)
{
    struct signing *signing = ctx;
    struct bm_root *root = signing->key->root;
    bm_cleanup(bm_buf_done) struct bm_buf made = { .max = SIGNATURE };
    struct bm_fail fail;
    enum bm_sig_alg alg;

    if (signature == NULL) {
        *n = SIGNATURE;
        return 1;
    }
    if (root->ops->key_sign(root, signing->key->service, false, bm_buf_bytes(&signing->tbs), &alg, &made, &fail) != BM_OK) {
        ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", fail.text);
        return 0;
    }
    if (alg != BM_SIG_ECDSA_SHA256 || made.n > room)
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

/* ---- tables ---- */

#define ENTRY(id, function)            \
    {                                  \
        id, (void (*)(void))(function) \
    }

static const OSSL_DISPATCH keymgmt[] = {
    ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new),
    ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),
    ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),
    ENTRY(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    ENTRY(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    ENTRY(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
    ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
    ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_name),
    { 0, NULL },
};

static const OSSL_DISPATCH signature[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
    ENTRY(OSSL_FUNC_SIGNATURE_DUPCTX, signing_copy),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_init),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, signing_update),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, signing_final),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_once),
    { 0, NULL },
};

static const OSSL_ALGORITHM keymgmts[] = {
    { "EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=birthmark", keymgmt, NULL },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signatures[] = {
    { "ECDSA", "provider=birthmark", signature, NULL },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *
provider_query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_KEYMGMT ? keymgmts : operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static const OSSL_DISPATCH provider[] = {
    ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
    { 0, NULL },
};

static int
provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx)
{
    static const char present;
    union {
        const void *in;
        void *out;
    } nothing = { .in = &present };

    (void)core;
    (void)in;
    *out = provider;
    *ctx = nothing.out; /* libcrypto takes NULL for a failure here and there */
    return 1;
}

struct bm_provider {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *usual, *ours;
};

enum bm_rc
bm_provider_new(struct bm_provider **ret_provider, struct bm_fail *fail)
{
    bm_cleanup(bm_provider_done) struct bm_provider *made = calloc(1, sizeof(*made));

    if (made == NULL || (made->context = OSSL_LIB_CTX_new()) == NULL ||
        !OSSL_PROVIDER_add_builtin(made->context, "birthmark", provider_init) ||
        (made->usual = OSSL_PROVIDER_load(made->context, "default")) == NULL ||
        (made->ours = OSSL_PROVIDER_load(made->context, "birthmark")) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto cannot load its providers");
    *ret_provider = bm_take(made);
    return BM_OK;
}

void
bm_provider_free(struct bm_provider *made)
{
    if (made == NULL)
        return;
    if (made->ours != NULL)
        (void)OSSL_PROVIDER_unload(made->ours);
    if (made->usual != NULL)
        (void)OSSL_PROVIDER_unload(made->usual);
    OSSL_LIB_CTX_free(made->context);
    free(made);
}

void
bm_provider_done(struct bm_provider **made)
{
    bm_provider_free(*made);
    *made = NULL;
}

OSSL_LIB_CTX *
bm_provider_context(struct bm_provider *made)
{
    return made->context;
}

static void
pkey_ctx_done(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

enum bm_rc
bm_provider_key(EVP_PKEY **ret_key, struct bm_provider *made, struct bm_root *root, const char *service, struct bm_fail *fail)
{
    bm_cleanup(pkey_ctx_done) EVP_PKEY_CTX *ctx = NULL;
    struct identity identity = { .root = root };
    void *at = &identity;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_ptr(IDENTITY, &at, sizeof(identity)), OSSL_PARAM_END };
    struct bm_key public;
    EVP_PKEY *key = NULL;
    enum bm_rc rc;

    if ((rc = root->ops->key_public(root, service, false, &public, fail)) != BM_OK)
        return rc;
    if (public.nbits != POINT)
        return bm_fail(fail, BM_EPOLICY, NULL, "the key of service %s is not on P-256: enrol it again with a new key", service);
    (void)snprintf(identity.service, sizeof(identity.service), "%s", service);
    memcpy(identity.point, public.spki + public.at_bits, POINT);
    if ((ctx = EVP_PKEY_CTX_new_from_name(made->context, "EC", "provider=birthmark")) == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        return bm_fail(fail, BM_EBUG, NULL, "libcrypto refuses the key of service %s", service);
    *ret_key = key;
    return BM_OK;
}
