/* order_end.c - order raise, close: more, and no more. */
#include "cli/operator.h"
#include "cli/order_balance.h"
#include "cli/order_opening.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <unistd.h>

/* An order whose units a file names has no more than that file. */
static enum bm_rc
rows_suffice(struct bm_ask *ask, const char *order, uint64_t quantity, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    uint64_t rows;
    enum bm_rc rc;

    if ((rc = bm_ask_show(ask, "order", order, bm_row_keep, &text, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    if (quantity == 0 || !json_is_string(json_object_get(row, "units")) || json_is_string(json_object_get(row, "serials")))
        return BM_OK;
    rows = (uint64_t)json_integer_value(json_object_get(row, "used")) + (uint64_t)json_integer_value(json_object_get(row, "rows_left"));
    return quantity <= rows ? BM_OK
                            : bm_fail(fail, BM_EPOLICY, NULL,
                                      "order %s has a file with rows for %llu units in all: open another order, with a file for the others",
                                      order, (unsigned long long)rows);
}

enum bm_rc
bm_raise_take(struct bm_raise *raise, struct bm_call *call, struct bm_fail *fail)
{
    uint64_t any;
    enum bm_rc rc = bm_call_number(call, "quantity", 1, 1000000000, 0, &raise->quantity, fail);

    any = raise->quantity;
    for (unsigned what = 0; what < BM_COUNTED__N && rc == BM_OK; what++) {
        rc = bm_call_number(call, bm_counted_word((enum bm_counted)what), 1, 1000000000, 0, &raise->limits.most[what], fail);
        any |= raise->limits.most[what];
    }
    if (rc == BM_OK && any == 0)
        return bm_usage(call, fail, "say what is raised: --quantity, --reissues, --scraps or --repairs");
    (void)snprintf(raise->order, sizeof(raise->order), "%s", call->words.v[0]);
    return rc;
}

static enum bm_rc
raise_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    struct bm_raise raise = { .quantity = 0 };
    const char *order = call->words.v[0];
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "an order's name", order, fail)) != BM_OK || (rc = bm_raise_take(&raise, call, fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_desk_open(&desk, BM_ACT_RAISE, &ask, fail)) != BM_OK)
        return rc;
    if ((rc = rows_suffice(&ask, order, raise.quantity, fail)) != BM_OK)
        return rc;
    bm_raise_build(&text, &desk.head, &raise);
    if ((rc = bm_desk_send(&desk, &ask, &text, NULL, 0, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(&ask, "order", order, bm_object_row, call, fail);
}

const struct bm_verb bm_verb_order_raise = {
    .words = "order raise",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Let a line make more units than the order said, or re-issue, scrap or repair more of them.",
    .help = "A signed statement to the signer, as the order itself. Nothing is ever lowered: close the order.\n\n"
            "example: birthmark order raise first --quantity 20\n         birthmark order raise first --scraps 5\n",
    .options = { { .name = "quantity", .value = "N", .help = "units in all, more than now" },
                 { .name = "reissues", .value = "N", .help = "re-issues in all, more than now" },
                 { .name = "scraps", .value = "N", .help = "units whose chips may be scrapped, in all" },
                 { .name = "repairs", .value = "N", .help = "repairs in all" },
                 BM_OPTION_OPERATOR },
    .run = raise_run,
};

/* While certificates are being signed there is no balance: asked again for some seconds. */
#define CLOSE_TRIES 50
#define CLOSE_PAUSE 100000 /* microseconds */

static enum bm_rc
close_ask(struct bm_ask *ask, struct bm_bytes body, struct bm_fail *fail)
{
    enum bm_rc rc = BM_EBUSY;

    for (unsigned i = 0; i < CLOSE_TRIES && rc == BM_EBUSY; i++) {
        if (i > 0)
            (void)usleep(CLOSE_PAUSE);
        rc = bm_ask(ask, BM_C_ORDER_CLOSE, body, NULL, NULL, NULL, fail);
    }
    return rc;
}

static enum bm_rc
close_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *order = call->words.v[0], *reason = bm_call_option(call, "reason");
    char by[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "an order's name", order, fail)) != BM_OK || (rc = bm_call_line(call, "reason", 160, fail)) != BM_OK ||
        (rc = bm_operator_name(call, by, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv16(&body, bm_bytes_str(order));
    bm_buf_add_lv16(&body, bm_bytes_str(by));
    bm_buf_add_lv16(&body, bm_bytes_str(reason != NULL ? reason : "done"));
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    if ((rc = close_ask(&ask, bm_buf_bytes(&body), fail)) != BM_OK)
        return rc;
    return bm_order_balance(&ask, order, bm_call_option(call, "o"), fail);
}

const struct bm_verb bm_verb_order_close = {
    .words = "order close",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "End an order: no further unit is made for it, and the signer says what became of every chip of its lots.",
    .help = "Nobody opens it again. Units that it made go on renewing. Its balance is a leaf of the ledger; closed once more, it is shown "
            "again.\n\n"
            "example: birthmark order close first --reason \"the line is converted\" -o first.balance\n",
    .options = { { .name = "o", .value = "FILE", .help = "the balance with its proof, to be taken away" },
                 { .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes; default: done" },
                 BM_OPTION_OPERATOR },
    .run = close_run,
};
