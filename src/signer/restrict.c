/* restrict.c - lots and chips that may not be used: none of it needs a signature, since it can only take away. */
#include "base/base.h"
#include "signer/authority.h"
#include "signer/counted.h"

#include "wire/text.h"

/* The record is the message, with a leaf that tells of it. */
static enum bm_rc
restrict_commit(struct bm_signer *signer, uint64_t id, enum bm_record_type type, struct bm_event *event, struct bm_bytes body,
                struct bm_fail *fail)
{
    struct bm_plain plain = { .leaves = { .n = 1 }, .rest = body };
    enum bm_rc rc;

    if ((event->time == 0 && (rc = signer->env->now(signer->env->ctx, &event->time, fail)) != BM_OK) ||
        (rc = bm_leaf_make(signer, 0, event, &plain.leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    return bm_commit(signer, type, &plain.leaves, bm_batch_answer(signer, id, BM_S_ANSWER), fail);
}

static const char words_wanted[] = "a restriction needs a lot, a reason and names of the usual form";

enum bm_rc
bm_serve_lot_state(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    const struct bm_lots *lots = &signer->memory.lots;
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    struct bm_s_lot_state state;
    struct bm_event event;
    bool barred = false;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_s_lot_state_parse(&state, body, fail)) != BM_OK)
        return rc;
    if (!bm_name_or_empty(state.lot, false) || !bm_name_or_empty(state.by, true) || state.reason.n == 0)
        return bm_refuse_now(signer, id, BM_EINPUT, words_wanted, fail);
    if (state.what == BM_LOT_WITHDRAW &&
        ((rc = bm_restriction_check(signer, id, state.by, BM_ACT_WITHDRAW, state.lot, &barred, fail)) != BM_OK || barred))
        return rc;
    if ((at = bm_lots_find(lots, state.lot)) == BM_NONE)
        return bm_refuse_now(signer, id, BM_EPOLICY, "no lot of this name is pinned here: see birthmark lot list", fail);
    if (lots->lots[at].withdrawn || (state.what == BM_LOT_QUARANTINE && lots->lots[at].quarantined)) {
        (void)bm_batch_answer(signer, id, BM_S_ANSWER);
        return BM_OK;
    }
    event = (struct bm_event){ .kind = state.what == BM_LOT_WITHDRAW ? BM_EVENT_LOT_WITHDRAWN : BM_EVENT_LOT_QUARANTINED,
                               .lot = state.lot,
                               .by = state.by,
                               .reason = state.reason };
    return restrict_commit(signer, id, BM_R_LOT_STATE, &event, whole, fail);
}

/* What they are counted as, and whether that is within the limit. A refusal is on record: who scraps more than the planner thought of may be selling it. */
static enum bm_rc
chips_allow(struct bm_signer *signer, uint64_t id, const struct bm_s_chips *chips, struct bm_chips_count *ret_count, bool *ret_refused,
            struct bm_fail *fail)
{
    const struct bm_memory *memory = &signer->memory;
    struct bm_event event = { .kind = BM_EVENT_REFUSED, .lot = chips->lot, .by = chips->by, .what = bm_bytes_str("limit") };
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    *ret_refused = true;
    if (bm_chips_count(memory, chips, ret_count, &why) != BM_OK)
        return bm_batch_refuse(signer, id, &why, NULL, fail);
    if (chips->what != BM_CHIPS_SCRAP || ret_count->order == BM_NONE ||
        bm_counted_check(memory, ret_count->order, BM_COUNTED_SCRAP, ret_count->was.counted, &why) == BM_OK) {
        *ret_refused = false;
        return BM_OK;
    }
    event.order = bm_bytes_str(memory->orders.orders[ret_count->order].order);
    event.reason = bm_bytes_str(why.text);
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    return bm_batch_refuse(signer, id, &why, &event, fail);
}

/* A root key of the only one. */
static void
only_print(char ret[static 2 * BM_HASH + 1], const struct bm_s_chips *chips)
{
    struct bm_rd rd = bm_rd(chips->chips);
    const uint8_t(*hashes)[BM_HASH];
    size_t n;

    ret[0] = 0;
    if (chips->n == 1 && bm_keys_next(&rd, &hashes, &n))
        bm_hex(ret, bm_bytes(hashes[0], BM_HASH));
}

enum bm_rc
bm_serve_chips(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    char count[24], chip[2 * BM_HASH + 1], was[BM_MAX_WAS];
    struct bm_chips_count counted;
    struct bm_s_chips chips;
    struct bm_event event;
    bool scrap, barred;
    uint64_t changed;
    enum bm_rc rc;

    if ((rc = bm_s_chips_parse(&chips, body, fail)) != BM_OK)
        return rc;
    if (!bm_name_or_empty(chips.lot, false) || !bm_name_or_empty(chips.by, true) || chips.reason.n == 0)
        return bm_refuse_now(signer, id, BM_EINPUT, words_wanted, fail);
    scrap = chips.what == BM_CHIPS_SCRAP;
    if ((rc = bm_restriction_check(signer, id, chips.by, scrap ? BM_ACT_SCRAP : BM_ACT_WITHDRAW, chips.lot, &barred, fail)) != BM_OK ||
        barred)
        return rc;
    if ((rc = chips_allow(signer, id, &chips, &counted, &barred, fail)) != BM_OK || barred)
        return rc;
    changed = counted.was.unused + counted.was.issued + counted.was.withdrawn;
    if (changed == 0) {
        (void)bm_batch_answer(signer, id, BM_S_ANSWER);
        return BM_OK;
    }
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)changed);
    bm_was_print(was, &counted.was);
    only_print(chip, &chips);
    event = (struct bm_event){ .kind = scrap ? BM_EVENT_CHIPS_SCRAPPED : BM_EVENT_CHIPS_WITHDRAWN,
                               .lot = chips.lot,
                               .by = chips.by,
                               .count = bm_bytes_str(count),
                               .chip = bm_bytes_str(chip),
                               .was = bm_bytes_str(was),
                               .reason = chips.reason };
    if (counted.order != BM_NONE)
        event.order = bm_bytes_str(signer->memory.orders.orders[counted.order].order);
    return restrict_commit(signer, id, BM_R_CHIPS, &event, whole, fail);
}

