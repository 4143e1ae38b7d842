/* policy.c - which acts take two persons at a site. */
#include "record/parts.h"

/* The act whose word comes next after `word` in the order of bytes; BM_ACT__N: none. One order, whatever rows the table gets later. */
static enum bm_act
act_after(const char *word, unsigned set)
{
    enum bm_act next = BM_ACT__N;

    for (unsigned act = BM_ACT_PIN; act < BM_ACT__N; act++)
        if ((set & 1u << act) != 0 && strcmp(bm_act_word((enum bm_act)act), word) > 0 &&
            (next == BM_ACT__N || strcmp(bm_act_word((enum bm_act)act), bm_act_word(next)) < 0))
            next = (enum bm_act)act;
    return next;
}

static void
two_take(struct bm_policy *policy, struct bm_lines *lines)
{
    const char *before = "";
    enum bm_act act = BM_ACT__N;
    struct bm_fail ignored;
    struct bm_bytes value;

    while (bm_lines_have(lines, "two", &value)) {
        if (bm_act_parse(&act, value, &ignored) != BM_OK || bm_act_always_one(act) || bm_act_always_two(act))
            bm_statement_refuse(lines, "must name an act that may take one person or two");
        else if (strcmp(bm_act_word(act), before) <= 0)
            bm_statement_refuse(lines, "is out of order: acts stand in the order of their bytes, each once");
        else {
            policy->two |= 1u << act;
            before = bm_act_word(act);
        }
    }
}

enum bm_rc
bm_policy_parse(struct bm_statement_head *ret_head, struct bm_policy *ret_policy, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_POLICY, text, fail);
    struct bm_policy policy = { .two = 0 };
    enum bm_rc rc;

    two_take(&policy, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_policy = policy;
    return BM_OK;
}

void
bm_policy_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_policy *policy)
{
    bm_statement_head_build(buf, BM_STATEMENT_POLICY, head);
    for (enum bm_act act = act_after("", policy->two); act != BM_ACT__N; act = act_after(bm_act_word(act), policy->two))
        bm_lines_add(buf, "two", bm_act_word(act));
}

static size_t
approvers(const struct bm_roles *roles, enum bm_act act)
{
    size_t n = 0;

    for (size_t i = 0; i < roles->noperators; i++)
        n += bm_role_may_approve(roles->operators[i].role, act);
    return n;
}

bool
bm_policy_two(const struct bm_policy *policy, const struct bm_roles *roles, enum bm_act act)
{
    if (bm_act_always_two(act) || (policy->two & 1u << act) != 0)
        return true;
    if (act == BM_ACT_CA)
        return approvers(roles, act) > 1;
    if (act == BM_ACT_POLICY)
        return policy->two != 0 || approvers(roles, act) > 1;
    return act == BM_ACT_ROLES && policy->two != 0;
}

enum bm_rc
bm_policy_check(const struct bm_policy *policy, const struct bm_roles *roles, struct bm_fail *fail)
{
    for (unsigned act = BM_ACT_PIN; policy->two != 0 && act < BM_ACT__N; act++)
        if (bm_act_signed((enum bm_act)act) && !bm_act_always_two((enum bm_act)act) && bm_policy_two(policy, roles, (enum bm_act)act) &&
            approvers(roles, (enum bm_act)act) < 2)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "to %s would take two persons, and fewer than two of these operators may: add another one first",
                           bm_act_title((enum bm_act)act));
    return BM_OK;
}

bool
bm_roles_only_fewer(const struct bm_roles *roles, const struct bm_roles *than)
{
    size_t at = 0;

    for (size_t i = 0; i < roles->noperators; i++, at++) {
        const struct bm_operator *person = &roles->operators[i];

        while (at < than->noperators && strcmp(than->operators[at].name, person->name) != 0)
            at++;
        if (at == than->noperators || than->operators[at].role != person->role ||
            !bm_note_key_equal(&than->operators[at].key, &person->key))
            return false;
    }
    return roles->noperators < than->noperators;
}
