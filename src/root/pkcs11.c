/*
 * pkcs11.c - a secure element as root: keys and certificates as objects of a PKCS#11 token (docs/formats/device-store.md).
 *
 *   key pair      LABEL of the URI              the root key
 *   key pair      birthmark:SERVICE             the live key
 *   key pair      birthmark:SERVICE:pending     the pending key
 *   certificate   birthmark:SERVICE             leaf, CKA_ID of its key
 *   certificate   birthmark:SERVICE:ca1 ...     above it, CKA_ID of the leaf's key
 *
 * A commit happens when the leaf's certificate for the pending key is created: one object, there or not. Destroying the old identity and giving the key
 * its live label are tidying, done again by whoever comes next (settle).
 */
#include "root/backend.h"
#include "root/pkcs11_cert.h"
#include "root/pkcs11_seal.h"

#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define LABEL (BM_MAX_NAME + 24)

struct pkcs11 {
    struct bm_root root;
    struct bm_p11 token;
    char signer[LABEL]; /* the key that signed last, so that a handshake signs without looking for it; "": none */
    CK_OBJECT_HANDLE signer_handle;
};

static const struct bm_p11 *
token_of(const struct bm_root *root)
{
    return &((const struct pkcs11 *)root)->token;
}

static enum bm_rc
pkcs11_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct pkcs11 *root = calloc(1, sizeof(*root));
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
    bm_p11_close(&((struct pkcs11 *)root)->token);
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
value_add(const struct bm_p11 *token, CK_OBJECT_HANDLE cert, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    enum bm_rc rc;

    if ((rc = bm_p11_read(token, cert, CKA_VALUE, &der, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(certs, bm_buf_bytes(&der));
    return bm_buf_check(certs, "the certificates", fail);
}

static enum bm_rc
pkcs11_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    const struct bm_p11 *token = token_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private, found[BM_P11_FOUND];
    struct bm_key key;
    size_t n;
    enum bm_rc rc;

    if ((rc = root_key(token, make, &private, &key, fail)) != BM_OK || (rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_CERTIFICATE, NULL, bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n && i < BM_MAX_CHIP_HASHES; i++) {
        if ((rc = value_add(token, found[i], certs, fail)) != BM_OK)
            return rc;
    }
    *ret_leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT, .nkeys = 1 };
    ret_leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = key };
    if (bm_name_ok(token->serial, BM_MAX_ID))
        (void)snprintf(ret_leaf->id, sizeof(ret_leaf->id), "%s", token->serial);
    return BM_OK;
}

static enum bm_rc
pkcs11_root_sign(struct bm_root *root, const struct bm_key *public, struct bm_bytes tbs, enum bm_sig_alg *ret_alg, struct bm_buf *signature,
                 struct bm_fail *fail)
{
    const struct bm_p11 *token = token_of(root);
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

static const char *
label_of(char ret[static LABEL], const char *service, const char *suffix)
{
    (void)snprintf(ret, LABEL, "birthmark:%s%s", service, suffix);
    return ret;
}

/* Destroys every object of a class with this label, but those whose CKA_ID is `keep`. */
static enum bm_rc
destroy_others(const struct bm_p11 *token, CK_OBJECT_CLASS class, const char *label, struct bm_bytes keep, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_p11_find(token, class, label, bm_bytes(NULL, 0), found, &n, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };

        if ((rc = bm_p11_read(token, found[i], CKA_ID, &id, fail)) != BM_OK)
            return rc;
        if (!bm_bytes_equal(bm_buf_bytes(&id), keep) && (rc = bm_p11_destroy(token, &found[i], 1, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

static enum bm_rc
rename_all(const struct bm_p11 *token, CK_OBJECT_CLASS class, const char *from, const char *to, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n;
    enum bm_rc rc = bm_p11_find(token, class, from, bm_bytes(NULL, 0), found, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < n; i++)
        rc = bm_p11_rename(token, found[i], to, fail);
    return rc;
}

/* Chain certificates of other keys than `keep`. */
static enum bm_rc
chains_destroy(const struct bm_p11 *token, const char *service, struct bm_bytes keep, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (unsigned i = 1; rc == BM_OK && i < BM_ROOT_CERTS; i++) {
        char label[LABEL], suffix[8];

        (void)snprintf(suffix, sizeof(suffix), ":ca%u", i);
        rc = destroy_others(token, CKO_CERTIFICATE, label_of(label, service, suffix), keep, fail);
    }
    return rc;
}

/* The committed key takes the place of the old one. The private key's label goes last: while it says pending, settle comes here again. */
static enum bm_rc
finish(const struct bm_p11 *token, const char *service, struct bm_bytes id, struct bm_fail *fail)
{
    char live[LABEL], pending[LABEL];
    enum bm_rc rc;

    label_of(live, service, "");
    label_of(pending, service, ":pending");
    if ((rc = destroy_others(token, CKO_CERTIFICATE, live, id, fail)) != BM_OK ||
        (rc = chains_destroy(token, service, id, fail)) != BM_OK || (rc = destroy_others(token, CKO_PUBLIC_KEY, live, id, fail)) != BM_OK ||
        (rc = destroy_others(token, CKO_PRIVATE_KEY, live, id, fail)) != BM_OK ||
        (rc = rename_all(token, CKO_PUBLIC_KEY, pending, live, fail)) != BM_OK)
        return rc;
    return rename_all(token, CKO_PRIVATE_KEY, pending, live, fail);
}

/* Finishes a commit that was cut off. */
static enum bm_rc
settle(const struct bm_p11 *token, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    char label[LABEL];
    size_t n;
    enum bm_rc rc;

    if (!bm_name_ok(service, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "a service is named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
    if ((rc = bm_p11_find(token, CKO_PRIVATE_KEY, label_of(label, service, ":pending"), bm_bytes(NULL, 0), found, &n, fail)) != BM_OK ||
        n == 0)
        return rc;
    if ((rc = bm_p11_read(token, found[0], CKA_ID, &id, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_CERTIFICATE, label_of(label, service, ""), bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
        return rc;
    return n == 0 ? BM_OK : finish(token, service, bm_buf_bytes(&id), fail);
}

static enum bm_rc
key_find(const struct bm_p11 *token, const char *service, bool pending, CK_OBJECT_HANDLE *ret_private, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    char label[LABEL];
    size_t n;
    enum bm_rc rc;

    if ((rc = settle(token, service, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_PRIVATE_KEY, label_of(label, service, pending ? ":pending" : ""), bm_bytes(NULL, 0), found, &n,
                          fail)) != BM_OK)
        return rc;
    if (n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "no %s key for service %s", pending ? "pending" : "live", service);
    *ret_private = found[0];
    return BM_OK;
}

static enum bm_rc
pkcs11_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE private;
    enum bm_rc rc = key_find(token_of(root), service, pending, &private, fail);

    return rc != BM_OK ? rc : bm_p11_public(token_of(root), private, ret_public, fail);
}

static enum bm_rc
pkcs11_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail)
{
    const struct bm_p11 *token = token_of(root);
    struct bm_bytes none = bm_bytes(NULL, 0);
    char label[LABEL];
    enum bm_rc rc;

    ((struct pkcs11 *)root)->signer[0] = '\0';
    if ((rc = settle(token, service, fail)) != BM_OK)
        return rc;
    label_of(label, service, ":pending");
    if ((rc = destroy_others(token, CKO_PRIVATE_KEY, label, none, fail)) != BM_OK ||
        (rc = destroy_others(token, CKO_PUBLIC_KEY, label, none, fail)) != BM_OK ||
        (rc = bm_p11_generate(token, label, none, fail)) != BM_OK)
        return rc;
    return pkcs11_key_public(root, service, true, ret_public, fail);
}

static enum bm_rc
pkcs11_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                struct bm_buf *signature, struct bm_fail *fail)
{
    struct pkcs11 *pkcs11 = (struct pkcs11 *)root;
    char label[LABEL];
    enum bm_rc rc;

    *ret_alg = BM_SIG_ECDSA_SHA256;
    label_of(label, service, pending ? ":pending" : "");
    if (strcmp(label, pkcs11->signer) == 0 && bm_p11_sign(&pkcs11->token, pkcs11->signer_handle, *ret_alg, tbs, signature, fail) == BM_OK)
        return BM_OK;
    pkcs11->signer[0] = '\0'; /* another program gave the service a new key, or the token was away: look again */
    if ((rc = key_find(&pkcs11->token, service, pending, &pkcs11->signer_handle, fail)) != BM_OK ||
        (rc = bm_p11_sign(&pkcs11->token, pkcs11->signer_handle, *ret_alg, tbs, signature, fail)) != BM_OK)
        return rc;
    (void)snprintf(pkcs11->signer, sizeof(pkcs11->signer), "%s", label);
    return BM_OK;
}

/* Puts a certificate in the place of those with this label and id: the new one first, so that one is always there. */
static enum bm_rc
cert_replace(const struct bm_p11 *token, const char *label, struct bm_bytes id, struct bm_bytes der, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE old[BM_P11_FOUND];
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_p11_find(token, CKO_CERTIFICATE, label, id, old, &n, fail)) != BM_OK ||
        (rc = bm_p11_cert_add(token, label, id, der, fail)) != BM_OK)
        return rc;
    return bm_p11_destroy(token, old, n, fail);
}

static enum bm_rc
pkcs11_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    const struct bm_p11 *token = token_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private;
    char label[LABEL], suffix[8];
    enum bm_rc rc;

    ((struct pkcs11 *)root)->signer[0] = '\0';
    if ((rc = key_find(token, service, true, &private, fail)) == BM_EPOLICY)
        rc = key_find(token, service, false, &private, fail);
    if (rc != BM_OK || (rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK)
        return rc;
    for (size_t i = 1; i < ncerts && i < BM_ROOT_CERTS; i++) {
        (void)snprintf(suffix, sizeof(suffix), ":ca%zu", i);
        if ((rc = cert_replace(token, label_of(label, service, suffix), bm_buf_bytes(&id), certs[i], fail)) != BM_OK)
            return rc;
    }
    if (ncerts == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "an identity has at least one certificate");
    if ((rc = cert_replace(token, label_of(label, service, ""), bm_buf_bytes(&id), certs[0], fail)) != BM_OK)
        return rc;
    return settle(token, service, fail);
}

static enum bm_rc
pkcs11_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail)
{
    const struct bm_p11 *token = token_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private, found[BM_P11_FOUND];
    enum bm_rc rc;

    if ((rc = key_find(token, service, false, &private, fail)) != BM_OK || (rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK)
        return rc;
    for (unsigned i = 0; i < BM_ROOT_CERTS; i++) {
        char label[LABEL], suffix[8] = "";
        size_t n;

        if (i > 0)
            (void)snprintf(suffix, sizeof(suffix), ":ca%u", i);
        if ((rc = bm_p11_find(token, CKO_CERTIFICATE, label_of(label, service, suffix), bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
            return rc;
        if (n == 0 && i == 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "the token holds no certificate for service %s: enrol it", service);
        if (n == 0)
            break;
        if ((rc = value_add(token, found[0], certs, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

static enum bm_rc
pkcs11_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    const struct bm_p11 *token = token_of(root);
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    char list[BM_P11_FOUND][BM_MAX_NAME + 1];
    const char *at[BM_P11_FOUND];
    size_t n, count = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_find(token, CKO_CERTIFICATE, NULL, bm_bytes(NULL, 0), found, &n, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf label = { .max = 4096 };

        if ((rc = bm_p11_read(token, found[i], CKA_LABEL, &label, fail)) != BM_OK)
            return rc;
        if (label.n <= 10 || label.n > 10 + BM_MAX_NAME || memcmp(label.p, "birthmark:", 10) != 0)
            continue; /* somebody else's */
        (void)snprintf(list[count], sizeof(list[count]), "%.*s", (int)(label.n - 10), (const char *)label.p + 10);
        at[count] = list[count];
        count += bm_name_ok(list[count], BM_MAX_NAME); /* a ':' inside: above a leaf */
    }
    return bm_names_add(names, at, count, fail);
}

/* The leaf goes first: without it there is no identity, and a key that a power cut leaves behind goes the next time. */
static enum bm_rc
pkcs11_retire(struct bm_root *root, const char *service, struct bm_fail *fail)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
    const struct bm_p11 *token = token_of(root);
    struct bm_bytes none = bm_bytes(NULL, 0);
    CK_OBJECT_HANDLE private;
    char live[LABEL], pending[LABEL];
    bool waits;
    enum bm_rc rc;

    if ((rc = key_find(token, service, true, &private, fail)) != BM_OK && rc != BM_EPOLICY)
        return rc;
    waits = rc == BM_OK;
    if ((rc = key_find(token, service, false, &private, fail)) != BM_OK && (rc != BM_EPOLICY || !waits))
        return rc;
    label_of(live, service, "");
    label_of(pending, service, ":pending");
    if ((rc = destroy_others(token, CKO_PRIVATE_KEY, pending, none, fail)) == BM_OK)
        rc = destroy_others(token, CKO_PUBLIC_KEY, pending, none, fail);
    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(classes); i++)
        rc = destroy_others(token, classes[i], live, none, fail);
    return rc != BM_OK ? rc : chains_destroy(token, service, none, fail);
}

static enum bm_rc
pkcs11_reset(struct bm_root *root, struct bm_fail *fail)
{
    return bm_pkcs11_reset(token_of(root), fail);
}

static enum bm_rc
pkcs11_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    return bm_pkcs11_seal(token_of(root), name, bytes, fail);
}

static enum bm_rc
pkcs11_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail)
{
    return bm_pkcs11_unseal(token_of(root), name, bytes, fail);
}

static enum bm_rc
pkcs11_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    return bm_pkcs11_sealed(token_of(root), names, fail);
}

static enum bm_rc
pkcs11_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail)
{
    return bm_pkcs11_sealed_remove(token_of(root), name, fail);
}

const struct bm_root_ops bm_root_pkcs11 = {
    .scheme = "pkcs11",
    .open = pkcs11_open,
    .close = pkcs11_close,
    .identify = pkcs11_identify,
    .root_sign = pkcs11_root_sign,
    .key_new = pkcs11_key_new,
    .key_public = pkcs11_key_public,
    .key_sign = pkcs11_key_sign,
    .commit = pkcs11_commit,
    .certs = pkcs11_certs,
    .services = pkcs11_services,
    .retire = pkcs11_retire,
    .reset = pkcs11_reset,
    .seal = pkcs11_seal,
    .unseal = pkcs11_unseal,
    .sealed = pkcs11_sealed,
    .sealed_remove = pkcs11_sealed_remove,
};
