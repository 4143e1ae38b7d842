/* life.c - moves in a device's life become rows: its state, what became of its certificates and its chip, and the move itself. */
#include "registrar/registrar.h"

#include "lot/leaf_skim.h"
#include "record/life.h"
#include "registrar/skim.h"
#include "wire/text.h"

struct move {
    char device[BM_MAX_NAME + 1], what[32], state[32], by[BM_MAX_NAME + 1], second[BM_MAX_NAME + 1], owner[BM_MAX_OWNER + 1],
        reason[SENTENCE];
    struct bm_store_move row;
};

static void
move_fill(struct move *move, const struct bm_event *event, uint64_t leaf)
{
    bm_view_copy(move->device, sizeof(move->device), event->device);
    bm_view_copy(move->what, sizeof(move->what), event->what);
    bm_view_copy(move->state, sizeof(move->state), event->state);
    bm_view_copy(move->by, sizeof(move->by), event->by);
    bm_view_copy(move->second, sizeof(move->second), event->second);
    bm_view_copy(move->owner, sizeof(move->owner), event->owner);
    bm_view_copy(move->reason, sizeof(move->reason), event->reason);
    move->row = (struct bm_store_move){ .device = move->device,
                                        .move = move->what,
                                        .state = move->state,
                                        .by = move->by,
                                        .second = move->second,
                                        .owner = move->owner,
                                        .reason = move->reason,
                                        .time = event->time,
                                        .leaf = leaf };
}

/* ---- certificates ---- */

/* Does this one end with the move? A transfer leaves the root identity; a resume after a fork ends all of one service but what lives on. */
static enum bm_rc
ends(struct bm_registrar *r, enum bm_move move, const struct bm_event *event, const struct bm_store_live *live, bool *ret_ends,
     struct bm_fail *fail)
{
    uint8_t kept[BM_MAX_SERIAL] = { 0 };
    const struct issuing *ca;
    struct bm_skim cert;
    enum bm_rc rc;

    if (move == BM_MOVE_TRANSFER) {
        if ((rc = bm_cert_skim(&cert, bm_buf_bytes(&live->certificate), fail)) != BM_OK)
            return rc;
        ca = bm_ca_of(r, cert.issuer);
        *ret_ends = ca == NULL || ca->kind != BM_CA_IDEVID;
        return BM_OK;
    }
    *ret_ends = move != BM_MOVE_RESUME || bm_bytes_equal(event->service, bm_bytes_str(live->service));
    if (!*ret_ends || event->serial.n == 0)
        return BM_OK;
    if (event->serial.n > 2 * sizeof(kept) || (rc = bm_hex_parse(kept, event->serial.n / 2, event->serial, fail)) != BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "the signer's event has a serial that is none");
    *ret_ends = !bm_bytes_equal(bm_bytes(kept, event->serial.n / 2), bm_bytes(live->serial, live->nserial));
    return BM_OK;
}

static enum bm_rc
identities_end(struct bm_registrar *r, enum bm_move move, const struct bm_event *event, const struct move *of, struct bm_fail *fail)
{
    bm_cleanup(bm_store_live_done) struct bm_store_live live = { .certificate = { .max = BM_MAX_CERT } };
    bool found = false, over = false;
    enum bm_rc rc;

    for (;;) {
        if ((rc = bm_store_live_next(r->store, of->device, &live, &found, fail)) != BM_OK || !found)
            return rc;
        if ((rc = ends(r, move, event, &live, &over, fail)) != BM_OK)
            return rc;
        if (over && (rc = bm_store_identity_state(r->store, bm_bytes(live.serial, live.nserial), "revoked", event->time, of->reason,
                                                  fail)) != BM_OK)
            return rc;
    }
}

/* ---- the chip ---- */

static enum bm_rc
chip_change(struct bm_registrar *r, const struct bm_event *event, const struct move *of, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH], names[BM_MAX_CHIP_KEYS][BM_HASH];
    char label[BM_MAX_ID + 1];
    struct bm_store_chip row = { .label = label, .names = (const uint8_t(*)[BM_HASH])names };
    struct bm_found_chip chip = { .found = false };
    struct bm_leaf_skim skim;
    enum bm_rc rc;

    if ((rc = bm_hex_parse(hash, BM_HASH, event->chip, fail)) != BM_OK ||
        (rc = bm_holdings_find_key(&r->holdings, r->store, hash, &chip, fail)) != BM_OK)
        return rc;
    if (!chip.found)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the index of the lot that device %s has its new chip from is lost: receive that lot's file again", of->device);
    if ((rc = bm_leaf_skim(&skim, chip.leaf, fail)) != BM_OK)
        return rc;
    bm_view_copy(label, sizeof(label), skim.id);
    row.lot = chip.holding->lot.name;
    row.root_kind = bm_root_kind_word(skim.root);
    row.nnames = bm_leaf_skim_names(&skim, names);
    return bm_store_device_chip(r->store, of->device, &row, of->reason, fail);
}

enum bm_rc
bm_life_keep(struct bm_registrar *r, const struct bm_event *event, uint64_t leaf, struct bm_fail *fail)
{
    enum bm_move what = BM_MOVE_SUSPEND;
    struct move move;
    enum bm_rc rc;

    move_fill(&move, event, leaf);
    if ((rc = bm_move_parse(&what, event->what, fail)) != BM_OK)
        return rc;
    if (what != BM_MOVE_SUSPEND && !(what == BM_MOVE_RESUME && event->service.n == 0) &&
        (rc = identities_end(r, what, event, &move, fail)) != BM_OK)
        return rc;
    if (what != BM_MOVE_SUSPEND && what != BM_MOVE_RESUME &&
        (rc = bm_store_support_close(r->store, move.device, event->time, move.by, move.reason, fail)) != BM_OK)
        return rc;
    if (what == BM_MOVE_REPAIR && (rc = chip_change(r, event, &move, fail)) != BM_OK)
        return rc;
    return bm_store_device_move(r->store, &move.row, fail);
}

/* ---- by the doors ---- */

enum bm_rc
bm_life_confirmed(struct bm_registrar *r, const struct bm_event *event, struct bm_bytes serial, uint64_t leaf, struct bm_fail *fail)
{
    enum bm_move what = event->replaces.n > 0 ? BM_MOVE_RENEW : BM_MOVE_CONFIRM;
    enum bm_life from, to;
    struct bm_fail ignored;
    struct move move;
    char state[32];
    enum bm_rc rc;

    move_fill(&move, event, leaf);
    if ((rc = bm_store_device_of(r->store, serial, move.device, state, fail)) != BM_OK)
        return rc;
    if (bm_life_parse(&from, bm_bytes_str(state), &ignored) != BM_OK || bm_life_move(&to, from, from, what, &ignored) != BM_OK ||
        to == from)
        return BM_OK;
    move.row.move = bm_move_word(what);
    move.row.state = bm_life_word(to);
    return bm_store_device_move(r->store, &move.row, fail);
}
