#include "base/base.h"
#include "proc/signer_messages.h"

/* docs/formats/messages.md draws each of these. */

static enum bm_rc
end_check(const struct bm_rd *rd, const char *what, struct bm_fail *fail)
{
    if (!bm_rd_end(rd))
        return bm_fail(fail, BM_EINPUT, NULL, "the body of %s is malformed", what);
    return BM_OK;
}

void
bm_s_site_build(struct bm_buf *buf, const struct bm_s_site *site)
{
    bm_buf_add(buf, site->site, BM_HASH);
    bm_buf_add_u64(buf, site->ledger_size);
    bm_buf_add_u64(buf, site->held);
    bm_buf_add_u64(buf, site->next_seq);
    bm_buf_add_u64(buf, site->signed_total);
    bm_buf_add_u64(buf, site->signed_again);
    bm_buf_add_lv16(buf, site->vkey);
    bm_buf_add_lv16(buf, site->checkpoint);
    bm_buf_add_lv16(buf, site->confinement);
}

enum bm_rc
bm_s_site_parse(struct bm_s_site *ret_site, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_site site;
    enum bm_rc rc;

    bm_rd_copy(&body, site.site, BM_HASH);
    site.ledger_size = bm_rd_u64(&body);
    site.held = bm_rd_u64(&body);
    site.next_seq = bm_rd_u64(&body);
    site.signed_total = bm_rd_u64(&body);
    site.signed_again = bm_rd_u64(&body);
    site.vkey = bm_rd_lv16(&body, UINT16_MAX);
    site.checkpoint = bm_rd_lv16(&body, UINT16_MAX);
    site.confinement = bm_rd_lv16(&body, UINT16_MAX);
    if ((rc = end_check(&body, "the signer's site", fail)) != BM_OK)
        return rc;
    *ret_site = site;
    return BM_OK;
}

void
bm_s_leaves_build(struct bm_buf *buf, const struct bm_s_leaves *leaves)
{
    if (leaves->n > BM_S_MAX_LEAVES) {
        buf->bad = true;
        return;
    }
    bm_buf_add_u8(buf, (uint8_t)leaves->n);
    for (size_t i = 0; i < leaves->n; i++) {
        const struct bm_s_leaf *leaf = &leaves->leaf[i];

        bm_buf_add_u64(buf, leaf->index);
        bm_buf_add(buf, leaf->salt, sizeof(leaf->salt));
        bm_buf_add_lv16(buf, leaf->event);
        bm_buf_add_lv16(buf, leaf->certificate);
        bm_buf_add_lv32(buf, leaf->evidence);
        bm_buf_add_lv32(buf, leaf->attachment);
    }
    bm_buf_add_lv16(buf, leaves->checkpoint);
}

static void
leaves_take(struct bm_rd *rd, struct bm_s_leaves *ret_leaves)
{
    *ret_leaves = (struct bm_s_leaves){ .n = bm_rd_u8(rd) };
    if (ret_leaves->n > BM_S_MAX_LEAVES) {
        *rd = (struct bm_rd){ .bad = true };
        ret_leaves->n = 0;
    }
    for (size_t i = 0; i < ret_leaves->n; i++) {
        struct bm_s_leaf *leaf = &ret_leaves->leaf[i];

        leaf->index = bm_rd_u64(rd);
        bm_rd_copy(rd, leaf->salt, sizeof(leaf->salt));
        leaf->event = bm_rd_lv16(rd, BM_MAX_EVENT);
        leaf->certificate = bm_rd_lv16(rd, BM_MAX_CERT);
        leaf->evidence = bm_rd_lv32(rd, BM_MAX_EVIDENCE);
        leaf->attachment = bm_rd_lv32(rd, BM_MAX_MESSAGE);
    }
    ret_leaves->checkpoint = bm_rd_lv16(rd, UINT16_MAX);
}

enum bm_rc
bm_s_leaves_parse(struct bm_s_leaves *ret_leaves, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    enum bm_rc rc;

    leaves_take(&body, &leaves);
    if ((rc = end_check(&body, "the signer's ledger leaves", fail)) != BM_OK)
        return rc;
    *ret_leaves = leaves;
    return BM_OK;
}

void
bm_s_issue_build(struct bm_buf *buf, const struct bm_s_issue *issue)
{
    bm_buf_add_lv16(buf, issue->order);
    bm_buf_add_lv16(buf, issue->profile);
    bm_buf_add_lv32(buf, issue->bundle);
    bm_buf_add_lv16(buf, issue->source);
}

