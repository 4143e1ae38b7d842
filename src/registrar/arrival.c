/* Lots that come in: chips are written as they arrive, and count from the moment that the signer has pinned their tree. */
#include "registrar/registrar.h"

#include "lot/leaf.h"
#include "wire/text.h"

static void
arrival_done(struct arrival *a)
{
    bm_buf_done(&a->hashes);
    bm_buf_done(&a->begin);
    *a = (struct arrival){ .open = false };
}

/* Ends it without a pin: nothing of it stays. */
static enum bm_rc
arrival_drop(struct bm_registrar *r, struct bm_fail *fail)
{
    enum bm_rc rc = bm_registrar_transaction(r, fail);

    if (rc == BM_OK)
        rc = bm_store_lot_drop(r->store, r->arrival.lot, fail);
    arrival_done(&r->arrival);
    return rc;
}

/* May this connection go on with it? Not once the signer was asked to pin it: a chip more or fewer, and the store would not hold what was pinned. */
static bool
is_from(const struct arrival *a, const struct bm_link *link)
{
    return a->open && !a->ending && a->from == link && a->generation == link->generation;
}

/* Does the answer speak of the lot that comes in now, not of one before it? */
static bool
is_of(const struct arrival *a, const struct pending *p)
{
    return a->open && a->number == p->number;
}

/* The signer's word on a step; a refusal ends the lot. */
static enum bm_rc
step_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (message->type == BM_S_ANSWER) {
        r->arrival.taken |= is_of(&r->arrival, p); /* its beginning was answered first */
        return bm_answer(p, BM_C_END, bm_bytes(NULL, 0), fail);
    }
    if ((rc = bm_refused_answer(r, p, message, fail)) != BM_OK)
        return rc;
    return is_of(&r->arrival, p) ? arrival_drop(r, fail) : BM_OK;
}

static enum bm_rc
step_ask(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, settle_fn *settle, struct pending **ret_pending,
         struct bm_fail *fail)
{
    enum bm_rc rc = bm_signer_ask(peer->r, type, body, peer->link, id, settle, ret_pending, fail);

    if (rc == BM_OK) {
        memcpy((*ret_pending)->lot, peer->r->arrival.name, sizeof((*ret_pending)->lot));
        (*ret_pending)->number = peer->r->arrival.number;
    }
    return rc;
}

static enum bm_rc
arrive(const struct peer *peer, const struct bm_pin *pin, const char *by, struct bm_bytes begin, const char *vendor, struct bm_fail *fail)
{
    struct arrival *a = &peer->r->arrival;
    enum bm_rc rc;

    if (pin->size == 0 || pin->size > BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s has %llu chips; 1 to %d are taken: divide it", pin->lot,
                       (unsigned long long)pin->size, BM_MAX_LOT_CHIPS);
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK ||
        (rc = bm_store_lot_arrive(peer->r->store, pin->lot, pin->revision, vendor, bm_lot_source_word(pin->source), pin->size, pin->root,
                                  peer->r->now, &a->lot, fail)) != BM_OK)
        return rc;
    a->open = true;
    a->number = ++peer->r->arrivals;
    a->from = peer->link;
    a->generation = peer->link->generation;
    a->size = pin->size;
    memcpy(a->name, pin->lot, sizeof(a->name));
    memcpy(a->root, pin->root, sizeof(a->root));
    (void)snprintf(a->vendor, sizeof(a->vendor), "%s", vendor);
    (void)snprintf(a->by, sizeof(a->by), "%s", by);
    a->source = bm_lot_source_word(pin->source);
    a->hashes.max = pin->size * BM_HASH;
    a->begin.max = BM_MAX_MESSAGE_BODY;
    bm_buf_add_bytes(&a->begin, begin);
    return bm_buf_check(&a->begin, "the pin", fail);
}

