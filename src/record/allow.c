#include "record/parts.h"

#include "lot/check.h"
#include "pki/profile.h"
#include "wire/text.h"

#include <stdio.h>

#define DEVICE 10 /* bytes of a device's id */
#define NONE "-"  /* no service: all of the device */
#define KEEP_NONE_WORD "none"

static const char *const acts[] = { [0] = "",
                                    [BM_ALLOW_REISSUE] = "reissue",
                                    [BM_ALLOW_RESUME] = "resume",
                                    [BM_ALLOW_REPAIR] = "repair",
                                    [BM_ALLOW_WAIVE] = "waive",
                                    [BM_ALLOW_RELEASE] = "release",
                                    [BM_ALLOW_TRANSFER] = "transfer",
                                    [BM_ALLOW_SUPPORT] = "support" };

const char *
bm_allow_act_word(enum bm_allow_act act)
{
    return act >= BM_ALLOW_REISSUE && act <= BM_ALLOW_SUPPORT ? acts[act] : "unknown";
}

enum bm_act
bm_allow_act(enum bm_allow_act act)
{
    static const enum bm_act of[] = {
        [BM_ALLOW_REISSUE] = BM_ACT_REISSUE, [BM_ALLOW_RESUME] = BM_ACT_RESUME,   [BM_ALLOW_REPAIR] = BM_ACT_REPAIR,
        [BM_ALLOW_WAIVE] = BM_ACT_WAIVE,     [BM_ALLOW_RELEASE] = BM_ACT_RELEASE, [BM_ALLOW_TRANSFER] = BM_ACT_TRANSFER,
        [BM_ALLOW_SUPPORT] = BM_ACT_SUPPORT
    };

    return act >= BM_ALLOW_REISSUE && act <= BM_ALLOW_SUPPORT ? of[act] : BM_ACT__N;
}

/* Which of the identities whose key two hold lives on. */
static void
keep_take(struct bm_allow *allow, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "keep");
    char again[2 * BM_MAX_SERIAL + 1];
    struct bm_fail ignored;

    if (lines->bad)
        return;
    allow->keep = bm_bytes_equal(value, bm_bytes_str(NONE))             ? BM_KEEP_UNSAID
                  : bm_bytes_equal(value, bm_bytes_str(KEEP_NONE_WORD)) ? BM_KEEP_NONE
                                                                        : BM_KEEP_SERIAL;
    if (allow->keep != BM_KEEP_SERIAL)
        return;
    allow->nserial = value.n / 2;
    if (value.n % 2 != 0 || allow->nserial > BM_MAX_SERIAL || bm_hex_parse(allow->serial, allow->nserial, value, &ignored) != BM_OK) {
        bm_statement_refuse(lines, "must name a certificate by its serial number in hex, or be \"none\", or \"-\" where nothing forked");
        return;
    }
    bm_hex(again, bm_bytes(allow->serial, allow->nserial));
    if (!bm_bytes_equal(value, bm_bytes_str(again)))
        bm_statement_refuse(lines, "must have its serial number in lower-case hex");
}

static void
owner_take(struct bm_allow *allow, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "owner");

    if (value.n > BM_MAX_OWNER)
        bm_statement_refuse(lines, "is too long: an owner's name has at most 100 bytes");
    else if (!lines->bad)
        memcpy(allow->owner, value.p, value.n);
}

static void
support_take(struct bm_allow *allow, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "profile");

    if (!lines->bad && !bm_word_name_hash(allow->support.name, allow->support.digest, value))
        bm_statement_refuse(lines, "must hold a profile's name and the SHA-256 of its text in lower-case hexadecimal");
    bm_lines_name(lines, "ticket", allow->ticket, BM_MAX_NAME);
    allow->hours = bm_lines_u64(lines, "hours", 1, BM_SUPPORT_HOURS);
}

static void
device_take(struct bm_allow *allow, struct bm_lines *lines)
{
    struct bm_bytes value;
    uint8_t device[DEVICE];

    bm_lines_hex(lines, "device", device, DEVICE);
    bm_hex(allow->device, bm_bytes(device, DEVICE));
    if (allow->act == BM_ALLOW_RESUME) {
        keep_take(allow, lines);
        return;
    }
    if (allow->act == BM_ALLOW_REPAIR) {
        bm_lines_hex(lines, "chip", allow->chip, BM_HASH);
        return;
    }
    if (allow->act == BM_ALLOW_TRANSFER) {
        owner_take(allow, lines);
        return;
    }
    if (allow->act == BM_ALLOW_SUPPORT) {
        support_take(allow, lines);
        return;
    }
    value = bm_lines_want(lines, "service");
    if (bm_bytes_equal(value, bm_bytes_str(NONE)))
        allow->service[0] = 0;
    else if (!lines->bad && !bm_word_name(allow->service, value))
        bm_statement_refuse(lines, "must name a service, or be \"-\" for none");
}

