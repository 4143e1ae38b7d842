/* What is counted under an order besides its units, and how it ended. */
#include "store/lite.h"

enum bm_rc
bm_store_order_raise(struct bm_store *store, const char *name, const struct bm_store_limits *limits, struct bm_fail *fail)
{
    lite_text(store, Q_ORDER_RAISE, 1, name);
    lite_int(store, Q_ORDER_RAISE, 2, (int64_t)limits->quantity);
    lite_int(store, Q_ORDER_RAISE, 3, (int64_t)limits->reissues);
    lite_int(store, Q_ORDER_RAISE, 4, (int64_t)limits->scraps);
    lite_int(store, Q_ORDER_RAISE, 5, (int64_t)limits->repairs);
    return lite_run(store, Q_ORDER_RAISE, "order", fail);
}

enum bm_rc
bm_store_order_close(struct bm_store *store, const char *name, const char *balance, uint64_t leaf, struct bm_fail *fail)
{
    lite_text(store, Q_ORDER_CLOSE, 1, name);
    lite_text(store, Q_ORDER_CLOSE, 2, balance);
    lite_int(store, Q_ORDER_CLOSE, 3, (int64_t)leaf);
    return lite_run(store, Q_ORDER_CLOSE, "order", fail);
}

enum bm_rc
bm_store_counted_add(struct bm_store *store, const struct bm_store_counted *counted, struct bm_fail *fail)
{
    lite_text(store, Q_COUNTED_ADD, 1, counted->order);
    lite_text(store, Q_COUNTED_ADD, 2, counted->what);
    lite_int(store, Q_COUNTED_ADD, 3, (int64_t)counted->n);
    lite_text(store, Q_COUNTED_ADD, 4, counted->device);
    lite_text(store, Q_COUNTED_ADD, 5, counted->lot);
    lite_text(store, Q_COUNTED_ADD, 6, counted->by);
    lite_text(store, Q_COUNTED_ADD, 7, counted->reason);
    lite_int(store, Q_COUNTED_ADD, 8, counted->time);
    lite_int(store, Q_COUNTED_ADD, 9, (int64_t)counted->leaf);
    return lite_run(store, Q_COUNTED_ADD, "order's count", fail);
}
