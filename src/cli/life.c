/* life.c - device suspend, resume, revoke, repair, transfer, decommission: the moves of a device's life that people make. */
#include "base/file.h"
#include "cli/lists.h"
#include "cli/operator.h"
#include "cli/reason.h"
#include "cli/verbs.h"
#include "proc/signer_messages.h"
#include "record/life.h"
#include "wire/text.h"

#include <ctype.h>

#define REASON_MOST 160
#define OPTION_REASON                                                                                  \
    {                                                                                                  \
        .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes", .needed = true \
    }

/* ---- what takes away: a name is enough ---- */

static enum bm_rc
restrict_send(struct bm_call *call, struct bm_s_device *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 + BM_MAX_ERASED };
    bm_cleanup(bm_ask_close) struct bm_ask to = { .packet = NULL };
    char by[BM_MAX_NAME + 1];
    const char *device = NULL;
    enum bm_rc rc;

    if ((rc = bm_call_device(call, &device, fail)) != BM_OK || (rc = bm_operator_name(call, by, fail)) != BM_OK)
        return rc;
    ask->device = bm_bytes_str(device);
    ask->by = bm_bytes_str(by);
    bm_s_device_build(&body, ask);
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK || (rc = bm_ask_open(&to, call, fail)) != BM_OK)
        return rc;
    return bm_ask(&to, BM_C_DEVICE, bm_buf_bytes(&body), bm_object_row, call, NULL, fail);
}

static enum bm_rc
suspend_run(struct bm_call *call, struct bm_fail *fail)
{
    struct bm_s_device ask = { .move = BM_MOVE_SUSPEND };
    enum bm_rc rc = bm_call_line(call, "reason", REASON_MOST, fail);

    if (rc != BM_OK)
        return rc;
    ask.text = bm_bytes_str(bm_call_option(call, "reason"));
    return restrict_send(call, &ask, fail);
}

const struct bm_verb bm_verb_device_suspend = {
    .words = "device suspend",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Put all certificates of a device on hold: the next revocation list, made at once, has them (certificateHold).",
    .help = "It gets no certificate and renews none until `birthmark device resume`.\n\n"
            "example: birthmark device suspend 5e0c1b2a9f7d34c6e811 --reason \"stolen from the van, ticket 77\"\n",
    .options = { OPTION_REASON, BM_OPTION_OPERATOR },
    .run = suspend_run,
};

static enum bm_rc
revoke_run(struct bm_call *call, struct bm_fail *fail)
{
    struct bm_s_device ask = { .move = BM_MOVE_REVOKE };
    const char *note = bm_call_option(call, "note"), *word = "";
    enum bm_rc rc;

    if ((rc = bm_reason_option(call, &ask.reason, &word, fail)) != BM_OK || (rc = bm_call_line(call, "note", REASON_MOST, fail)) != BM_OK)
        return rc;
    ask.text = bm_bytes_str(note != NULL ? note : word);
    return restrict_send(call, &ask, fail);
}

const struct bm_verb bm_verb_device_revoke = {
    .words = "device revoke",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Revoke a device: all its certificates, for good, and it gets none again with this chip.",
    .help = "Reasons (RFC 5280): unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation,\n"
            "privilegeWithdrawn. After keyCompromise the revocation list is made at once.\n"
            "One identity alone: `birthmark identity revoke`. Another chip for the device: `birthmark device repair`.\n\n"
            "example: birthmark device revoke 5e0c1b2a9f7d34c6e811 --reason keyCompromise\n",
    .options = { { .name = "reason", .value = "REASON", .help = "a word of RFC 5280", .needed = true },
                 { .name = "note", .value = "TEXT", .help = "for the record; default: the reason" },
                 BM_OPTION_OPERATOR },
    .run = revoke_run,
};

