/*
 * provider_key.c - key management of the provider.
 *
 * An identity's key never leaves its root, so `export` gives the public half only and refuses when the private one is asked for: that refusal is what
 * makes libcrypto sign here and not in the default provider. `import` also takes plain public keys, since libcrypto compares a certificate's key with
 * ours by bringing it here. `load` takes what our decoder made.
 */
#include "device/provider_inside.h"

#include <openssl/core_names.h>

#include <stdlib.h>

#define GROUP "prime256v1"

static void *
key_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct bm_provider_identity));
}

static void
key_free(void *keydata)
{
    struct bm_provider_identity *key = keydata;

    if (key != NULL)
        bm_keeper_drop(key->keeper);
    free(key);
}

/* One more owner of the same key. */
static void
key_assign(struct bm_provider_identity *key, const struct bm_provider_identity *from)
{
    *key = *from;
    key->keeper = bm_keeper_again(from->keeper);
}

static void *
key_load(const void *reference, size_t n)
{
    struct bm_provider_identity *key = n == sizeof(*key) ? key_new(NULL) : NULL;

    if (key != NULL)
        key_assign(key, reference);
    return key;
}

static int
key_has(const void *keydata, int selection)
{
    const struct bm_provider_identity *key = keydata;

    if (key == NULL)
        return 0;
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && key->keeper == NULL)
        return 0;
    return !(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) || key->point[0] == 0x04;
}

static int
key_match(const void *a, const void *b, int selection)
{
    (void)selection; /* all on one curve; whoever has the public key has the private one */
    return memcmp(((const struct bm_provider_identity *)a)->point, ((const struct bm_provider_identity *)b)->point, BM_P256_POINT) == 0;
}

static int
key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, BM_PROVIDER_IDENTITY);
    struct bm_provider_identity *key = keydata;
    const void *from = NULL;
    const char *group = NULL;
    size_t n = 0;

    if (p != NULL) {
        if (!OSSL_PARAM_get_octet_ptr(p, &from, &n) || n != sizeof(*key))
            return 0;
        key_assign(key, from);
        return 1;
    }
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL)
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
    if (p == NULL || !OSSL_PARAM_get_utf8_string_ptr(p, &group) || strcmp(group, GROUP) != 0)
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
    if (p == NULL || !OSSL_PARAM_get_octet_string_ptr(p, &from, &n) || n != BM_P256_POINT)
        return 0;
    memcpy(key->point, from, BM_P256_POINT);
    return 1;
}

static const OSSL_PARAM *
key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_ptr(BM_PROVIDER_IDENTITY, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)selection;
    return types;
}

static int
key_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *ctx)
{
    struct bm_provider_identity *key = keydata;
    OSSL_PARAM params[] = {
        bm_provider_text(OSSL_PKEY_PARAM_GROUP_NAME, GROUP),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point, BM_P256_POINT),
        OSSL_PARAM_END,
    };

    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && key->keeper != NULL)
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
        { OSSL_PKEY_PARAM_MAX_SIZE, BM_P256_SIGNATURE },
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
    const struct bm_provider_identity *key = keydata;
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
        if ((p = OSSL_PARAM_locate(params, points[i])) != NULL && !OSSL_PARAM_set_octet_string(p, key->point, BM_P256_POINT))
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

const OSSL_DISPATCH bm_provider_keymgmt[] = {
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_NEW, key_new),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_FREE, key_free),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_LOAD, key_load),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_HAS, key_has),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
    BM_DISPATCH(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation_name),
    { 0, NULL },
};
