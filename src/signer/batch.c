/* batch.c - answers wait here until what they say is durable. */
#include "base/base.h"
#include "signer/signer.h"

struct bm_answer *
bm_batch_answer(struct bm_signer *signer, uint64_t id, uint16_t type)
{
    struct bm_answer *answer = &signer->batch[signer->nbatch++];

    *answer = (struct bm_answer){ .id = id, .type = type };
    return answer;
}

struct bm_span
bm_batch_keep(struct bm_signer *signer, struct bm_bytes bytes)
{
    struct bm_span span = { .at = signer->arena.n, .n = bytes.n };

    bm_buf_add_bytes(&signer->arena, bytes);
    return span;
}

struct bm_bytes
bm_batch_kept(const struct bm_signer *signer, struct bm_span span)
{
    return span.n == 0 ? bm_bytes(NULL, 0)
                       : bm_bytes(signer->arena.p + span.at, span.n); /* of an answer without bytes there may be no arena */
}

enum bm_rc
bm_batch_refuse(struct bm_signer *signer, uint64_t id, const struct bm_fail *why, const struct bm_event *event, struct bm_fail *fail)
{
    struct bm_answer *answer;

    if (why->rc == BM_EBUG) {
        *fail = *why;
        return BM_EBUG;
    }
    answer = bm_batch_answer(signer, id, BM_S_REFUSED);
    answer->rc = why->rc;
    answer->sentence = bm_batch_keep(signer, bm_bytes_str(why->text));
    return event == NULL ? BM_OK : bm_commit_noted(signer, event, answer, fail);
}

enum bm_rc
bm_answer_turn(struct bm_signer *signer, struct bm_answer *answer, const struct bm_fail *why, struct bm_fail *fail)
{
    if (why->rc == BM_EBUG) {
        *fail = *why;
        return BM_EBUG;
    }
    answer->type = BM_S_REFUSED;
    answer->rc = BM_EBUSY;
    answer->sentence = bm_batch_keep(signer, bm_bytes_str(why->text));
    return BM_OK;
}

enum bm_rc
bm_checkpoint_now(struct bm_signer *signer, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (signer->checkpoint.n > 0 && signer->checkpointed == signer->memory.book.frontier.size)
        return BM_OK;
    bm_buf_reset(&signer->checkpoint);
    if ((rc = bm_book_checkpoint(&signer->memory.book, &signer->ledger, &signer->checkpoint, fail)) != BM_OK)
        return rc;
    signer->checkpointed = signer->memory.book.frontier.size;
    return BM_OK;
}

static void
leaves_of(const struct bm_signer *signer, const struct bm_answer *answer, struct bm_s_leaves *ret_leaves)
{
    *ret_leaves = (struct bm_s_leaves){ .n = answer->nleaves };
    for (size_t i = 0; i < answer->nleaves; i++) {
        ret_leaves->leaf[i].index = answer->leaf[i].index;
        memcpy(ret_leaves->leaf[i].salt, answer->leaf[i].salt, BM_SALT);
        ret_leaves->leaf[i].event = bm_batch_kept(signer, answer->leaf[i].event);
        ret_leaves->leaf[i].certificate = bm_batch_kept(signer, answer->leaf[i].certificate);
    }
    if (answer->nleaves > 0)
        ret_leaves->checkpoint = bm_buf_bytes(&signer->checkpoint);
}

static void
issued_build(struct bm_signer *signer, const struct bm_answer *answer)
{
    struct bm_s_issued issued = { .repeat = answer->repeat, .nserial = answer->nserial, .device = bm_bytes_str(answer->device) };

    memcpy(issued.serial, answer->serial, sizeof(issued.serial));
    leaves_of(signer, answer, &issued.leaves);
    bm_s_issued_build(&signer->body, &issued);
}

static enum bm_rc
answer_send(struct bm_signer *signer, const struct bm_answer *answer, struct bm_fail *fail)
{
    struct bm_message message = { .type = answer->type, .id = answer->id };
    struct bm_s_refused refused = { .rc = (uint8_t)answer->rc, .sentence = bm_batch_kept(signer, answer->sentence) };
    struct bm_s_leaves leaves;
    enum bm_rc rc;

    bm_buf_reset(&signer->body);
    if (answer->type == BM_S_ISSUED) {
        issued_build(signer, answer);
    } else if (answer->type == BM_S_REFUSED) {
        leaves_of(signer, answer, &refused.leaves);
        bm_s_refused_build(&signer->body, &refused);
    } else if (answer->later == BM_LATER_CRL) {
        bm_buf_add_u64(&signer->body, (uint64_t)answer->until);
        bm_buf_add_lv32(&signer->body, bm_batch_kept(signer, answer->crl_der));
    } else if (answer->later == BM_LATER_OCSP) {
        bm_buf_add_bytes(&signer->body, bm_batch_kept(signer, answer->made));
    } else {
        leaves_of(signer, answer, &leaves);
        bm_s_leaves_build(&signer->body, &leaves);
    }
    if ((rc = bm_buf_check(&signer->body, "an answer", fail)) != BM_OK)
        return rc;
    message.body = bm_buf_bytes(&signer->body);
    return bm_channel_send(signer->channel, &message, fail);
}

