#include "base/base.h"
#include "signer/apply.h"

#include "pki/tbs.h"
#include "proc/signer_messages.h"
#include "signer/life.h"

#define REASON_SUPERSEDED 4 /* RFC 5280 5.3.1 */

/* What it renewed ends with it: an operator lets the device begin anew. */
static enum bm_rc
earlier_end(struct bm_memory *memory, uint32_t at, bm_time time, struct bm_fail *fail)
{
    struct bm_earlier *earlier = bm_slots_earlier(&memory->slots, at);

    if (earlier == NULL)
        return BM_OK;
    earlier->gone = true;
    return bm_revocations_add(&memory->revocations, earlier->bucket, bm_bytes(earlier->serial, earlier->nserial), REASON_SUPERSEDED, time,
                              fail);
}

static enum bm_rc
renew(struct bm_memory *memory, uint32_t at, const struct bm_intent *intent, struct bm_fail *fail)
{
    uint32_t order = bm_orders_find(&memory->orders, intent->order);
    const struct bm_profile *profile = order == BM_NONE ? NULL : bm_order_profile(&memory->orders.orders[order], intent->profile);

    if (memory->slots.identities[at].state != BM_IDENTITY_CONFIRMED || profile == NULL)
        return bm_contradiction("a renewal of what was never confirmed, or by no profile", fail);
    return bm_slots_renew(&memory->slots, at, (uint16_t)profile->overlap, fail);
}

/* A certificate in place of an earlier one: that one is revoked in the same commit, or lives on beside its renewal. */
static enum bm_rc
apply_replaces(struct bm_memory *memory, const struct bm_intent *intent, uint32_t unit, struct bm_fail *fail)
{
    uint32_t at = bm_slots_identity(&memory->slots, unit, intent->service);
    struct bm_identity *identity = at == BM_NONE ? NULL : &memory->slots.identities[at];
    enum bm_rc rc;

    if (identity == NULL)
        return bm_contradiction("a replacement of nothing", fail);
    identity->replaced = intent->decision == BM_DECISION_REPLACE ? (uint8_t)(identity->replaced + 1) : 0;
    if (intent->decision == BM_DECISION_REISSUE)
        identity->reissue_allowed = false;
    identity->by_allow = intent->decision == BM_DECISION_REISSUE || (identity->by_allow && intent->decision == BM_DECISION_REPLACE);
    if (intent->replaces.n == 0)
        return intent->decision == BM_DECISION_RENEW ? bm_contradiction("a renewal of nothing", fail) : BM_OK;
    if (!bm_bytes_equal(intent->replaces, bm_bytes(identity->serial, identity->nserial)))
        return bm_contradiction("a replacement of another certificate", fail);
    if (intent->decision == BM_DECISION_RENEW)
        return renew(memory, at, intent, fail);
    if (intent->decision == BM_DECISION_REISSUE && (rc = earlier_end(memory, at, intent->time, fail)) != BM_OK)
        return rc;
    return bm_revocations_add(&memory->revocations, identity->bucket, intent->replaces, REASON_SUPERSEDED, intent->time, fail);
}

