#include "base/base.h"
#include "signer/apply.h"

#include "proc/signer_messages.h"

enum bm_rc
bm_apply_order(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    struct bm_statement_head head;
    enum bm_rc rc;

    if ((rc = bm_order_parse(&head, &order, taken->text, fail)) != BM_OK)
        return rc;
    return bm_orders_add(&memory->orders, &order, taken->rest, &memory->lots, fail);
}

enum bm_rc
bm_apply_raise(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_raise raise;
    enum bm_rc rc;

    if ((rc = bm_raise_parse(&head, &raise, taken->text, fail)) != BM_OK ||
        (rc = bm_orders_raise_check(&memory->orders, &raise, fail)) != BM_OK)
        return rc;
    bm_orders_raise(&memory->orders, &raise);
    return BM_OK;
}

/* From now on it is over, as if it had ended by itself. */
enum bm_rc
bm_apply_order_closed(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
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
        return bm_contradiction("it closes an order that is not there", fail);
    order = &memory->orders.orders[at];
    order->closed = true;
    order->until = time - 1 < order->until ? time - 1 : order->until;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}
