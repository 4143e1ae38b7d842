/* What the signer appended to the ledger becomes records: the one place that turns events into rows, live and in replay alike. */
#include "registrar/registrar.h"

#include "registrar/counted.h"
#include "registrar/kept.h"
#include "registrar/units.h"

void
bm_view_copy(char *ret, size_t n, struct bm_bytes view)
{
    (void)snprintf(ret, n, "%.*s", (int)(view.n < n ? view.n : n - 1), view.n == 0 ? "" : (const char *)view.p);
}

static enum bm_rc
keep_moved(const struct kept *k, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (k->event->was.n > 0 && (rc = bm_counted_keep(k->r, k->leaf, k->event, BM_COUNTED_REPAIR, 1, fail)) != BM_OK)
        return rc;
    return bm_life_keep(k->r, k->event, k->leaf->index, fail);
}

/* What was asked for, word for word: of the events that come of a statement or of a restriction. Live its asker holds it, in a replay the signer gives
 * it back. */
static struct bm_bytes
attachment_of(const struct kept *k)
{
    static const bool of_statement[BM_EVENT__N] = {
        [BM_EVENT_ROLES_SET] = true,      [BM_EVENT_LOT_PINNED] = true,        [BM_EVENT_LOT_SUPERSEDED] = true,
        [BM_EVENT_ORDER_OPENED] = true,   [BM_EVENT_ALLOWED] = true,           [BM_EVENT_LOT_QUARANTINED] = true,
        [BM_EVENT_LOT_WITHDRAWN] = true,  [BM_EVENT_LOT_RELEASED] = true,      [BM_EVENT_POLICY_SET] = true,
        [BM_EVENT_ORDER_RAISED] = true,   [BM_EVENT_PROFILE_ACTIVATED] = true, [BM_EVENT_WAIVED] = true,
        [BM_EVENT_CHIPS_SCRAPPED] = true, [BM_EVENT_CHIPS_WITHDRAWN] = true,   [BM_EVENT_SUPPORT_OPENED] = true,
        [BM_EVENT_SITE_RECOVERED] = true, [BM_EVENT_CA_CHANGED] = true,
    };

    bool signed_move = k->event->kind == BM_EVENT_DEVICE_MOVED && k->event->statement.n > 0;
    bool receipt = k->event->kind == BM_EVENT_DEVICE_MOVED && k->event->evidence.n > 0;
    bool fork = k->event->kind == BM_EVENT_REFUSED && bm_bytes_equal(k->event->what, bm_bytes_str("fork"));

    if (k->leaf->attachment.n > 0 || k->p == NULL || !(of_statement[k->event->kind] || fork || signed_move || receipt))
        return k->leaf->attachment;
    return bm_buf_bytes(&k->p->kept);
}

static enum bm_rc
keep_pinned(const struct kept *k, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(attachment_of(k));
    struct bm_bytes note = bm_rd_lv32(&rd, BM_MAX_NOTE);
    struct bm_store_lot lot = { .id = 0 };
    struct bm_statement_head head;
    struct bm_note parts;
    struct bm_pin pin;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_pin_parse(&head, &pin, parts.text, fail)) != BM_OK)
        return rc;
    memcpy(lot.name, pin.lot, sizeof(lot.name));
    memcpy(lot.vendor, pin.vendor, sizeof(lot.vendor));
    memcpy(lot.root, pin.root, sizeof(lot.root));
    (void)snprintf(lot.source, sizeof(lot.source), "%s", bm_lot_source_word(pin.source));
    lot.size = pin.size;
    lot.revision = pin.revision;
    if ((rc = bm_store_lot_pinned(k->r->store, &lot, k->event->time, k->leaf->index, &lot.id, fail)) != BM_OK ||
        (rc = bm_arrival_keep(k->r, &pin, lot.id, k->p != NULL, fail)) != BM_OK)
        return rc;
    return bm_holdings_load(&k->r->holdings, k->r->store, fail);
}