enum bm_rc
bm_s_issue_parse(struct bm_s_issue *ret_issue, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_issue issue;
    enum bm_rc rc;

    issue.order = bm_rd_lv16(&body, BM_MAX_NAME);
    issue.profile = bm_rd_lv16(&body, BM_MAX_NAME);
    issue.bundle = bm_rd_lv32(&body, BM_MAX_EVIDENCE);
    issue.source = bm_rd_lv16(&body, BM_MAX_NAME);
    if ((rc = end_check(&body, "a request to issue", fail)) != BM_OK)
        return rc;
    *ret_issue = issue;
    return BM_OK;
}

void
bm_s_issued_build(struct bm_buf *buf, const struct bm_s_issued *issued)
{
    bm_buf_add_u8(buf, issued->repeat ? 1 : 0);
    bm_buf_add_lv16(buf, bm_bytes(issued->serial, issued->nserial));
    bm_buf_add_lv16(buf, issued->device);
    bm_s_leaves_build(buf, &issued->leaves);
}

enum bm_rc
bm_s_issued_parse(struct bm_s_issued *ret_issued, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_issued issued = { .repeat = false };
    uint8_t repeat = bm_rd_u8(&body);
    struct bm_bytes serial = bm_rd_lv16(&body, BM_MAX_SERIAL);
    enum bm_rc rc;

    issued.device = bm_rd_lv16(&body, BM_MAX_NAME);
    leaves_take(&body, &issued.leaves);
    if (repeat > 1 || serial.n == 0)
        body.bad = true;
    if ((rc = end_check(&body, "the signer's answer to a request", fail)) != BM_OK)
        return rc;
    issued.repeat = repeat == 1;
    memcpy(issued.serial, serial.p, serial.n);
    issued.nserial = serial.n;
    *ret_issued = issued;
    return BM_OK;
}

void
bm_s_refused_build(struct bm_buf *buf, const struct bm_s_refused *refused)
{
    bm_buf_add_u8(buf, refused->rc);
    bm_buf_add_lv16(buf, refused->sentence);
    bm_s_leaves_build(buf, &refused->leaves);
}

enum bm_rc
bm_s_refused_parse(struct bm_s_refused *ret_refused, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_refused refused = { .rc = bm_rd_u8(&body) };
    enum bm_rc rc;

    refused.sentence = bm_rd_lv16(&body, BM_MAX_EVENT);
    leaves_take(&body, &refused.leaves);
    if (refused.rc == BM_OK || refused.rc > BM_EBUG)
        body.bad = true;
    if ((rc = end_check(&body, "the signer's refusal", fail)) != BM_OK)
        return rc;
    *ret_refused = refused;
    return BM_OK;
}

void
bm_s_token_build(struct bm_buf *buf, const struct bm_s_token *token)
{
    bm_buf_add_u8(buf, token->here);
    bm_buf_add_u64(buf, (uint64_t)token->since);
    bm_buf_add_lv16(buf, token->sentence);
}

enum bm_rc
bm_s_token_parse(struct bm_s_token *ret_token, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_token token;
    unsigned here = bm_rd_u8(&body);
    uint64_t since = bm_rd_u64(&body);
    enum bm_rc rc;

    token = (struct bm_s_token){ .here = here == 1, .since = (bm_time)since, .sentence = bm_rd_lv16(&body, BM_S_MAX_REASON) };
    if (here > 1 || since > BM_TIME_NEVER || token.here != (token.sentence.n == 0))
        body.bad = true;
    if ((rc = end_check(&body, "the state of the CA's token", fail)) != BM_OK)
        return rc;
    *ret_token = token;
    return BM_OK;
}

void
bm_s_refusal_build(struct bm_buf *buf, const struct bm_s_refusal *refusal)
{
    bm_buf_add_lv16(buf, refusal->kind);
    bm_buf_add_lv16(buf, refusal->chip);
    bm_buf_add_lv16(buf, refusal->lot);
    bm_buf_add_lv16(buf, refusal->by);
    bm_buf_add_u64(buf, refusal->count);
    bm_buf_add_lv16(buf, refusal->sentence);
}

