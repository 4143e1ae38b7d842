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
    if (signed_head.kind != head->kind || signed_head.seq != head->seq || memcmp(signed_head.proposal, head->proposal, BM_PROPOSAL) != 0 ||
        signed_head.time != head->time || memcmp(signed_head.site, head->site, BM_HASH) != 0 || strcmp(signed_head.by, head->by) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "a statement is checked with the head of another one");
    return BM_OK;
}

static enum bm_rc
site_check(const struct bm_statement_head *head, const uint8_t site[static BM_HASH], struct bm_fail *fail)
{
    if (memcmp(head->site, site, BM_HASH) == 0)
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL, "this %s was signed for another site: make it here", bm_statement_word(head->kind));
}

/* Replayed, or out of order. */
static enum bm_rc
place_check(const struct bm_statement_head *head, uint64_t seq, struct bm_fail *fail)
{
    const char *word = bm_statement_word(head->kind);

    if (head->seq == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s is a proposal: it needs a second person, see birthmark proposal approve", word);
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

static enum bm_rc
role_check(const struct bm_operator *by, enum bm_act act, const char *word, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    if (bm_role_may(by->role, act))
        return BM_OK;
    ret_signed->barred = true;
    return bm_fail(fail, BM_EPOLICY, NULL, "%s is %s here and may not sign this %s: see who may with birthmark operator roles", by->name,
                   bm_role_word(by->role), word);
}

/* The operator it names: its signature, and those of all others that are on it, verify, for this site, and its role may. */
static enum bm_rc
by_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act, const struct bm_roles *roles,
         const uint8_t site[static BM_HASH], struct bm_note *ret_note, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    const struct bm_operator *by = operator_find(roles, head->by);
    const char *word = bm_statement_word(head->kind);
    enum bm_rc rc;

    *ret_signed = (struct bm_signed){ .barred = false };
    if ((rc = bm_note_parse(ret_note, note, fail)) != BM_OK || (rc = head_check(head, ret_note, fail)) != BM_OK)
        return rc;
    if (by == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s is by %s, who is no operator of this site", word, head->by);
    if ((rc = signature_check(head, ret_note, roles, by, fail)) != BM_OK || (rc = site_check(head, site, fail)) != BM_OK)
        return rc;
    ret_signed->by = by;
    return role_check(by, act, word, ret_signed, fail);
}

enum bm_rc
bm_statement_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act, const struct bm_roles *roles,
                   const uint8_t site[static BM_HASH], uint64_t seq, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    struct bm_note parsed;
    enum bm_rc rc = by_check(head, note, act, roles, site, &parsed, ret_signed, fail);

    return rc != BM_OK ? rc : place_check(head, seq, fail);
}

enum bm_rc
bm_act_check(const struct bm_roles *roles, struct bm_bytes by, enum bm_act act, struct bm_fail *fail)
{
    for (size_t i = 0; i < roles->noperators; i++) {
        const struct bm_operator *person = &roles->operators[i];

        if (!bm_bytes_equal(by, bm_bytes_str(person->name)))
            continue;
        if (bm_role_may(person->role, act))
            return BM_OK;
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is %s here and may not %s: see who may with birthmark operator roles", person->name,
                       bm_role_word(person->role), bm_act_title(act));
    }
    return bm_fail(fail, BM_EPOLICY, NULL, "%.*s is no operator of this site and may not %s: see birthmark operator list", (int)by.n,
                   by.n == 0 ? "" : (const char *)by.p, bm_act_title(act));
}

/* ---- two persons ---- */

/* Another operator of a role that may. Who else signed, and may not, is told: a second signature of the wrong person is the usual mistake. */
static enum bm_rc
second_find(const struct bm_note *note, const struct bm_roles *roles, enum bm_act act, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    const struct bm_operator *by = ret_signed->by, *other = NULL;
    struct bm_fail unsigned_by;

    for (size_t i = 0; i < roles->noperators; i++) {
        const struct bm_operator *person = &roles->operators[i];

        if (person == by || bm_note_check(note, &person->key, &unsigned_by) != BM_OK)
            continue;
        if (bm_role_may_approve(person->role, act)) {
            ret_signed->second = person;
            return BM_OK;
        }
        other = person;
    }
    ret_signed->barred = other != NULL;
    if (other != NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is %s here and may not approve this proposal: see who may with birthmark operator roles",
                       other->name, bm_role_word(other->role));
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "this proposal has the signature of %s only, and nobody approves their own proposal: a second "
                   "person must approve it",
                   by->name);
}

static enum bm_rc
expiry_check(const struct bm_statement_head *head, bm_time now, struct bm_fail *fail)
{
    char text[BM_TIME_TEXT];

    bm_time_print(text, head->expires);
    if (now > head->expires)
        return bm_fail(fail, BM_EPOLICY, NULL, "this proposal expired at %s: make it again", text);
    if (head->expires - now > (BM_PROPOSAL_DAYS + 1) * 86400) /* a day for clocks that differ */
        return bm_fail(fail, BM_EPOLICY, NULL, "this proposal expires at %s, more than %d days from now: set the clock and make it again",
                       text, BM_PROPOSAL_DAYS);
    return BM_OK;
}

enum bm_rc
bm_proposal_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act, const struct bm_roles *roles,
                  const uint8_t site[static BM_HASH], bm_time now, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    struct bm_note parsed;
    enum bm_rc rc;

    if (head->seq != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s has a seq and is no proposal: hand it in as a statement",
                       bm_statement_word(head->kind));
    if ((rc = by_check(head, note, act, roles, site, &parsed, ret_signed, fail)) != BM_OK || (rc = expiry_check(head, now, fail)) != BM_OK)
        return rc;
    return second_find(&parsed, roles, act, ret_signed, fail);
}

enum bm_rc
bm_carried_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act, const struct bm_roles *roles,
                 const uint8_t site[static BM_HASH], bm_time now, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    struct bm_note parsed;
    enum bm_rc rc;

    if (head->seq != 0 || !bm_act_carried(act))
        return bm_fail(fail, BM_EPOLICY, NULL, "this %s can't be signed elsewhere: make it at the site", bm_statement_word(head->kind));
    rc = by_check(head, note, act, roles, site, &parsed, ret_signed, fail);
    return rc != BM_OK ? rc : expiry_check(head, now, fail);
}
