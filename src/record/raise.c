/* raise.c - more for an order that is open: units, or what its limits are of. */
#include "record/parts.h"

static bool
raises(const struct bm_raise *raise)
{
    uint64_t any = raise->quantity;

    for (unsigned what = 0; what < BM_COUNTED__N; what++)
        any |= raise->limits.most[what];
    return any != 0;
}

enum bm_rc
bm_raise_parse(struct bm_statement_head *ret_head, struct bm_raise *ret_raise, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_RAISE, text, fail);
    struct bm_raise raise = { .quantity = 0 };
    enum bm_rc rc;

    bm_lines_name(&lines, "order", raise.order, BM_MAX_NAME);
    raise.quantity = bm_number_take(&lines, "quantity");
    bm_limits_take(&raise.limits, &lines);
    if (!raises(&raise))
        bm_statement_refuse(&lines, "ends a raise of nothing: name the quantity, reissues, scraps or repairs");
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_raise = raise;
    return BM_OK;
}

void
bm_raise_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_raise *raise)
{
    bm_statement_head_build(buf, BM_STATEMENT_RAISE, head);
    bm_lines_add(buf, "order", raise->order);
    bm_number_add(buf, "quantity", raise->quantity);
    bm_limits_add(buf, &raise->limits);
}