enum bm_rc
bm_s_refusal_parse(struct bm_s_refusal *ret_refusal, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_refusal refusal;
    enum bm_rc rc;

    refusal.kind = bm_rd_lv16(&body, BM_MAX_NAME);
    refusal.chip = bm_rd_lv16(&body, (size_t)2 * BM_HASH);
    refusal.lot = bm_rd_lv16(&body, BM_MAX_NAME);
    refusal.by = bm_rd_lv16(&body, BM_MAX_NAME);
    refusal.count = bm_rd_u64(&body);
    refusal.sentence = bm_rd_lv16(&body, sizeof(((struct bm_fail *)NULL)->text));
    if ((rc = end_check(&body, "a refusal", fail)) != BM_OK)
        return rc;
    *ret_refusal = refusal;
    return BM_OK;
}

void
bm_s_lot_state_build(struct bm_buf *buf, const struct bm_s_lot_state *state)
{
    bm_buf_add_lv16(buf, state->lot);
    bm_buf_add_u8(buf, state->what);
    bm_buf_add_lv16(buf, state->by);
    bm_buf_add_lv16(buf, state->reason);
}

enum bm_rc
bm_s_lot_state_parse(struct bm_s_lot_state *ret_state, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_lot_state state;
    enum bm_rc rc;

    state.lot = bm_rd_lv16(&body, BM_MAX_NAME);
    state.what = bm_rd_u8(&body);
    state.by = bm_rd_lv16(&body, BM_MAX_NAME);
    state.reason = bm_rd_lv16(&body, BM_MAX_EVENT);
    if (state.what != BM_LOT_WITHDRAW && state.what != BM_LOT_QUARANTINE)
        body.bad = true;
    if ((rc = end_check(&body, "a lot's restriction", fail)) != BM_OK)
        return rc;
    *ret_state = state;
    return BM_OK;
}

void
bm_s_chips_build(struct bm_buf *buf, const struct bm_s_chips *chips)
{
    bm_buf_add_u8(buf, chips->what);
    bm_buf_add_lv16(buf, chips->lot);
    bm_buf_add_lv16(buf, chips->by);
    bm_buf_add_lv16(buf, chips->reason);
    bm_buf_add_u32(buf, chips->n);
    bm_buf_add_bytes(buf, chips->chips);
}

/* n chips of 1 to 8 root keys each, and nothing behind them. */
static bool
chips_ok(uint32_t n, struct bm_bytes chips)
{
    struct bm_rd rd = bm_rd(chips);

    for (uint32_t i = 0; i < n && !rd.bad; i++) {
        size_t keys = bm_rd_u8(&rd);

        (void)bm_rd_take(&rd, keys * BM_HASH);
        if (keys == 0 || keys > BM_MAX_CHIP_KEYS)
            rd.bad = true;
    }
    return n > 0 && n <= BM_S_MAX_CHIPS && bm_rd_end(&rd);
}

enum bm_rc
bm_s_chips_parse(struct bm_s_chips *ret_chips, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_chips chips = { .what = bm_rd_u8(&body) };
    enum bm_rc rc;

    chips.lot = bm_rd_lv16(&body, BM_MAX_NAME);
    chips.by = bm_rd_lv16(&body, BM_MAX_NAME);
    chips.reason = bm_rd_lv16(&body, BM_MAX_EVENT);
    chips.n = bm_rd_u32(&body);
    chips.chips = bm_rd_rest(&body);
    if ((chips.what != BM_CHIPS_SCRAP && chips.what != BM_CHIPS_WITHDRAW) || !chips_ok(chips.n, chips.chips))
        body.bad = true;
    if ((rc = end_check(&body, "a restriction of chips", fail)) != BM_OK)
        return rc;
    *ret_chips = chips;
    return BM_OK;
}

void
bm_s_order_close_build(struct bm_buf *buf, const struct bm_s_order_close *order)
{
    bm_buf_add_lv16(buf, order->order);
    bm_buf_add_lv16(buf, order->by);
    bm_buf_add_lv16(buf, order->reason);
}

enum bm_rc
bm_s_order_close_parse(struct bm_s_order_close *ret_order, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_order_close order;
    enum bm_rc rc;

    order.order = bm_rd_lv16(&body, BM_MAX_NAME);
    order.by = bm_rd_lv16(&body, BM_MAX_NAME);
    order.reason = bm_rd_lv16(&body, BM_MAX_EVENT);
    if ((rc = end_check(&body, "an order's end", fail)) != BM_OK)
        return rc;
    *ret_order = order;
    return BM_OK;
}

void
bm_s_device_build(struct bm_buf *buf, const struct bm_s_device *device)
{
    bm_buf_add_u8(buf, device->move);
    bm_buf_add_lv16(buf, device->device);
    bm_buf_add_u8(buf, device->reason);
    bm_buf_add_lv16(buf, device->by);
    bm_buf_add_lv16(buf, device->text);
    bm_buf_add_lv16(buf, device->receipt);
}

