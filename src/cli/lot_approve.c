/* lot_approve.c - a lot that two persons pin: the second one's part. */
#include "base/env.h"
#include "cli/lot_receive.h"
#include "cli/print.h"

struct waiting {
    uint64_t number;
    bm_time now;
};

static enum bm_rc
waiting_take(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct waiting *waiting = ctx;
    bm_time expires = 0;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    if (rc != BM_OK || strcmp(bm_json_text(row, "act"), bm_act_word(BM_ACT_PIN)) != 0)
        return rc;
    if ((rc = bm_time_parse(&expires, bm_json_text(row, "expires"), fail)) == BM_OK && expires >= waiting->now)
        waiting->number = (uint64_t)json_integer_value(json_object_get(row, "proposal"));
    return rc;
}

enum bm_rc
bm_lot_waits(struct bm_ask *ask, const char *lot, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 256 };
    struct waiting waiting = { .number = 0 };
    enum bm_rc rc;

    bm_buf_add_fmt(&filter, "{\"state\":\"open\",\"lot\":\"%s\"}", lot);
    bm_buf_add_u8(&filter, 0);
    if ((rc = bm_buf_check(&filter, "the filter", fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &waiting.now, fail)) != BM_OK ||
        (rc = bm_ask_list(ask, "proposal", (const char *)filter.p, waiting_take, &waiting, fail)) != BM_OK || waiting.number == 0)
        return rc;
    ask->call->proposal = waiting.number;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "proposal %llu to receive lot %s waits already: approve it, or reject it and receive the file again",
                   (unsigned long long)waiting.number, lot);
}

enum bm_rc
bm_lot_approve(struct bm_ask *ask, struct bm_bytes note, struct bm_bytes head_note, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_note parts;
    struct bm_pin pin;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_pin_parse(&head, &pin, parts.text, fail)) != BM_OK ||
        (rc = bm_lot_begin(ask, note, head_note, fail)) != BM_OK || (rc = bm_lot_steps(ask, pin.size, fail)) != BM_OK)
        return rc;
    return bm_ask(ask, BM_C_LOT_END, bm_bytes(NULL, 0), NULL, NULL, NULL, fail);
}
