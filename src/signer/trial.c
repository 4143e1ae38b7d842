/* trial.c - an operator's statement, tried on the side since a record may not fail, then taken with what it says in the ledger. */
#include "base/base.h"
#include "signer/authority.h"

#include "signer/counted.h"
#include "signer/life.h"
#include "wire/text.h"

#include <stdlib.h>

struct trial {
    struct bm_signer *signer;
    const struct bm_authority *authority;
    struct bm_rd profiles; /* what stands behind the note */
    struct bm_event event;
    struct bm_order order;
    struct bm_allow allow;
    struct bm_raise raise;
    struct bm_activation activation;
    struct bm_recover recover;
    struct bm_life_words life;
    const char *what; /* a word for alarms, of a refusal */
    char count[24];
    char until[BM_TIME_TEXT];
    char was[BM_MAX_OLD];
    struct bm_ca_statement ca;
    struct bm_ca_words ca_words;
};

static void
trial_done(struct trial *trial)
{
    bm_order_done(&trial->order);
    bm_ca_statement_done(&trial->ca);
}

static void
count_print(struct trial *trial, uint64_t n)
{
    (void)snprintf(trial->count, sizeof(trial->count), "%llu", (unsigned long long)n);
    trial->event.count = bm_bytes_str(trial->count);
}

/* The planner names stations; which they are is the officer's to say. */
static enum bm_rc
stations_enrolled(const struct bm_order *order, const struct bm_roles *roles, struct bm_fail *fail)
{
    for (size_t i = 0; i < order->nstations; i++) {
        const struct bm_operator *station = bm_roles_station(roles, order->stations[i].key);

        if (station == NULL || strcmp(station->name, order->stations[i].name) != 0)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "order %s names station %s with a key that no officer enrolled for it: see birthmark station list", order->order,
                           order->stations[i].name);
    }
    return BM_OK;
}

/* That is one device's, by an officer's word. */
static enum bm_rc
no_support(const struct bm_signer_order *order, struct bm_fail *fail)
{
    for (size_t i = 0; i < order->nprofiles; i++)
        if (bm_profile_is_support(&order->profiles[i]))
            return bm_fail(
                fail, BM_EPOLICY, NULL,
                "profile %s is for the support of one device: leave it out; an officer opens it by birthmark device support open",
                order->profiles[i].name);
    return BM_OK;
}