static enum bm_rc
keep_lot_state(const struct kept *k, struct bm_fail *fail)
{
    static const char *const states[BM_EVENT__N] = {
        [BM_EVENT_LOT_QUARANTINED] = "quarantined", [BM_EVENT_LOT_RELEASED] = "pinned", [BM_EVENT_LOT_WITHDRAWN] = "withdrawn"
    };
    char lot[BM_MAX_NAME + 1], reason[SENTENCE];
    enum bm_rc rc;

    bm_view_copy(lot, sizeof(lot), k->event->lot);
    bm_view_copy(reason, sizeof(reason), k->event->reason);
    if ((rc = bm_store_lot_state(k->r->store, lot, states[k->event->kind], reason, fail)) != BM_OK)
        return rc;
    return bm_holdings_load(&k->r->holdings, k->r->store, fail);
}

static enum bm_rc
keep_superseded(const struct kept *k, struct bm_fail *fail)
{
    char lot[BM_MAX_NAME + 1];

    bm_view_copy(lot, sizeof(lot), k->event->lot);
    return bm_store_lot_superseded(k->r->store, lot, fail); /* its successor's pin comes with it */
}

static enum bm_rc
keep_allowed(const struct kept *k, struct bm_fail *fail)
{
    return k->event->order.n == 0 ? BM_OK : bm_counted_keep(k->r, k->leaf, k->event, BM_COUNTED_REISSUE, 1, fail);
}

