/* device.c - device list, show: the units that were made. */
#include "cli/lists.h"
#include "cli/verbs.h"

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "device", "DEVICE" },   { "chip", "CHIP" },   { "lot", "LOT" },  { "order", "ORDER" },
                                                { "profile", "PROFILE" }, { "state", "STATE" }, { "made", "MADE" } };
    const struct bm_list_what what = {
        .what = "device", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no devices: see `birthmark order open --help`"
    };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_device_list = {
    .words = "device list",
    .arguments = "",
    .site = true,
    .purpose = "List the units that were made, with chip, lot, order and state.",
    .help = "example: birthmark device list --lot EX-001 --state active\n",
    .options = { BM_OPTION_STATE, BM_OPTION_LOT, BM_OPTION_ORDER, BM_OPTION_PROFILE },
    .run = list_run,
};

static enum bm_rc
identity_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    json_t *row;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    if (rc == BM_OK && json_array_append_new(ctx, row) != 0)
        rc = bm_json_check(NULL, fail);
    return rc;
}

/* Its row, with its identities in the place of their number. */
static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 1024 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    json_t *identities;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ask_show(&ask, "device", call->words.v[0], bm_row_keep, &text, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK ||
        (rc = bm_filter_build(&filter, call, "device", call->words.v[0], fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&filter, 0);
    identities = json_array();
    if (json_object_set_new(row, "identities", identities) != 0 || filter.bad)
        return bm_json_check(NULL, fail);
    if ((rc = bm_ask_list(&ask, "identity", (const char *)filter.p, identity_row, identities, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

const struct bm_verb bm_verb_device_show = {
    .words = "device show",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show one unit with all identities that it ever had.",
    .help = "example: birthmark device show 5e0c1b2a9f7d34c6e811\n",
    .run = show_run,
};
