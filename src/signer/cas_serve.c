/* cas_serve.c - the table of CAs, told to the registrar. */
#include "base/base.h"
#include "signer/signer.h"

/* Certificates of this CA that somebody may still use. */
static uint64_t
live_count(const struct bm_memory *memory, unsigned ca, bm_time now)
{
    const struct bm_revocations *lists = &memory->revocations;
    const struct bm_slots *slots = &memory->slots;
    uint64_t n = 0;

    for (uint32_t at = 0; at < slots->nidentities; at++) {
        const struct bm_identity *identity = &slots->identities[at];
        const struct bm_earlier *earlier = bm_slots_earlier(slots, at);

        n += identity->ca == ca && identity->state != BM_IDENTITY_NONE && identity->state != BM_IDENTITY_REVOKED &&
             identity->not_after >= now;
        n += identity->state == BM_IDENTITY_RENEWING && earlier != NULL && !earlier->gone && earlier->ca == ca && earlier->not_after >= now;
    }
    for (size_t k = 0; k < lists->n; k++)
        for (size_t i = 0; lists->buckets[k].ca == ca && i < lists->buckets[k].nretired; i++)
            n += lists->buckets[k].retired[i].entry.time > now && lists->buckets[k].retired[i].not_after >= now;
    return n;
}

enum bm_rc
bm_serve_ca(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    const struct bm_cas *cas = &signer->memory.cas;
    unsigned ca = bm_rd_u8(&body);
    bool count = bm_rd_u8(&body) == 1;
    bm_cleanup(bm_buf_done) struct bm_buf serves = { .max = BM_MAX_CA_SERVES * (BM_MAX_NAME + 16) };
    struct bm_s_ca answer = { .n = (unsigned)cas->n };
    bm_time now = 0;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a CA is malformed");
    if (count && (rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    if (ca < cas->n) {
        const struct bm_issuing *row = cas->row[ca];

        answer.name = bm_bytes_str(row->name);
        answer.kind = (uint8_t)row->kind;
        answer.retired = row->retired;
        answer.issued = row->issued;
        answer.live = count ? live_count(&signer->memory, ca, now) : 0;
        answer.last_end = row->last_end;
        for (size_t i = 0; i < row->nserves; i++)
            bm_buf_add_fmt(&serves, "%s%s %s", i > 0 ? " " : "", row->serves[i].product ? "product" : "lot", row->serves[i].name);
        answer.serves = bm_buf_bytes(&serves);
        answer.der = bm_buf_bytes(&row->der);
    }
    bm_buf_reset(&signer->body);
    bm_s_ca_build(&signer->body, &answer);
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}

enum bm_rc
bm_serve_root(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    const struct bm_cas *cas = &signer->memory.cas;
    unsigned at = bm_rd_u8(&body);
    struct bm_s_root answer = { .n = (unsigned)cas->nroots };

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a root is malformed");
    if (at < cas->nroots)
        answer = (struct bm_s_root){ .n = (unsigned)cas->nroots,
                                     .der = bm_buf_bytes(&cas->root[at]->der),
                                     .new_with_old = bm_buf_bytes(&cas->root[at]->new_with_old),
                                     .old_with_new = bm_buf_bytes(&cas->root[at]->old_with_new) };
    bm_buf_reset(&signer->body);
    bm_s_root_build(&signer->body, &answer);
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}
