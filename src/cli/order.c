/* order.c - order list, show: how many units were made of which lots, and what else is counted. */
#include "cli/lists.h"
#include "cli/verbs.h"

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "order", "ORDER" }, { "quantity", "QUANTITY" }, { "used", "USED" },   { "left", "LEFT" },
        { "lots", "LOTS" },   { "profiles", "PROFILES" }, { "until", "UNTIL" }, { "state", "STATE" }
    };
    const struct bm_list_what what = {
        .what = "order", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no orders: see `birthmark order open --help`"
    };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_order_list = {
    .words = "order list",
    .arguments = "",
    .site = true,
    .purpose = "List the orders: quantity, used, left.",
    .help = "example: birthmark order list\n",
    .options = { BM_OPTION_STATE },
    .run = list_run,
};

/* What was counted besides units, with who and why. */
static enum bm_rc
counted_keep(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    if (rc == BM_OK && json_array_append(ctx, row) != 0)
        return bm_json_check(NULL, fail);
    return rc;
}

static enum bm_rc
counted_ask(struct bm_ask *ask, const char *order, json_t *counted, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 256 };

    bm_buf_add_fmt(&filter, "{\"order\":\"%s\"}", order);
    bm_buf_add_u8(&filter, 0);
    return filter.bad ? bm_json_check(NULL, fail) : bm_ask_list(ask, "counted", (const char *)filter.p, counted_keep, counted, fail);
}

static enum bm_rc
order_print(const struct bm_call *call, json_t *row, json_t *counted, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "what", "COUNTED" },  { "n", "N" },     { "time", "TIME" },     { "by", "BY" },
                                                { "device", "DEVICE" }, { "lot", "LOT" }, { "reason", "REASON" }, { "leaf", "LEAF" } };
    enum bm_rc rc;

    if (call->json)
        return json_object_set(row, "counted", counted) != 0 ? bm_json_check(NULL, fail) : bm_object_print(call, row, fail);
    if ((rc = bm_object_print(call, row, fail)) != BM_OK || json_array_size(counted) == 0)
        return rc;
    (void)puts("");
    return bm_rows_print(counted, columns, BM_COUNT(columns), fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL, *counted = json_array();
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *order = call->words.v[0];
    enum bm_rc rc;

    if ((rc = bm_json_check(counted, fail)) != BM_OK || (rc = bm_call_name(call, "an order's name", order, fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_ask_show(&ask, "order", order, bm_row_keep, &text, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK ||
        (rc = counted_ask(&ask, order, counted, fail)) != BM_OK)
        return rc;
    return order_print(call, row, counted, fail);
}

const struct bm_verb bm_verb_order_show = {
    .words = "order show",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show one order: units, what else is counted under it and why, stations; when closed, its balance.",
    .help = "reissues, scraps and repairs are how many were made, and beside each stands how many may be (birthmark order raise).\n\n"
            "example: birthmark order show first\n",
    .run = show_run,
};
