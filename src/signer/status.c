/* status.c - what becomes of certificates: confirmed, revoked; and what others refused. None of it needs a signature: it can only take away. */
#include "base/base.h"
#include "signer/authority.h"

#include "wire/text.h"

enum bm_rc
bm_refuse_now(struct bm_signer *signer, uint64_t id, enum bm_rc rc, const char *sentence, struct bm_fail *fail)
{
    struct bm_fail why = { .rc = rc };

    bm_fail_note(&why, rc, NULL, "%s", sentence);
    return bm_batch_refuse(signer, id, &why, NULL, fail);
}

/* The event's texts that a serial leads to. */
struct marked_text {
    char serial[2 * BM_MAX_SERIAL + 1];
    char device[BM_DEVICE_TEXT];
};

static enum bm_rc
mark(struct bm_signer *signer, uint64_t id, enum bm_record_type type, struct bm_marked *marked, struct bm_event *event, uint32_t at,
     struct bm_fail *fail)
{
    const struct bm_slots *slots = &signer->memory.slots;
    struct marked_text text;
    enum bm_rc rc;

    bm_hex(text.serial, marked->serial);
    bm_slots_device_print(slots, slots->identities[at].unit, text.device);
    event->device = bm_bytes_str(text.device);
    event->service = bm_bytes_str(slots->services[slots->identities[at].service]);
    event->serial = bm_bytes_str(text.serial);
    marked->leaves.n = 1;
    if ((rc = bm_leaf_make(signer, 0, event, &marked->leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->record);
    bm_marked_build(&signer->record, marked);
    return bm_commit(signer, type, &marked->leaves, bm_batch_answer(signer, id, BM_S_ANSWER), fail);
}

enum bm_rc
bm_serve_confirm(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_marked marked = { .serial = bm_rd_lv16(&body, BM_MAX_SERIAL) };
    struct bm_event event = { .kind = BM_EVENT_IDENTITY_CONFIRMED };
    char until[BM_TIME_TEXT], replaces[2 * BM_MAX_SERIAL + 1];
    const struct bm_slots *slots = &signer->memory.slots;
    const struct bm_earlier *earlier;
    enum bm_cert_place place;
    uint32_t at;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a confirmation is malformed");
    place = bm_memory_certificate(&signer->memory, marked.serial, &at);
    if (place == BM_CERT_UNKNOWN)
        return bm_refuse_now(signer, id, BM_EPOLICY, "no certificate with this serial was issued here", fail);
    if (place != BM_CERT_NEWEST && (place != BM_CERT_EARLIER || slots->identities[at].state != BM_IDENTITY_RENEWING))
        return bm_refuse_now(signer, id, BM_EPOLICY, "this certificate was revoked or replaced: enrol again, or renew", fail);
    if (slots->units[slots->identities[at].unit].life == BM_LIFE_SUSPENDED)
        return bm_refuse_now(signer, id, BM_EPOLICY, "this device is suspended: ask the fleet operator to resume it", fail);
    if (place == BM_CERT_EARLIER || slots->identities[at].state == BM_IDENTITY_CONFIRMED) {
        (void)bm_batch_answer(signer, id, BM_S_ANSWER);
        return BM_OK;
    }
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    marked.time = event.time;
    if (slots->identities[at].state == BM_IDENTITY_RENEWING && (earlier = bm_slots_earlier(slots, at)) != NULL) {
        bm_time_print(until, bm_memory_retirement(&slots->identities[at], earlier, event.time));
        bm_hex(replaces, bm_bytes(earlier->serial, earlier->nserial));
        event.replaces = bm_bytes_str(replaces);
        event.until = bm_bytes_str(until);
    }
    return mark(signer, id, BM_R_CONFIRMED, &marked, &event, at, fail);
}

/* RFC 5280 5.3.1, without 6 (hold), 7 (unused) and 8 (removeFromCRL): what is revoked stays so. */
bool
bm_reason_ok(uint8_t reason)
{
    return reason <= 10 && (reason < 6 || reason > 8);
}

bool
bm_name_or_empty(struct bm_bytes name, bool empty_ok)
{
    char text[BM_MAX_NAME + 1] = { 0 };

    if (name.n == 0)
        return empty_ok;
    if (name.n > BM_MAX_NAME || memchr(name.p, 0, name.n) != NULL)
        return false;
    memcpy(text, name.p, name.n);
    return bm_name_ok(text, BM_MAX_NAME);
}

enum bm_rc
bm_serve_revoke(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_marked marked = { .serial = bm_rd_lv16(&body, BM_MAX_SERIAL), .reason = bm_rd_u8(&body) };
    struct bm_event event = { .kind = BM_EVENT_IDENTITY_REVOKED,
                              .by = bm_rd_lv16(&body, BM_MAX_NAME),
                              .reason = bm_rd_lv16(&body, BM_EVENT_REASON) };
    enum bm_cert_place place;
    bool barred;
    uint32_t at;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a revocation is malformed");
    if (!bm_reason_ok(marked.reason) || !bm_name_or_empty(event.by, true))
        return bm_refuse_now(signer, id, BM_EINPUT, "the reason must be one of RFC 5280's for good (0 to 5, 9, 10), by an operator's name",
                             fail);
    if ((rc = bm_restriction_check(signer, id, event.by, BM_ACT_REVOKE, bm_bytes(NULL, 0), &barred, fail)) != BM_OK || barred)
        return rc;
    place = bm_memory_certificate(&signer->memory, marked.serial, &at);
    if (place == BM_CERT_UNKNOWN)
        return bm_refuse_now(signer, id, BM_EPOLICY, "no certificate with this serial was issued here", fail);
    if (place == BM_CERT_OVER) { /* it is in the list already */
        (void)bm_batch_answer(signer, id, BM_S_ANSWER);
        return BM_OK;
    }
    if ((rc = signer->env->now(signer->env->ctx, &marked.time, fail)) != BM_OK)
        return rc;
    event.time = marked.time;
    return mark(signer, id, BM_R_REVOKED, &marked, &event, at, fail);
}

enum bm_rc
bm_serve_refusal(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_s_refusal refusal;
    struct bm_event event = { .kind = BM_EVENT_REFUSED };
    uint8_t chip[BM_HASH];
    struct bm_fail why = { .rc = BM_OK };
    char count[24];
    enum bm_rc rc;

    if ((rc = bm_s_refusal_parse(&refusal, body, fail)) != BM_OK)
        return rc;
    if (!bm_name_or_empty(refusal.kind, false) || !bm_name_or_empty(refusal.lot, true) || !bm_name_or_empty(refusal.by, true) ||
        refusal.sentence.n == 0 || (refusal.chip.n != 0 && bm_hex_parse(chip, BM_HASH, refusal.chip, &why) != BM_OK) ||
        refusal.count > INT64_MAX)
        return bm_refuse_now(signer, id, BM_EINPUT, "a refusal needs a kind, a sentence and names of the usual form", fail);
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK)
        return rc;
    event.reason = refusal.sentence;
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)refusal.count);
    if (bm_bytes_equal(refusal.kind, bm_bytes_str("counted"))) {
        event.kind = BM_EVENT_REFUSED_COUNTED;
        event.count = bm_bytes_str(count);
    } else {
        event.what = refusal.kind;
        event.chip = refusal.chip;
        event.lot = refusal.lot;
        event.by = refusal.by;
    }
    return bm_commit_noted(signer, &event, bm_batch_answer(signer, id, BM_S_ANSWER), fail);
}
