/* serve.c - the gate table, and the loop: take what waits, decide each in turn, make it durable together, answer. */
#include "base/base.h"
#include "signer/signer.h"

#include "evidence/tpm.h"
#include "proc/channel.h"

#include <stdlib.h>

#define LV16(n) (2 + (n))
#define LV32(n) (4 + (n))
#define SENTENCE sizeof(((struct bm_fail *)NULL)->text)
#define ISSUE (LV16(BM_MAX_NAME) + LV16(BM_MAX_NAME) + LV32(BM_MAX_EVIDENCE) + LV16(BM_MAX_NAME))
#define REFUSAL (LV16(BM_MAX_NAME) + LV16(2 * BM_HASH) + LV16(BM_MAX_NAME) + LV16(BM_MAX_NAME) + 8 + LV16(SENTENCE))

/* Whoever gives this signal can stop work by it, as by ending the process. */
static enum bm_rc
serve_again(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;

    (void)id;
    (void)body;
    (void)fail;
    signer->again = true;
    return BM_OK;
}

static const struct bm_rule rules[] = {
    { BM_S_HELLO, BM_PHASE_SETUP, 8, 8, true, bm_serve_hello },
    { BM_S_STATEMENT, BM_PHASE_READY | BM_PHASE_OLD, LV32(1) + 1, BM_S_MAX_SIGNED, false, bm_serve_statement },
    { BM_S_LOT_BEGIN, BM_PHASE_READY, LV32(1) + LV32(0), BM_S_MAX_SIGNED, false, bm_serve_lot_begin },
    { BM_S_LOT_LEAVES, BM_PHASE_READY, 4, BM_MAX_MESSAGE_BODY, false, bm_serve_lot_leaves },
    { BM_S_LOT_END, BM_PHASE_READY, 0, 2 + BM_S_MAX_REASON, false, bm_serve_lot_end },
    { BM_S_NONCE, BM_PHASE_READY, BM_HASH, BM_HASH, false, bm_serve_nonce },
    { BM_S_CHALLENGE, BM_PHASE_READY, LV16(1) + LV16(1), LV16(BM_MAX_SPKI) + LV16(BM_MAX_TPM), false, bm_serve_challenge },
    { BM_S_ISSUE, BM_PHASE_READY, LV16(0) + LV16(0) + LV32(1) + LV16(0), ISSUE, false, bm_serve_issue },
    { BM_S_CONFIRM, BM_PHASE_READY, LV16(0), LV16(BM_MAX_SERIAL), false, bm_serve_confirm },
    { BM_S_REVOKE, BM_PHASE_READY, LV16(0) + 1 + LV16(0) + LV16(0), LV16(BM_MAX_SERIAL) + 1 + LV16(BM_MAX_NAME) + LV16(BM_EVENT_REASON),
      false, bm_serve_revoke },
    { BM_S_REFUSAL, BM_PHASE_READY, 4 * LV16(0) + 8 + LV16(0), REFUSAL, false, bm_serve_refusal },
    { BM_S_CRL, BM_PHASE_READY, 5, 5, false, bm_serve_crl },
    { BM_S_LISTS, BM_PHASE_READY, 1, 1, false, bm_serve_lists },
    { BM_S_OCSP, BM_PHASE_READY, 1, BM_OCSP_QUESTION, false, bm_serve_ocsp },
    { BM_S_CA, BM_PHASE_READY | BM_PHASE_OLD, 2, 2, false, bm_serve_ca },
    { BM_S_ROOT, BM_PHASE_READY | BM_PHASE_OLD, 1, 1, false, bm_serve_root },
    { BM_S_AGAIN, BM_PHASE_READY, 0, 0, false, serve_again },
    { BM_S_CHECKPOINT, BM_PHASE_READY, 0, 0, false, bm_serve_checkpoint },
    { BM_S_LOT_STATE, BM_PHASE_READY, 3 * LV16(0) + 1, 3 * LV16(0) + 1 + 2 * BM_MAX_NAME + BM_EVENT_REASON, false, bm_serve_lot_state },
    { BM_S_CHIPS, BM_PHASE_READY, 1 + 3 * LV16(0) + 4, BM_S_MAX_SIGNED, false, bm_serve_chips },
    { BM_S_ORDER_CLOSE, BM_PHASE_READY, 3 * LV16(0), 3 * LV16(0) + 2 * BM_MAX_NAME + BM_EVENT_REASON, false, bm_serve_order_close },
    { BM_S_DEVICE, BM_PHASE_READY, 2 + 4 * LV16(0), 2 + 4 * LV16(0) + 2 * BM_MAX_NAME + BM_EVENT_REASON + BM_MAX_ERASED, false,
      bm_serve_device },
    { BM_S_SUPPORT_CLOSE, BM_PHASE_READY, 3 * LV16(0), 3 * LV16(0) + 2 * BM_MAX_NAME + BM_EVENT_REASON, false, bm_serve_support_close },
    { BM_S_REPLAY, BM_PHASE_READY, 8, 8, false, bm_serve_replay },
    { BM_S_HELD, BM_PHASE_READY, 8, 8, false, bm_serve_held },
};

/* Takes what waits, up to a batch. The first is waited for, where no keeper may say something meanwhile and no lot is compared; no further one. *ret_end: the registrar is gone. */
static enum bm_rc
batch_take(struct bm_signer *signer, uint8_t *packet, bool *ret_end, struct bm_fail *fail)
{
    enum bm_heard heard = BM_HEARD_NOTHING;
    struct bm_message message;
    int patience = signer->queue.keeper.channel >= 0 || signer->comparing.open || signer->nbatch > 0 ? 0 : -1;
    enum bm_rc rc;

    *ret_end = false;
    while (signer->nbatch < BM_BATCH && !signer->again) { /* what comes after it is the next process's */
        if ((rc = bm_channel_recv(&heard, &message, signer->channel, packet, BM_MAX_MESSAGE, patience, fail)) != BM_OK)
            return rc;
        *ret_end = heard == BM_HEARD_END;
        if (heard != BM_HEARD_MESSAGE)
            break;
        if ((rc = bm_rules_pass(&signer->rules, &message, fail)) != BM_OK)
            return rc;
        patience = 0;
    }
    return BM_OK;
}

static void
packet_free(uint8_t **packet)
{
    free(*packet);
}

enum bm_rc
bm_signer_serve(struct bm_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(packet_free) uint8_t *packet = malloc(BM_MAX_MESSAGE);
    bool end = false;
    enum bm_rc rc;

    if (packet == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a message");
    signer->rules = (struct bm_rules){ .table = rules, .count = BM_COUNT(rules), .phase = BM_PHASE_SETUP, .ctx = signer };
    while (!end && !signer->again)
        if ((signer->comparing.open && (rc = bm_lot_step(signer, fail)) != BM_OK) ||
            (signer->queue.keeper.channel >= 0 && (rc = bm_queue_wait(signer, fail)) != BM_OK) ||
            (rc = batch_take(signer, packet, &end, fail)) != BM_OK || (!end && (rc = bm_batch_finish(signer, fail)) != BM_OK))
            return rc;
    return BM_OK;
}