enum bm_rc
bm_lot_begin(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    const uint8_t *start = body.p;
    struct bm_bytes note = bm_rd_lv32(&body, BM_MAX_NOTE);
    struct bm_bytes head = bm_rd_lv32(&body, BM_MAX_NOTE);
    struct bm_bytes ask = bm_bytes(start, (size_t)(body.p - start));
    char vendor[BM_MAX_NAME + 1];
    struct bm_statement_head statement;
    struct bm_note parts;
    struct pending *p;
    struct bm_pin pin;
    enum bm_rc rc;

    (void)head;
    bm_view_copy(vendor, sizeof(vendor), bm_rd_lv16(&body, BM_MAX_NAME));
    if (!bm_rd_end(&body) || ask.n > BM_S_MAX_SIGNED || !bm_line_ok(bm_bytes_str(vendor)) || vendor[0] == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "LOT_BEGIN does not parse");
    if (peer->r->arrival.open)
        return bm_answer_refused(peer->r, peer->link, id, BM_EBUSY, 0,
                                 "another lot is being received at this moment: try again when it is in", fail);
    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_pin_parse(&statement, &pin, parts.text, fail)) != BM_OK ||
        (rc = arrive(peer, &pin, statement.by, ask, vendor, fail)) != BM_OK)
        return rc == BM_EINPUT || rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    return step_ask(peer, id, BM_S_LOT_BEGIN, ask, step_settle, &p, fail);
}

/* What the chip is found by: its root keys, or the hash of its id where the vendor lists no keys. */
static size_t
keys_of(const struct bm_leaf *leaf, struct bm_store_key ret_keys[static BM_MAX_CHIP_KEYS])
{
    for (size_t i = 0; i < leaf->nkeys; i++) {
        memcpy(ret_keys[i].hash, leaf->keys[i].key.hash, sizeof(ret_keys[i].hash));
        memcpy(ret_keys[i].ski, leaf->keys[i].key.ski, sizeof(ret_keys[i].ski));
    }
    if (leaf->kind != BM_LEAF_ID)
        return leaf->nkeys;
    ret_keys[0] = (struct bm_store_key){ .ski = { 0 } };
    bm_leaf_id_hash(leaf, ret_keys[0].hash);
    return 1;
}

static enum bm_rc
chip_write(struct bm_registrar *r, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_store_key keys[BM_MAX_CHIP_KEYS];
    struct arrival *a = &r->arrival;
    struct bm_leaf leaf;
    uint8_t hash[BM_HASH];
    size_t nkeys;
    enum bm_rc rc;

    if (a->have >= a->size)
        return bm_fail(fail, BM_EINPUT, NULL, "lot %s has more chips than its head says", a->name);
    if ((rc = bm_leaf_parse(&leaf, der, fail)) != BM_OK)
        return rc;
    nkeys = keys_of(&leaf, keys);
    if (a->taken && (rc = bm_conflict_check(r, &leaf, keys, nkeys, fail)) != BM_OK)
        return rc;
    bm_tree_leaf(hash, der);
    bm_buf_add(&a->hashes, hash, sizeof(hash));
    if ((rc = bm_buf_check(&a->hashes, "the lot's hashes", fail)) != BM_OK)
        return rc;
    return bm_store_chip_add(r->store, a->lot,
                             &(struct bm_store_entry){ .index = a->have++,
                                                       .label = leaf.id,
                                                       .root_kind = bm_root_kind_word(leaf.root),
                                                       .reel = bm_leaf_label(&leaf, BM_LABEL_REEL),
                                                       .date = bm_leaf_label(&leaf, BM_LABEL_DATE),
                                                       .firmware = bm_leaf_label(&leaf, BM_LABEL_FIRMWARE),
                                                       .leaf = der },
                             keys, nkeys, fail);
}

