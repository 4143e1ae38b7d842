#include "base/base.h"
#include "signer/apply.h"

#include "proc/signer_messages.h"

/* A lot that was begun and whose end never came is void: a new one begins in its place. */
enum bm_rc
bm_apply_lot(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&memory->incoming.keys);
    memory->incoming.open = true;
    return BM_OK;
}

enum bm_rc
bm_apply_lot_keys(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    if (!memory->incoming.open)
        return bm_contradiction("a lot's keys without the lot", fail);
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
    return bm_rd_end(&rd) && chips == 0 ? BM_OK : bm_contradiction("a lot with more or fewer chips than its pin says", fail);
}

enum bm_rc
bm_apply_lot_end(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
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
        return bm_contradiction("a lot's end without its beginning", fail);
    if ((rc = bm_place_check(memory, &head, fail)) != BM_OK || (rc = bm_lots_add(&memory->lots, &pin, &lot, fail)) != BM_OK)
        return rc;
    memory->lots.lots[lot].quarantined |= held;
    if ((rc = pin_keys(memory, lot, pin.size, fail)) != BM_OK)
        return rc;
    memory->incoming.open = false;
    bm_buf_done(&memory->incoming.keys);
    if ((rc = bm_place_take(memory, &head, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

enum bm_rc
bm_apply_lot_state(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_s_lot_state state;
    struct bm_plain plain;
    struct bm_pinned *lot;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK || (rc = bm_s_lot_state_parse(&state, bm_rd(plain.rest), fail)) != BM_OK)
        return rc;
    if ((at = bm_lots_find(&memory->lots, state.lot)) == BM_NONE)
        return bm_contradiction("it restricts a lot that is not there", fail);
    lot = &memory->lots.lots[at];
    if (state.what == BM_LOT_WITHDRAW)
        lot->withdrawn = true;
    else
        lot->quarantined = true;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

enum bm_rc
bm_apply_chips(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
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
