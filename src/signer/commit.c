/* commit.c - a record into the journal, into memory, and its leaves into the answer: in this order, always together. */
#include "base/base.h"
#include "signer/signer.h"

enum bm_rc
bm_leaf_make(struct bm_signer *signer, size_t i, const struct bm_event *event, struct bm_record_leaf *ret_leaf, struct bm_fail *fail)
{
    struct bm_buf *text = &signer->text[i];
    enum bm_rc rc;

    bm_buf_reset(text);
    bm_event_build(text, event);
    if (text->bad)
        return bm_fail(fail, BM_EBUG, NULL, "an event %s has a value out of shape, or there is no memory for it",
                       bm_event_word(event->kind));
    if ((rc = signer->env->random(signer->env->ctx, ret_leaf->salt, BM_SALT, fail)) != BM_OK)
        return rc;
    ret_leaf->kind = event->kind;
    ret_leaf->event = bm_buf_bytes(text);
    return BM_OK;
}

enum bm_rc
bm_commit(struct bm_signer *signer, enum bm_record_type type, const struct bm_record_leaves *leaves, struct bm_answer *answer,
          struct bm_fail *fail)
{
    struct bm_record record = { .type = (uint8_t)type, .body = bm_buf_bytes(&signer->record) };
    uint64_t index = signer->memory.book.frontier.size;
    enum bm_rc rc;

    if (signer->record.bad)
        return bm_fail(fail, BM_EBUG, NULL, "a record for the signer's journal is too long");
    if ((rc = bm_journal_add(&signer->journal, record.type, record.body, &record.at, fail)) != BM_OK ||
        (rc = bm_memory_apply(&signer->memory, &record, fail)) != BM_OK)
        return rc;
    if (answer == NULL)
        return BM_OK;
    for (size_t i = 0; i < leaves->n; i++) {
        struct bm_answer_leaf *leaf = &answer->leaf[answer->nleaves++];

        leaf->index = index + i;
        memcpy(leaf->salt, leaves->leaf[i].salt, BM_SALT);
        leaf->event = bm_batch_keep(signer, leaves->leaf[i].event);
    }
    if (type == BM_R_INTENT)
        answer->intent = record.at;
    return BM_OK;
}

enum bm_rc
bm_commit_forked(struct bm_signer *signer, const struct bm_event *event, const struct bm_event *suspended, struct bm_bytes serial,
                 struct bm_bytes bundle, struct bm_answer *answer, struct bm_fail *fail)
{
    struct bm_forked forked = { .leaves = { .n = suspended == NULL ? 1 : 2 }, .serial = serial, .bundle = bundle };
    enum bm_rc rc;

    if ((rc = bm_leaf_make(signer, 0, event, &forked.leaves.leaf[0], fail)) != BM_OK ||
        (suspended != NULL && (rc = bm_leaf_make(signer, 1, suspended, &forked.leaves.leaf[1], fail)) != BM_OK))
        return rc;
    bm_buf_reset(&signer->record);
    bm_forked_build(&signer->record, &forked);
    return bm_commit(signer, BM_R_FORKED, &forked.leaves, answer, fail);
}

enum bm_rc
bm_commit_noted(struct bm_signer *signer, const struct bm_event *event, struct bm_answer *answer, struct bm_fail *fail)
{
    struct bm_plain plain = { .leaves = { .n = 1 } };
    enum bm_rc rc;

    if ((rc = bm_leaf_make(signer, 0, event, &plain.leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    return bm_commit(signer, BM_R_NOTED, &plain.leaves, answer, fail);
}
