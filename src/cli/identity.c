/* identity.c - identity list, revoke, reissue: the certificates of a device. */
#include "cli/lists.h"
#include "cli/operator.h"
#include "cli/reason.h"
#include "cli/verbs.h"

#include <ctype.h>

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "device", "DEVICE" },   { "service", "SERVICE" }, { "profile", "PROFILE" },
                                                { "state", "STATE" },     { "proven", "PROVEN" },   { "not_after", "UNTIL" },
                                                { "retires", "RETIRES" }, { "serial", "SERIAL" } };
    const struct bm_list_what what = { .what = "identity",
                                       .columns = columns,
                                       .ncolumns = BM_COUNT(columns),
                                       .nothing = "no identities",
                                       .name = "device",
                                       .value = call->words.n > 0 ? call->words.v[0] : NULL };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_identity_list = {
    .words = "identity list",
    .arguments = "[DEVICE]",
    .most = 1,
    .site = true,
    .purpose = "List the certificates of a device, or of all: service, state, serial number.",
    .help = "example: birthmark identity list 5e0c1b2a9f7d34c6e811\n",
    .options = { BM_OPTION_STATE },
    .run = list_run,
};

/* ---- revoke ---- */

/* RFC 5280 5.3.1: the reasons that a certificate of a device can have for good. */
static const struct {
    const char *word;
    uint8_t code;
} reasons[] = { { "unspecified", 0 }, { "keyCompromise", 1 },        { "cACompromise", 2 },       { "affiliationChanged", 3 },
                { "superseded", 4 },  { "cessationOfOperation", 5 }, { "privilegeWithdrawn", 9 }, { "aACompromise", 10 } };

enum bm_rc
bm_reason_option(struct bm_call *call, uint8_t *ret_code, const char **ret_word, struct bm_fail *fail)
{
    const char *given = bm_call_option(call, "reason");

    for (size_t i = 0; i < BM_COUNT(reasons); i++)
        if (strcasecmp(reasons[i].word, given) == 0) {
            *ret_code = reasons[i].code;
            *ret_word = reasons[i].word;
            return BM_OK;
        }
    return bm_usage(call, fail,
                    "--reason must be one of unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, "
                    "privilegeWithdrawn");
}

static enum bm_rc
serial_parse(struct bm_call *call, char ret[static 2 * BM_MAX_SERIAL + 1], struct bm_fail *fail)
{
    const char *given = call->words.v[0];
    size_t n = strlen(given);

    if (n == 0 || n > 2 * BM_MAX_SERIAL || n % 2 != 0 || strspn(given, "0123456789abcdefABCDEF") != n)
        return bm_usage(call, fail, "SERIAL is a serial number in hex, as `birthmark identity list` shows it");
    for (size_t i = 0; i <= n; i++)
        ret[i] = (char)tolower((unsigned char)given[i]);
    return BM_OK;
}

/* What is said of every certificate that is revoked by one call. */
struct revocation {
    uint8_t code;
    const char *text;
    char by[BM_MAX_NAME + 1];
};