static enum bm_rc
decommission_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf receipt = { .max = BM_MAX_ERASED };
    struct bm_s_device ask = { .move = BM_MOVE_DECOMMISSION };
    const char *path = bm_call_option(call, "receipt");
    enum bm_rc rc = bm_call_line(call, "reason", REASON_MOST, fail);

    if (rc != BM_OK || (path != NULL && (rc = bm_file_read(&receipt, path, fail)) != BM_OK))
        return rc;
    if (path != NULL && receipt.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%.200s is empty: it is no receipt", path);
    ask.text = bm_bytes_str(bm_call_option(call, "reason"));
    ask.receipt = bm_buf_bytes(&receipt);
    return restrict_send(call, &ask, fail);
}

const struct bm_verb bm_verb_device_decommission = {
    .words = "device decommission",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "End a device's life: its certificates are revoked (cessationOfOperation), and nothing gives it back.",
    .help = "What the device erased stands in the record on its own word, or not at all: `birthmark-agent reset --factory --yes -o FILE`\n"
            "on the device writes that word, signed, and --receipt hands it in. The signer checks whose it is and that it names every key\n"
            "that the device still had.\n\n"
            "example: birthmark device decommission 5e0c1b2a9f7d34c6e811 --receipt erased.txt --reason \"end of life\"\n",
    .options = { OPTION_REASON,
                 { .name = "receipt", .value = "FILE", .help = "the device's signed word of what it erased" },
                 BM_OPTION_OPERATOR },
    .run = decommission_run,
};

/* ---- what gives back: signed ---- */

static enum bm_rc
allow_begin(struct bm_allow *allow, struct bm_call *call, struct bm_fail *fail)
{
    const char *device = NULL;
    enum bm_rc rc;

    if ((rc = bm_call_device(call, &device, fail)) != BM_OK ||
        (rc = bm_call_line(call, "reason", sizeof(allow->reason) - 1, fail)) != BM_OK)
        return rc;
    (void)snprintf(allow->device, sizeof(allow->device), "%s", device);
    (void)snprintf(allow->reason, sizeof(allow->reason), "%s", bm_call_option(call, "reason"));
    return BM_OK;
}

