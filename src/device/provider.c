/* provider.c - the provider in a library context of our own, for birthmark_tls_client(). */
#include "device/provider.h"

#include "device/provider_inside.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

#include <stdlib.h>

struct bm_provider {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *usual, *ours;
};

enum bm_rc
bm_provider_new(struct bm_provider **ret_provider, struct bm_fail *fail)
{
    bm_cleanup(bm_provider_done) struct bm_provider *made = calloc(1, sizeof(*made));

    if (made == NULL || (made->context = OSSL_LIB_CTX_new()) == NULL ||
        !OSSL_PROVIDER_add_builtin(made->context, "birthmark", bm_provider_entry) ||
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

static enum bm_rc
key_make(EVP_PKEY **ret_key, struct bm_provider *made, struct bm_provider_identity *identity, struct bm_fail *fail)
{
    bm_cleanup(pkey_ctx_done) EVP_PKEY_CTX *ctx = NULL;
    void *at = identity;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_ptr(BM_PROVIDER_IDENTITY, &at, sizeof(*identity)), OSSL_PARAM_END };
    EVP_PKEY *key = NULL;

    if ((ctx = EVP_PKEY_CTX_new_from_name(made->context, "EC", "provider=birthmark")) == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        return bm_fail(fail, BM_EBUG, NULL, "libcrypto refuses the key of service %s", identity->service);
    *ret_key = key;
    return BM_OK;
}

enum bm_rc
bm_provider_key(EVP_PKEY **ret_key, struct bm_provider *made, struct bm_root *root, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_keeper_done) struct bm_keeper *keeper = NULL;
    struct bm_provider_identity identity;
    enum bm_rc rc;

    if ((rc = bm_keeper_lend(&keeper, root, fail)) != BM_OK || (rc = bm_provider_identity_get(&identity, keeper, service, fail)) != BM_OK)
        return rc;
    return key_make(ret_key, made, &identity, fail);
}