static enum bm_rc
chips_write(struct bm_registrar *r, struct bm_rd rd, struct bm_fail *fail)
{
    uint32_t n = bm_rd_u32(&rd);
    enum bm_rc rc;

    if ((rc = bm_registrar_transaction_lasting(r, fail)) != BM_OK)
        return rc;
    for (uint32_t i = 0; i < n; i++) {
        struct bm_bytes der = bm_rd_lv16(&rd, BM_MAX_LEAF);

        if (rd.bad)
            return bm_fail(fail, BM_EINPUT, NULL, "LOT_LEAVES does not parse");
        if ((rc = chip_write(r, der, fail)) != BM_OK)
            return rc;
    }
    return bm_rd_end(&rd) ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "LOT_LEAVES does not parse");
}

static enum bm_rc
refuse_step(const struct peer *peer, uint64_t id, enum bm_rc class, struct bm_fail *fail)
{
    const struct bm_fail why = *fail;
    struct arrival copy = peer->r->arrival; /* its names only */
    enum bm_rc rc = arrival_drop(peer->r, fail);

    copy.hashes = copy.begin = (struct bm_buf){ .max = 0 };
    if (rc == BM_OK && class == BM_EPOLICY && copy.against[0] != 0)
        return bm_conflict_hold(peer, id, &copy, why.text, fail);
    return rc != BM_OK ? rc : bm_answer_refused(peer->r, peer->link, id, class, 0, why.text, fail);
}

enum bm_rc
bm_lot_leaves(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct pending *p;
    enum bm_rc rc;

    if (!is_from(&peer->r->arrival, peer->link))
        return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0,
                                 "no lot is being received on this connection: it was refused, begin again", fail);
    rc = chips_write(peer->r, body, fail);
    if (rc == BM_EINPUT || rc == BM_EPOLICY)
        return refuse_step(peer, id, rc, fail);
    if (rc != BM_OK)
        return rc;
    return step_ask(peer, id, BM_S_LOT_LEAVES, bm_bytes(body.p, body.left), step_settle, &p, fail);
}

static enum bm_rc
arrival_row(void *ctx, const char *json, struct bm_fail *fail)
{
    const struct pending *p = ctx;

    return bm_control_row(p->asker, p->asker_id, json, fail);
}

static enum bm_rc
end_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_store_filter filter = { .name = p->lot };
    struct bm_store_page page = { .most = 1 };
    struct bm_s_leaves leaves;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return step_settle(r, p, message, fail);
    r->next_seq++;
    if ((rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK ||
        (rc = bm_records_keep(r, &leaves, p, &alarm, fail)) != BM_OK)
        return rc;
    arrival_done(&r->arrival);
    if (!bm_asker_there(p))
        return BM_OK;
    if ((rc = bm_store_rows(r->store, "lot", &filter, &page, arrival_row, p, fail)) != BM_OK)
        return rc;
    return bm_answer(p, BM_C_END, bm_bytes(NULL, 0), fail);
}

enum bm_rc
bm_lot_end(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct arrival *a = &peer->r->arrival;
    struct pending *p;
    enum bm_rc rc;

    (void)body;
    if (!is_from(a, peer->link))
        return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0,
                                 "no lot is being received on this connection: it was refused, begin again", fail);
    if (a->have != a->size) {
        (void)!bm_fail(fail, BM_EPOLICY, NULL, "lot %s came with %llu chips and its head says %llu", a->name, (unsigned long long)a->have,
                       (unsigned long long)a->size);
        return refuse_step(peer, id, BM_EPOLICY, fail);
    }
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK ||
        (rc = bm_store_lot_hashes_put(peer->r->store, a->lot, bm_buf_bytes(&a->hashes), fail)) != BM_OK ||
        (rc = step_ask(peer, id, BM_S_LOT_END, bm_bytes(NULL, 0), end_settle, &p, fail)) != BM_OK)
        return rc;
    a->ending = true;
    bm_buf_done(&p->kept);
    p->kept = a->begin;
    a->begin = (struct bm_buf){ .max = 0 };
    return BM_OK;
}

enum bm_rc
bm_arrival_abandon(struct bm_registrar *r, struct bm_link *gone, struct bm_fail *fail)
{
    return is_from(&r->arrival, gone) ? arrival_drop(r, fail) : BM_OK;
}
