#include "base/base.h"
#include "signer/apply.h"

#include "signer/counted.h"
#include "signer/listed.h"

/* A lot that was begun and whose end never came is void: a new one begins in its place. */
enum bm_rc
bm_apply_lot(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    memory->incoming = (struct bm_incoming){ .open = true };
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
    if (plain.rest.n == 0 || plain.rest.n % BM_TAG != 0)
        return bm_contradiction("a part of a key", fail);
    if (memory->incoming.ntags == 0)
        memory->incoming.tags_at = record->at;
    memory->incoming.ntags += plain.rest.n / BM_TAG;
    return BM_OK;
}

/* What it lists stays in the journal (listed.h). */
static enum bm_rc
tags_take(struct bm_memory *memory, struct bm_pinned *lot, struct bm_fail *fail)
{
    struct bm_incoming *in = &memory->incoming;

    if (in->ntags < lot->size || in->ntags > lot->size * BM_MAX_CHIP_KEYS)
        return bm_contradiction("a lot with more or fewer chips than its pin says", fail);
    lot->tags_at = in->tags_at;
    lot->ntags = in->ntags;
    in->open = false;
    return BM_OK;
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
    if ((rc = bm_books_lot(&memory->books, lot, pin.size, fail)) != BM_OK)
        return rc;
    if ((rc = tags_take(memory, &memory->lots.lots[lot], fail)) != BM_OK || (rc = bm_place_take(memory, &head, fail)) != BM_OK)
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
    struct bm_chips_count count;
    struct bm_s_chips chips;
    struct bm_plain plain;
    struct bm_rd rd;
    uint32_t lot;
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK || (rc = bm_s_chips_parse(&chips, bm_rd(plain.rest), fail)) != BM_OK ||
        (rc = bm_chips_count(memory, &chips, &count, fail)) != BM_OK)
        return rc;
    lot = bm_lots_find(&memory->lots, chips.lot);
    if (lot != BM_NONE && (rc = bm_books_chips(&memory->books, lot, count.order, &count.was,
                                               chips.what == BM_CHIPS_SCRAP ? BM_WHERE_SCRAPPED : BM_WHERE_WITHDRAWN, fail)) != BM_OK)
        return rc;
    rd = bm_rd(chips.chips);
    while (bm_keys_next(&rd, &hashes, &n))
        if ((rc = bm_slots_hold(&memory->slots, hashes, n, chips.what == BM_CHIPS_SCRAP ? BM_UNIT_SCRAPPED : BM_UNIT_WITHDRAWN, fail)) !=
            BM_OK)
            return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}
