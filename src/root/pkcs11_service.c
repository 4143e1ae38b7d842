/*
 * pkcs11_service.c - a service's keys and certificates as objects of a token (docs/formats/device-store.md).
 *
 *   key pair      birthmark:SERVICE             the live key
 *   key pair      birthmark:SERVICE:pending     the pending key
 *   certificate   birthmark:SERVICE             leaf, CKA_ID of its key
 *   certificate   birthmark:SERVICE:ca1 ...     above it, CKA_ID of the leaf's key
 *
 * A commit happens when the leaf's certificate for the pending key is created: one object, there or not. Destroying the old identity and giving the key
 * its live label are tidying, done again by whoever comes next (settle).
 */
#include "root/pkcs11.h"

#include "root/pkcs11_cert.h"
#include "wire/text.h"

#include <stdio.h>

static const char *
label_of(char ret[static BM_PKCS11_LABEL], const char *service, const char *suffix)
{
    (void)snprintf(ret, BM_PKCS11_LABEL, "birthmark:%s%s", service, suffix);
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
        char label[BM_PKCS11_LABEL], suffix[8];

        (void)snprintf(suffix, sizeof(suffix), ":ca%u", i);
        rc = destroy_others(token, CKO_CERTIFICATE, label_of(label, service, suffix), keep, fail);
    }
    return rc;
}

/* The committed key takes the place of the old one. The private key's label goes last: while it says pending, settle comes here again. */
static enum bm_rc
finish(const struct bm_p11 *token, const char *service, struct bm_bytes id, struct bm_fail *fail)
{
    char live[BM_PKCS11_LABEL], pending[BM_PKCS11_LABEL];
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
    char label[BM_PKCS11_LABEL];
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_service_check(service, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_PRIVATE_KEY, label_of(label, service, ":pending"), bm_bytes(NULL, 0), found, &n, fail)) != BM_OK ||
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
    char label[BM_PKCS11_LABEL];
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

enum bm_rc
bm_pkcs11_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE private;
    enum bm_rc rc = key_find(bm_pkcs11_token(root), service, pending, &private, fail);

    return rc != BM_OK ? rc : bm_p11_public(bm_pkcs11_token(root), private, ret_public, fail);
}

enum bm_rc
bm_pkcs11_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    struct bm_bytes none = bm_bytes(NULL, 0);
    char label[BM_PKCS11_LABEL];
    enum bm_rc rc;

    ((struct bm_pkcs11 *)root)->signer[0] = '\0';
    if ((rc = settle(token, service, fail)) != BM_OK)
        return rc;
    label_of(label, service, ":pending");
    if ((rc = destroy_others(token, CKO_PRIVATE_KEY, label, none, fail)) != BM_OK ||
        (rc = destroy_others(token, CKO_PUBLIC_KEY, label, none, fail)) != BM_OK ||
        (rc = bm_p11_generate(token, label, none, fail)) != BM_OK)
        return rc;
    return bm_pkcs11_key_public(root, service, true, ret_public, fail);
}

enum bm_rc
bm_pkcs11_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                   struct bm_buf *signature, struct bm_fail *fail)
{
    struct bm_pkcs11 *pkcs11 = (struct bm_pkcs11 *)root;
    char label[BM_PKCS11_LABEL];
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

enum bm_rc
bm_pkcs11_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private;
    char label[BM_PKCS11_LABEL], suffix[8];
    enum bm_rc rc;

    ((struct bm_pkcs11 *)root)->signer[0] = '\0';
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

enum bm_rc
bm_pkcs11_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private, found[BM_P11_FOUND];
    enum bm_rc rc;

    if ((rc = key_find(token, service, false, &private, fail)) != BM_OK || (rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK)
        return rc;
    for (unsigned i = 0; i < BM_ROOT_CERTS; i++) {
        char label[BM_PKCS11_LABEL], suffix[8] = "";
        size_t n;

        if (i > 0)
            (void)snprintf(suffix, sizeof(suffix), ":ca%u", i);
        if ((rc = bm_p11_find(token, CKO_CERTIFICATE, label_of(label, service, suffix), bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
            return rc;
        if (n == 0 && i == 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "the token holds no certificate for service %s: enrol it", service);
        if (n == 0)
            break;
        if ((rc = bm_p11_cert_take(token, found[0], certs, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

bool
bm_pkcs11_ours(const struct bm_buf *label, const char *prefix)
{
    size_t n = strlen(prefix);

    return label->n > n && memcmp(label->p, prefix, n) == 0;
}

/* What is somebody else's, or stands above a leaf (a ':' inside), is left out. */
enum bm_rc
bm_pkcs11_names(const struct bm_p11 *token, CK_OBJECT_CLASS class, const char *prefix, struct bm_buf *names, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    char list[BM_P11_FOUND][BM_MAX_NAME + 2]; /* one more than a name has: longer ones are none */
    const char *at[BM_P11_FOUND];
    size_t n, count = 0;
    enum bm_rc rc = bm_p11_find(token, class, NULL, bm_bytes(NULL, 0), found, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf label = { .max = BM_PKCS11_LABELS };

        if ((rc = bm_p11_read(token, found[i], CKA_LABEL, &label, fail)) != BM_OK || !bm_pkcs11_ours(&label, prefix))
            continue;
        (void)snprintf(list[count], sizeof(list[count]), "%.*s", (int)(label.n - strlen(prefix)), (const char *)label.p + strlen(prefix));
        at[count] = list[count];
        count += bm_name_ok(list[count], BM_MAX_NAME);
    }
    return rc != BM_OK ? rc : bm_names_add(names, at, count, fail);
}

enum bm_rc
bm_pkcs11_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    return bm_pkcs11_names(bm_pkcs11_token(root), CKO_CERTIFICATE, BM_PKCS11_OURS, names, fail);
}

/* The leaf goes first: without it there is no identity, and a key that a power cut leaves behind goes the next time. */
enum bm_rc
bm_pkcs11_retire(struct bm_root *root, const char *service, struct bm_fail *fail)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
    const struct bm_p11 *token = bm_pkcs11_token(root);
    struct bm_bytes none = bm_bytes(NULL, 0);
    CK_OBJECT_HANDLE private;
    char live[BM_PKCS11_LABEL], pending[BM_PKCS11_LABEL];
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
