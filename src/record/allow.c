#include "record/parts.h"

#include "wire/text.h"

#include <stdio.h>

#define DEVICE 10 /* bytes of a device's id */
#define NONE "-"  /* no service: all of the device */

static const char *const acts[] = { [0] = "", [BM_ALLOW_REISSUE] = "reissue", [BM_ALLOW_RESUME] = "resume", [BM_ALLOW_REPAIR] = "repair" };

const char *
bm_allow_act_word(enum bm_allow_act act)
{
    return act >= BM_ALLOW_REISSUE && act <= BM_ALLOW_REPAIR ? acts[act] : "unknown";
}

static void
body_take(struct bm_allow *allow, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "act");
    uint8_t device[DEVICE];

    allow->act = (enum bm_allow_act)bm_word_find(acts, BM_COUNT(acts), value);
    if ((size_t)allow->act == 0)
        bm_statement_refuse(lines, "must be what is allowed: reissue, resume or repair");
    bm_lines_hex(lines, "device", device, DEVICE);
    bm_hex(allow->device, bm_bytes(device, DEVICE));
    value = bm_lines_want(lines, "service");
    if (bm_bytes_equal(value, bm_bytes_str(NONE)))
        allow->service[0] = 0;
    else if (!lines->bad && !bm_word_name(allow->service, value))
        bm_statement_refuse(lines, "must name a service, or be \"-\" for none");
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

    body_take(&allow, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_allow = allow;
    return BM_OK;
}

void
bm_allow_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_allow *allow)
{
    bm_statement_head_build(buf, BM_STATEMENT_ALLOW, head);
    bm_lines_add(buf, "act", bm_allow_act_word(allow->act));
    bm_lines_add(buf, "device", allow->device);
    bm_lines_add(buf, "service", allow->service[0] != 0 ? allow->service : NONE);
    bm_lines_add(buf, "reason", allow->reason);
}
