#include "cli/propose.h"

#include "base/env.h"
#include "cli/chips.h"
#include "wire/text.h"

#define DAY 86400

static enum bm_rc
row_take(json_t **ret_row, const struct bm_statement_head *head, const struct bm_buf *text, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char number[2 * BM_PROPOSAL + 1];
    enum bm_rc rc = bm_json_parse(&row, bm_buf_bytes(text), BM_MAX_JSON, fail);

    if (rc != BM_OK)
        return rc;
    bm_hex(number, bm_bytes(head->proposal, BM_PROPOSAL));
    if (strcmp(bm_json_text(row, "number"), number) != 0 &&
        json_object_set_new(row, "hint", json_string("proposed already: reject that one first to propose it in other words")) != 0)
        return bm_json_check(NULL, fail);
    *ret_row = bm_take(row);
    return BM_OK;
}

enum bm_rc
bm_propose(struct bm_ask *ask, const struct bm_desk *desk, const struct bm_allow *allow, uint64_t days, json_t **ret_row,
           struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, note = { .max = BM_MAX_NOTE },
                                          body = { .max = BM_MAX_MESSAGE }, row = { .max = BM_MAX_JSON };
    struct bm_statement_head head = desk->head;
    struct bm_allow said = *allow;
    enum bm_rc rc;

    head.kind = BM_STATEMENT_ALLOW;
    head.seq = 0;
    head.expires = head.time + (bm_time)BM_PROPOSAL_DAYS * DAY;
    if ((rc = bm_env_system.random(bm_env_system.ctx, head.proposal, sizeof(head.proposal), fail)) != BM_OK)
        return rc;
    if (said.act == BM_ALLOW_WAIVE)
        said.until = head.time + (bm_time)days * DAY;
    bm_allow_build(&text, &head, &said);
    if ((rc = bm_desk_sign(desk, &text, &note, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    if ((rc = bm_buf_check(&body, "the proposal", fail)) != BM_OK ||
        (rc = bm_ask(ask, BM_C_PROPOSE, bm_buf_bytes(&body), bm_row_keep, &row, NULL, fail)) != BM_OK)
        return rc;
    return row_take(ret_row, &head, &row, fail);
}
