#include "base/base.h"
#include "signer/apply.h"

#include "signer/counted.h"
#include "signer/life.h"
#include "wire/text.h"

/* One person's has its place in the order of statements; what two persons signed has none: its own number keeps it from being taken twice. */
enum bm_rc
bm_place_check(const struct bm_memory *memory, const struct bm_statement_head *head, struct bm_fail *fail)
{
    if (head->seq != 0)
        return head->seq == memory->next_seq ? BM_OK : bm_contradiction("a statement out of order", fail);
    return bm_proposal_taken(&memory->waivers, head->proposal) ? bm_contradiction("a proposal is taken a second time", fail) : BM_OK;
}

enum bm_rc
bm_place_take(struct bm_memory *memory, const struct bm_statement_head *head, struct bm_fail *fail)
{
    if (head->seq == 0)
        return bm_proposal_take(&memory->waivers, head->proposal, fail);
    memory->next_seq++;
    return BM_OK;
}

/* A waiver, or a lot out of quarantine. */
static enum bm_rc
apply_both(struct bm_memory *memory, const struct bm_statement_head *head, const struct bm_allow *allow, struct bm_fail *fail)
{
    uint32_t lot = bm_lots_by_name(&memory->lots, allow->lot);

    if (allow->act == BM_ALLOW_WAIVE)
        return bm_waivers_add(&memory->waivers, head->proposal, allow, fail);
    if (lot == BM_NONE || !memory->lots.lots[lot].quarantined)
        return bm_contradiction("a lot is released that is not in quarantine", fail);
    memory->lots.lots[lot].quarantined = false;
    return BM_OK;
}

/* The leaf says under which order it counts. */
static enum bm_rc
apply_reissue(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, const struct bm_event *event, struct bm_fail *fail)
{
    uint32_t identity = bm_slots_identity(&memory->slots, unit, bm_bytes_str(allow->service)), order;

    if (identity == BM_NONE)
        return bm_contradiction("it allows something for what is not there", fail);
    memory->slots.identities[identity].reissue_allowed = true;
    if (event->order.n == 0)
        return BM_OK;
    order = bm_orders_find(&memory->orders, event->order);
    return order == BM_NONE ? bm_contradiction("a re-issue that no order counts", fail) : bm_books_reissue(&memory->books, order, fail);
}

static enum bm_rc
apply_repair(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, const struct bm_event *event, struct bm_fail *fail)
{
    const uint32_t from = memory->slots.units[unit].counted, order = memory->slots.units[unit].order;
    const uint32_t to = bm_lots_find(&memory->lots, event->lot);
    const enum bm_where was = bm_unit_where(memory, unit);
    enum bm_rc rc;

    if (from == BM_NONE || to == BM_NONE || order == BM_NONE)
        return bm_contradiction("a repair of what no order made, or with a chip of no lot", fail);
    if ((rc = bm_life_allow(memory, unit, allow, event->time, fail)) != BM_OK)
        return rc;
    memory->slots.units[unit].counted = to;
    return bm_books_repair(&memory->books, order, from, was, to, fail);
}

static enum bm_rc
apply_allow(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_allow allow;
    struct bm_event event;
    uint8_t device[BM_DEVICE];
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_allow_parse(&head, &allow, taken->text, fail)) != BM_OK)
        return rc;
    if (bm_act_always_two(bm_allow_act(allow.act)))
        return apply_both(memory, &head, &allow, fail);
    if ((rc = bm_hex_parse(device, sizeof(device), bm_bytes_str(allow.device), fail)) != BM_OK)
        return rc;
    if ((unit = bm_slots_device(&memory->slots, device)) == BM_NONE || taken->leaves->n != 1 ||
        (rc = bm_event_parse(&event, taken->leaves->leaf[0].event, fail)) != BM_OK)
        return bm_contradiction("it allows something for what is not there, or without a leaf", fail);
    return allow.act == BM_ALLOW_REISSUE   ? apply_reissue(memory, unit, &allow, &event, fail)
           : allow.act == BM_ALLOW_REPAIR  ? apply_repair(memory, unit, &allow, &event, fail)
           : allow.act == BM_ALLOW_SUPPORT ? bm_support_open(memory, unit, &allow, taken->rest, event.time, fail)
                                           : bm_life_allow(memory, unit, &allow, event.time, fail);
}

static enum bm_rc
apply_roles(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    struct bm_statement_head head;

    return bm_roles_parse(&head, memory->roles, taken->text, fail);
}

static enum bm_rc
apply_policy(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    struct bm_statement_head head;

    return bm_policy_parse(&head, &memory->policy, taken->text, fail);
}

static enum bm_rc
apply_profile(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    struct bm_activation activation;
    struct bm_statement_head head;
    enum bm_rc rc = bm_activation_parse(&head, &activation, taken->text, fail);

    return rc != BM_OK ? rc : bm_profiles_put(&memory->profiles, &activation, fail);
}

/* Whatever the store held before, it is caught up from what it holds now; the next BM_R_HELD says when. */
static enum bm_rc
apply_recover(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_recover recover;
    enum bm_rc rc = bm_recover_parse(&head, &recover, taken->text, fail);

    if (rc == BM_OK)
        memory->held = 0;
    return rc;
}

enum bm_rc
bm_apply_held(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    struct bm_rd rd;
    uint64_t held;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    held = bm_rd_u64(&rd);
    if (!bm_rd_end(&rd) || plain.leaves.n > 0)
        return bm_contradiction("what the store holds is malformed", fail);
    if (held <= memory->held || held > memory->book.frontier.size)
        return bm_contradiction("the store holds less than before, or more than there is", fail);
    memory->held = held;
    return BM_OK;
}

static enum bm_rc
apply_ca(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    struct bm_statement_head head;
    enum bm_rc rc = bm_ca_statement_parse(&head, &ca, taken->text, fail);

    return rc != BM_OK ? rc : bm_cas_take(&memory->cas, &ca, fail);
}

/* What a statement says is done by its kind. A pin has none here: it comes with its lot. */
static enum bm_rc (*const kinds[BM_STATEMENT__N])(struct bm_memory *, const struct bm_taken *, struct bm_fail *) = {
    [BM_STATEMENT_ORDER] = bm_apply_order,  [BM_STATEMENT_ALLOW] = apply_allow,    [BM_STATEMENT_ROLES] = apply_roles,
    [BM_STATEMENT_POLICY] = apply_policy,   [BM_STATEMENT_RAISE] = bm_apply_raise, [BM_STATEMENT_PROFILE] = apply_profile,
    [BM_STATEMENT_RECOVER] = apply_recover, [BM_STATEMENT_CA] = apply_ca,
};

enum bm_rc
bm_apply_statement(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    struct bm_statement_head head;
    struct bm_taken taken = { .leaves = &plain.leaves };
    struct bm_bytes note;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    taken.rest = bm_rd(plain.rest);
    if ((rc = bm_statement_text(&taken.rest, &note, &taken.text, fail)) != BM_OK ||
        (rc = bm_statement_head_parse(&head, taken.text, fail)) != BM_OK || (rc = bm_place_check(memory, &head, fail)) != BM_OK)
        return rc;
    if (kinds[head.kind] == NULL)
        return bm_contradiction("a pin without its lot", fail);
    if ((rc = kinds[head.kind](memory, &taken, fail)) != BM_OK || (rc = bm_place_take(memory, &head, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}
