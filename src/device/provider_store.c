/*
 * provider_store.c - birthmark:service=NAME as a store: the private key, then the certificates, leaf first.
 *
 * The key goes to libcrypto as the DER of a key file, so that one decoder makes every key.
 */
#include "device/provider_inside.h"

#include "wire/rd.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/store.h>

#include <stdlib.h>

struct store {
    const struct bm_provider_ctx *ctx;
    struct bm_naming naming;
    int expect; /* OSSL_STORE_INFO_...; 0: all */
    bool key_given;
    bool looked;
    struct bm_buf certs; /* each with a u32 length before it */
    size_t at;           /* the next one */
};

static void *
store_open(void *provider, const char *uri)
{
    struct store *store = calloc(1, sizeof(*store));
    struct bm_fail fail;

    if (store == NULL)
        return NULL;
    store->ctx = provider;
    store->certs.max = BM_ROOT_CERTS * (BM_MAX_CERT + 4);
    if (bm_naming_uri_parse(&store->naming, uri, &fail) != BM_OK) {
        (void)bm_provider_refuse(&fail);
        free(store);
        return NULL;
    }
    return store;
}

static int
store_close(void *made)
{
    struct store *store = made;

    bm_buf_done(&store->certs);
    free(store);
    return 1;
}

static const OSSL_PARAM *
store_settable(void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
        OSSL_PARAM_END,
    };

    (void)provider;
    return params;
}

static int
store_set(void *made, const OSSL_PARAM params[])
{
    struct store *store = made;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);

    return p == NULL || OSSL_PARAM_get_int(p, &store->expect);
}

static bool
wants_key(const struct store *store)
{
    return !store->key_given && (store->expect == 0 || store->expect == OSSL_STORE_INFO_PKEY || store->expect == OSSL_STORE_INFO_PUBKEY);
}

static bool
wants_certs(const struct store *store)
{
    return (store->expect == 0 || store->expect == OSSL_STORE_INFO_CERT) && (!store->looked || store->at < store->certs.n);
}

static int
key_give(struct store *store, OSSL_CALLBACK *callback, void *arg)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_NAMING };
    bm_cleanup(bm_keeper_done) struct bm_keeper *keeper = NULL;
    struct bm_provider_identity identity;
    int object = OSSL_OBJECT_PKEY;
    struct bm_fail fail;

    store->key_given = true;
    /* libcrypto tries decoders in silence: what is wrong with the identity is said here */
    if (bm_provider_keeper(&keeper, store->ctx, &store->naming, &fail) != BM_OK ||
        bm_provider_identity_get(&identity, keeper, store->naming.service, &fail) != BM_OK)
        return bm_provider_refuse(&fail);
    bm_naming_der_build(&der, &store->naming);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        bm_provider_text(OSSL_OBJECT_PARAM_DATA_TYPE, "EC"),
        bm_provider_text(OSSL_OBJECT_PARAM_DATA_STRUCTURE, BM_PROVIDER_STRUCTURE),
        bm_provider_octets(OSSL_OBJECT_PARAM_DATA, bm_buf_bytes(&der)),
        OSSL_PARAM_END,
    };
    return callback(params, arg);
}

static enum bm_rc
certs_look(struct store *store, struct bm_fail *fail)
{
    bm_cleanup(bm_keeper_done) struct bm_keeper *keeper = NULL;
    struct bm_root *root;
    enum bm_rc rc;

    store->looked = true;
    if ((rc = bm_provider_keeper(&keeper, store->ctx, &store->naming, fail)) != BM_OK ||
        (rc = bm_keeper_take(keeper, &root, fail)) != BM_OK)
        return rc;
    rc = root->ops->certs(root, store->naming.service, &store->certs, fail);
    bm_keeper_give(keeper, false);
    return rc;
}

static int
cert_give(struct store *store, OSSL_CALLBACK *callback, void *arg)
{
    int object = OSSL_OBJECT_CERT;
    struct bm_bytes der;
    struct bm_fail fail;
    struct bm_rd rd;

    if (!store->looked && certs_look(store, &fail) != BM_OK)
        return bm_provider_refuse(&fail);
    rd = bm_rd(bm_bytes(store->certs.p + store->at, store->certs.n - store->at));
    der = bm_rd_lv32(&rd, BM_MAX_CERT);
    store->at = store->certs.n - rd.left;
    if (rd.bad || der.n == 0)
        return 0;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        bm_provider_octets(OSSL_OBJECT_PARAM_DATA, der),
        OSSL_PARAM_END,
    };
    return callback(params, arg);
}

static int
store_load(void *made, OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
    struct store *store = made;

    (void)ask; /* nothing of ours asks: a PIN comes from pin-source */
    (void)ask_arg;
    if (wants_key(store))
        return key_give(store, callback, arg);
    return wants_certs(store) && cert_give(store, callback, arg);
}

static int
store_eof(void *made)
{
    const struct store *store = made;

    return !wants_key(store) && !wants_certs(store);
}

const OSSL_DISPATCH bm_provider_store[] = {
    BM_DISPATCH(OSSL_FUNC_STORE_OPEN, store_open),
    BM_DISPATCH(OSSL_FUNC_STORE_CLOSE, store_close),
    BM_DISPATCH(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, store_settable),
    BM_DISPATCH(OSSL_FUNC_STORE_SET_CTX_PARAMS, store_set),
    BM_DISPATCH(OSSL_FUNC_STORE_LOAD, store_load),
    BM_DISPATCH(OSSL_FUNC_STORE_EOF, store_eof),
    { 0, NULL },
};
