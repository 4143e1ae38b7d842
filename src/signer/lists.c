/* lists.c - lists of revoked certificates: which there are, each made when asked for, and the registrar told when one is out of date. */
#include "base/base.h"
#include "signer/signer.h"

#include "proc/channel.h"

/* req: RFC5280 5.2.3 a CRL number that rises, across crashes too: it is on record before the list is signed */
enum bm_rc
bm_serve_crl(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    const struct bm_memory *memory = &signer->memory;
    const struct bm_revocations *lists = &memory->revocations;
    struct bm_crl_record crl = { .ca = bm_rd_u8(&body), .bucket = bm_rd_u32(&body) };
    const struct bm_record_leaves none = { .n = 0 };
    struct bm_fail why = { .rc = BM_OK };
    struct bm_answer *answer;
    uint32_t at;
    enum bm_rc rc;

    if (!bm_rd_end(&body) || crl.ca >= memory->cas.n)
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a CRL is malformed");
    if (crl.bucket == 0 || crl.bucket > lists->last[crl.ca] + BM_BUCKETS_AHEAD)
        return bm_refuse_now(signer, id, BM_EINPUT, "this CA has no such list: /crl/NAME.txt names those that it has", fail);
    if ((rc = signer->env->now(signer->env->ctx, &crl.time, fail)) != BM_OK)
        return rc;
    /* req: FAULTS F16 */
    if (crl.time < memory->last_signed || crl.time - memory->last_signed > BM_CLOCK_JUMP)
        return bm_refuse_now(signer, id, BM_EBUSY,
                             "the signer's clock is behind its last signature or more than 400 days ahead of it: set it", fail);
    if (bm_queue_admit(signer, crl.ca, true, &why) != BM_OK)
        return bm_batch_refuse(signer, id, &why, NULL, fail);
    at = bm_bucket_find(lists, crl.ca, crl.bucket);
    crl.number = at == BM_NO_BUCKET ? 1 : lists->buckets[at].crl + 1;
    bm_buf_reset(&signer->record);
    bm_crl_record_build(&signer->record, &crl);
    answer = bm_batch_answer(signer, id, BM_S_ANSWER);
    answer->later = BM_LATER_CRL;
    answer->crl = crl;
    return bm_commit(signer, BM_R_CRL, &none, answer, fail);
}

enum bm_rc
bm_serve_lists(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    const struct bm_revocations *lists = &signer->memory.revocations;
    bm_cleanup(bm_buf_done) struct bm_buf numbers = { .max = 4 * BM_S_MAX_LISTS };
    unsigned ca = bm_rd_u8(&body);
    bm_time now;
    enum bm_rc rc;

    if (!bm_rd_end(&body) || ca >= signer->memory.cas.n)
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a CA's lists is malformed");
    if ((rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < lists->n; i++)
        if (lists->buckets[i].ca == ca && lists->buckets[i].room > 0 && !bm_bucket_ended(&lists->buckets[i], now))
            bm_buf_add_u32(&numbers, lists->buckets[i].number);
    for (uint32_t ahead = 1; ahead <= BM_BUCKETS_AHEAD; ahead++)
        bm_buf_add_u32(&numbers, lists->last[ca] + ahead);
    if (numbers.bad)
        return bm_refuse_now(signer, id, BM_EBUSY, "this CA has more lists than one answer can name: ask for each by its number", fail);
    bm_buf_reset(&signer->body);
    bm_buf_add_u32(&signer->body, (uint32_t)(numbers.n / 4));
    bm_buf_add_bytes(&signer->body, bm_buf_bytes(&numbers));
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}

enum bm_rc
bm_changes_tell(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_revocations *lists = &signer->memory.revocations;
    struct bm_message message = { .type = BM_S_CHANGED };
    enum bm_rc rc;

    if (lists->nchanged == 0 || !signer->queue.synced)
        return BM_OK;
    bm_buf_reset(&signer->body);
    for (size_t i = 0; i < lists->n; i++) {
        const struct bm_bucket *bucket = &lists->buckets[i];

        if (!bucket->changed)
            continue;
        bm_buf_add_u8(&signer->body, bucket->ca);
        bm_buf_add_u32(&signer->body, bucket->number);
        bm_buf_add_u8(&signer->body, bucket->urgent ? 1 : 0);
    }
    bm_revocations_told(lists);
    if ((rc = bm_buf_check(&signer->body, "what changed", fail)) != BM_OK)
        return rc;
    message.body = bm_buf_bytes(&signer->body);
    return bm_channel_send(signer->channel, &message, fail);
}
