/* provider_entry.c - the provider's tables and its beginning and end, the same in our own library context and in a program that loads the module. */
#include "device/provider_inside.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <stdio.h>
#include <stdlib.h>

#define PROPERTIES "provider=birthmark"

static const OSSL_ALGORITHM keymgmts[] = {
    { BM_PROVIDER_EC, PROPERTIES, bm_provider_keymgmt, "keys of a root of trust" },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signatures[] = {
    { "ECDSA", PROPERTIES, bm_provider_signature, "signatures by a root of trust" },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM stores[] = {
    { "birthmark", PROPERTIES, bm_provider_store, "birthmark:service=NAME" },
    { NULL, NULL, NULL, NULL },
};

/* Two steps, as the default provider's: whoever asks for a key in PEM goes both, whoever has DER the second. */
static const OSSL_ALGORITHM decoders[] = {
    { "DER", PROPERTIES ",input=pem", bm_provider_from_pem, "a key file's PEM" },
    { BM_PROVIDER_EC, PROPERTIES ",input=der,structure=" BM_PROVIDER_STRUCTURE, bm_provider_from_der, "what a key file names" },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *
query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return keymgmts;
    case OSSL_OP_SIGNATURE:
        return signatures;
    case OSSL_OP_STORE:
        return stores;
    case OSSL_OP_DECODER:
        return decoders;
    default:
        return NULL;
    }
}

static void
teardown(void *made)
{
    struct bm_provider_ctx *ctx = made;

    bm_keepers_free(ctx->keepers);
    free(ctx);
}

static const OSSL_PARAM *
told(void *ctx)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_NAME, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_VERSION, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_STATUS, OSSL_PARAM_INTEGER, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx;
    return params;
}

static int
tell(void *ctx, OSSL_PARAM params[])
{
    OSSL_PARAM *name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME), *version = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION),
               *status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);

    (void)ctx;
    return (name == NULL || OSSL_PARAM_set_utf8_ptr(name, "Birthmark")) &&
           (version == NULL || OSSL_PARAM_set_utf8_ptr(version, BM_VERSION)) && (status == NULL || OSSL_PARAM_set_int(status, 1));
}

static const OSSL_DISPATCH provider[] = {
    BM_DISPATCH(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, told),
    BM_DISPATCH(OSSL_FUNC_PROVIDER_GET_PARAMS, tell),
    BM_DISPATCH(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
    BM_DISPATCH(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
    { 0, NULL },
};

/* The values of our section in openssl.cnf. */
static bool
configured(struct bm_provider_ctx *ctx, const OSSL_CORE_HANDLE *core, OSSL_FUNC_core_get_params_fn *get)
{
    union {
        const char *in;
        char *out;
    } root = { .in = "" }, module = { .in = "" };
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_ptr("root", &root.out, 0),
        OSSL_PARAM_construct_utf8_ptr("pkcs11-module", &module.out, 0),
        OSSL_PARAM_END,
    };

    if (get != NULL && !get(core, params))
        return false;
    ctx->root = root.in;
    ctx->module = module.in;
    return true;
}

int
bm_provider_entry(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ret_ctx)
{
    OSSL_FUNC_core_get_params_fn *get = NULL;
    struct bm_provider_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx == NULL)
        return 0;
    for (; in->function_id != 0; in++) {
        if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS)
            get = OSSL_FUNC_core_get_params(in);
        else if (in->function_id == OSSL_FUNC_BIO_READ_EX)
            ctx->read = OSSL_FUNC_BIO_read_ex(in);
        else if (in->function_id == OSSL_FUNC_BIO_GETS)
            ctx->gets = OSSL_FUNC_BIO_gets(in);
    }
    if (!configured(ctx, core, get) || (ctx->keepers = bm_keepers_new()) == NULL) {
        free(ctx);
        return 0;
    }
    *out = provider;
    *ret_ctx = ctx;
    return 1;
}

bool
bm_provider_refuse(const struct bm_fail *fail)
{
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "birthmark: %s", fail->text);
    return false;
}

OSSL_PARAM
bm_provider_text(const char *key, const char *text)
{
    union {
        const char *in;
        char *out;
    } p = { .in = text };

    return OSSL_PARAM_construct_utf8_string(key, p.out, 0);
}

OSSL_PARAM
bm_provider_octets(const char *key, struct bm_bytes bytes)
{
    union {
        const uint8_t *in;
        void *out;
    } p = { .in = bytes.p };

    return OSSL_PARAM_construct_octet_string(key, p.out, bytes.n);
}

static enum bm_rc
key_look(struct bm_key *ret_key, struct bm_keeper *keeper, const char *service, struct bm_fail *fail)
{
    struct bm_root *root;
    enum bm_rc rc;

    if ((rc = bm_keeper_take(keeper, &root, fail)) != BM_OK)
        return rc;
    rc = root->ops->key_public(root, service, false, ret_key, fail);
    bm_keeper_give(keeper, false);
    return rc;
}

enum bm_rc
bm_provider_identity_get(struct bm_provider_identity *ret, struct bm_keeper *keeper, const char *service, struct bm_fail *fail)
{
    struct bm_key public;
    enum bm_rc rc;

    if ((rc = key_look(&public, keeper, service, fail)) != BM_OK)
        return rc;
    if (public.nbits != BM_P256_POINT)
        return bm_fail(fail, BM_EPOLICY, NULL, "the key of service %s is not on P-256: enrol it again with a new key", service);
    *ret = (struct bm_provider_identity){ .keeper = keeper };
    (void)snprintf(ret->service, sizeof(ret->service), "%s", service);
    memcpy(ret->point, public.spki + public.at_bits, BM_P256_POINT);
    return BM_OK;
}

enum bm_rc
bm_provider_keeper(struct bm_keeper **ret_keeper, const struct bm_provider_ctx *ctx, const struct bm_naming *naming, struct bm_fail *fail)
{
    const char *root = naming->root, *env = secure_getenv("BIRTHMARK_ROOT");
    char uri[2 * BM_MAX_ROOT_URI];
    enum bm_rc rc;

    if (*root == '\0')
        root = env != NULL ? env : ctx->root;
    if (*root == '\0')
        return bm_fail(fail, BM_EINPUT, NULL,
                       "no root of trust is named: set BIRTHMARK_ROOT, or root in the provider's section of openssl.cnf");
    if ((rc = bm_naming_with_module(uri, sizeof(uri), root, ctx->module, fail)) != BM_OK)
        return rc;
    return bm_keeper_get(ret_keeper, ctx->keepers, uri, fail);
}
