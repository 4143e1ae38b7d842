/* device.c - devices that are suspended, revoked or decommissioned: it can only take away, so a name is enough. What gives them back is signed. */
#include "base/base.h"
#include "signer/authority.h"

#include "evidence/erased.h"
#include "signer/life.h"
#include "wire/text.h"

/* req: ARCHITECTURE 4 resume and repair are signed; suspend and revoke need none */
/* Who may, by the table of acts. */
static bool
act_of(uint8_t move, enum bm_act *ret_act)
{
    switch (move) {
    case BM_MOVE_SUSPEND:
        *ret_act = BM_ACT_SUSPEND;
        return true;
    case BM_MOVE_REVOKE:
        *ret_act = BM_ACT_REVOKE;
        return true;
    case BM_MOVE_DECOMMISSION:
        *ret_act = BM_ACT_DECOMMISSION;
        return true;
    default:
        return false;
    }
}

static bool
words_ok(const struct bm_s_device *ask, uint8_t device[static BM_DEVICE])
{
    struct bm_fail ignored;

    return ask->device.n == BM_DEVICE_TEXT - 1 && bm_hex_parse(device, BM_DEVICE, ask->device, &ignored) == BM_OK &&
           bm_name_or_empty(ask->by, false) && ask->text.n > 0 &&
           (ask->move == BM_MOVE_REVOKE ? bm_reason_ok(ask->reason) : ask->reason == 0) &&
           (ask->move == BM_MOVE_DECOMMISSION || ask->receipt.n == 0);
}

/* ---- the device's word ---- */

static bool
names_key(const struct bm_erased *erased, const uint8_t key[static BM_HASH])
{
    for (size_t i = 0; i < erased->nidentities; i++)
        if (memcmp(erased->identities[i].key, key, BM_HASH) == 0)
            return true;
    return false;
}

/* A root key of its chip, or the key of one of its identities; and all of its keys are named that a certificate still speaks for. */
static enum bm_rc
receipt_fits(const struct bm_slots *slots, uint32_t unit, const struct bm_erased *erased, bm_time now, struct bm_fail *fail)
{
    uint32_t owner;
    bool own = bm_table_find(&slots->roots, erased->key, &owner) && owner == unit;

    for (uint32_t at = slots->units[unit].identities; at != BM_NONE; at = slots->identities[at].next) {
        const struct bm_identity *identity = &slots->identities[at];
        const struct bm_earlier *earlier = bm_slots_earlier(slots, at);

        own |= memcmp(identity->key, erased->key, BM_HASH) == 0 || (earlier != NULL && memcmp(earlier->key, erased->key, BM_HASH) == 0);
        if (identity->state != BM_IDENTITY_NONE && identity->state != BM_IDENTITY_REVOKED && identity->not_after >= now &&
            !names_key(erased, identity->key) && (earlier == NULL || !names_key(erased, earlier->key)))
            return bm_fail(
                fail, BM_EPOLICY, NULL,
                "the receipt does not name the key that the device has for service %s: it is of an earlier reset, or not all was erased",
                slots->services[identity->service]);
    }
    return own ? BM_OK
               : bm_fail(fail, BM_EPOLICY, NULL, "the receipt is signed by no key of this device: hand in the one that this device wrote");
}

/* What the record says of it: on the device's word, or that there is none. */
struct word {
    char evidence[2 * BM_HASH + 1];
    char reason[BM_EVENT_REASON + 1];
};

