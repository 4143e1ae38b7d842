/* support.c - device support open, close, list: an identity for one device and one repair. */
#include "cli/lists.h"
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/verbs.h"
#include "pki/profile.h"
#include "proc/signer_messages.h"

#define HOURS 8 /* when nobody says otherwise: a shift */
#define OPTION_REASON                                                                                  \
    {                                                                                                  \
        .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes", .needed = true \
    }

static enum bm_rc
profile_take(struct bm_allow *allow, struct bm_buf *text, struct bm_call *call, struct bm_fail *fail)
{
    const char *name = bm_call_option(call, "profile");
    struct bm_profile profile;
    enum bm_rc rc;

    name = name != NULL ? name : BM_SERVICE_SUPPORT;
    if ((rc = bm_call_name(call, "a profile's name", name, fail)) != BM_OK)
        return rc;
    if ((rc = bm_place_read(text, call->home, BM_PLACE_PROFILE, name, fail)) != BM_OK)
        return rc == BM_EINPUT ? bm_fail(fail, rc, NULL, "there is no profile %s: see `birthmark profile list`", name) : rc;
    if ((rc = bm_profile_parse(&profile, bm_buf_bytes(text), fail)) != BM_OK) {
        bm_fail_prefix(fail, "profiles/%s.profile", name);
        return rc;
    }
    memcpy(allow->support.name, profile.name, sizeof(profile.name));
    memcpy(allow->support.digest, profile.digest, BM_HASH);
    return BM_OK;
}

static enum bm_rc
allow_take(struct bm_allow *allow, struct bm_buf *text, struct bm_call *call, struct bm_fail *fail)
{
    const char *device = NULL, *ticket = bm_call_option(call, "ticket");
    enum bm_rc rc;

    if ((rc = bm_call_device(call, &device, fail)) != BM_OK ||
        (rc = bm_call_line(call, "reason", sizeof(allow->reason) - 1, fail)) != BM_OK ||
        (rc = bm_call_name(call, "--ticket", ticket, fail)) != BM_OK ||
        (rc = bm_call_number(call, "hours", 1, BM_SUPPORT_HOURS, HOURS, &allow->hours, fail)) != BM_OK)
        return rc;
    (void)snprintf(allow->device, sizeof(allow->device), "%s", device);
    (void)snprintf(allow->ticket, sizeof(allow->ticket), "%s", ticket);
    (void)snprintf(allow->reason, sizeof(allow->reason), "%s", bm_call_option(call, "reason"));
    return profile_take(allow, text, call, fail);
}

static enum bm_rc
open_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, profile = { .max = BM_MAX_PROFILE };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    struct bm_allow allow = { .act = BM_ALLOW_SUPPORT };
    struct bm_bytes behind;
    enum bm_rc rc;

    if ((rc = allow_take(&allow, &profile, call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_desk_open(&desk, BM_ACT_SUPPORT, &ask, fail)) != BM_OK)
        return rc;
    bm_allow_build(&text, &desk.head, &allow);
    behind = bm_buf_bytes(&profile);
    if ((rc = bm_desk_send(&desk, &ask, &text, &behind, 1, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(&ask, "device", allow.device, bm_object_row, call, fail);
}

const struct bm_verb bm_verb_device_support_open = {
    .words = "device support open",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Allow a device one identity more, for one repair and so many hours.",
    .help =
        "An officer's signed statement to the signer. The device gets it by `birthmark-agent enrol --service support`, once, and it is\n"
        "never renewed. It counts in no order, and ends by itself, or by `birthmark device support close`.\n\n"
        "example: birthmark device support open 5e0c1b2a9f7d34c6e811 --ticket T-91 --hours 4 --reason \"main board, on site\"\n",
    .options = { { .name = "ticket", .value = "NAME", .help = "the repair's name, of letters, digits and . _ -", .needed = true },
                 OPTION_REASON,
                 { .name = "hours", .value = "N", .help = "from now on, 1 to 72; default: 8" },
                 { .name = "profile", .value = "PROFILE", .help = "one of the service support; default: support" },
                 BM_OPTION_OPERATOR },
    .run = open_run,
};

static enum bm_rc
close_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *device = NULL;
    char by[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if ((rc = bm_call_device(call, &device, fail)) != BM_OK || (rc = bm_call_line(call, "reason", 160, fail)) != BM_OK ||
        (rc = bm_operator_name(call, by, fail)) != BM_OK)
        return rc;
    bm_s_support_close_build(&body, &(struct bm_s_support_close){ .device = bm_bytes_str(device),
                                                                  .by = bm_bytes_str(by),
                                                                  .reason = bm_bytes_str(bm_call_option(call, "reason")) });
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return bm_ask(&ask, BM_C_SUPPORT_CLOSE, bm_buf_bytes(&body), bm_object_row, call, NULL, fail);
}

const struct bm_verb bm_verb_device_support_close = {
    .words = "device support close",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "End a device's support before its time: its certificate is revoked, in a revocation list that is made at once.",
    .help = "example: birthmark device support close 5e0c1b2a9f7d34c6e811 --reason \"repaired\"\n",
    .options = { OPTION_REASON, BM_OPTION_OPERATOR },
    .run = close_run,
};

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "device", "DEVICE" },       { "state", "STATE" },  { "ticket", "TICKET" },
                                                { "until", "UNTIL" },         { "by", "BY" },        { "closed", "CLOSED" },
                                                { "closed_by", "CLOSED BY" }, { "reason", "REASON" } };
    const struct bm_list_what what = { .what = "support",
                                       .columns = columns,
                                       .ncolumns = BM_COUNT(columns),
                                       .nothing = "no support was opened",
                                       .name = "device",
                                       .value = call->words.n > 0 ? call->words.v[0] : NULL };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_device_support_list = {
    .words = "device support list",
    .arguments = "[DEVICE]",
    .most = 1,
    .site = true,
    .purpose = "List what was opened for repairs: open, used (its certificate was issued), closed, or ended by itself.",
    .help = "example: birthmark device support list --state open\n",
    .options = { BM_OPTION_STATE },
    .run = list_run,
};
