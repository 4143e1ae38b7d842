/* lot.c - lot list, show: the batches that were received. */
#include "cli/chips.h"
#include "cli/lists.h"
#include "cli/lot_row.h"
#include "cli/receipt.h"
#include "cli/verbs.h"

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "lot", "LOT" },     { "vendor", "VENDOR" },     { "chips", "CHIPS" },
                                                { "units", "UNITS" }, { "received", "RECEIVED" }, { "state", "STATE" } };
    const struct bm_list_what what = {
        .what = "lot", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no lots: see `birthmark lot receive --help`"
    };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_lot_list = {
    .words = "lot list",
    .arguments = "",
    .site = true,
    .purpose = "List the lots that were received, with how many units were made of each.",
    .help = "example: birthmark lot list\n",
    .options = { BM_OPTION_STATE },
    .run = list_run,
};

static enum bm_rc
one_show(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_lot_ask(&ask, call->words.v[0], &row, fail)) != BM_OK ||
        (rc = bm_receipt_row(row, call->home, fail)) != BM_OK)
        return rc;
    return bm_lot_print(call, row, fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "index", "INDEX" }, { "chip", "CHIP" }, { "root", "ROOT" },     { "state", "STATE" },
                                                { "reel", "REEL" },   { "date", "DATE" }, { "device", "DEVICE" }, { "seen", "SEEN" } };
    const struct bm_list_what chips = {
        .what = "chip", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no chips", .name = "lot", .value = call->words.v[0]
    };

    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    if (bm_call_option(call, "chips") == NULL)
        return one_show(call, fail);
    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_ask_show(&ask, "lot", call->words.v[0], NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_list_ask(&ask, &chips, fail);
}

const struct bm_verb bm_verb_lot_show = {
    .words = "lot show",
    .arguments = "LOT",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show one lot, or its chips.",
    .help = "example: birthmark lot show EX-001\n         birthmark lot show EX-001 --chips\n",
    .options = { { .name = "chips", .help = "list its chips, with the hashes of their root keys and the devices made of them" } },
    .run = show_run,
};