enum bm_rc
bm_serve_order_close(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf rest = { .max = 1024 };
    struct bm_signer *signer = ctx;
    const struct bm_orders *orders = &signer->memory.orders;
    struct bm_event event = { .kind = BM_EVENT_ORDER_CLOSED };
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    struct bm_s_order_close close;
    struct bm_balance balance;
    char count[24], numbers[BM_MAX_BALANCE];
    bool barred;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_s_order_close_parse(&close, body, fail)) != BM_OK)
        return rc;
    if (!bm_name_or_empty(close.order, false) || !bm_name_or_empty(close.by, false) || close.reason.n == 0)
        return bm_refuse_now(signer, id, BM_EINPUT, "an order's end needs an order, an operator, a reason and names of the usual form",
                             fail);
    if ((rc = bm_restriction_check(signer, id, close.by, BM_ACT_CLOSE, bm_bytes(NULL, 0), &barred, fail)) != BM_OK || barred)
        return rc;
    if ((at = bm_orders_find(orders, close.order)) == BM_NONE)
        return bm_refuse_now(signer, id, BM_EPOLICY, "there is no order of this name: see birthmark order list", fail);
    if (orders->orders[at].closed) {
        (void)bm_batch_answer(signer, id, BM_S_ANSWER);
        return BM_OK;
    }
    if (signer->memory.nopen > 0)
        return bm_refuse_now(signer, id, BM_EBUSY,
                             "certificates are being signed, which the order's balance must count: close it in a moment", fail);
    bm_books_balance(&signer->memory.books, at, orders->orders[at].lots, orders->orders[at].nlots, &balance);
    bm_balance_print(numbers, &balance);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)orders->orders[at].used);
    event.balance = bm_bytes_str(numbers);
    event.order = close.order;
    event.by = close.by;
    event.reason = close.reason;
    event.count = bm_bytes_str(count);
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    bm_buf_add_u64(&rest, (uint64_t)event.time);
    bm_buf_add_bytes(&rest, whole);
    if ((rc = bm_buf_check(&rest, "an order's end", fail)) != BM_OK)
        return rc;
    return restrict_commit(signer, id, BM_R_ORDER_CLOSED, &event, bm_buf_bytes(&rest), fail);
}