/* Which chips it were the message says that asked for it. */
static enum bm_rc
keep_chips(const struct kept *k, struct bm_fail *fail)
{
    const char *state = k->event->kind == BM_EVENT_CHIPS_SCRAPPED ? "scrapped" : "withdrawn";
    char lot[BM_MAX_NAME + 1], reason[SENTENCE];
    struct bm_s_chips chips;
    struct bm_was was;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = bm_s_chips_parse(&chips, bm_rd(attachment_of(k)), fail)) != BM_OK || (rc = bm_was_parse(&was, k->event->was, fail)) != BM_OK)
        return rc;
    if (k->event->kind == BM_EVENT_CHIPS_SCRAPPED && k->event->order.n > 0 &&
        (rc = bm_counted_keep(k->r, k->leaf, k->event, BM_COUNTED_SCRAP, was.counted, fail)) != BM_OK)
        return rc;
    bm_view_copy(lot, sizeof(lot), k->event->lot);
    bm_view_copy(reason, sizeof(reason), k->event->reason);
    rd = bm_rd(chips.chips);
    while (rd.left > 0) {
        size_t n = bm_rd_u8(&rd);
        struct bm_bytes names = bm_rd_take(&rd, n * BM_HASH);

        if (rd.bad)
            return bm_fail(fail, BM_EBUG, NULL, "the signer took a list of chips that does not parse");
        if ((rc = bm_store_chip_halt(k->r->store, lot, (const void *)names.p, n, state, reason, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

static enum bm_rc
keep_order(const struct kept *k, struct bm_fail *fail)
{
    struct bm_store_profile profiles[BM_MAX_ORDER_PROFILES];
    struct bm_rd rd = bm_rd(attachment_of(k));
    struct bm_bytes note = bm_rd_lv32(&rd, BM_MAX_NOTE);
    size_t n = bm_rd_u8(&rd);
    struct bm_statement_head head;
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    struct bm_note parts;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_order_parse(&head, &order, parts.text, fail)) != BM_OK)
        return rc;
    if (n > BM_COUNT(profiles))
        return bm_fail(fail, BM_EBUG, NULL, "the signer took an order with %zu profiles", n);
    for (size_t i = 0; i < n; i++) {
        struct bm_profile profile;

        profiles[i].text = bm_rd_lv16(&rd, BM_MAX_PROFILE);
        if ((rc = bm_profile_parse(&profile, profiles[i].text, fail)) != BM_OK)
            return rc;
        memcpy(profiles[i].name, profile.name, sizeof(profile.name));
        memcpy(profiles[i].service, profile.service, sizeof(profile.service));
    }
    if ((rc = bm_store_order_put(k->r->store, order.order, order.quantity, order.from, order.until, order.lots, order.nlots, profiles, n,
                                 k->leaf->index, fail)) != BM_OK)
        return rc;
    if ((rc = bm_store_order_raise(k->r->store, order.order,
                                   &(struct bm_store_limits){ .reissues = order.limits.most[BM_COUNTED_REISSUE],
                                                              .scraps = order.limits.most[BM_COUNTED_SCRAP],
                                                              .repairs = order.limits.most[BM_COUNTED_REPAIR] },
                                   fail)) != BM_OK)
        return rc;
    return bm_units_keep(k->r, &order, k->leaf->index, k->event->time, fail);
}

static enum bm_rc
keep_raised(const struct kept *k, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(attachment_of(k));

    return bm_raised_keep(k->r, bm_rd_lv32(&rd, BM_MAX_NOTE), fail);
}

static enum bm_rc
keep_closed(const struct kept *k, struct bm_fail *fail)
{
    return bm_closed_keep(k->r, k->leaf, k->event, fail);
}

/* Which CAs there are the signer says again; in a replay it has said so before. */
static enum bm_rc
keep_ca(const struct kept *k, struct bm_fail *fail)
{
    return k->p == NULL ? BM_OK : bm_cas_refresh(k->r, fail);
}

/* What two persons signed: of a lot that replaces another there are two events, and the pin's is the one. */
static enum bm_rc
keep_second(const struct kept *k, struct bm_fail *fail)
{
    if (k->event->second.n == 0 || k->event->kind == BM_EVENT_LOT_SUPERSEDED)
        return BM_OK;
    return bm_proposal_keep(k->r, attachment_of(k), k->event->second, k->leaf->index, fail);
}

static enum bm_rc
keep_refused(const struct kept *k, struct bm_fail *fail)
{
    char device[BM_MAX_NAME + 1], chip[2 * BM_HASH + 1], lot[BM_MAX_NAME + 1], by[BM_MAX_NAME + 1], what[32], sentence[400];
    struct bm_store_alarm alarm = { .time = k->event->time,
                                    .kind = what,
                                    .sentence = sentence,
                                    .device = device,
                                    .chip = chip,
                                    .lot = lot,
                                    .by = by,
                                    .has_leaf = true,
                                    .leaf = k->leaf->index };

    bm_view_copy(device, sizeof(device), k->event->device);
    bm_view_copy(chip, sizeof(chip), k->event->chip);
    bm_view_copy(lot, sizeof(lot), k->event->lot);
    bm_view_copy(by, sizeof(by), k->event->by);
    bm_view_copy(what, sizeof(what), k->event->what.n > 0 ? k->event->what : bm_bytes_str("enrol"));
    bm_view_copy(sentence, sizeof(sentence), k->event->reason);
    return bm_store_alarm_add(k->r->store, &alarm, k->ret_alarm, fail);
}

static enum bm_rc
keep_support_opened(const struct kept *k, struct bm_fail *fail)
{
    return bm_support_keep_opened(k->r, k->event, k->leaf->index, fail);
}

static enum bm_rc
keep_support_closed(const struct kept *k, struct bm_fail *fail)
{
    return bm_support_keep_closed(k->r, k->event, fail);
}

static enum bm_rc
keep_recovered(const struct kept *k, struct bm_fail *fail)
{
    char by[BM_MAX_NAME + 1], sentence[400];
    struct bm_store_alarm alarm = { .time = k->event->time,
                                    .kind = "recovered",
                                    .sentence = sentence,
                                    .device = "",
                                    .chip = "",
                                    .lot = "",
                                    .by = by,
                                    .has_leaf = true,
                                    .leaf = k->leaf->index };

    bm_view_copy(by, sizeof(by), k->event->by);
    (void)snprintf(sentence, sizeof(sentence),
                   "an old copy of the store was put back, and %.*s ledger entries were taken from the journal again (%.*s): look whether "
                   "vendors, notes on alarms and open proposals are missing",
                   (int)k->event->count.n, (const char *)k->event->count.p, (int)k->event->reason.n, (const char *)k->event->reason.p);
    return bm_store_alarm_add(k->r->store, &alarm, k->ret_alarm, fail);
}

/* A kind that stands only in the ledger has no row. */
static keep_fn *const keepers[BM_EVENT__N] = {
    [BM_EVENT_LOT_PINNED] = keep_pinned,
    [BM_EVENT_LOT_SUPERSEDED] = keep_superseded,
    [BM_EVENT_LOT_QUARANTINED] = keep_lot_state,
    [BM_EVENT_LOT_RELEASED] = keep_lot_state,
    [BM_EVENT_LOT_WITHDRAWN] = keep_lot_state,
    [BM_EVENT_CHIPS_SCRAPPED] = keep_chips,
    [BM_EVENT_CHIPS_WITHDRAWN] = keep_chips,
    [BM_EVENT_ORDER_OPENED] = keep_order,
    [BM_EVENT_ORDER_RAISED] = keep_raised,
    [BM_EVENT_ORDER_CLOSED] = keep_closed,
    [BM_EVENT_ALLOWED] = keep_allowed,
    [BM_EVENT_IDENTITY_ISSUED] = bm_keep_issued,
    [BM_EVENT_IDENTITY_REPLACED] = bm_keep_replaced,
    [BM_EVENT_IDENTITY_RENEWED] = bm_keep_renewed,
    [BM_EVENT_IDENTITY_CONFIRMED] = bm_keep_confirmed,
    [BM_EVENT_IDENTITY_REVOKED] = bm_keep_revoked,
    [BM_EVENT_REFUSED] = keep_refused,
    [BM_EVENT_DEVICE_MOVED] = keep_moved,
    [BM_EVENT_SUPPORT_OPENED] = keep_support_opened,
    [BM_EVENT_SUPPORT_CLOSED] = keep_support_closed,
    [BM_EVENT_SITE_RECOVERED] = keep_recovered,
    [BM_EVENT_CA_CHANGED] = keep_ca,
};

/* In a batch every answer carries the checkpoint over all of the batch, read once: it fits when the batch's last leaf is in. */
static enum bm_rc
checkpoint_keep(struct bm_registrar *r, struct bm_bytes note, struct bm_fail *fail)
{
    struct bm_checkpoint checkpoint;
    struct bm_note parts;
    enum bm_rc rc;

    if (note.n == 0)
        return BM_OK;
    if (!bm_bytes_equal(note, bm_buf_bytes(&r->checkpoint))) {
        if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_checkpoint_parse(&checkpoint, parts.text, fail)) != BM_OK)
            return rc;
        bm_buf_reset(&r->checkpoint);
        r->checkpoint.max = BM_MAX_NOTE;
        bm_buf_add_bytes(&r->checkpoint, note);
        if ((rc = bm_buf_check(&r->checkpoint, "the checkpoint", fail)) != BM_OK)
            return rc;
        r->due = checkpoint.size;
    }
    return r->due > r->ledger.frontier.size ? BM_OK : bm_ledger_checkpoint(&r->ledger, note, fail);
}

