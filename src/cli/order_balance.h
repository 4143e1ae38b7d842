/* order_balance.h - an order's balance as a file that is taken away, checked before it is written and wherever it comes to. */
#ifndef BM_CLI_ORDER_BALANCE_H
#define BM_CLI_ORDER_BALANCE_H

#include "cli/ask.h"

/* Of a closed order: proven here, then printed; into `file` too, where that is not NULL. */
bm_must_use enum bm_rc bm_order_balance(struct bm_ask *ask, const char *order, const char *file, struct bm_fail *fail);

#endif
