#include "base/base.h"
#include "signer/authority.h"

#include "wire/text.h"

#include <stdlib.h>

/* One person's alone, who is elsewhere: what a second one signed too is a proposal, whatever became of them. */
static bool
is_carried(const struct bm_authority *authority, const struct bm_memory *memory)
{
    struct bm_fail ignored;
    struct bm_note note;

    return bm_act_carried(authority->act) && !bm_policy_two(&memory->policy, memory->roles, authority->act) &&
           bm_note_parse(&note, authority->note, &ignored) == BM_OK && note.nsigs == 1;
}

/* Two persons', with a number of its own; or one person's who is elsewhere, where this site lets one person do that. */
static enum bm_rc
proposal_open(struct bm_authority *authority, const struct bm_signer *signer, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    const struct bm_memory *memory = &signer->memory;
    bm_time now = 0;
    enum bm_rc rc;

    if ((rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    rc = bm_proposal_check(&authority->head, authority->note, authority->act, memory->roles, memory->site, now, ret_signed, fail);
    if (rc == BM_EPOLICY && is_carried(authority, memory))
        rc = bm_carried_check(&authority->head, authority->note, authority->act, memory->roles, memory->site, now, ret_signed, fail);
    if (rc != BM_OK)
        return rc;
    if (bm_proposal_taken(&memory->waivers, authority->head.proposal))
        return bm_fail(fail, BM_EPOLICY, NULL, "this proposal was taken before, and each is taken once: make another");
    if (ret_signed->second != NULL)
        memcpy(authority->second, ret_signed->second->name, sizeof(authority->second));
    return BM_OK;
}

/* Does this list only take somebody's rights away? That takes one person: whoever revokes cannot mint by it. */
static bool
only_revokes(const struct bm_authority *authority, const struct bm_roles *roles)
{
    bm_cleanup(bm_roles_free) struct bm_roles *aside = calloc(1, sizeof(*aside));
    struct bm_statement_head head;
    struct bm_fail ignored;

    return authority->act == BM_ACT_ROLES && aside != NULL && bm_roles_parse(&head, aside, authority->text, &ignored) == BM_OK &&
           bm_roles_only_fewer(aside, roles);
}

/* One person's, in the order of statements; unless this site wants two for it. Who tries alone what takes two is on record like who may not at all. */
static enum bm_rc
one_open(const struct bm_authority *authority, const struct bm_signer *signer, struct bm_signed *ret_signed, struct bm_fail *fail)
{
    const struct bm_memory *memory = &signer->memory;
    enum bm_rc rc = bm_statement_check(&authority->head, authority->note, authority->act, memory->roles, memory->site, memory->next_seq,
                                       ret_signed, fail);

    if (rc != BM_OK || !bm_policy_two(&memory->policy, memory->roles, authority->act) || only_revokes(authority, memory->roles))
        return rc;
    ret_signed->barred = true;
    return bm_fail(fail, BM_EPOLICY, NULL, "to %s takes two persons at this site: propose it, and let a second person approve it",
                   bm_act_title(authority->act));
}

enum bm_rc
bm_authority_open(struct bm_authority *ret, struct bm_signer *signer, struct bm_rd *body, struct bm_fail *fail)
{
    struct bm_signed who = { .barred = false };
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    *ret = (struct bm_authority){ .proven = false };
    if ((rc = bm_statement_text(body, &ret->note, &ret->text, fail)) != BM_OK ||
        (rc = bm_statement_head_parse(&ret->head, ret->text, fail)) != BM_OK ||
        (rc = bm_statement_act(&ret->act, ret->head.kind, ret->text, fail)) != BM_OK)
        return rc;
    bm_sha256(hash, ret->note);
    bm_hex(ret->digest, bm_bytes(hash, BM_HASH));
    rc = ret->head.seq == 0 ? proposal_open(ret, signer, &who, fail) : one_open(ret, signer, &who, fail);
    ret->barred = who.barred;
    ret->proven = rc == BM_OK;
    return rc;
}

enum bm_rc
bm_authority_refuse(const struct bm_authority *authority, struct bm_signer *signer, uint64_t id, const char *what, const char *lot,
                    const struct bm_fail *why, struct bm_fail *fail)
{
    struct bm_event event = { .kind = BM_EVENT_REFUSED,
                              .statement = bm_bytes_str(authority->digest),
                              .by = bm_bytes_str(authority->head.by),
                              .lot = bm_bytes_str(lot != NULL ? lot : ""),
                              .what = bm_bytes_str(authority->barred ? "role" : what),
                              .reason = bm_bytes_str(why->text) };
    bool leaf = (authority->proven || authority->barred) && (why->rc == BM_EINPUT || why->rc == BM_EPOLICY);
    enum bm_rc rc;

    if (leaf && (rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    return bm_batch_refuse(signer, id, why, leaf ? &event : NULL, fail);
}

enum bm_rc
bm_restriction_check(struct bm_signer *signer, uint64_t id, struct bm_bytes by, enum bm_act act, struct bm_bytes lot, bool *ret_barred,
                     struct bm_fail *fail)
{
    struct bm_event event = { .kind = BM_EVENT_REFUSED, .lot = lot, .by = by, .what = bm_bytes_str("role") };
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    *ret_barred = by.n > 0 && bm_act_check(signer->memory.roles, by, act, &why) != BM_OK;
    if (!*ret_barred)
        return BM_OK;
    event.reason = bm_bytes_str(why.text);
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    return bm_batch_refuse(signer, id, &why, &event, fail);
}