static enum bm_rc
one_revoke(struct bm_call *call, struct bm_ask *ask, const struct revocation *r, const char *serial, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    enum bm_rc rc;

    bm_buf_add_lv16(&body, bm_bytes_str(serial));
    bm_buf_add_u8(&body, r->code);
    bm_buf_add_lv16(&body, bm_bytes_str(r->by));
    bm_buf_add_lv16(&body, bm_bytes_str(r->text));
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK ||
        (rc = bm_ask(ask, BM_C_REVOKE, bm_buf_bytes(&body), NULL, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(ask, "identity", serial, bm_object_row, call, fail);
}

/* The serial numbers of a device's certificates for a service that something may still take for good: with a renewal there are two. */
#define MOST_LIVE 16
struct live {
    const char *service;
    char serial[MOST_LIVE][2 * BM_MAX_SERIAL + 1];
    size_t n;
};

static enum bm_rc
live_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct live *live = ctx;
    const char *state;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    state = bm_json_text(row, "state");
    if (live->n < MOST_LIVE && strcmp(bm_json_text(row, "service"), live->service) == 0 &&
        (strcmp(state, "provisional") == 0 || strcmp(state, "active") == 0 || strcmp(state, "renewed") == 0))
        (void)snprintf(live->serial[live->n++], sizeof(live->serial[0]), "%s", bm_json_text(row, "serial"));
    return BM_OK;
}

static enum bm_rc
all_revoke(struct bm_call *call, struct bm_ask *ask, const struct revocation *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 1024 };
    struct live live = { .service = call->words.v[1] };
    enum bm_rc rc;

    if ((rc = bm_filter_build(&filter, call, "device", call->words.v[0], fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&filter, 0);
    if ((rc = bm_buf_check(&filter, "the filter", fail)) != BM_OK ||
        (rc = bm_ask_list(ask, "identity", (const char *)filter.p, live_row, &live, fail)) != BM_OK)
        return rc;
    if (live.n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "device %s has no certificate for service %s that could be revoked: see birthmark identity list", call->words.v[0],
                       call->words.v[1]);
    for (size_t i = 0; i < live.n; i++)
        if ((rc = one_revoke(call, ask, r, live.serial[i], fail)) != BM_OK)
            return rc;
    return BM_OK;
}

static enum bm_rc
revoke_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    char serial[2 * BM_MAX_SERIAL + 1];
    struct revocation r = { .code = 0 };
    const char *word = "", *note = bm_call_option(call, "note");
    bool device = call->words.n == 2;
    enum bm_rc rc;

    if ((rc = device ? BM_OK : serial_parse(call, serial, fail)) != BM_OK || (rc = bm_reason_option(call, &r.code, &word, fail)) != BM_OK)
        return rc;
    if (note != NULL && strlen(note) > 200)
        return bm_usage(call, fail, "--note is at most 200 bytes");
    r.text = note != NULL ? note : word;
    if ((rc = bm_operator_name(call, r.by, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return device ? all_revoke(call, &ask, &r, fail) : one_revoke(call, &ask, &r, serial, fail);
}

const struct bm_verb bm_verb_identity_revoke = {
    .words = "identity revoke",
    .arguments = "SERIAL | DEVICE SERVICE",
    .least = 1,
    .most = 2,
    .site = true,
    .purpose = "Revoke a certificate, or all that a device has for a service, for good: the next revocation list has them.",
    .help = "Reasons (RFC 5280): unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation,\n"
            "privilegeWithdrawn. The device may get another only after `birthmark identity reissue`.\n\n"
            "Of a certificate and its renewal SERIAL revokes the one that it names: where the renewal was not confirmed yet, the device\n"
            "goes on with the earlier one. DEVICE SERVICE revokes both.\n\n"
            "example: birthmark identity revoke 3f7a...09 --reason keyCompromise\n"
            "         birthmark identity revoke 5e0c1b2a9f7d34c6e811 mqtt --reason keyCompromise\n",
    .options = { { .name = "reason", .value = "REASON", .help = "a word of RFC 5280", .needed = true },
                 { .name = "note", .value = "TEXT", .help = "for the record; default: the reason" },
                 BM_OPTION_OPERATOR },
    .run = revoke_run,
};

/* ---- reissue ---- */

static enum bm_rc
allow_take(struct bm_allow *ret, struct bm_call *call, struct bm_fail *fail)
{
    const char *device = call->words.v[0], *service = call->words.v[1], *reason = bm_call_option(call, "reason");
    struct bm_allow allow = { .act = BM_ALLOW_REISSUE };
    enum bm_rc rc;

    if (strlen(device) != sizeof(allow.device) - 1 || strspn(device, "0123456789abcdef") != sizeof(allow.device) - 1)
        return bm_usage(call, fail, "DEVICE is a device's id, 20 digits in hex, as `birthmark device list` shows it");
    if ((rc = bm_call_name(call, "a service's name", service, fail)) != BM_OK)
        return rc;
    if ((rc = bm_call_line(call, "reason", sizeof(allow.reason) - 1, fail)) != BM_OK)
        return rc;
    memcpy(allow.device, device, sizeof(allow.device));
    memcpy(allow.service, service, strlen(service) + 1);
    memcpy(allow.reason, reason, strlen(reason) + 1);
    *ret = allow;
    return BM_OK;
}

static enum bm_rc
reissue_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    struct bm_allow allow;
    enum bm_rc rc;

    if ((rc = allow_take(&allow, call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_desk_open(&desk, BM_ACT_REISSUE, &ask, fail)) != BM_OK)
        return rc;
    bm_allow_build(&text, &desk.head, &allow);
    return bm_desk_send(&desk, &ask, &text, NULL, 0, bm_object_row, call, fail);
}

const struct bm_verb bm_verb_identity_reissue = {
    .words = "identity reissue",
    .arguments = "DEVICE SERVICE",
    .least = 2,
    .most = 2,
    .site = true,
    .purpose = "Allow a device one new key for a service whose identity it confirmed before.",
    .help = "A signed statement to the signer: without it, a confirmed identity is never replaced. The device enrols again; the\n"
            "certificate that it had is revoked then.\n\n"
            "example: birthmark identity reissue 5e0c1b2a9f7d34c6e811 mqtt --reason \"board repaired, ticket 812\"\n",
    .options = { { .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes", .needed = true }, BM_OPTION_OPERATOR },
    .run = reissue_run,
};