enum bm_rc
bm_records_keep(struct bm_registrar *r, const struct bm_s_leaves *leaves, const struct pending *p, uint64_t *ret_alarm,
                struct bm_fail *fail)
{
    enum bm_rc rc;

    *ret_alarm = 0;
    if (leaves->n == 0 || r->old) /* an old store gets them by the replay that ends it */
        return BM_OK;
    if ((rc = bm_registrar_transaction(r, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < leaves->n; i++) {
        const struct bm_s_leaf *leaf = &leaves->leaf[i];
        struct bm_event event;
        struct kept k = { .r = r, .leaf = leaf, .event = &event, .p = p, .ret_alarm = ret_alarm };

        if ((rc = bm_event_parse(&event, leaf->event, fail)) != BM_OK)
            return bm_fail(fail, BM_EBUG, NULL, "the signer gave an event that does not parse: leaf %llu", (unsigned long long)leaf->index);
        if ((rc = bm_ledger_append(&r->ledger, leaf->index, &event, leaf->salt, leaf->event, attachment_of(&k), fail)) != BM_OK)
            return rc;
        if (keepers[event.kind] != NULL && (rc = keepers[event.kind](&k, fail)) != BM_OK)
            return rc;
        if ((rc = keep_second(&k, fail)) != BM_OK)
            return rc;
    }
    return checkpoint_keep(r, leaves->checkpoint, fail);
}
