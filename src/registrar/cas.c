/* cas.c - the signer's issuing CAs and roots, as everybody may have them. */
#include "registrar/registrar.h"

#include "registrar/skim.h"

static enum bm_rc
ca_take(struct bm_registrar *r, const struct bm_s_ca *ca, struct bm_fail *fail)
{
    struct issuing *row = &r->cas[r->ncas];
    struct bm_cert cert;
    enum bm_rc rc;

    if (ca->kind >= BM_CA__N)
        return bm_fail(fail, BM_EBUG, NULL, "the signer's CA is of no class that is known");
    bm_view_copy(row->name, sizeof(row->name), ca->name);
    row->kind = (enum bm_ca)ca->kind;
    row->retired = ca->retired;
    bm_buf_reset(&row->der);
    row->der.max = BM_MAX_CERT;
    bm_buf_add_bytes(&row->der, ca->der);
    if ((rc = bm_buf_check(&row->der, "a CA's certificate", fail)) != BM_OK ||
        (rc = bm_cert_parse(&cert, bm_buf_bytes(&row->der), fail)) != BM_OK)
        return rc;
    row->subject = cert.subject;
    r->ncas++;
    return BM_OK;
}

static enum bm_rc
der_take(struct bm_buf *buf, struct bm_bytes der, struct bm_fail *fail)
{
    bm_buf_reset(buf);
    buf->max = BM_MAX_CERT;
    bm_buf_add_bytes(buf, der);
    return bm_buf_check(buf, "a root's certificate", fail);
}

static enum bm_rc
root_take(struct bm_registrar *r, const struct bm_s_root *root, struct bm_fail *fail)
{
    struct root *row = &r->roots[r->nroots];
    enum bm_rc rc;

    if ((rc = der_take(&row->der, root->der, fail)) != BM_OK || (rc = der_take(&row->new_with_old, root->new_with_old, fail)) != BM_OK ||
        (rc = der_take(&row->old_with_new, root->old_with_new, fail)) != BM_OK)
        return rc;
    r->nroots++;
    return BM_OK;
}

enum bm_rc
bm_cas_load(struct bm_registrar *r, ca_ask_fn *ask, void *ctx, struct bm_fail *fail)
{
    struct bm_s_root root = { .n = 1 };
    struct bm_s_ca ca = { .n = 1 };
    struct bm_message message;
    enum bm_rc rc;

    for (r->ncas = 0; r->ncas < ca.n;) {
        const uint8_t body[2] = { (uint8_t)r->ncas, 0 };

        if ((rc = ask(ctx, BM_S_CA, bm_bytes(body, sizeof(body)), &message, fail)) != BM_OK ||
            (rc = bm_s_ca_parse(&ca, bm_rd(message.body), fail)) != BM_OK || (rc = ca_take(r, &ca, fail)) != BM_OK)
            return rc;
    }
    for (r->nroots = 0; r->nroots < root.n;) {
        const uint8_t at = (uint8_t)r->nroots;

        if ((rc = ask(ctx, BM_S_ROOT, bm_bytes(&at, 1), &message, fail)) != BM_OK ||
            (rc = bm_s_root_parse(&root, bm_rd(message.body), fail)) != BM_OK || (rc = root_take(r, &root, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

void
bm_cas_done(struct bm_registrar *r)
{
    for (size_t i = 0; i < BM_MAX_CAS; i++)
        bm_buf_done(&r->cas[i].der);
    for (size_t i = 0; i < BM_MAX_ROOTS; i++) {
        bm_buf_done(&r->roots[i].der);
        bm_buf_done(&r->roots[i].new_with_old);
        bm_buf_done(&r->roots[i].old_with_new);
    }
}

struct issuing *
bm_ca_of(struct bm_registrar *r, struct bm_bytes issuer)
{
    for (size_t i = 0; i < r->ncas; i++)
        if (bm_bytes_equal(issuer, r->cas[i].subject))
            return &r->cas[i];
    return NULL;
}

struct issuing *
bm_ca_named(struct bm_registrar *r, struct bm_bytes name)
{
    for (size_t i = 0; i < r->ncas; i++)
        if (bm_bytes_equal(name, bm_bytes_str(r->cas[i].name)))
            return &r->cas[i];
    return NULL;
}

void
bm_ca_chain(struct bm_registrar *r, const struct issuing *ca, struct bm_g_certs *certs)
{
    (void)r;
    if (ca != NULL)
        certs->cert[certs->n++] = bm_buf_bytes(&ca->der);
}

/* ---- for anybody ---- */

static enum bm_rc
der_answer(const struct peer *peer, uint64_t id, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    enum bm_rc rc;

    bm_buf_add_lv32(&body, der);
    if ((rc = bm_buf_check(&body, "the certificates", fail)) != BM_OK)
        return rc;
    return bm_link_queue(peer->link, BM_G_ANSWER, id, bm_buf_bytes(&body), fail);
}

enum bm_rc
bm_serve_ca_cert(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_registrar *r = peer->r;
    struct bm_bytes name = bm_rd_rest(&body);
    const struct issuing *ca = bm_ca_named(r, name);

    if (ca != NULL)
        return der_answer(peer, id, bm_buf_bytes(&ca->der), fail);
    if (bm_bytes_equal(name, bm_bytes_str("root")) && r->nroots > 0)
        return der_answer(peer, id, bm_buf_bytes(&r->roots[r->nroots - 1].der), fail);
    return bm_answer_refused(r, peer->link, id, BM_EINPUT, 0, "there is no CA of this name here", fail);
}

/* req: RFC7030 4.1.3 the root and what a chain needs below it; while roots change hands, what leads from each to the other */
enum bm_rc
bm_serve_cacerts(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf p7 = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_bytes der[BM_MAX_CAS + 3 * BM_MAX_ROOTS];
    const struct peer *peer = ctx;
    const struct bm_registrar *r = peer->r;
    size_t n = 0;

    (void)body;
    for (size_t i = r->nroots; i-- > 0;) {
        const struct bm_buf *of[] = { &r->roots[i].der, &r->roots[i].new_with_old, &r->roots[i].old_with_new };

        for (size_t k = 0; k < BM_COUNT(of); k++)
            if (of[k]->n > 0)
                der[n++] = bm_buf_bytes(of[k]);
    }
    for (size_t i = 0; i < r->ncas; i++)
        der[n++] = bm_buf_bytes(&r->cas[i].der);
    bm_certs_only_build(&p7, (struct bm_certs){ .der = der, .n = n });
    return der_answer(peer, id, bm_buf_bytes(&p7), fail);
}
