/* Lots and chips that may not be used any more: asked for by commands, decided by nobody (a restriction needs no authority), recorded by the signer. */
#include "registrar/registrar.h"

#include "lot/leaf_skim.h"
#include "record/life.h"
#include "wire/text.h"

/* Who asks, for which lot, why: names as they must be, a reason of one line. */
static bool
words_ok(struct bm_bytes lot, struct bm_bytes by, struct bm_bytes reason)
{
    char name[BM_MAX_NAME + 1], operator[BM_MAX_NAME + 1];

    bm_view_copy(name, sizeof(name), lot);
    bm_view_copy(operator, sizeof(operator), by);
    return bm_name_ok(name, BM_MAX_NAME) && bm_name_ok(operator, BM_MAX_NAME) && reason.n > 0 && bm_line_ok(reason);
}

/* The row after the act: the lot's, or the order's. */
static enum bm_rc
settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, const char *what, struct bm_fail *fail)
{
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    if ((rc = bm_records_keep_answer(r, p, message, &alarm, fail)) != BM_OK)
        return rc;
    return bm_row_answer(r, p, what, p->lot, fail);
}

static enum bm_rc
restrict_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    return settle(r, p, message, "lot", fail);
}

static enum bm_rc
restrict_ask(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, struct bm_bytes lot, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc;

    if (body.n > BM_S_MAX_SIGNED)
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0, "too many chips at once: ask for fewer", fail);
    if ((rc = bm_signer_ask(peer->r, type, body, peer->link, id, restrict_settle, &p, fail)) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    bm_view_copy(p->lot, sizeof(p->lot), lot);
    bm_buf_add_bytes(&p->kept, body);
    return bm_buf_check(&p->kept, "the restriction", fail);
}

enum bm_rc
bm_serve_lot_state(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct bm_bytes whole = bm_bytes(body.p, body.left);
    struct bm_s_lot_state state;

    if (bm_s_lot_state_parse(&state, body, fail) != BM_OK || !words_ok(state.lot, state.by, state.reason))
        return bm_fail(fail, BM_EINPUT, NULL, "LOT_STATE does not parse");
    return restrict_ask(ctx, id, BM_S_LOT_STATE, whole, state.lot, fail);
}

/* A place in the lot becomes the names that the signer knows its chip by. */
static enum bm_rc
names_add(struct bm_registrar *r, struct bm_buf *buf, const char *lot, uint32_t place, struct bm_fail *fail)
{
    struct bm_holding *holding = bm_holdings_named(&r->holdings, lot);
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH];
    struct bm_leaf_skim skim;
    struct bm_bytes leaf;
    size_t n;

    if (holding == NULL || place >= holding->lot.size)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s has no chip %lu here: see `birthmark lot list`", lot, (unsigned long)place);
    if (!bm_holding_ready(&r->holdings, holding) || bm_index_leaf(holding->index, place, &leaf, fail) != BM_OK ||
        bm_leaf_skim(&skim, leaf, fail) != BM_OK)
        return bm_holding_lost(holding, fail);
    n = bm_leaf_skim_names(&skim, names);
    bm_buf_add_u8(buf, (uint8_t)n);
    bm_buf_add(buf, names, n * BM_HASH);
    return BM_OK;
}

enum bm_rc
bm_serve_chips(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf names = { .max = BM_MAX_MESSAGE }, ask = { .max = BM_MAX_MESSAGE };
    const struct peer *peer = ctx;
    struct bm_s_chips chips = { .what = bm_rd_u8(&body) };
    char lot[BM_MAX_NAME + 1];
    enum bm_rc rc = BM_OK;

    chips.lot = bm_rd_lv16(&body, BM_MAX_NAME);
    chips.by = bm_rd_lv16(&body, BM_MAX_NAME);
    chips.reason = bm_rd_lv16(&body, SENTENCE);
    chips.n = bm_rd_u32(&body);
    if (body.bad || body.left != 4 * (size_t)chips.n || chips.n == 0 || chips.n > BM_C_MAX_CHIPS ||
        (chips.what != BM_CHIPS_SCRAP && chips.what != BM_CHIPS_WITHDRAW) || !words_ok(chips.lot, chips.by, chips.reason))
        return bm_fail(fail, BM_EINPUT, NULL, "CHIPS does not parse");
    bm_view_copy(lot, sizeof(lot), chips.lot);
    for (uint32_t i = 0; i < chips.n && rc == BM_OK; i++)
        rc = names_add(peer->r, &names, lot, bm_rd_u32(&body), fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    if (rc != BM_OK || (rc = bm_buf_check(&names, "the chips", fail)) != BM_OK)
        return rc;
    chips.chips = bm_buf_bytes(&names);
    bm_s_chips_build(&ask, &chips);
    if ((rc = bm_buf_check(&ask, "the restriction", fail)) != BM_OK)
        return rc;
    return restrict_ask(peer, id, BM_S_CHIPS, bm_buf_bytes(&ask), chips.lot, fail);
}

static enum bm_rc
device_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    return settle(r, p, message, "device", fail);
}

enum bm_rc
bm_serve_device(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct bm_bytes whole = bm_bytes(body.p, body.left);
    const struct peer *peer = ctx;
    struct bm_s_device device;
    struct pending *p;
    enum bm_rc rc;

    if (bm_s_device_parse(&device, body, fail) != BM_OK || !words_ok(device.device, device.by, device.text))
        return bm_fail(fail, BM_EINPUT, NULL, "DEVICE does not parse");
    if ((rc = bm_signer_ask(peer->r, BM_S_DEVICE, whole, peer->link, id, device_settle, &p, fail)) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    bm_view_copy(p->lot, sizeof(p->lot), device.device); /* the device's name */
    bm_buf_add_bytes(&p->kept, device.receipt);
    return BM_OK;
}

static enum bm_rc
close_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    return settle(r, p, message, "order", fail);
}

enum bm_rc
bm_serve_order_close(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct bm_bytes whole = bm_bytes(body.p, body.left);
    const struct peer *peer = ctx;
    struct bm_s_order_close close;
    struct pending *p;
    enum bm_rc rc;

    if (bm_s_order_close_parse(&close, body, fail) != BM_OK || !words_ok(close.order, close.by, close.reason))
        return bm_fail(fail, BM_EINPUT, NULL, "ORDER_CLOSE does not parse");
    if ((rc = bm_signer_ask(peer->r, BM_S_ORDER_CLOSE, whole, peer->link, id, close_settle, &p, fail)) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    bm_view_copy(p->lot, sizeof(p->lot), close.order); /* the order's name */
    return BM_OK;
}
