#include "registrar/counted.h"

enum bm_rc
bm_counted_keep(struct bm_registrar *r, const struct bm_s_leaf *leaf, const struct bm_event *event, enum bm_counted what, uint64_t n,
                struct bm_fail *fail)
{
    char order[BM_MAX_NAME + 1], device[BM_MAX_NAME + 1], lot[BM_MAX_NAME + 1], by[BM_MAX_NAME + 1], reason[SENTENCE];
    const struct bm_store_counted row = { .order = order,
                                          .what = bm_counted_word(what),
                                          .device = device,
                                          .lot = lot,
                                          .by = by,
                                          .reason = reason,
                                          .n = n,
                                          .leaf = leaf->index,
                                          .time = event->time };

    bm_view_copy(order, sizeof(order), event->order);
    bm_view_copy(device, sizeof(device), event->device);
    bm_view_copy(lot, sizeof(lot), event->lot);
    bm_view_copy(by, sizeof(by), event->by);
    bm_view_copy(reason, sizeof(reason), event->reason);
    return bm_store_counted_add(r->store, &row, fail);
}

enum bm_rc
bm_raised_keep(struct bm_registrar *r, struct bm_bytes note, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_raise raise;
    struct bm_note parts;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_raise_parse(&head, &raise, parts.text, fail)) != BM_OK)
        return rc;
    return bm_store_order_raise(r->store, raise.order,
                                &(struct bm_store_limits){ .quantity = raise.quantity,
                                                           .reissues = raise.limits.most[BM_COUNTED_REISSUE],
                                                           .scraps = raise.limits.most[BM_COUNTED_SCRAP],
                                                           .repairs = raise.limits.most[BM_COUNTED_REPAIR] },
                                fail);
}

enum bm_rc
bm_closed_keep(struct bm_registrar *r, const struct bm_s_leaf *leaf, const struct bm_event *event, struct bm_fail *fail)
{
    char order[BM_MAX_NAME + 1], balance[BM_MAX_BALANCE];

    bm_view_copy(order, sizeof(order), event->order);
    bm_view_copy(balance, sizeof(balance), event->balance);
    return bm_store_order_close(r->store, order, balance, leaf->index, fail);
}