/* Whether the check may be waived is in the text's own form: a signature that does not verify is nobody's to waive. */
static void
waive_take(struct bm_allow *allow, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "vendor");
    struct bm_fail ignored;
    enum bm_check check;

    if (value.n > BM_MAX_NAME)
        bm_statement_refuse(lines, "is too long: a vendor's name has at most 64 bytes");
    else if (!lines->bad)
        memcpy(allow->vendor, value.p, value.n);
    bm_lines_name(lines, "check", allow->check, BM_MAX_NAME);
    if (!lines->bad && (bm_check_find(&check, allow->check, &ignored) != BM_OK || bm_check_weight(check) != BM_WEIGHT_WAIVABLE))
        bm_statement_refuse(lines, "names a check that nobody may waive: those that can be waived are broken-der, id-twice, roca, "
                                   "shared-factor and test-key");
    allow->until = bm_lines_time(lines, "until");
    if (allow->until == BM_TIME_NEVER)
        bm_statement_refuse(lines, "must say when the waiver ends");
}

static void
body_take(struct bm_allow *allow, const struct bm_statement_head *head, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "act");

    allow->act = (enum bm_allow_act)bm_word_find(acts, BM_COUNT(acts), value);
    if ((size_t)allow->act == 0)
        bm_statement_refuse(lines, "must be what is allowed: reissue, resume, repair, transfer, support, waive or release");
    bm_statement_place_want(lines, head, bm_allow_act(allow->act));
    if (allow->act == BM_ALLOW_WAIVE)
        waive_take(allow, lines);
    else if (allow->act == BM_ALLOW_RELEASE)
        bm_lines_name(lines, "lot", allow->lot, BM_MAX_NAME);
    else
        device_take(allow, lines);
    value = bm_lines_want(lines, "reason");
    if (value.n >= sizeof(allow->reason))
        bm_statement_refuse(lines, "is too long: a reason has at most 160 bytes");
    else if (!lines->bad)
        memcpy(allow->reason, value.p, value.n);
}

enum bm_rc
bm_allow_parse(struct bm_statement_head *ret_head, struct bm_allow *ret_allow, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_ALLOW, text, fail);
    struct bm_allow allow = { .device = "" };
    enum bm_rc rc;

    body_take(&allow, &head, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_allow = allow;
    return BM_OK;
}

static void
device_build(struct bm_buf *buf, const struct bm_allow *allow)
{
    char hex[2 * BM_HASH + 1];

    if (allow->act == BM_ALLOW_RESUME) {
        bm_hex(hex, bm_bytes(allow->serial, allow->nserial));
        bm_lines_add(buf, "keep", allow->keep == BM_KEEP_SERIAL ? hex : allow->keep == BM_KEEP_NONE ? KEEP_NONE_WORD : NONE);
    } else if (allow->act == BM_ALLOW_REPAIR) {
        bm_hex(hex, bm_bytes(allow->chip, BM_HASH));
        bm_lines_add(buf, "chip", hex);
    } else if (allow->act == BM_ALLOW_TRANSFER) {
        bm_lines_add(buf, "owner", allow->owner);
    } else if (allow->act == BM_ALLOW_SUPPORT) {
        bm_hex(hex, bm_bytes(allow->support.digest, BM_HASH));
        bm_buf_add_fmt(buf, "profile %s %s\n", allow->support.name, hex);
        bm_lines_add(buf, "ticket", allow->ticket);
        bm_buf_add_fmt(buf, "hours %llu\n", (unsigned long long)allow->hours);
    } else {
        bm_lines_add(buf, "service", allow->service[0] != 0 ? allow->service : NONE);
    }
}

void
bm_allow_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_allow *allow)
{
    char until[BM_TIME_TEXT];

    bm_statement_head_build(buf, BM_STATEMENT_ALLOW, head);
    bm_lines_add(buf, "act", bm_allow_act_word(allow->act));
    if (allow->act == BM_ALLOW_WAIVE) {
        bm_time_print(until, allow->until);
        bm_lines_add(buf, "vendor", allow->vendor);
        bm_lines_add(buf, "check", allow->check);
        bm_lines_add(buf, "until", until);
    } else if (allow->act == BM_ALLOW_RELEASE) {
        bm_lines_add(buf, "lot", allow->lot);
    } else {
        bm_lines_add(buf, "device", allow->device);
        device_build(buf, allow);
    }
    bm_lines_add(buf, "reason", allow->reason);
}