enum bm_rc
bm_s_device_parse(struct bm_s_device *ret_device, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_device device = { .move = bm_rd_u8(&body) };
    enum bm_rc rc;

    device.device = bm_rd_lv16(&body, BM_MAX_NAME);
    device.reason = bm_rd_u8(&body);
    device.by = bm_rd_lv16(&body, BM_MAX_NAME);
    device.text = bm_rd_lv16(&body, BM_MAX_EVENT);
    device.receipt = bm_rd_lv16(&body, BM_MAX_ERASED);
    if ((rc = end_check(&body, "a device's restriction", fail)) != BM_OK)
        return rc;
    *ret_device = device;
    return BM_OK;
}

void
bm_s_ca_build(struct bm_buf *buf, const struct bm_s_ca *ca)
{
    bm_buf_add_u8(buf, (uint8_t)ca->n);
    if (ca->der.n == 0)
        return;
    bm_buf_add_lv16(buf, ca->name);
    bm_buf_add_u8(buf, ca->kind);
    bm_buf_add_u8(buf, ca->retired ? 1 : 0);
    bm_buf_add_u64(buf, ca->issued);
    bm_buf_add_u64(buf, ca->live);
    bm_buf_add_u64(buf, (uint64_t)ca->last_end);
    bm_buf_add_lv16(buf, ca->serves);
    bm_buf_add_lv16(buf, ca->der);
}

enum bm_rc
bm_s_ca_parse(struct bm_s_ca *ret_ca, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_ca ca = { .n = bm_rd_u8(&body) };
    uint8_t retired;
    enum bm_rc rc;

    if (body.bad || body.left > 0) {
        ca.name = bm_rd_lv16(&body, BM_MAX_NAME);
        ca.kind = bm_rd_u8(&body);
        retired = bm_rd_u8(&body);
        ca.retired = retired == 1;
        ca.issued = bm_rd_u64(&body);
        ca.live = bm_rd_u64(&body);
        ca.last_end = (bm_time)bm_rd_u64(&body);
        ca.serves = bm_rd_lv16(&body, UINT16_MAX);
        ca.der = bm_rd_lv16(&body, BM_MAX_CERT);
        if (retired > 1 || ca.name.n == 0 || ca.der.n == 0 || ca.last_end < 0)
            body.bad = true;
    }
    if (ca.n > BM_MAX_CAS)
        body.bad = true;
    if ((rc = end_check(&body, "an issuing CA", fail)) != BM_OK)
        return rc;
    *ret_ca = ca;
    return BM_OK;
}

void
bm_s_root_build(struct bm_buf *buf, const struct bm_s_root *root)
{
    bm_buf_add_u8(buf, (uint8_t)root->n);
    if (root->der.n == 0)
        return;
    bm_buf_add_lv16(buf, root->der);
    bm_buf_add_lv16(buf, root->new_with_old);
    bm_buf_add_lv16(buf, root->old_with_new);
}

enum bm_rc
bm_s_root_parse(struct bm_s_root *ret_root, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_root root = { .n = bm_rd_u8(&body) };
    enum bm_rc rc;

    if (body.bad || body.left > 0) {
        root.der = bm_rd_lv16(&body, BM_MAX_CERT);
        root.new_with_old = bm_rd_lv16(&body, BM_MAX_CERT);
        root.old_with_new = bm_rd_lv16(&body, BM_MAX_CERT);
    }
    if (root.n > BM_MAX_ROOTS)
        body.bad = true;
    if ((rc = end_check(&body, "a root", fail)) != BM_OK)
        return rc;
    *ret_root = root;
    return BM_OK;
}

void
bm_s_support_close_build(struct bm_buf *buf, const struct bm_s_support_close *close)
{
    bm_buf_add_lv16(buf, close->device);
    bm_buf_add_lv16(buf, close->by);
    bm_buf_add_lv16(buf, close->reason);
}

enum bm_rc
bm_s_support_close_parse(struct bm_s_support_close *ret_close, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_s_support_close close;
    enum bm_rc rc;

    close.device = bm_rd_lv16(&body, BM_MAX_NAME);
    close.by = bm_rd_lv16(&body, BM_MAX_NAME);
    close.reason = bm_rd_lv16(&body, BM_MAX_EVENT);
    if ((rc = end_check(&body, "an end of support", fail)) != BM_OK)
        return rc;
    *ret_close = close;
    return BM_OK;
}