/* Of something that nobody asks for any more: as a replay has it, since no asker holds the evidence. */
static enum bm_rc
late_send(struct bm_signer *signer, const struct bm_answer *answer, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; i < answer->nleaves && rc == BM_OK; i++)
        rc = bm_leaf_send(signer, BM_S_LATE, 0, answer->leaf[i].index, fail);
    return rc;
}

/* In the order of their leaves, which the store appends one by one; those without any speak of others' and come last. */
static enum bm_rc
answers_send(struct bm_signer *signer, struct bm_fail *fail)
{
    const struct bm_answer *order[BM_BATCH + BM_BATCH_MORE];
    size_t n = 0, i;
    enum bm_rc rc;

    for (size_t next = 0; next < signer->nbatch; next++) {
        const struct bm_answer *answer = &signer->batch[next];

        if (answer->type == 0 || answer->nleaves == 0)
            continue;
        for (i = n++; i > 0 && order[i - 1]->leaf[0].index > answer->leaf[0].index; i--)
            order[i] = order[i - 1];
        order[i] = answer;
    }
    for (i = 0; i < signer->nbatch; i++)
        if (signer->batch[i].type != 0 && signer->batch[i].nleaves == 0)
            order[n++] = &signer->batch[i];
    for (i = 0; i < n; i++)
        if ((rc = order[i]->type == BM_S_LATE ? late_send(signer, order[i], fail) : answer_send(signer, order[i], fail)) != BM_OK)
            return rc;
    return BM_OK;
}

/* What had to wait for its record to be durable: signed here, or put where it waits for the token. */
static bool
is_kept(const struct bm_signer *signer, unsigned ca)
{
    const struct bm_ca_key *key;
    struct bm_fail ignored;

    return bm_ca_key(&key, signer, ca, &ignored) == BM_OK && key->kept;
}

static enum bm_rc
later_do(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail)
{
    bool waits = false;
    enum bm_rc rc;

    if (answer->type == BM_S_REFUSED)
        return BM_OK;
    if (answer->repeat)
        return bm_queue_repeat(signer, answer, fail);
    switch (answer->later) {
    case BM_LATER_SIGN:
        if (signer->queue.keeper.channel >= 0 && ((rc = bm_queue_intent(signer, answer->intent, answer, &waits, fail)) != BM_OK || waits))
            return rc;
        return bm_sign_intent(signer, answer->intent, false, answer, fail);
    case BM_LATER_CRL:
        if (answer->crl_der.n > 0)
            return BM_OK;
        return is_kept(signer, answer->crl.ca) ? bm_queue_crl(signer, answer, fail) : bm_sign_crl(signer, answer, fail);
    case BM_LATER_OCSP:
        return answer->made.n > 0 ? BM_OK : bm_ocsp_go(signer, answer, fail);
    case BM_LATER_NOTHING:
        break;
    }
    return BM_OK;
}

/* req: FAULTS F1 an intent is durable before its signature is made */
enum bm_rc
bm_batch_finish(struct bm_signer *signer, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_journal_sync(&signer->journal, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < signer->nbatch; i++)
        if ((rc = later_do(signer, &signer->batch[i], fail)) != BM_OK)
            return rc;
    if ((rc = bm_queue_send(signer, fail)) != BM_OK || (rc = bm_journal_sync(&signer->journal, fail)) != BM_OK ||
        (rc = bm_checkpoint_now(signer, fail)) != BM_OK)
        return rc;
    if (signer->arena.bad)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the answers of a batch");
    if ((rc = bm_changes_tell(signer, fail)) != BM_OK || (rc = answers_send(signer, fail)) != BM_OK)
        return rc;
    signer->nbatch = 0;
    bm_buf_reset(&signer->arena);
    return BM_OK;
}

enum bm_rc
bm_answer_now(struct bm_signer *signer, uint64_t id, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_message message = { .type = BM_S_ANSWER, .id = id, .body = body };

    return bm_channel_send(signer->channel, &message, fail);
}
