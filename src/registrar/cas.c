/* cas.c - the signer's issuing CAs and roots, as everybody may have them. */
#include "registrar/registrar.h"

#include "registrar/skim.h"

static enum bm_rc
ca_take(struct bm_registrar *r, size_t at, const struct bm_s_ca *ca, struct bm_fail *fail)
{
    struct issuing *row = &r->cas[at];
    struct bm_cert cert;
    enum bm_rc rc;

    if (ca->kind >= BM_CA__N)
        return bm_fail(fail, BM_EBUG, NULL, "the signer's CA is of no class that is known");
    bm_view_copy(row->name, sizeof(row->name), ca->name);
    row->kind = (enum bm_ca)ca->kind;
    row->retired = ca->retired;
    if (at < r->ncas) /* only that changes */
        return BM_OK;
    bm_buf_reset(&row->der);
    row->der.max = BM_MAX_CERT;
    bm_buf_add_bytes(&row->der, ca->der);
    if ((rc = bm_buf_check(&row->der, "a CA's certificate", fail)) != BM_OK ||
        (rc = bm_cert_parse(&cert, bm_buf_bytes(&row->der), fail)) != BM_OK)
        return rc;
    row->subject = cert.subject;
    row->issuer = cert.issuer;
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
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = der_take(&row->der, root->der, fail)) != BM_OK || (rc = der_take(&row->new_with_old, root->new_with_old, fail)) != BM_OK ||
        (rc = der_take(&row->old_with_new, root->old_with_new, fail)) != BM_OK ||
        (rc = bm_cert_outline(&cert, bm_buf_bytes(&row->der), fail)) != BM_OK)
        return rc;
    row->subject = cert.subject;
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
            (rc = bm_s_ca_parse(&ca, bm_rd(message.body), fail)) != BM_OK || (rc = ca_take(r, r->ncas, &ca, fail)) != BM_OK)
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

/* ---- again, while serving ---- */

static enum bm_rc refresh_next(struct bm_registrar *r, unsigned at, bool root, struct bm_fail *fail);

/* One that was asked for; then the next, first all CAs, then all roots. */
static enum bm_rc
refresh_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    unsigned at = (unsigned)p->number;
    bool root = p->ca == 1;
    struct bm_s_root is_root = { .n = 0 };
    struct bm_s_ca is_ca = { .n = 0 };
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_fail(fail, BM_EBUG, NULL, "the signer does not say which CAs it has");
    if (root) {
        if ((rc = bm_s_root_parse(&is_root, bm_rd(message->body), fail)) != BM_OK)
            return rc;
        if (at >= r->nroots && is_root.der.n > 0 && (rc = root_take(r, &is_root, fail)) != BM_OK)
            return rc;
        return at + 1 < is_root.n ? refresh_next(r, at + 1, true, fail) : BM_OK;
    }
    if ((rc = bm_s_ca_parse(&is_ca, bm_rd(message->body), fail)) != BM_OK || (rc = ca_take(r, at, &is_ca, fail)) != BM_OK)
        return rc;
    return at + 1 < is_ca.n ? refresh_next(r, at + 1, false, fail) : refresh_next(r, 0, true, fail);
}

static enum bm_rc
refresh_next(struct bm_registrar *r, unsigned at, bool root, struct bm_fail *fail)
{
    const uint8_t body[2] = { (uint8_t)at, 0 };
    struct pending *p;
    enum bm_rc rc = bm_signer_ask(r, root ? BM_S_ROOT : BM_S_CA, bm_bytes(body, root ? 1 : 2), NULL, 0, refresh_settle, &p, fail);

    if (rc != BM_OK)
        return rc;
    p->number = at;
    p->ca = root ? 1 : 0;
    return BM_OK;
}

enum bm_rc
bm_cas_refresh(struct bm_registrar *r, struct bm_fail *fail)
{
    return refresh_next(r, 0, false, fail);
}

/* ---- for commands: as the signer says it ---- */

