/* device.c - device list, show: the units that were made. */
#include "cli/device_record.h"
#include "cli/lists.h"
#include "cli/verbs.h"

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "device", "DEVICE" },   { "serial", "SERIAL" }, { "model", "MODEL" }, { "chip", "CHIP" },
                                                { "lot", "LOT" },         { "order", "ORDER" },   { "owner", "OWNER" }, { "made", "MADE" },
                                                { "profile", "PROFILE" }, { "state", "STATE" } };
    struct bm_list_what what = {
        .what = "device", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no devices: see `birthmark order open --help`"
    };

    if (call->words.n > 0) {
        what.name = "begins";
        what.value = call->words.v[0];
    }
    return bm_list_run(call, &what, fail);
}

#define OF(option, sort)                                                                      \
    {                                                                                         \
        .name = option, .value = "TEXT", .help = "only those of this " sort ", to the letter" \
    }

const struct bm_verb bm_verb_device_list = {
    .words = "device list",
    .arguments = "[BEGINNING]",
    .most = 1,
    .site = true,
    .purpose = "List the units that were made, by what their record says.",
    .help = "BEGINNING finds devices by how their id, serial number or chip's id begins: the first thousand by each.\n"
            "Each option narrows the list; where nothing is known of a unit, no word finds it.\n\n"
            "example: birthmark device list --model GW-1 --owner Acme --state active\n"
            "example: birthmark device list GW-0000\n",
    .options = { BM_OPTION_STATE,
                 BM_OPTION_LOT,
                 BM_OPTION_ORDER,
                 BM_OPTION_PROFILE,
                 OF("serial", "serial number"),
                 OF("model", "product model"),
                 OF("hardware", "hardware revision"),
                 OF("firmware", "firmware"),
                 OF("owner", "owner"),
                 OF("region", "region"),
                 OF("vendor", "chipmaker"),
                 OF("station", "station"),
                 OF("root", "kind of root of trust"),
                 OF("chip", "chip's id"),
                 { .name = "support", .value = "WORD", .help = "only those whose last support is open, used, closed or ended" } },
    .run = list_run,
};

/* Rows of a list about it, as a member of its own. */
static enum bm_rc
row_add(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    json_t *row;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    if (rc == BM_OK && json_array_append_new(ctx, row) != 0)
        rc = bm_json_check(NULL, fail);
    return rc;
}

/* All rows of a list that are the device's, as a member of its own. */
static enum bm_rc
rows_of(json_t *device, const char *member, struct bm_ask *ask, const char *what, const char *state, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *filter = json_pack("{s:s*, s:O}", "state", state, "device", json_object_get(device, "device"));
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1024 };
    json_t *rows = json_array();
    enum bm_rc rc;

    if (json_object_set_new(device, member, rows) != 0 || filter == NULL)
        return bm_json_check(NULL, fail);
    if ((rc = bm_json_print(&text, filter, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&text, 0);
    if ((rc = bm_buf_check(&text, "the filter", fail)) != BM_OK)
        return rc;
    return bm_ask_list(ask, what, (const char *)text.p, row_add, rows, fail);
}

/* Its row, with the rows of what hangs on it in the place of their number. */
static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_json_done) json_t *found = json_array();
    json_t *device;
    enum bm_rc rc;

    if ((rc = bm_json_check(found, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ask_show(&ask, "device", call->words.v[0], row_add, found, fail)) != BM_OK)
        return rc;
    if (json_array_size(found) != 1)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "%zu devices have the serial number %s: name one by its id, of `birthmark device list --serial %s`",
                       json_array_size(found), call->words.v[0], call->words.v[0]);
    device = json_array_get(found, 0);
    if ((rc = rows_of(device, "identities", &ask, "identity", NULL, fail)) != BM_OK ||
        (rc = rows_of(device, "supports", &ask, "support", NULL, fail)) != BM_OK ||
        (rc = rows_of(device, "moves", &ask, "move", NULL, fail)) != BM_OK ||
        (rc = rows_of(device, "alarms", &ask, "alarm", "open", fail)) != BM_OK)
        return rc;
    return bm_device_print(call, device, fail);
}

const struct bm_verb bm_verb_device_show = {
    .words = "device show",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show the record of one unit: what it is, its certificates, the moves of its life, its open alarms.",
    .help = "DEVICE is its id or its serial number. --json has everything, of each certificate that it ever had.\n\n"
            "example: birthmark device show 5e0c1b2a9f7d34c6e811\n"
            "example: birthmark device show GW-000042\n",
    .run = show_run,
};
