#include "cli/leaf.h"

#include "cli/print.h"
#include "wire/text.h"

void
bm_told_done(struct bm_told *told)
{
    bm_buf_done(&told->event);
}

enum bm_rc
bm_told_parse(struct bm_told *ret_told, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    bm_cleanup(bm_told_done) struct bm_told told = { .event = { .max = BM_MAX_EVENT + 1 } };
    const char *salt, *event;
    json_int_t index;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    index = json_is_integer(json_object_get(row, "index")) ? json_integer_value(json_object_get(row, "index")) : -1;
    salt = json_string_value(json_object_get(row, "salt"));
    event = json_string_value(json_object_get(row, "event"));
    if (index < 0 || salt == NULL || event == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "the server's ledger leaf has not the form of one");
    if ((rc = bm_hex_parse(told.salt, BM_SALT, bm_bytes_str(salt), fail)) != BM_OK)
        return rc;
    bm_buf_add_str(&told.event, event);
    bm_buf_add_u8(&told.event, 0);
    if ((rc = bm_buf_check(&told.event, "a ledger event", fail)) != BM_OK)
        return rc;
    told.event.n--;
    told.index = (uint64_t)index;
    *ret_told = told;
    told.event = (struct bm_buf){ .max = 0 };
    return BM_OK;
}

enum bm_rc
bm_ledger_trust(struct bm_trust *ret_trust, struct bm_call *call, struct bm_fail *fail)
{
    const char *given = bm_call_option(call, "trust");
    bool test = call->home == NULL; /* with no site here there is none that it could be kept out of */
    char path[BM_PATH];
    enum bm_rc rc;

    if (given != NULL && ((rc = bm_trust_read(ret_trust, given, fail)) != BM_OK ||
                          (call->home != NULL && (rc = bm_site_test(&test, call->home, fail)) != BM_OK)))
        return rc;
    if (given != NULL && ret_trust->test && !test)
        return bm_fail(fail, BM_EPOLICY, NULL, "%.200s is of a site for tests, and this one is for production", given);
    if (given != NULL)
        return BM_OK;
    if ((rc = bm_path_join(path, call->home, BM_PLACE_TRUST, fail)) != BM_OK)
        return rc;
    return bm_trust_read(ret_trust, path, fail);
}

enum bm_rc
bm_ledger_ask(struct bm_ask *ask, uint64_t first, uint32_t most, bm_row_fn *row, void *ctx, struct bm_buf *note, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 12 };
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE };
    struct bm_bytes signed_note;
    struct bm_rd rd;
    enum bm_rc rc;

    bm_buf_add_u64(&body, first);
    bm_buf_add_u32(&body, most);
    if ((rc = bm_ask(ask, BM_C_LEDGER, bm_buf_bytes(&body), row, ctx, &end, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(&end));
    signed_note = bm_rd_lv16(&rd, BM_MAX_NOTE);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EBUG, NULL, "the server's checkpoint is malformed");
    bm_buf_reset(note);
    bm_buf_add_bytes(note, signed_note);
    return bm_buf_check(note, "a checkpoint", fail);
}

void
bm_proved_done(struct bm_proved *proved)
{
    bm_told_done(&proved->told);
    bm_buf_done(&proved->note);
}

static enum bm_rc
leaf_take(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    struct bm_proved *proved = ctx;

    if (proved->have)
        return bm_fail(fail, BM_EBUG, NULL, "the server told more than one leaf");
    proved->have = true;
    return bm_told_parse(&proved->told, json, fail);
}

enum bm_rc
bm_prove_ask(struct bm_proved *ret, struct bm_ask *ask, uint64_t index, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE };
    struct bm_rd rd;
    enum bm_rc rc;

    bm_buf_add_u64(&body, index);
    if ((rc = bm_ask(ask, BM_C_PROVE, bm_buf_bytes(&body), leaf_take, ret, &end, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(&end));
    bm_proof_take(&rd, &ret->proof);
    ret->note.max = BM_MAX_NOTE;
    bm_buf_add_bytes(&ret->note, bm_rd_lv16(&rd, BM_MAX_NOTE));
    if (!bm_rd_end(&rd) || !ret->have || ret->told.index != index)
        return bm_fail(fail, BM_EBUG, NULL, "the server's proof is malformed");
    return bm_buf_check(&ret->note, "a checkpoint", fail);
}