static enum bm_rc
told(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    return bm_asker_there(p) ? bm_control_end(p->asker, p->asker_id, message->body, fail) : BM_OK;
}

static enum bm_rc
tell(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc = bm_signer_ask(peer->r, type, body, peer->link, id, told, &p, fail);

    return rc != BM_OK ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : BM_OK;
}

enum bm_rc
bm_serve_ca(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const uint8_t ask[2] = { bm_rd_u8(&body), 1 };

    return tell(ctx, id, BM_S_CA, bm_bytes(ask, sizeof(ask)), fail);
}

enum bm_rc
bm_serve_root(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    return tell(ctx, id, BM_S_ROOT, bm_rd_rest(&body), fail);
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

static void
chain_add(struct bm_g_certs *certs, const struct bm_buf *der)
{
    if (der->n > 0 && certs->n < BM_COUNT(certs->cert))
        certs->cert[certs->n++] = bm_buf_bytes(der);
}

/* req: RFC9810 4.4 with what leads from the CA's root to those before and after it, whoever trusts any of them goes on */
void
bm_ca_chain(const struct bm_registrar *r, const struct issuing *ca, struct bm_g_certs *certs)
{
    size_t of = 0;

    if (ca == NULL)
        return;
    chain_add(certs, &ca->der);
    while (of < r->nroots && !bm_bytes_equal(ca->issuer, r->roots[of].subject))
        of++;
    for (size_t i = of; i > 0 && i < r->nroots; i--)
        chain_add(certs, &r->roots[i].new_with_old);
    for (size_t i = of + 1; i < r->nroots; i++)
        chain_add(certs, &r->roots[i].old_with_new);
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
    /* what leads on stands before the roots: a client that tries the first issuer it finds, and no second one, gets to the root that it trusts */
    for (size_t i = r->nroots; i-- > 1;) {
        der[n++] = bm_buf_bytes(&r->roots[i].new_with_old);
        der[n++] = bm_buf_bytes(&r->roots[i].old_with_new);
    }
    for (size_t i = 0; i < r->ncas; i++)
        der[n++] = bm_buf_bytes(&r->cas[i].der);
    for (size_t i = r->nroots; i-- > 0;)
        der[n++] = bm_buf_bytes(&r->roots[i].der);
    bm_certs_only_build(&p7, (struct bm_certs){ .der = der, .n = n });
    return der_answer(peer, id, bm_buf_bytes(&p7), fail);
}

/* ---- a key more ---- */

/* site.conf names another key, which a signer opens before it confines itself: what is under way is finished, the rest waits. */
enum bm_rc
bm_serve_keys(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_registrar *r = peer->r;

    (void)body;
    if (r->listening < 0)
        return bm_answer_refused(r, peer->link, id, BM_EPOLICY, 0, "no server runs: the keys are opened when one is started", fail);
    if (r->again.due || r->arrival.open)
        return bm_answer_refused(r, peer->link, id, BM_EBUSY, 0, "the signer has something under way: try again in a moment", fail);
    r->again = (struct again){ .due = true, .asker = peer->link, .generation = peer->link->generation, .id = id };
    return BM_OK;
}

enum bm_rc
bm_signer_again(struct bm_registrar *r, struct bm_fail *fail)
{
    const struct again again = r->again;
    enum bm_rc rc = bm_channel_send(r->signer.fd, &(struct bm_message){ .type = BM_S_AGAIN }, fail);

    if (rc != BM_OK || (rc = bm_registrar_transaction(r, fail)) != BM_OK || (rc = bm_signer_hello(r, fail)) != BM_OK)
        return rc;
    r->in_transaction = false;
    r->again = (struct again){ .due = false };
    if ((rc = bm_store_commit(r->store, fail)) != BM_OK)
        return rc;
    return again.asker->fd >= 0 && again.asker->generation == again.generation
               ? bm_control_end(again.asker, again.id, bm_bytes(NULL, 0), fail)
               : BM_OK;
}