static enum bm_rc
word_take(struct bm_signer *signer, uint32_t unit, const struct bm_s_device *ask, struct word *ret_word, struct bm_fail *fail)
{
    struct bm_erased erased;
    char time[BM_TIME_TEXT];
    uint8_t hash[BM_HASH];
    bm_time now = 0;
    enum bm_rc rc;

    if (ask->receipt.n == 0) {
        (void)snprintf(ret_word->reason, sizeof(ret_word->reason), "%.*s; erased: no word of the device",
                       (int)(ask->text.n < 250 ? ask->text.n : 250), (const char *)ask->text.p);
        return BM_OK;
    }
    if ((rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK ||
        (rc = bm_erased_check(&erased, ask->receipt, signer->crypto, fail)) != BM_OK ||
        (rc = receipt_fits(&signer->memory.slots, unit, &erased, now, fail)) != BM_OK)
        return rc;
    bm_sha256(hash, ask->receipt);
    bm_hex(ret_word->evidence, bm_bytes(hash, BM_HASH));
    bm_time_print(time, erased.time);
    (void)snprintf(ret_word->reason, sizeof(ret_word->reason), "%.*s; erased, by the device's word of %s: identities %zu, sealed data %llu",
                   (int)(ask->text.n < 250 ? ask->text.n : 250), (const char *)ask->text.p, time, erased.nidentities,
                   (unsigned long long)erased.sealed);
    return BM_OK;
}

static enum bm_rc
move_commit(struct bm_signer *signer, uint64_t id, uint32_t unit, const struct bm_s_device *ask, struct bm_bytes whole, enum bm_life life,
            struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf rest = { .max = 1024 + BM_MAX_ERASED };
    struct bm_plain plain = { .leaves = { .n = 1 } };
    struct bm_event event = { .kind = BM_EVENT_DEVICE_MOVED,
                              .device = ask->device,
                              .by = ask->by,
                              .what = bm_bytes_str(bm_move_word((enum bm_move)ask->move)),
                              .state = bm_bytes_str(bm_life_word(life)),
                              .reason = ask->text };
    struct word word = { .evidence = "" };
    struct bm_fail why = { .rc = BM_OK };
    char count[24];
    enum bm_rc rc;

    if (ask->move == BM_MOVE_DECOMMISSION) {
        if (word_take(signer, unit, ask, &word, &why) != BM_OK)
            return bm_batch_refuse(signer, id, &why, NULL, fail);
        event.reason = bm_bytes_str(word.reason);
        event.evidence = bm_bytes_str(word.evidence);
    }
    (void)snprintf(count, sizeof(count), "%zu", bm_life_count(&signer->memory, unit));
    event.count = bm_bytes_str(count);
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK ||
        (rc = bm_leaf_make(signer, 0, &event, &plain.leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_add_u64(&rest, (uint64_t)event.time);
    bm_buf_add_bytes(&rest, whole);
    if ((rc = bm_buf_check(&rest, "a device's restriction", fail)) != BM_OK)
        return rc;
    plain.rest = bm_buf_bytes(&rest);
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    return bm_commit(signer, BM_R_DEVICE, &plain.leaves, bm_batch_answer(signer, id, BM_S_ANSWER), fail);
}

enum bm_rc
bm_serve_device(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    struct bm_fail why = { .rc = BM_OK };
    uint8_t device[BM_DEVICE];
    struct bm_s_device ask;
    enum bm_life life;
    enum bm_act act;
    bool barred;
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_s_device_parse(&ask, body, fail)) != BM_OK)
        return rc;
    if (!act_of(ask.move, &act) || !words_ok(&ask, device))
        return bm_refuse_now(
            signer, id, BM_EINPUT,
            "a device is suspended, revoked (with a reason of RFC 5280 for good) or decommissioned by its id, an operator's "
            "name and a reason",
            fail);
    if ((rc = bm_restriction_check(signer, id, ask.by, act, bm_bytes(NULL, 0), &barred, fail)) != BM_OK || barred)
        return rc;
    if ((unit = bm_slots_device(&signer->memory.slots, device)) == BM_NONE)
        return bm_refuse_now(signer, id, BM_EPOLICY, "there is no device of this id here: see birthmark device list", fail);
    if (bm_life_next(&signer->memory, unit, (enum bm_move)ask.move, &life, &why) == BM_OK)
        return move_commit(signer, id, unit, &ask, whole, life, fail);
    if ((ask.move == BM_MOVE_SUSPEND && signer->memory.slots.units[unit].life == BM_LIFE_SUSPENDED) ||
        (ask.move == BM_MOVE_REVOKE && signer->memory.slots.units[unit].life == BM_LIFE_REVOKED) ||
        (ask.move == BM_MOVE_DECOMMISSION && signer->memory.slots.units[unit].life == BM_LIFE_DECOMMISSIONED)) {
        (void)bm_batch_answer(signer, id, BM_S_ANSWER); /* it is so already */
        return BM_OK;
    }
    return bm_batch_refuse(signer, id, &why, NULL, fail);
}
