#include "cli/propose.h"

#include "base/env.h"
#include "cli/chips.h"
#include "wire/text.h"

#define DAY 86400

/* An earlier one of the same is told instead: its number is another. */
static enum bm_rc
hint_add(json_t *row, const struct bm_statement_head *head, struct bm_fail *fail)
{
    char number[2 * BM_PROPOSAL + 1];

    bm_hex(number, bm_bytes(head->proposal, BM_PROPOSAL));
    if (strcmp(bm_json_text(row, "number"), number) != 0 &&
        json_object_set_new(row, "hint", json_string("proposed already: reject that one first to propose it in other words")) != 0)
        return bm_json_check(NULL, fail);
    return BM_OK;
}

enum bm_rc
bm_propose(struct bm_ask *ask, const struct bm_desk *desk, const struct bm_allow *allow, uint64_t days, json_t **ret_row,
           struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, note = { .max = BM_MAX_NOTE };
    struct bm_statement_head head = desk->head;
    bm_cleanup(bm_json_done) json_t *row = NULL;
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
    if ((rc = bm_desk_propose(ask, &note, bm_bytes("", 1), &row, fail)) != BM_OK || (rc = hint_add(row, &head, fail)) != BM_OK)
        return rc;
    *ret_row = bm_take(row);
    return BM_OK;
}
