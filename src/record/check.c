/* check.c - who signed a statement, and whether that person may. */
#include "record/parts.h"

/* The head that the caller read must be the head of the bytes that are signed. */
static enum bm_rc
head_check(const struct bm_statement_head *head, const struct bm_note *note, struct bm_fail *fail)
{
    struct bm_statement_head signed_head;
    enum bm_rc rc;

    if ((rc = bm_statement_head_parse(&signed_head, note->text, fail)) != BM_OK)
        return rc;
    if (signed_head.kind != head->kind || signed_head.seq != head->seq || signed_head.time != head->time ||
        memcmp(signed_head.site, head->site, BM_HASH) != 0 || strcmp(signed_head.by, head->by) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "a statement is checked with the head of another one");
    return BM_OK;
}

/* Moved from elsewhere, replayed, or out of order. */
static enum bm_rc
place_check(const struct bm_statement_head *head, const uint8_t site[static BM_HASH], uint64_t seq, struct bm_fail *fail)
{
    const char *word = bm_statement_word(head->kind);

    if (memcmp(head->site, site, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s was signed for another site: make it here", word);
    if (head->seq < seq)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "this %s has number %llu, which was used before: a statement is taken once, and the next has number %llu", word,
                       (unsigned long long)head->seq, (unsigned long long)seq);
    if (head->seq > seq)
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s has number %llu and the next is %llu: hand in what comes before it", word,
                       (unsigned long long)head->seq, (unsigned long long)seq);
    return BM_OK;
}

static const struct bm_operator *
operator_find(const struct bm_roles *roles, const char *name)
{
    for (size_t i = 0; i < roles->noperators; i++)
        if (strcmp(roles->operators[i].name, name) == 0)
            return &roles->operators[i];
    return NULL;
}

/* By the operator it names; a second signature that is bad is nobody's to ignore (C2SP signed-note). */
static enum bm_rc
signature_check(const struct bm_statement_head *head, const struct bm_note *note, const struct bm_roles *roles,
                const struct bm_operator *by, struct bm_fail *fail)
{
    const char *word = bm_statement_word(head->kind);

    for (size_t i = 0; i < roles->noperators; i++) {
        const struct bm_operator *person = &roles->operators[i];
        enum bm_rc rc = bm_note_check(note, &person->key, fail);

        if (rc == BM_EINPUT)
            return bm_fail(fail, BM_EPOLICY, NULL, "the signature of %s on this %s does not verify: it was changed after it was signed",
                           person->name, word);
        if (rc == BM_EPOLICY && person == by)
            return bm_fail(fail, BM_EPOLICY, NULL, "this %s says that it is by %s, whose signature is not on it", word, by->name);
        if (rc != BM_OK && rc != BM_EPOLICY)
            return rc;
    }
    return BM_OK;
}

enum bm_rc
bm_statement_check(const struct bm_statement_head *head, struct bm_bytes note, const struct bm_roles *roles,
                   const uint8_t site[static BM_HASH], uint64_t seq, const struct bm_operator **ret_by, struct bm_fail *fail)
{
    const struct bm_operator *by = operator_find(roles, head->by);
    const char *word = bm_statement_word(head->kind);
    struct bm_note parsed;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parsed, note, fail)) != BM_OK || (rc = head_check(head, &parsed, fail)) != BM_OK)
        return rc;
    if (by == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s is by %s, who is no operator of this site", word, head->by);
    if ((rc = signature_check(head, &parsed, roles, by, fail)) != BM_OK)
        return rc;
    if ((bm_statement_forms[head->kind].roles & 1u << by->role) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is %s here and may not sign this %s: see who may", by->name, bm_role_word(by->role),
                       word);
    if ((rc = place_check(head, site, seq, fail)) != BM_OK)
        return rc;
    *ret_by = by;
    return BM_OK;
}
