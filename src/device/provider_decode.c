/*
 * provider_decode.c - key files: a PEM block that names an identity becomes that identity's key.
 *
 * libcrypto offers a file to every decoder in turn, and "not mine" is no error: such a decoder returns 1 without calling back.
 */
#include "device/provider_inside.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>

#include <stdlib.h>

#define FILE_MAX BM_MAX_PEM_FILE
#define BEGIN "-----BEGIN " BM_NAMING_PEM "-----"
#define END "-----END "

static void *
decoder_new(void *provider)
{
    return provider;
}

static void
decoder_free(void *ctx)
{
    (void)ctx;
}

static int
decoder_selects(void *provider, int selection)
{
    (void)provider;
    return selection == 0 || selection & OSSL_KEYMGMT_SELECT_KEYPAIR;
}

/* The next PEM block if it is ours, up to its END line, with nothing before it; empty when it is another's, or there is none. */
static void
block_read(struct bm_buf *pem, const struct bm_provider_ctx *ctx, OSSL_CORE_BIO *in)
{
    char line[256];
    size_t seen = 0;

    while (seen < FILE_MAX && ctx->gets(in, line, sizeof(line)) > 0) {
        seen += strlen(line);
        if (pem->n == 0 && strncmp(line, "-----BEGIN ", 11) == 0 && strncmp(line, BEGIN, strlen(BEGIN)) != 0)
            return;
        if (pem->n == 0 && strncmp(line, BEGIN, strlen(BEGIN)) != 0)
            continue;
        bm_buf_add_str(pem, line);
        if (strncmp(line, END, strlen(END)) == 0)
            return;
    }
}

static int
pem_decode(void *made, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = FILE_MAX }, der = { .max = BM_MAX_NAMING };
    const struct bm_provider_ctx *ctx = made;
    struct bm_naming naming;
    struct bm_fail fail;
    int object = OSSL_OBJECT_PKEY;

    (void)selection;
    (void)ask;
    (void)ask_arg;
    block_read(&pem, ctx, in);
    if (pem.n == 0)
        return 1;
    if (bm_naming_file_parse(&naming, bm_buf_bytes(&pem), &fail) != BM_OK)
        return bm_provider_refuse(&fail);
    bm_naming_der_build(&der, &naming);
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
identity_open(struct bm_provider_identity *ret, const struct bm_provider_ctx *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_keeper_done) struct bm_keeper *keeper = NULL;
    struct bm_naming naming;
    enum bm_rc rc;

    if ((rc = bm_naming_der_parse(&naming, der, fail)) != BM_OK || (rc = bm_provider_keeper(&keeper, ctx, &naming, fail)) != BM_OK)
        return rc;
    if ((rc = bm_provider_identity_get(ret, keeper, naming.service, fail)) == BM_OK)
        ret->keeper = bm_take(keeper);
    return rc;
}

static int
der_decode(void *made, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
    const struct bm_provider_ctx *ctx = made;
    struct bm_provider_identity identity;
    uint8_t der[BM_MAX_NAMING];
    struct bm_fail fail;
    size_t n = 0, more;
    int object = OSSL_OBJECT_PKEY, done;

    (void)selection;
    (void)ask;
    (void)ask_arg;
    while (n < sizeof(der) && ctx->read(in, der + n, sizeof(der) - n, &more) == 1 && more > 0)
        n += more;
    if (n == 0 || der[0] != 0x0c)
        return 1;
    if (identity_open(&identity, ctx, bm_bytes(der, n), &fail) != BM_OK)
        return bm_provider_refuse(&fail);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        bm_provider_text(OSSL_OBJECT_PARAM_DATA_TYPE, "EC"),
        bm_provider_octets(OSSL_OBJECT_PARAM_REFERENCE, bm_bytes((const uint8_t *)&identity, sizeof(identity))),
        OSSL_PARAM_END,
    };
    done = callback(params, arg);
    bm_keeper_drop(identity.keeper);
    return done;
}

const OSSL_DISPATCH bm_provider_from_pem[] = {
    BM_DISPATCH(OSSL_FUNC_DECODER_NEWCTX, decoder_new),
    BM_DISPATCH(OSSL_FUNC_DECODER_FREECTX, decoder_free),
    BM_DISPATCH(OSSL_FUNC_DECODER_DOES_SELECTION, decoder_selects),
    BM_DISPATCH(OSSL_FUNC_DECODER_DECODE, pem_decode),
    { 0, NULL },
};

const OSSL_DISPATCH bm_provider_from_der[] = {
    BM_DISPATCH(OSSL_FUNC_DECODER_NEWCTX, decoder_new),
    BM_DISPATCH(OSSL_FUNC_DECODER_FREECTX, decoder_free),
    BM_DISPATCH(OSSL_FUNC_DECODER_DOES_SELECTION, decoder_selects),
    BM_DISPATCH(OSSL_FUNC_DECODER_DECODE, der_decode),
    { 0, NULL },
};