/* The chip that the evidence shows, under all its names; the first to speak for one that is listed by its id is bound to it. */
static enum bm_rc
intent_unit(struct bm_memory *memory, const struct bm_intent *intent, uint32_t *ret_unit, struct bm_fail *fail)
{
    struct bm_chip_names names;
    struct bm_bundle bundle;
    bool listed = false;
    enum bm_rc rc;

    if ((rc = bm_bundle_parse(&bundle, intent->bundle, fail)) != BM_OK || (rc = bm_chip_names(&names, bundle.leaf, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < names.n; i++)
        listed |= memcmp(names.names[i], intent->chip, BM_HASH) == 0;
    if (!listed && !names.by_id)
        return bm_contradiction("an intent for a root key that its evidence does not show", fail);
    return bm_slots_name(&memory->slots, &names, intent->chip, memory->site, ret_unit, fail);
}

static bool
is_renewing(const struct bm_memory *memory, const struct bm_intent *intent, uint32_t unit)
{
    uint32_t at = bm_slots_identity(&memory->slots, unit, intent->service);

    return at != BM_NONE && memory->slots.identities[at].state == BM_IDENTITY_RENEWING;
}

static void
ca_used(struct bm_issuing *ca, bm_time not_after)
{
    ca->issued++;
    if (not_after > ca->last_end)
        ca->last_end = not_after;
}

/* The bucket that the certificate says; the size of those that its profile wants. */
static enum bm_rc
bucket_take(struct bm_memory *memory, const struct bm_intent *intent, uint32_t order, uint32_t at, struct bm_fail *fail)
{
    struct bm_identity *identity = &memory->slots.identities[at];
    const struct bm_profile *profile = intent->decision == BM_DECISION_SUPPORT
                                           ? bm_support_profile(&memory->supports, identity->unit)
                                           : bm_order_profile(&memory->orders.orders[order], intent->profile);
    const struct bm_bucket_use use = { .ca = intent->ca,
                                       .service = identity->service,
                                       .number = intent->bucket,
                                       .room = profile == NULL ? 0 : profile->bucket,
                                       .not_after = intent->not_after };

    return profile == NULL ? bm_contradiction("an intent for a profile that its order has not", fail)
                           : bm_bucket_take(&memory->revocations, &use, intent->time, &identity->bucket, fail);
}

static enum bm_rc
unit_made(struct bm_memory *memory, struct bm_unit *unit, uint32_t order, struct bm_bytes lot, struct bm_fail *fail)
{
    if ((unit->counted = bm_lots_find(&memory->lots, lot)) == BM_NONE)
        return bm_contradiction("a unit of a lot that is not there", fail);
    unit->order = order;
    memory->orders.orders[order].used++;
    return bm_books_unit(&memory->books, order, unit->counted, fail);
}

enum bm_rc
bm_apply_intent(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_slots_use use = { .unit = BM_NONE };
    struct bm_intent intent;
    struct bm_unit *unit;
    uint32_t order, at;
    enum bm_rc rc;

    if ((rc = bm_intent_parse(&intent, record->body, fail)) != BM_OK)
        return rc;
    order = bm_orders_find(&memory->orders, intent.order);
    if (intent.ca >= memory->cas.n)
        return bm_contradiction("an intent for a CA that is not there", fail);
    if (order == BM_NONE)
        return bm_contradiction("an intent for an order that is not there", fail);
    if (memory->nopen == BM_BATCH)
        return bm_contradiction("more open intents than a batch has", fail);
    if ((rc = intent_unit(memory, &intent, &use.unit, fail)) != BM_OK)
        return rc;
    unit = &memory->slots.units[use.unit];
    if ((intent.shown.proven & BM_PROVEN_TLS_FRONT) != 0)
        memory->orders.orders[order].tls_front_used++;
    if (intent.decision == BM_DECISION_UNIT) {
        bm_life_door(memory, use.unit, BM_MOVE_ISSUE);
        if ((rc = unit_made(memory, unit, order, intent.lot, fail)) != BM_OK)
            return rc;
    } else if (intent.decision == BM_DECISION_SUPPORT) {
        if ((rc = bm_support_use(memory, use.unit, fail)) != BM_OK)
            return rc;
    } else if (intent.decision != BM_DECISION_IDENTITY && (rc = apply_replaces(memory, &intent, use.unit, fail)) != BM_OK) {
        return rc;
    }
    use.service = intent.service;
    use.serial = intent.serial;
    use.key = intent.key;
    use.ca = (uint8_t)intent.ca;
    use.not_after = intent.not_after;
    use.renewing =
        intent.decision == BM_DECISION_RENEW || (intent.decision == BM_DECISION_REPLACE && is_renewing(memory, &intent, use.unit));
    ca_used(memory->cas.row[intent.ca], intent.not_after);
    memory->last_signed = intent.time;
    memory->open[memory->nopen++] = record->at;
    if ((rc = bm_slots_take(&memory->slots, &use, &at, fail)) != BM_OK)
        return rc;
    return bucket_take(memory, &intent, order, at, fail);
}

enum bm_rc
bm_apply_done(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_done done;
    size_t i = 0;
    enum bm_rc rc;

    if ((rc = bm_done_parse(&done, record->body, fail)) != BM_OK)
        return rc;
    while (i < memory->nopen && memory->open[i] != done.intent)
        i++;
    if (i == memory->nopen)
        return bm_contradiction("a signature without an intent", fail);
    memmove(&memory->open[i], &memory->open[i + 1], (memory->nopen - i - 1) * sizeof(memory->open[0]));
    memory->nopen--;
    memory->signed_total++;
    if (done.again)
        memory->signed_again++;
    return bm_book_append(&memory->book, &done.leaves, record->at, fail);
}
