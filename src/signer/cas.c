#include "base/base.h"
#include "signer/cas.h"

#include <stdlib.h>

static void
issuing_free(struct bm_issuing **ca)
{
    if (*ca != NULL)
        bm_buf_done(&(*ca)->der);
    free(*ca);
    *ca = NULL;
}

static void
root_free(struct bm_root **root)
{
    if (*root != NULL) {
        bm_buf_done(&(*root)->der);
        bm_buf_done(&(*root)->new_with_old);
        bm_buf_done(&(*root)->old_with_new);
    }
    free(*root);
    *root = NULL;
}

void
bm_cas_done(struct bm_cas *cas)
{
    for (size_t i = 0; i < cas->n; i++)
        issuing_free(&cas->row[i]);
    for (size_t i = 0; i < cas->nroots; i++)
        root_free(&cas->root[i]);
    cas->n = cas->nroots = 0;
}

static void
der_set(struct bm_buf *buf, struct bm_bytes der)
{
    buf->max = BM_MAX_CERT;
    bm_buf_add_bytes(buf, der);
}

enum bm_rc
bm_cas_root(struct bm_cas *cas, struct bm_bytes der, struct bm_bytes new_with_old, struct bm_bytes old_with_new, struct bm_fail *fail)
{
    bm_cleanup(root_free) struct bm_root *root = NULL;

    if (cas->nroots == BM_MAX_ROOTS)
        return bm_fail(fail, BM_EPOLICY, NULL, "this site has had %d roots, and no site has more", BM_MAX_ROOTS);
    if ((root = calloc(1, sizeof(*root))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another root");
    der_set(&root->der, der);
    der_set(&root->new_with_old, new_with_old);
    der_set(&root->old_with_new, old_with_new);
    if (root->der.bad || root->new_with_old.bad || root->old_with_new.bad)
        return bm_fail(fail, BM_EINPUT, NULL, "a root's certificate is larger than %d bytes", BM_MAX_CERT);
    cas->root[cas->nroots++] = bm_take(root);
    return BM_OK;
}

struct bm_issuing *
bm_cas_find(const struct bm_cas *cas, struct bm_bytes name)
{
    for (size_t i = 0; i < cas->n; i++)
        if (bm_bytes_equal(name, bm_bytes_str(cas->row[i]->name)))
            return cas->row[i];
    return NULL;
}

enum bm_rc
bm_cas_add(struct bm_cas *cas, struct bm_bytes name, enum bm_ca kind, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(issuing_free) struct bm_issuing *ca = NULL;
    enum bm_rc rc;

    if (bm_cas_find(cas, name) != NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is a CA %.*s already: take another name", (int)name.n, (const char *)name.p);
    if (cas->n == BM_MAX_CAS)
        return bm_fail(fail, BM_EPOLICY, NULL, "this site has had %d CAs, and no site has more", BM_MAX_CAS);
    if ((ca = calloc(1, sizeof(*ca))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another CA");
    der_set(&ca->der, der);
    if ((rc = bm_buf_check(&ca->der, "a CA's certificate", fail)) != BM_OK ||
        (rc = bm_cert_parse(&ca->cert, bm_buf_bytes(&ca->der), fail)) != BM_OK)
        return rc;
    if (name.n == 0 || name.n > BM_MAX_NAME || ca->cert.ski.n != 20)
        return bm_fail(fail, BM_EINPUT, NULL, "a CA needs a name and a certificate with a subject key identifier of 20 bytes");
    memcpy(ca->name, name.p, name.n);
    ca->kind = kind;
    cas->row[cas->n++] = bm_take(ca);
    return BM_OK;
}

/* How narrowly does it serve this; 0: not at all. */
static unsigned
rank(const struct bm_issuing *ca, const char *lot, const char *product)
{
    unsigned best = ca->nserves == 0 ? 1 : 0;

    for (size_t i = 0; i < ca->nserves; i++) {
        if (!ca->serves[i].product && strcmp(ca->serves[i].name, lot) == 0)
            return 3;
        if (ca->serves[i].product && product[0] != 0 && strcmp(ca->serves[i].name, product) == 0)
            best = 2;
    }
    return best;
}

bool
bm_cas_choose(const struct bm_cas *cas, enum bm_ca kind, const char *lot, const char *product, unsigned *ret_ca)
{
    unsigned best = 0;

    for (size_t i = 0; i < cas->n; i++) {
        unsigned this = cas->row[i]->kind != kind || cas->row[i]->retired ? 0 : rank(cas->row[i], lot, product);

        if (this == 0 || this < best)
            continue;
        best = this;
        *ret_ca = (unsigned)i;
    }
    return best > 0;
}

bool
bm_cas_serve_all(const struct bm_cas *cas, enum bm_ca kind, const struct bm_issuing *but)
{
    for (size_t i = 0; i < cas->n; i++)
        if (cas->row[i] != but && cas->row[i]->kind == kind && !cas->row[i]->retired && cas->row[i]->nserves == 0)
            return true;
    return false;
}

enum bm_rc
bm_cas_take(struct bm_cas *cas, const struct bm_ca_statement *statement, struct bm_fail *fail)
{
    struct bm_bytes certificate = bm_buf_bytes(&statement->certificate);
    struct bm_issuing *ca;
    enum bm_rc rc;

    if (statement->act == BM_CA_ROOT)
        return bm_cas_root(cas, certificate, bm_buf_bytes(&statement->new_with_old), bm_buf_bytes(&statement->old_with_new), fail);
    ca = bm_cas_find(cas, bm_bytes_str(statement->act == BM_CA_RETIRE ? statement->name : statement->replaces));
    if (ca == NULL && (statement->act == BM_CA_RETIRE || statement->replaces[0] != 0))
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no CA %s", statement->act == BM_CA_RETIRE ? statement->name : statement->replaces);
    if (statement->act == BM_CA_MAKE) {
        if ((rc = bm_cas_add(cas, bm_bytes_str(statement->name), statement->kind, certificate, fail)) != BM_OK)
            return rc;
        memcpy(cas->row[cas->n - 1]->serves, statement->serves, sizeof(statement->serves));
        cas->row[cas->n - 1]->nserves = statement->nserves;
    }
    if (ca != NULL)
        ca->retired = true;
    return BM_OK;
}

size_t
bm_cas_chain_size(const struct bm_cas *cas, unsigned ca)
{
    const struct bm_issuing *row = cas->row[ca];
    size_t of = 0, n = row->der.n;
    struct bm_fail ignored;
    struct bm_cert root;

    while (of < cas->nroots && (bm_cert_outline(&root, bm_buf_bytes(&cas->root[of]->der), &ignored) != BM_OK ||
                                !bm_bytes_equal(row->cert.issuer, root.subject)))
        of++;
    for (size_t i = of; i > 0 && i < cas->nroots; i--)
        n += cas->root[i]->new_with_old.n;
    for (size_t i = of + 1; i < cas->nroots; i++)
        n += cas->root[i]->old_with_new.n;
    return n;
}
