/* ocsp.c - questions what became of a certificate: the signer answers, and an answer is given out again until it says that something changed there. */
#include "registrar/registrar.h"

#include "pki/ocsp.h"

#include <stdlib.h>

#define KEPT 1024    /* answers: those that are asked for again and again */
#define UNDER_WAY 32 /* at the signer: it does little else with what it is asked, and certificates come first; above it "try later" */

/* One that the signer gave, for questions without a nonce. */
struct ocsp_kept {
    uint8_t question[BM_HASH]; /* SHA-256 */
    bm_time made, until;       /* 0: nothing is kept here */
    uint8_t ca;
    uint8_t n;
    uint32_t bucket[BM_OCSP_MOST];
    struct bm_buf der;
};
struct bm_ocsp_cache {
    struct ocsp_kept kept[KEPT]; /* by the question's hash */
};

static struct ocsp_kept *
place_of(const struct bm_registrar *r, const uint8_t hash[static BM_HASH])
{
    return &r->ocsp->kept[(hash[0] << 8 | hash[1]) % KEPT];
}

void
bm_ocsp_cache_done(struct bm_registrar *r)
{
    for (size_t i = 0; r->ocsp != NULL && i < KEPT; i++)
        bm_buf_done(&r->ocsp->kept[i].der);
    free(r->ocsp);
    r->ocsp = NULL;
}

static enum bm_rc
give(struct bm_link *link, uint64_t id, bm_time seconds, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    bm_buf_add_u32(&body, (uint32_t)seconds);
    bm_buf_add_lv32(&body, der);
    return bm_link_queue(link, BM_G_ANSWER, id, bm_buf_bytes(&body), fail);
}

static enum bm_rc
give_error(struct bm_link *link, uint64_t id, enum bm_ocsp_error error, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 16 };

    bm_ocsp_error_build(&der, error);
    return give(link, id, 0, bm_buf_bytes(&der), fail);
}

/* ---- from the signer ---- */

static settle_fn ocsp_settle;

void
bm_ocsp_changed(struct bm_registrar *r, uint8_t ca, uint32_t bucket)
{
    for (size_t i = 0; r->ocsp != NULL && i < KEPT; i++)
        for (size_t k = 0; r->ocsp->kept[i].ca == ca && k < r->ocsp->kept[i].n; k++)
            if (r->ocsp->kept[i].bucket[k] == bucket)
                r->ocsp->kept[i].until = 0;
    for (struct pending *p = r->pending; r->npending > 0 && p < r->pending + MAX_PENDING; p++)
        if (p->used && p->settle == ocsp_settle)
            p->stale = true;
}

static enum bm_rc
keep(struct bm_registrar *r, const struct pending *p, struct bm_rd head, bm_time until, struct bm_bytes der, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];
    struct ocsp_kept *kept;

    if (r->ocsp == NULL && (r->ocsp = calloc(1, sizeof(*r->ocsp))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for answers about certificates");
    bm_sha256(hash, bm_buf_bytes(&p->kept));
    kept = place_of(r, hash);
    memcpy(kept->question, hash, BM_HASH);
    kept->ca = bm_rd_u8(&head);
    kept->n = bm_rd_u8(&head);
    for (size_t i = 0; i < kept->n; i++)
        kept->bucket[i] = bm_rd_u32(&head);
    bm_buf_reset(&kept->der);
    kept->der.max = BM_OCSP_ANSWER;
    bm_buf_add_bytes(&kept->der, der);
    kept->made = r->now;
    kept->until = until;
    return bm_buf_check(&kept->der, "an answer about certificates", fail);
}

static enum bm_rc
ocsp_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(message->body), head;
    struct bm_bytes der;
    bm_time until;
    uint8_t n;
    enum bm_rc rc;

    r->ocsp_asked--;
    if (message->type != BM_S_ANSWER) /* the token is away or slow */
        return bm_asker_there(p) ? give_error(p->asker, p->asker_id, BM_OCSP_LATER, fail) : BM_OK;
    until = (bm_time)bm_rd_u64(&rd);
    head = rd;
    (void)bm_rd_u8(&rd);
    n = bm_rd_u8(&rd);
    for (size_t i = 0; i < n; i++)
        (void)bm_rd_u32(&rd);
    der = bm_rd_lv32(&rd, BM_OCSP_ANSWER);
    if (!bm_rd_end(&rd) || n > BM_OCSP_MOST)
        return bm_fail(fail, BM_EINPUT, NULL, "an answer about certificates does not parse");
    if (p->stale || until <= r->now)
        until = 0;
    if (until > 0 && (rc = keep(r, p, head, until, der, fail)) != BM_OK)
        return rc;
    return bm_asker_there(p) ? give(p->asker, p->asker_id, until == 0 ? 0 : until - r->now, der, fail) : BM_OK;
}

/* ---- for anybody ---- */

enum bm_rc
bm_serve_ocsp(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_registrar *r = peer->r;
    const struct bm_bytes question = bm_rd_rest(&body);
    struct bm_ocsp_question parsed;
    const struct ocsp_kept *kept;
    struct bm_fail why = { .rc = BM_OK };
    uint8_t hash[BM_HASH];
    struct pending *p;

    if (bm_ocsp_parse(&parsed, question, &why) != BM_OK)
        return give_error(peer->link, id, BM_OCSP_MALFORMED, fail);
    bm_sha256(hash, question);
    kept = r->ocsp == NULL ? NULL : place_of(r, hash);
    if (kept != NULL && memcmp(kept->question, hash, BM_HASH) == 0 && r->now < kept->until && r->now >= kept->made)
        return give(peer->link, id, kept->until - r->now, bm_buf_bytes(&kept->der), fail);
    if (r->ocsp_asked >= UNDER_WAY || bm_signer_ask(r, BM_S_OCSP, question, peer->link, id, ocsp_settle, &p, &why) != BM_OK)
        return give_error(peer->link, id, BM_OCSP_LATER, fail);
    r->ocsp_asked++;
    bm_buf_add_bytes(&p->kept, question);
    return bm_buf_check(&p->kept, "a question about certificates", fail);
}
