/* pkcs11.c - a secure element as root: the table, and its root key (docs/formats/device-store.md). */
#include "root/pkcs11.h"

#include "root/pkcs11_cert.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

static enum bm_rc
pkcs11_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct bm_pkcs11 *root = calloc(1, sizeof(*root));
    enum bm_rc rc;

    if (root == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    root->root.ops = &bm_root_pkcs11;
    if ((rc = bm_p11_open(&root->token, BM_P11_ROOT, rest, fail)) != BM_OK) {
        free(root);
        return rc;
    }
    if (root->token.label[0] == '\0')
        memcpy(root->token.label, "birthmark-root", sizeof("birthmark-root"));
    *ret_root = &root->root;
    return BM_OK;
}

static void
pkcs11_close(struct bm_root *root)
{
    bm_p11_close(&((struct bm_pkcs11 *)root)->token);
    free(root);
}

/* A key of the root that could be read out is not what the leaf would say it is. */
static enum bm_rc
locked_in_check(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf sensitive = { .max = 8 };
    bm_cleanup(bm_buf_done) struct bm_buf extractable = { .max = 8 };
    enum bm_rc rc;

    if ((rc = bm_p11_read(token, private, CKA_SENSITIVE, &sensitive, fail)) != BM_OK ||
        (rc = bm_p11_read(token, private, CKA_EXTRACTABLE, &extractable, fail)) != BM_OK)
        return rc;
    if (sensitive.n != 1 || sensitive.p[0] != CK_TRUE || extractable.n != 1 || extractable.p[0] != CK_FALSE)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the token's key \"%s\" can be read out, so it is no root key: make one that is sensitive and not extractable",
                       token->label);
    return BM_OK;
}

static enum bm_rc
root_find(const struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private, size_t *ret_n, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    enum bm_rc rc = bm_p11_find(token, CKO_PRIVATE_KEY, token->label, bm_bytes(token->id, token->nid), found, ret_n, fail);

    if (rc != BM_OK)
        return rc;
    if (*ret_n > 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token holds %zu keys named \"%s\": name one with id= in the root's URI", *ret_n,
                       token->label);
    if (*ret_n == 1)
        *ret_private = found[0];
    return BM_OK;
}

static enum bm_rc
root_key(const struct bm_p11 *token, bool make, CK_OBJECT_HANDLE *ret_private, struct bm_key *ret_key, struct bm_fail *fail)
{
    size_t n;
    enum bm_rc rc;

    if ((rc = root_find(token, ret_private, &n, fail)) != BM_OK)
        return rc;
    if (n == 0 && !make)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the token holds no key named \"%s\": make it with `birthmark chip create`, or correct object= in the root's URI",
                       token->label);
    if (n == 0 && ((rc = bm_p11_generate(token, token->label, bm_bytes(token->id, token->nid), fail)) != BM_OK ||
                   (rc = root_find(token, ret_private, &n, fail)) != BM_OK))
        return rc;
    if ((rc = locked_in_check(token, *ret_private, fail)) != BM_OK)
        return rc;
    return bm_p11_public(token, *ret_private, ret_key, fail);
}

static enum bm_rc
pkcs11_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private, found[BM_P11_FOUND];
    struct bm_key key;
    size_t n;
    enum bm_rc rc;

    if ((rc = root_key(token, make, &private, &key, fail)) != BM_OK || (rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_CERTIFICATE, NULL, bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n && i < BM_MAX_CHIP_HASHES; i++) {
        if ((rc = bm_p11_cert_take(token, found[i], certs, fail)) != BM_OK)
            return rc;
    }
    bm_leaf_signing(ret_leaf, BM_ROOT_SECURE_ELEMENT, &key);
    if (bm_name_ok(token->serial, BM_MAX_ID))
        (void)snprintf(ret_leaf->id, sizeof(ret_leaf->id), "%s", token->serial);
    return BM_OK;
}

static enum bm_rc
pkcs11_root_sign(struct bm_root *root, const struct bm_key *public, struct bm_bytes tbs, enum bm_sig_alg *ret_alg, struct bm_buf *signature,
                 struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    CK_OBJECT_HANDLE private;
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = root_key(token, false, &private, &key, fail)) != BM_OK)
        return rc;
    if (memcmp(key.hash, public->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token's key \"%s\" is not that root key", token->label);
    *ret_alg = BM_SIG_ECDSA_SHA256;
    return bm_p11_sign(token, private, *ret_alg, tbs, signature, fail);
}

const struct bm_root_ops bm_root_pkcs11 = {
    .scheme = "pkcs11",
    .open = pkcs11_open,
    .close = pkcs11_close,
    .identify = pkcs11_identify,
    .root_sign = pkcs11_root_sign,
    .key_new = bm_pkcs11_key_new,
    .key_public = bm_pkcs11_key_public,
    .key_sign = bm_pkcs11_key_sign,
    .commit = bm_pkcs11_commit,
    .certs = bm_pkcs11_certs,
    .services = bm_pkcs11_services,
    .retire = bm_pkcs11_retire,
    .reset = bm_pkcs11_reset,
    .seal = bm_pkcs11_seal,
    .unseal = bm_pkcs11_unseal,
    .sealed = bm_pkcs11_sealed,
    .sealed_remove = bm_pkcs11_sealed_remove,
};