static enum bm_rc
allow_send(struct bm_ask *ask, const struct bm_allow *allow, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    enum bm_rc rc = bm_desk_open(&desk, bm_allow_act(allow->act), ask, fail);

    if (rc != BM_OK)
        return rc;
    bm_allow_build(&text, &desk.head, allow);
    if ((rc = bm_desk_send(&desk, ask, &text, NULL, 0, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(ask, "device", allow->device, bm_object_row, call, fail);
}

static enum bm_rc
keep_take(struct bm_allow *allow, struct bm_call *call, struct bm_fail *fail)
{
    const char *keep = bm_call_option(call, "keep");
    char lower[2 * BM_MAX_SERIAL + 1] = "";
    size_t n = keep == NULL ? 0 : strlen(keep);

    if (keep == NULL)
        return BM_OK;
    allow->keep = strcmp(keep, "none") == 0 ? BM_KEEP_NONE : BM_KEEP_SERIAL;
    if (allow->keep == BM_KEEP_NONE)
        return BM_OK;
    if (n == 0 || n % 2 != 0 || n > 2 * BM_MAX_SERIAL || strspn(keep, "0123456789abcdefABCDEF") != n)
        return bm_usage(call, fail, "--keep is a certificate's serial number in hex, as `birthmark identity list` shows it, or none");
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)tolower((unsigned char)keep[i]);
    allow->nserial = n / 2;
    return bm_hex_parse(allow->serial, n / 2, bm_bytes_str(lower), fail);
}

static enum bm_rc
resume_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_allow allow = { .act = BM_ALLOW_RESUME };
    enum bm_rc rc;

    if ((rc = allow_begin(&allow, call, fail)) != BM_OK || (rc = keep_take(&allow, call, fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return allow_send(&ask, &allow, call, fail);
}

const struct bm_verb bm_verb_device_resume = {
    .words = "device resume",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "End a suspension: the device is what it was before, and its certificates are off the revocation list.",
    .help = "A signed statement to the signer. Where a copy of the device showed itself (alarm \"fork\"), somebody must have found out\n"
            "which side is the device: --keep SERIAL, the newest certificate, lives on and all others of that service are revoked\n"
            "(keyCompromise); --keep none revokes that one too, and the device needs `birthmark identity reissue`.\n\n"
            "example: birthmark device resume 5e0c1b2a9f7d34c6e811 --reason \"found, ticket 77\"\n",
    .options = { OPTION_REASON,
                 { .name = "keep", .value = "SERIAL|none", .help = "after a fork: the certificate that lives on" },
                 BM_OPTION_OPERATOR },
    .run = resume_run,
};

static enum bm_rc
transfer_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_allow allow = { .act = BM_ALLOW_TRANSFER };
    enum bm_rc rc;

    if ((rc = allow_begin(&allow, call, fail)) != BM_OK || (rc = bm_call_line(call, "to", BM_MAX_OWNER, fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    (void)snprintf(allow.owner, sizeof(allow.owner), "%s", bm_call_option(call, "to"));
    return allow_send(&ask, &allow, call, fail);
}

const struct bm_verb bm_verb_device_transfer = {
    .words = "device transfer",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Give a device to another owner: the old one's identities end, its root identity and its history stay.",
    .help = "A signed statement to the signer. The operational identities are revoked (cessationOfOperation); for each of their services\n"
            "the device may enrol once more, under the order that it was made under, closed or not.\n\n"
            "example: birthmark device transfer 5e0c1b2a9f7d34c6e811 --to \"Acme Water\" --reason \"contract 12\"\n",
    .options = { { .name = "to", .value = "OWNER", .help = "the new owner, at most 100 bytes", .needed = true },
                 OPTION_REASON,
                 BM_OPTION_OPERATOR },
    .run = transfer_run,
};

/* ---- another chip ---- */

struct wanted {
    const char *chip;
    size_t n; /* of that name */
    uint8_t key[BM_HASH];
};

static enum bm_rc
chip_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct wanted *wanted = ctx;
    const char *key;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    if (strcmp(bm_json_text(row, "chip"), wanted->chip) != 0)
        return BM_OK;
    key = json_string_value(json_array_get(json_object_get(row, "keys"), 0));
    wanted->n++;
    return key == NULL ? BM_OK : bm_hex_parse(wanted->key, BM_HASH, bm_bytes_str(key), fail);
}

static enum bm_rc
chip_find(struct bm_allow *allow, struct bm_ask *ask, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 1024 };
    struct wanted wanted = { .chip = bm_call_option(call, "chip") };
    enum bm_rc rc;

    if ((rc = bm_filter_build(&filter, call, "name", wanted.chip, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&filter, 0);
    if ((rc = bm_buf_check(&filter, "the filter", fail)) != BM_OK ||
        (rc = bm_ask_list(ask, "chip", (const char *)filter.p, chip_row, &wanted, fail)) != BM_OK)
        return rc;
    if (wanted.n != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s has this id: see birthmark lot reconcile, and name the lot with --lot",
                       wanted.n == 0 ? "no chip of a received lot" : "more than one chip");
    memcpy(allow->chip, wanted.key, BM_HASH);
    return BM_OK;
}

static enum bm_rc
repair_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_allow allow = { .act = BM_ALLOW_REPAIR };
    enum bm_rc rc;

    if ((rc = allow_begin(&allow, call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = chip_find(&allow, &ask, call, fail)) != BM_OK)
        return rc;
    return allow_send(&ask, &allow, call, fail);
}

const struct bm_verb bm_verb_device_repair = {
    .words = "device repair",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Give a device another chip of a received lot: the old chip serves no more, the device keeps its id and its history.",
    .help =
        "A signed statement to the signer. All certificates of the device are revoked (superseded); with the new chip it may enrol once\n"
        "more for each of their services, under the order that it was made under, closed or not.\n\n"
        "example: birthmark device repair 5e0c1b2a9f7d34c6e811 --chip 0123A4 --lot EX-002 --reason \"board replaced, ticket 91\"\n",
    .options = { { .name = "chip", .value = "ID", .help = "the new chip's id, as its lot lists it", .needed = true },
                 { .name = "lot", .value = "LOT", .help = "the lot that it is in" },
                 OPTION_REASON,
                 BM_OPTION_OPERATOR },
    .run = repair_run,
};
