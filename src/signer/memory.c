#include "base/base.h"
#include "signer/memory.h"

#include "lot/leaf_skim.h"
#include "pki/tbs.h"
#include "proc/signer_messages.h"
#include "signer/life.h"
#include "wire/text.h"

#include <stdlib.h>

enum bm_rc
bm_memory_init(struct bm_memory *ret_memory, const uint8_t site[static BM_HASH], uint64_t seed, struct bm_fail *fail)
{
    memset(ret_memory, 0, sizeof(*ret_memory));
    if ((ret_memory->roles = calloc(1, sizeof(*ret_memory->roles))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the operators");
    memcpy(ret_memory->site, site, BM_HASH);
    bm_slots_init(&ret_memory->slots, seed);
    bm_waivers_init(&ret_memory->waivers, seed);
    ret_memory->incoming.keys.max = BM_MAX_LOT_KEYS;
    return BM_OK;
}

void
bm_memory_done(struct bm_memory *memory)
{
    free(memory->roles);
    bm_slots_done(&memory->slots);
    bm_lots_done(&memory->lots);
    bm_orders_done(&memory->orders);
    bm_profiles_done(&memory->profiles);
    bm_waivers_done(&memory->waivers);
    bm_book_done(&memory->book);
    for (size_t ca = 0; ca < BM_CA__N; ca++)
        bm_revocations_done(&memory->revocations[ca]);
    bm_buf_done(&memory->incoming.keys);
    memset(memory, 0, sizeof(*memory));
}

enum bm_rc
bm_statement_text(struct bm_rd *body, struct bm_bytes *ret_note, struct bm_bytes *ret_text, struct bm_fail *fail)
{
    struct bm_note note;
    struct bm_bytes bytes = bm_rd_lv32(body, BM_MAX_NOTE);
    enum bm_rc rc;

    if (body->bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the statement is malformed or longer than %d bytes", BM_MAX_NOTE);
    if ((rc = bm_note_parse(&note, bytes, fail)) != BM_OK)
        return rc;
    *ret_note = bytes;
    *ret_text = note.text;
    return BM_OK;
}

static enum bm_rc
contradiction(const char *what, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: %s", what);
}

static enum bm_rc
apply_founded(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_founded founded;
    enum bm_rc rc;

    if ((rc = bm_founded_parse(&founded, record->body, fail)) != BM_OK)
        return rc;
    if (memcmp(founded.site, memory->site, BM_HASH) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "it belongs to another ledger key than signer/ledger.key: put the right key back");
    if ((rc = bm_roles_parse(&head, memory->roles, founded.roles, fail)) != BM_OK)
        return rc;
    memory->founded = true;
    memory->next_seq = 1;
    memory->last_signed = head.time;
    return bm_book_append(&memory->book, &founded.leaves, record->at, fail);
}

static enum bm_rc
apply_order(struct bm_memory *memory, struct bm_statement_head *head, struct bm_bytes text, struct bm_rd profiles, struct bm_fail *fail)
{
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    enum bm_rc rc;

    if ((rc = bm_order_parse(head, &order, text, fail)) != BM_OK)
        return rc;
    return bm_orders_add(&memory->orders, &order, profiles, &memory->lots, fail);
}

/* A waiver, or a lot out of quarantine. */
static enum bm_rc
apply_both(struct bm_memory *memory, const struct bm_statement_head *head, const struct bm_allow *allow, struct bm_fail *fail)
{
    uint32_t lot = bm_lots_by_name(&memory->lots, allow->lot);

    if (allow->act == BM_ALLOW_WAIVE)
        return bm_waivers_add(&memory->waivers, head->proposal, allow, fail);
    if (lot == BM_NONE || !memory->lots.lots[lot].quarantined)
        return contradiction("a lot is released that is not in quarantine", fail);
    memory->lots.lots[lot].quarantined = false;
    return BM_OK;
}

static enum bm_rc
apply_allow(struct bm_memory *memory, struct bm_statement_head *head, struct bm_bytes text, const struct bm_record_leaves *leaves,
            struct bm_fail *fail)
{
    struct bm_allow allow;
    struct bm_event event;
    uint8_t device[BM_DEVICE];
    uint32_t unit, identity;
    enum bm_rc rc;

    if ((rc = bm_allow_parse(head, &allow, text, fail)) != BM_OK)
        return rc;
    if (bm_act_always_two(bm_allow_act(allow.act)))
        return apply_both(memory, head, &allow, fail);
    if ((rc = bm_hex_parse(device, sizeof(device), bm_bytes_str(allow.device), fail)) != BM_OK)
        return rc;
    unit = bm_slots_device(&memory->slots, device);
    if (unit != BM_NONE && allow.act != BM_ALLOW_REISSUE)
        return leaves->n != 1 || (rc = bm_event_parse(&event, leaves->leaf[0].event, fail)) != BM_OK
                   ? contradiction("a move in a device's life without its leaf", fail)
                   : bm_life_allow(memory, unit, &allow, event.time, fail);
    identity = unit == BM_NONE ? BM_NONE : bm_slots_identity(&memory->slots, unit, bm_bytes_str(allow.service));
    if (allow.act != BM_ALLOW_REISSUE || identity == BM_NONE)
        return contradiction("it allows something for what is not there", fail);
    memory->slots.identities[identity].reissue_allowed = true;
    return BM_OK;
}

static enum bm_rc
apply_roles(struct bm_memory *memory, struct bm_statement_head *head, struct bm_bytes text, struct bm_fail *fail)
{
    return bm_roles_parse(head, memory->roles, text, fail);
}

static enum bm_rc
apply_policy(struct bm_memory *memory, struct bm_statement_head *head, struct bm_bytes text, struct bm_fail *fail)
{
    return bm_policy_parse(head, &memory->policy, text, fail);
}

static enum bm_rc
apply_raise(struct bm_memory *memory, struct bm_statement_head *head, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_raise raise;
    enum bm_rc rc;

    if ((rc = bm_raise_parse(head, &raise, text, fail)) != BM_OK || (rc = bm_orders_raise_check(&memory->orders, &raise, fail)) != BM_OK)
        return rc;
    memory->orders.orders[bm_orders_find(&memory->orders, bm_bytes_str(raise.order))].quantity = raise.quantity;
    return BM_OK;
}

static enum bm_rc
apply_profile(struct bm_memory *memory, struct bm_statement_head *head, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_activation activation;
    enum bm_rc rc = bm_activation_parse(head, &activation, text, fail);

    return rc != BM_OK ? rc : bm_profiles_put(&memory->profiles, &activation, fail);
}

/* One person's has its place in the order of statements; what two persons signed has none: its own number keeps it from being taken twice. */
static enum bm_rc
place_check(const struct bm_memory *memory, const struct bm_statement_head *head, struct bm_fail *fail)
{
    if (head->seq != 0)
        return head->seq == memory->next_seq ? BM_OK : contradiction("a statement out of order", fail);
    return bm_proposal_taken(&memory->waivers, head->proposal) ? contradiction("a proposal is taken a second time", fail) : BM_OK;
}

static enum bm_rc
place_take(struct bm_memory *memory, const struct bm_statement_head *head, struct bm_fail *fail)
{
    if (head->seq == 0)
        return bm_proposal_take(&memory->waivers, head->proposal, fail);
    memory->next_seq++;
    return BM_OK;
}

static enum bm_rc
apply_statement(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    static enum bm_rc (*const kinds[BM_STATEMENT__N])(struct bm_memory *, struct bm_statement_head *, struct bm_bytes, struct bm_fail *) = {
        [BM_STATEMENT_ROLES] = apply_roles,
        [BM_STATEMENT_POLICY] = apply_policy,
        [BM_STATEMENT_RAISE] = apply_raise,
        [BM_STATEMENT_PROFILE] = apply_profile,
    };
    struct bm_plain plain;
    struct bm_statement_head head;
    struct bm_bytes note, text;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    if ((rc = bm_statement_text(&rd, &note, &text, fail)) != BM_OK || (rc = bm_statement_head_parse(&head, text, fail)) != BM_OK ||
        (rc = place_check(memory, &head, fail)) != BM_OK)
        return rc;
    if (head.kind == BM_STATEMENT_ORDER)
        rc = apply_order(memory, &head, text, rd, fail);
    else if (head.kind == BM_STATEMENT_ALLOW)
        rc = apply_allow(memory, &head, text, &plain.leaves, fail);
    else if (kinds[head.kind] != NULL)
        rc = kinds[head.kind](memory, &head, text, fail);
    else
        rc = contradiction("a pin without its lot", fail);
    if (rc != BM_OK || (rc = place_take(memory, &head, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

/* A lot that was begun and whose end never came is void: a new one begins in its place. */
static enum bm_rc
apply_lot(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&memory->incoming.keys);
    memory->incoming.open = true;
    return BM_OK;
}

static enum bm_rc
apply_lot_keys(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    if (!memory->incoming.open)
        return contradiction("a lot's keys without the lot", fail);
    bm_buf_add_bytes(&memory->incoming.keys, plain.rest);
    return bm_buf_check(&memory->incoming.keys, "a lot's keys", fail);
}

/* The next chip of those that come in. */
static enum bm_rc
pin_next(const struct bm_memory *memory, struct bm_rd *rd, bool *ret_have, struct bm_slots_chip *ret_chip, struct bm_fail *fail)
{
    const uint8_t(*hashes)[BM_HASH];
    size_t n;

    *ret_have = bm_keys_next(rd, &hashes, &n);
    return *ret_have ? bm_slots_pin_soon(&memory->slots, memory->site, hashes, n, ret_chip, fail) : BM_OK;
}

static enum bm_rc
pin_keys(struct bm_memory *memory, uint32_t lot, uint64_t chips, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(&memory->incoming.keys));
    const bool aside = memory->lots.lots[lot].quarantined;
    struct bm_slots_chip chip, after;
    bool have;
    enum bm_rc rc;

    if ((rc = bm_slots_reserve(&memory->slots, (size_t)chips, rd.left / (BM_HASH + 1), fail)) != BM_OK)
        return rc;
    bm_slots_unlist(&memory->slots, lot);
    if ((rc = pin_next(memory, &rd, &have, &after, fail)) != BM_OK)
        return rc;
    for (; have; chips--) {
        chip = after;
        if ((rc = pin_next(memory, &rd, &have, &after, fail)) != BM_OK ||
            (rc = bm_slots_pin_chip(&memory->slots, lot, aside, &chip, fail)) != BM_OK)
            return rc;
    }
    return bm_rd_end(&rd) && chips == 0 ? BM_OK : contradiction("a lot with more or fewer chips than its pin says", fail);
}

static enum bm_rc
apply_lot_end(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_plain plain;
    struct bm_bytes note, text;
    struct bm_pin pin;
    struct bm_rd rd;
    uint32_t lot = BM_NONE;
    bool held;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    if ((rc = bm_statement_text(&rd, &note, &text, fail)) != BM_OK || (rc = bm_pin_parse(&head, &pin, text, fail)) != BM_OK)
        return rc;
    (void)bm_rd_lv32(&rd, BM_MAX_NOTE); /* the head note; behind it, why the lot is in quarantine from the start */
    held = !rd.bad && rd.left > 0;
    if (!memory->incoming.open)
        return contradiction("a lot's end without its beginning", fail);
    if ((rc = place_check(memory, &head, fail)) != BM_OK || (rc = bm_lots_add(&memory->lots, &pin, &lot, fail)) != BM_OK)
        return rc;
    memory->lots.lots[lot].quarantined |= held;
    if ((rc = pin_keys(memory, lot, pin.size, fail)) != BM_OK)
        return rc;
    memory->incoming.open = false;
    bm_buf_done(&memory->incoming.keys);
    if ((rc = place_take(memory, &head, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

#define REASON_SUPERSEDED 4 /* RFC 5280 5.3.1 */

/* What it renewed ends with it: an operator lets the device begin anew. */
static enum bm_rc
earlier_end(struct bm_memory *memory, uint32_t at, bm_time time, struct bm_fail *fail)
{
    struct bm_earlier *earlier = bm_slots_earlier(&memory->slots, at);

    if (earlier == NULL)
        return BM_OK;
    earlier->gone = true;
    return bm_revocations_add(&memory->revocations[earlier->ca], bm_bytes(earlier->serial, earlier->nserial), REASON_SUPERSEDED, time,
                              fail);
}

static enum bm_rc
renew(struct bm_memory *memory, uint32_t at, const struct bm_intent *intent, struct bm_fail *fail)
{
    uint32_t order = bm_orders_find(&memory->orders, intent->order);
    const struct bm_profile *profile = order == BM_NONE ? NULL : bm_order_profile(&memory->orders.orders[order], intent->profile);

    if (memory->slots.identities[at].state != BM_IDENTITY_CONFIRMED || profile == NULL)
        return contradiction("a renewal of what was never confirmed, or by no profile", fail);
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
        return contradiction("a replacement of nothing", fail);
    identity->replaced = intent->decision == BM_DECISION_REPLACE ? (uint8_t)(identity->replaced + 1) : 0;
    if (intent->decision == BM_DECISION_REISSUE)
        identity->reissue_allowed = false;
    identity->by_allow = intent->decision == BM_DECISION_REISSUE || (identity->by_allow && intent->decision == BM_DECISION_REPLACE);
    if (intent->replaces.n == 0)
        return intent->decision == BM_DECISION_RENEW ? contradiction("a renewal of nothing", fail) : BM_OK;
    if (!bm_bytes_equal(intent->replaces, bm_bytes(identity->serial, identity->nserial)))
        return contradiction("a replacement of another certificate", fail);
    if (intent->decision == BM_DECISION_RENEW)
        return renew(memory, at, intent, fail);
    if (intent->decision == BM_DECISION_REISSUE && (rc = earlier_end(memory, at, intent->time, fail)) != BM_OK)
        return rc;
    return bm_revocations_add(&memory->revocations[identity->ca], intent->replaces, REASON_SUPERSEDED, intent->time, fail);
}

/* The unit of the root key that spoke. The first to speak for a chip that is listed by its id is bound to it: that says the intent, with its evidence. */
static enum bm_rc
intent_unit(struct bm_memory *memory, const struct bm_intent *intent, uint32_t *ret_unit, struct bm_fail *fail)
{
    struct bm_leaf_skim skim;
    struct bm_bundle bundle;
    uint8_t id[BM_HASH];
    enum bm_rc rc;

    if (bm_table_find(&memory->slots.roots, intent->chip, ret_unit))
        return BM_OK;
    if ((rc = bm_bundle_parse(&bundle, intent->bundle, fail)) != BM_OK || (rc = bm_leaf_skim(&skim, bundle.leaf, fail)) != BM_OK)
        return rc;
    if (skim.kind != BM_LEAF_ID)
        return contradiction("an intent for a chip that is not there", fail);
    bm_leaf_skim_id_hash(&skim, id);
    return bm_slots_bind(&memory->slots, id, intent->chip, ret_unit, fail);
}

static bool
is_renewing(const struct bm_memory *memory, const struct bm_intent *intent, uint32_t unit)
{
    uint32_t at = bm_slots_identity(&memory->slots, unit, intent->service);

    return at != BM_NONE && memory->slots.identities[at].state == BM_IDENTITY_RENEWING;
}

static enum bm_rc
apply_intent(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_slots_use use = { .unit = BM_NONE };
    struct bm_intent intent;
    struct bm_unit *unit;
    uint32_t order;
    enum bm_rc rc;

    if ((rc = bm_intent_parse(&intent, record->body, fail)) != BM_OK)
        return rc;
    order = bm_orders_find(&memory->orders, intent.order);
    if (order == BM_NONE)
        return contradiction("an intent for an order that is not there", fail);
    if (memory->nopen == BM_BATCH)
        return contradiction("more open intents than a batch has", fail);
    if ((rc = intent_unit(memory, &intent, &use.unit, fail)) != BM_OK)
        return rc;
    unit = &memory->slots.units[use.unit];
    if ((intent.shown.proven & BM_PROVEN_TLS_FRONT) != 0)
        memory->orders.orders[order].tls_front_used++;
    if (intent.decision == BM_DECISION_UNIT) {
        bm_life_door(memory, use.unit, BM_MOVE_ISSUE);
        unit->order = order;
        memory->orders.orders[order].used++;
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
    memory->last_signed = intent.time;
    memory->open[memory->nopen++] = record->at;
    return bm_slots_take(&memory->slots, &use, NULL, fail);
}

static enum bm_rc
apply_done(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_done done;
    size_t i = 0;
    enum bm_rc rc;

    if ((rc = bm_done_parse(&done, record->body, fail)) != BM_OK)
        return rc;
    while (i < memory->nopen && memory->open[i] != done.intent)
        i++;
    if (i == memory->nopen)
        return contradiction("a signature without an intent", fail);
    memmove(&memory->open[i], &memory->open[i + 1], (memory->nopen - i - 1) * sizeof(memory->open[0]));
    memory->nopen--;
    memory->signed_total++;
    if (done.again)
        memory->signed_again++;
    return bm_book_append(&memory->book, &done.leaves, record->at, fail);
}

enum bm_cert_place
bm_memory_certificate(const struct bm_memory *memory, struct bm_bytes serial, uint32_t *ret_identity)
{
    const struct bm_earlier *earlier;
    bool live = false;
    uint32_t at = bm_slots_serial(&memory->slots, serial, &live);

    *ret_identity = at;
    if (at == BM_NONE)
        return BM_CERT_UNKNOWN;
    if (live)
        return BM_CERT_NEWEST;
    earlier = bm_slots_earlier(&memory->slots, at);
    if (earlier != NULL && bm_bytes_equal(serial, bm_bytes(earlier->serial, earlier->nserial)))
        return BM_CERT_EARLIER;
    for (size_t ca = 0; ca < BM_CA__N; ca++)
        if (bm_revocations_retires(&memory->revocations[ca], serial))
            return BM_CERT_RETIRES;
    return BM_CERT_OVER;
}

bm_time
bm_memory_retirement(const struct bm_identity *identity, const struct bm_earlier *earlier, bm_time confirmed)
{
    bm_time overlap = (bm_time)identity->overlap * 86400;

    return earlier->not_after < overlap || confirmed >= earlier->not_after - overlap ? earlier->not_after : confirmed + overlap;
}

static enum bm_rc
apply_confirmed(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    const struct bm_earlier *earlier;
    struct bm_identity *identity;
    struct bm_marked marked;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_marked_parse(&marked, record->body, fail)) != BM_OK)
        return rc;
    if (bm_memory_certificate(memory, marked.serial, &at) != BM_CERT_NEWEST)
        return contradiction("it confirms a certificate that is not live", fail);
    identity = &memory->slots.identities[at];
    bm_life_door(memory, identity->unit, identity->state == BM_IDENTITY_RENEWING ? BM_MOVE_RENEW : BM_MOVE_CONFIRM);
    if (identity->state == BM_IDENTITY_RENEWING && (earlier = bm_slots_earlier(&memory->slots, at)) != NULL) {
        bm_time time = bm_memory_retirement(identity, earlier, marked.time);

        if (time < earlier->not_after &&
            (rc = bm_revocations_retire(&memory->revocations[earlier->ca], bm_bytes(earlier->serial, earlier->nserial), time,
                                        earlier->not_after, marked.time, fail)) != BM_OK)
            return rc;
    }
    identity->state = BM_IDENTITY_CONFIRMED;
    return bm_book_append(&memory->book, &marked.leaves, record->at, fail);
}

/* Of a certificate and its renewal each is revoked by itself. Where the renewal was not confirmed, the certificate that it renewed is the newest again. */
static enum bm_rc
apply_revoked(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_identity *identity;
    struct bm_marked marked;
    enum bm_cert_place place;
    uint32_t at;
    size_t ca;
    enum bm_rc rc;

    if ((rc = bm_marked_parse(&marked, record->body, fail)) != BM_OK)
        return rc;
    place = bm_memory_certificate(memory, marked.serial, &at);
    if (place == BM_CERT_UNKNOWN || place == BM_CERT_OVER)
        return contradiction("it revokes a certificate that is not live", fail);
    identity = &memory->slots.identities[at];
    if (place == BM_CERT_NEWEST) {
        ca = identity->ca;
        if (identity->state == BM_IDENTITY_RENEWING && bm_slots_earlier(&memory->slots, at) != NULL)
            bm_slots_renew_undo(&memory->slots, at);
        else
            identity->state = BM_IDENTITY_REVOKED;
    } else if (place == BM_CERT_EARLIER) {
        struct bm_earlier *earlier = bm_slots_earlier(&memory->slots, at);

        ca = earlier->ca;
        earlier->gone = true;
    } else {
        ca = bm_revocations_retires(&memory->revocations[BM_CA_OPERATIONAL], marked.serial) ? BM_CA_OPERATIONAL : BM_CA_IDEVID;
    }
    if ((rc = bm_revocations_add(&memory->revocations[ca], marked.serial, marked.reason, marked.time, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &marked.leaves, record->at, fail);
}

static enum bm_rc
apply_forked(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_forked forked;
    struct bm_event event;
    uint32_t at;
    bool live;
    enum bm_rc rc;

    if ((rc = bm_forked_parse(&forked, record->body, fail)) != BM_OK)
        return rc;
    if ((at = bm_slots_serial(&memory->slots, forked.serial, &live)) == BM_NONE)
        return contradiction("a fork of an identity that is not there", fail);
    memory->slots.identities[at].forked = true;
    if (forked.leaves.n > 1) {
        if ((rc = bm_event_parse(&event, forked.leaves.leaf[1].event, fail)) != BM_OK ||
            (rc = bm_life_restrict(memory, memory->slots.identities[at].unit, BM_MOVE_SUSPEND, 0, event.time, fail)) != BM_OK)
            return rc;
    }
    return bm_book_append(&memory->book, &forked.leaves, record->at, fail);
}

static enum bm_rc
apply_noted(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

static enum bm_rc
apply_crl(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_crl_record crl;
    enum bm_rc rc;

    if ((rc = bm_crl_record_parse(&crl, record->body, fail)) != BM_OK)
        return rc;
    if (crl.number <= memory->revocations[crl.ca].crl)
        return contradiction("a CRL's number that does not rise", fail);
    memory->revocations[crl.ca].crl = crl.number;
    memory->last_signed = crl.time;
    return BM_OK;
}

static enum bm_rc
apply_lot_state(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_s_lot_state state;
    struct bm_plain plain;
    struct bm_pinned *lot;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK || (rc = bm_s_lot_state_parse(&state, bm_rd(plain.rest), fail)) != BM_OK)
        return rc;
    if ((at = bm_lots_find(&memory->lots, state.lot)) == BM_NONE)
        return contradiction("it restricts a lot that is not there", fail);
    lot = &memory->lots.lots[at];
    if (state.what == BM_LOT_WITHDRAW)
        lot->withdrawn = true;
    else
        lot->quarantined = true;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

static enum bm_rc
apply_chips(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    const uint8_t(*hashes)[BM_HASH];
    struct bm_s_chips chips;
    struct bm_plain plain;
    struct bm_rd rd;
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK || (rc = bm_s_chips_parse(&chips, bm_rd(plain.rest), fail)) != BM_OK)
        return rc;
    rd = bm_rd(chips.chips);
    while (bm_keys_next(&rd, &hashes, &n))
        if ((rc = bm_slots_hold(&memory->slots, hashes, n, chips.what == BM_CHIPS_SCRAP ? BM_UNIT_SCRAPPED : BM_UNIT_WITHDRAWN, fail)) !=
            BM_OK)
            return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

/* From now on it is over, as if it had ended by itself. */
static enum bm_rc
apply_order_closed(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_s_order_close close;
    struct bm_signer_order *order;
    struct bm_plain plain;
    struct bm_rd rd;
    bm_time time;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    time = (bm_time)bm_rd_u64(&rd);
    if ((rc = bm_s_order_close_parse(&close, rd, fail)) != BM_OK)
        return rc;
    if ((at = bm_orders_find(&memory->orders, close.order)) == BM_NONE || time <= 0)
        return contradiction("it closes an order that is not there", fail);
    order = &memory->orders.orders[at];
    order->closed = true;
    order->until = time - 1 < order->until ? time - 1 : order->until;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

static enum bm_rc
apply_device(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_s_device device;
    uint8_t id[BM_DEVICE];
    struct bm_plain plain;
    struct bm_rd rd;
    bm_time time;
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    time = (bm_time)bm_rd_u64(&rd);
    if ((rc = bm_s_device_parse(&device, rd, fail)) != BM_OK || (rc = bm_hex_parse(id, sizeof(id), device.device, fail)) != BM_OK)
        return rc;
    if ((unit = bm_slots_device(&memory->slots, id)) == BM_NONE)
        return contradiction("it restricts a device that is not there", fail);
    if ((rc = bm_life_restrict(memory, unit, (enum bm_move)device.move, device.reason, time, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

static enum bm_rc (*const applies[BM_R__N])(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail) = {
    [BM_R_FOUNDED] = apply_founded,
    [BM_R_STATEMENT] = apply_statement,
    [BM_R_LOT] = apply_lot,
    [BM_R_LOT_KEYS] = apply_lot_keys,
    [BM_R_LOT_END] = apply_lot_end,
    [BM_R_INTENT] = apply_intent,
    [BM_R_DONE] = apply_done,
    [BM_R_CONFIRMED] = apply_confirmed,
    [BM_R_REVOKED] = apply_revoked,
    [BM_R_NOTED] = apply_noted,
    [BM_R_CRL] = apply_crl,
    [BM_R_LOT_STATE] = apply_lot_state,
    [BM_R_CHIPS] = apply_chips,
    [BM_R_FORKED] = apply_forked,
    [BM_R_ORDER_CLOSED] = apply_order_closed,
    [BM_R_DEVICE] = apply_device,
};

enum bm_rc
bm_memory_apply(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (record->type >= BM_R__N || applies[record->type] == NULL)
        return bm_fail(fail, BM_EBUG, NULL, "a record of type %u is not known: run the release that wrote it, or a newer one",
                       record->type);
    if (memory->founded != (record->type != BM_R_FOUNDED))
        return contradiction(memory->founded ? "a second founding" : "it does not begin with the founding", fail);
    rc = applies[record->type](memory, record, fail);
    /* What a record says was checked before it was written: a refusal here is no refusal of a peer's. */
    if (rc == BM_EINPUT || rc == BM_EPOLICY)
        fail->rc = rc = BM_EBUG;
    return rc;
}
