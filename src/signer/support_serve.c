/* support_serve.c - the end of a device's support: by an operator, or because its time is over. It can only take away, so a name is enough, or none. */
#include "base/base.h"
#include "signer/authority.h"

#include "wire/text.h"

static enum bm_rc
close_commit(struct bm_signer *signer, uint64_t id, struct bm_event *event, struct bm_bytes whole, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf rest = { .max = 1024 };
    struct bm_plain plain = { .leaves = { .n = 1 } };
    enum bm_rc rc;

    if ((rc = bm_leaf_make(signer, 0, event, &plain.leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_add_u64(&rest, (uint64_t)event->time);
    bm_buf_add_bytes(&rest, whole);
    if ((rc = bm_buf_check(&rest, "an end of support", fail)) != BM_OK)
        return rc;
    plain.rest = bm_buf_bytes(&rest);
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    return bm_commit(signer, BM_R_SUPPORT_CLOSED, &plain.leaves, bm_batch_answer(signer, id, BM_S_ANSWER), fail);
}

static enum bm_rc
permit_close(struct bm_signer *signer, uint64_t id, uint32_t unit, const struct bm_s_support_close *ask, struct bm_bytes whole,
             struct bm_fail *fail)
{
    const struct bm_support_permit *permit = bm_support_find(&signer->memory.supports, unit);
    struct bm_event event = { .kind = BM_EVENT_SUPPORT_CLOSED, .device = ask->device, .by = ask->by, .reason = ask->reason };
    char serial[2 * BM_MAX_SERIAL + 1];
    enum bm_rc rc;

    if (permit == NULL)
        return bm_refuse_now(signer, id, BM_EPOLICY, "support of this device was never opened: see birthmark device support list", fail);
    if (permit->closed) {
        (void)bm_batch_answer(signer, id, BM_S_ANSWER); /* it is so already */
        return BM_OK;
    }
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    if (ask->by.n == 0 && event.time <= permit->until)
        return bm_refuse_now(signer, id, BM_EPOLICY, "the time of this device's support is not over: an operator closes it", fail);
    if (ask->by.n == 0)
        event.reason = bm_bytes_str("its time was over");
    bm_hex(serial, bm_support_live(&signer->memory, unit));
    event.serial = bm_bytes_str(serial);
    event.what = bm_bytes_str(permit->ticket);
    return close_commit(signer, id, &event, whole, fail);
}

enum bm_rc
bm_serve_support_close(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    struct bm_s_support_close ask;
    uint8_t device[BM_DEVICE];
    struct bm_fail ignored;
    bool barred;
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_s_support_close_parse(&ask, body, fail)) != BM_OK)
        return rc;
    if (ask.device.n != BM_DEVICE_TEXT - 1 || bm_hex_parse(device, BM_DEVICE, ask.device, &ignored) != BM_OK ||
        !bm_name_or_empty(ask.by, true) || ask.reason.n == 0)
        return bm_refuse_now(signer, id, BM_EINPUT, "support is closed by the device's id, an operator's name and a reason", fail);
    if ((rc = bm_restriction_check(signer, id, ask.by, BM_ACT_SUPPORT_CLOSE, bm_bytes(NULL, 0), &barred, fail)) != BM_OK || barred)
        return rc;
    if ((unit = bm_slots_device(&signer->memory.slots, device)) == BM_NONE)
        return bm_refuse_now(signer, id, BM_EPOLICY, "there is no device of this id here: see birthmark device list", fail);
    return permit_close(signer, id, unit, &ask, whole, fail);
}
