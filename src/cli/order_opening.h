/* order_opening.h - what the words of a command say of an order: the statement's body, and the profiles' texts that go beside it. */
#ifndef BM_CLI_ORDER_OPENING_H
#define BM_CLI_ORDER_OPENING_H

#include "cli/cli.h"
#include "record/statement.h"

struct bm_opening {
    struct bm_order order;
    struct bm_buf text[BM_MAX_ORDER_PROFILES];
};
void bm_opening_done(struct bm_opening *opening);
/* Name, quantity, limits, lots, product, end. */
bm_must_use enum bm_rc bm_opening_take(struct bm_opening *opening, struct bm_call *call, struct bm_fail *fail);
/* One profile more, by its text. */
bm_must_use enum bm_rc bm_opening_profile(struct bm_opening *opening, struct bm_call *call, const struct bm_buf *text,
                                          struct bm_fail *fail);
/* What a raise raises. */
bm_must_use enum bm_rc bm_raise_take(struct bm_raise *raise, struct bm_call *call, struct bm_fail *fail);

#endif