static enum bm_rc
try_order(struct trial *trial, struct bm_fail *fail)
{
    bm_cleanup(bm_orders_done) struct bm_orders aside = { .n = 0 };
    const struct bm_memory *memory = &trial->signer->memory;
    struct bm_statement_head head;
    enum bm_rc rc;

    if ((rc = bm_order_parse(&head, &trial->order, trial->authority->text, fail)) != BM_OK)
        return rc;
    if (bm_orders_find(&memory->orders, bm_bytes_str(trial->order.order)) != BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is an order %s already: take another name", trial->order.order);
    trial->event.kind = BM_EVENT_ORDER_OPENED;
    trial->event.order = bm_bytes_str(trial->order.order);
    if (trial->order.nlots == 1)
        trial->event.lot = bm_bytes_str(trial->order.lots[0]);
    if (trial->order.nprofiles == 1)
        trial->event.profile = bm_bytes_str(trial->order.profiles[0].name);
    count_print(trial, trial->order.quantity);
    if ((rc = stations_enrolled(&trial->order, memory->roles, fail)) != BM_OK ||
        (rc = bm_orders_add(&aside, &trial->order, trial->profiles, &memory->lots, fail)) != BM_OK ||
        (rc = no_support(&aside.orders[0], fail)) != BM_OK)
        return rc;
    return bm_profiles_active(&memory->profiles, &trial->order, fail);
}

static enum bm_rc
try_waive(struct trial *trial, struct bm_fail *fail)
{
    const struct bm_allow *allow = &trial->allow;
    bm_time now = 0;
    enum bm_rc rc;

    if ((rc = trial->signer->env->now(trial->signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    bm_time_print(trial->until, allow->until);
    if (allow->until < now)
        return bm_fail(fail, BM_EPOLICY, NULL, "this waiver ended at %s: propose one with a later end", trial->until);
    trial->event.kind = BM_EVENT_WAIVED;
    trial->event.vendor = bm_bytes_str(allow->vendor);
    trial->event.what = bm_bytes_str(allow->check);
    trial->event.until = bm_bytes_str(trial->until);
    return BM_OK;
}

static enum bm_rc
try_release(struct trial *trial, struct bm_fail *fail)
{
    const struct bm_lots *lots = &trial->signer->memory.lots;
    const struct bm_allow *allow = &trial->allow;
    uint32_t at = bm_lots_by_name(lots, allow->lot);

    if (at == BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "no lot %s is pinned here", allow->lot);
    if (lots->lots[at].withdrawn)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s was withdrawn, which nobody undoes", allow->lot);
    if (!lots->lots[at].quarantined)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s is not in quarantine: there is nothing to release", allow->lot);
    trial->event.kind = BM_EVENT_LOT_RELEASED;
    trial->event.lot = bm_bytes_str(allow->lot);
    return BM_OK;
}

static enum bm_rc
try_support(struct trial *trial, uint32_t unit, struct bm_fail *fail)
{
    const struct bm_allow *allow = &trial->allow;
    struct bm_event *event = &trial->event;
    enum bm_rc rc = bm_support_try(&trial->signer->memory, unit, allow, trial->profiles, event->time, fail);

    if (rc != BM_OK)
        return rc;
    bm_time_print(trial->until, event->time + (bm_time)allow->hours * 3600 - 1);
    event->kind = BM_EVENT_SUPPORT_OPENED;
    event->device = bm_bytes_str(allow->device);
    event->profile = bm_bytes_str(allow->support.name);
    event->what = bm_bytes_str(allow->ticket);
    event->until = bm_bytes_str(trial->until);
    event->reason = bm_bytes_str(allow->reason);
    return BM_OK;
}

/* What two persons allow; the rest is one's, for a device. */
static enum bm_rc
try_both(struct trial *trial, struct bm_fail *fail)
{
    trial->event.reason = bm_bytes_str(trial->allow.reason);
    return trial->allow.act == BM_ALLOW_WAIVE ? try_waive(trial, fail) : try_release(trial, fail);
}

/* One more of these under the order that the unit was made under. */
static enum bm_rc
try_counted(struct trial *trial, uint32_t unit, enum bm_counted what, struct bm_fail *fail)
{
    const struct bm_memory *memory = &trial->signer->memory;
    uint32_t order = memory->slots.units[unit].order;
    enum bm_rc rc;

    if (order == BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "device %s was made under no order", trial->allow.device);
    if ((rc = bm_counted_check(memory, order, what, 1, fail)) != BM_OK) {
        trial->what = "limit";
        return rc;
    }
    trial->event.order = bm_bytes_str(memory->orders.orders[order].order);
    return BM_OK;
}

static enum bm_rc
try_life(struct trial *trial, uint32_t unit, struct bm_fail *fail)
{
    struct bm_memory *memory = &trial->signer->memory;
    enum bm_rc rc = bm_life_try(memory, &trial->signer->journal, unit, &trial->allow, &trial->life, &trial->event, fail);

    if (rc != BM_OK || trial->allow.act != BM_ALLOW_REPAIR)
        return rc;
    bm_old_print(trial->was, memory, unit);
    trial->event.was = bm_bytes_str(trial->was);
    return try_counted(trial, unit, BM_COUNTED_REPAIR, fail);
}

static enum bm_rc
try_allow(struct trial *trial, struct bm_fail *fail)
{
    const struct bm_slots *slots = &trial->signer->memory.slots;
    struct bm_allow *allow = &trial->allow;
    struct bm_statement_head head;
    uint8_t device[BM_DEVICE];
    uint32_t unit, identity;
    enum bm_rc rc;

    if ((rc = bm_allow_parse(&head, allow, trial->authority->text, fail)) != BM_OK)
        return rc;
    if (bm_act_always_two(bm_allow_act(allow->act)))
        return try_both(trial, fail);
    if ((rc = bm_hex_parse(device, sizeof(device), bm_bytes_str(allow->device), fail)) != BM_OK)
        return rc;
    if ((unit = bm_slots_device(slots, device)) == BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no device %s here", allow->device);
    if (allow->act == BM_ALLOW_SUPPORT)
        return try_support(trial, unit, fail);
    if (allow->act != BM_ALLOW_REISSUE)
        return try_life(trial, unit, fail);
    if (slots->units[unit].life == BM_LIFE_REVOKED || slots->units[unit].life == BM_LIFE_DECOMMISSIONED)
        return bm_fail(fail, BM_EPOLICY, NULL, "device %s is %s and gets no certificate again", allow->device,
                       bm_life_word((enum bm_life)slots->units[unit].life));
    if (strcmp(allow->service, BM_SERVICE_SUPPORT) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "a support identity is never issued again: let an officer open support of device %s anew",
                       allow->device);
    if ((identity = bm_slots_identity(slots, unit, bm_bytes_str(allow->service))) == BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "device %s has no identity for service %s that could be issued again", allow->device,
                       allow->service);
    trial->event.kind = BM_EVENT_ALLOWED;
    trial->event.device = bm_bytes_str(allow->device);
    trial->event.service = bm_bytes_str(allow->service);
    trial->event.reason = bm_bytes_str(allow->reason);
    /* One that stands unused is not counted again. */
    return slots->identities[identity].reissue_allowed ? BM_OK : try_counted(trial, unit, BM_COUNTED_REISSUE, fail);
}

static enum bm_rc
try_roles(struct trial *trial, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *aside = calloc(1, sizeof(*aside));
    struct bm_statement_head head;
    uint8_t base[BM_HASH];
    enum bm_rc rc;

    if (aside == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the operators");
    if ((rc = bm_roles_parse(&head, aside, trial->authority->text, fail)) != BM_OK)
        return rc;
    bm_roles_digest(trial->signer->memory.roles, base);
    if (memcmp(base, aside->base, BM_HASH) != 0)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "the list of operators and stations was changed after this one was made of it, and whom it left out would be back: say it "
            "again, of today's list");
    if ((rc = bm_policy_check(&trial->signer->memory.policy, aside, fail)) != BM_OK)
        return rc;
    trial->event.kind = BM_EVENT_ROLES_SET;
    count_print(trial, aside->noperators);
    return BM_OK;
}

static enum bm_rc
try_policy(struct trial *trial, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_policy policy;
    enum bm_rc rc;

    if ((rc = bm_policy_parse(&head, &policy, trial->authority->text, fail)) != BM_OK ||
        (rc = bm_policy_check(&policy, trial->signer->memory.roles, fail)) != BM_OK)
        return rc;
    trial->event.kind = BM_EVENT_POLICY_SET;
    count_print(trial, (uint64_t)__builtin_popcount(policy.two));
    return BM_OK;
}

static uint64_t
quantity_of(const struct trial *trial, const char *order)
{
    const struct bm_orders *orders = &trial->signer->memory.orders;

    return orders->orders[bm_orders_find(orders, bm_bytes_str(order))].quantity;
}

static enum bm_rc
try_raise(struct trial *trial, struct bm_fail *fail)
{
    struct bm_statement_head head;
    enum bm_rc rc;

    if ((rc = bm_raise_parse(&head, &trial->raise, trial->authority->text, fail)) != BM_OK ||
        (rc = bm_orders_raise_check(&trial->signer->memory.orders, &trial->raise, fail)) != BM_OK)
        return rc;
    trial->event.kind = BM_EVENT_ORDER_RAISED;
    trial->event.order = bm_bytes_str(trial->raise.order);
    count_print(trial, trial->raise.quantity != 0 ? trial->raise.quantity : quantity_of(trial, trial->raise.order));
    return BM_OK;
}

static enum bm_rc
try_profile(struct trial *trial, struct bm_fail *fail)
{
    struct bm_statement_head head;
    enum bm_rc rc;

    if ((rc = bm_activation_parse(&head, &trial->activation, trial->authority->text, fail)) != BM_OK ||
        (rc = bm_profiles_check(&trial->signer->memory.profiles, &trial->activation, trial->profiles, fail)) != BM_OK)
        return rc;
    trial->event.kind = BM_EVENT_PROFILE_ACTIVATED;
    trial->event.profile = bm_bytes_str(trial->activation.profile.name);
    count_print(trial, trial->activation.version);
    return BM_OK;
}

/* Signed for the store that is here: what an operator has seen. */
static enum bm_rc
try_recover(struct trial *trial, struct bm_fail *fail)
{
    const struct bm_signer *signer = trial->signer;
    struct bm_statement_head head;
    enum bm_rc rc;

    if ((rc = bm_recover_parse(&head, &trial->recover, trial->authority->text, fail)) != BM_OK)
        return rc;
    if (signer->rules.phase != BM_PHASE_OLD)
        return bm_fail(fail, BM_EPOLICY, NULL, "the store holds all that it ever held: there is nothing to recover");
    if (trial->recover.store != signer->store)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "this was signed for a store of %llu ledger entries and this one holds %llu: recover it again",
                       (unsigned long long)trial->recover.store, (unsigned long long)signer->store);
    trial->event.kind = BM_EVENT_SITE_RECOVERED;
    trial->event.reason = bm_bytes_str(trial->recover.reason);
    count_print(trial, signer->memory.book.frontier.size - signer->store);
    return BM_OK;
}

static enum bm_rc
try_ca(struct trial *trial, struct bm_fail *fail)
{
    struct bm_statement_head head;
    enum bm_rc rc = bm_ca_statement_parse(&head, &trial->ca, trial->authority->text, fail);

    return rc != BM_OK ? rc : bm_ca_try(trial->signer, &trial->ca, &trial->ca_words, &trial->event, fail);
}

static enum bm_rc
try_pin(struct trial *trial, struct bm_fail *fail)
{
    (void)trial;
    return bm_fail(fail, BM_EPOLICY, NULL, "a pin comes with its lot: use birthmark lot receive");
}

static enum bm_rc (*const trials[BM_STATEMENT__N])(struct trial *trial, struct bm_fail *fail) = {
    [BM_STATEMENT_PIN] = try_pin,         [BM_STATEMENT_ORDER] = try_order,     [BM_STATEMENT_ALLOW] = try_allow,
    [BM_STATEMENT_ROLES] = try_roles,     [BM_STATEMENT_POLICY] = try_policy,   [BM_STATEMENT_RAISE] = try_raise,
    [BM_STATEMENT_PROFILE] = try_profile, [BM_STATEMENT_RECOVER] = try_recover, [BM_STATEMENT_CA] = try_ca,
};

static enum bm_rc
statement_try(struct trial *trial, struct bm_fail *fail)
{
    enum bm_statement_kind kind = trial->authority->head.kind;
    enum bm_rc rc = trials[kind](trial, fail);

    if (rc == BM_OK && kind != BM_STATEMENT_ORDER && kind != BM_STATEMENT_PROFILE && trial->authority->act != BM_ACT_SUPPORT &&
        (bm_rd_u8(&trial->profiles) != 0 || !bm_rd_end(&trial->profiles)))
        return bm_fail(fail, BM_EINPUT, NULL, "only an order, an activation and support come with profiles");
    return rc;
}

enum bm_rc
bm_serve_statement(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_plain plain = { .leaves = { .n = 1 }, .rest = bm_bytes(body.p, body.left) };
    struct bm_authority authority;
    bm_cleanup(trial_done) struct trial trial = { .signer = signer, .authority = &authority, .what = "statement" };
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    if (bm_authority_open(&authority, signer, &body, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "statement", NULL, &why, fail);
    if (signer->rules.phase == BM_PHASE_OLD && authority.head.kind != BM_STATEMENT_RECOVER)
        return bm_refuse_now(signer, id, BM_EBUSY, "the store is an old copy: nothing else is decided before birthmark site recover", fail);
    trial.profiles = body;
    if ((rc = signer->env->now(signer->env->ctx, &trial.event.time, fail)) != BM_OK)
        return rc;
    if (statement_try(&trial, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, trial.what, NULL, &why, fail);
    trial.event.by = bm_bytes_str(authority.head.by);
    trial.event.second = bm_bytes_str(authority.second);
    trial.event.statement = bm_bytes_str(authority.digest);
    if ((rc = bm_leaf_make(signer, 0, &trial.event, &plain.leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    if ((rc = bm_commit(signer, BM_R_STATEMENT, &plain.leaves, bm_batch_answer(signer, id, BM_S_ANSWER), fail)) != BM_OK)
        return rc;
    signer->rules.phase = BM_PHASE_READY; /* an old store's, by recovering it */
    return bm_ca_join(signer, fail);
}
