#include "base/base.h"
#include "signer/apply.h"

#include "proc/signer_messages.h"
#include "signer/life.h"
#include "wire/text.h"

enum bm_cert_place
bm_memory_certificate(const struct bm_memory *memory, struct bm_bytes serial, uint32_t *ret_identity)
{
    const struct bm_earlier *earlier;
    bool live = false;
    uint32_t at = bm_slots_serial(&memory->slots, serial, &live);

    *ret_identity = at;
    if (at == BM_NONE)
        return BM_CERT_UNKNOWN;
    if (live)
        return BM_CERT_NEWEST;
    earlier = bm_slots_earlier(&memory->slots, at);
    if (earlier != NULL && bm_bytes_equal(serial, bm_bytes(earlier->serial, earlier->nserial)))
        return BM_CERT_EARLIER;
    return bm_revocations_retires(&memory->revocations, serial) != BM_NO_BUCKET ? BM_CERT_RETIRES : BM_CERT_OVER;
}

bm_time
bm_memory_retirement(const struct bm_identity *identity, const struct bm_earlier *earlier, bm_time confirmed)
{
    bm_time overlap = (bm_time)identity->overlap * 86400;

    return earlier->not_after < overlap || confirmed >= earlier->not_after - overlap ? earlier->not_after : confirmed + overlap;
}

enum bm_rc
bm_apply_confirmed(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    const struct bm_earlier *earlier;
    struct bm_identity *identity;
    struct bm_marked marked;
    uint32_t at;
    enum bm_rc rc;

    if ((rc = bm_marked_parse(&marked, record->body, fail)) != BM_OK)
        return rc;
    if (bm_memory_certificate(memory, marked.serial, &at) != BM_CERT_NEWEST)
        return bm_contradiction("it confirms a certificate that is not live", fail);
    identity = &memory->slots.identities[at];
    if (!bm_support_is(memory, at)) /* which says nothing of what the device is there for */
        bm_life_door(memory, identity->unit, identity->state == BM_IDENTITY_RENEWING ? BM_MOVE_RENEW : BM_MOVE_CONFIRM);
    if (identity->state == BM_IDENTITY_RENEWING && (earlier = bm_slots_earlier(&memory->slots, at)) != NULL) {
        bm_time time = bm_memory_retirement(identity, earlier, marked.time);

        if (time < earlier->not_after &&
            (rc = bm_revocations_retire(&memory->revocations, earlier->bucket, bm_bytes(earlier->serial, earlier->nserial), time,
                                        earlier->not_after, marked.time, fail)) != BM_OK)
            return rc;
    }
    identity->state = BM_IDENTITY_CONFIRMED;
    return bm_book_append(&memory->book, &marked.leaves, record->at, fail);
}

/* Of a certificate and its renewal each is revoked by itself. Where the renewal was not confirmed, the certificate that it renewed is the newest again. */
enum bm_rc
bm_apply_revoked(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_identity *identity;
    struct bm_marked marked;
    enum bm_cert_place place;
    uint32_t at, bucket;
    enum bm_rc rc;

    if ((rc = bm_marked_parse(&marked, record->body, fail)) != BM_OK)
        return rc;
    place = bm_memory_certificate(memory, marked.serial, &at);
    if (place == BM_CERT_UNKNOWN || place == BM_CERT_OVER)
        return bm_contradiction("it revokes a certificate that is not live", fail);
    identity = &memory->slots.identities[at];
    if (place == BM_CERT_NEWEST) {
        bucket = identity->bucket;
        if (identity->state == BM_IDENTITY_RENEWING && bm_slots_earlier(&memory->slots, at) != NULL)
            bm_slots_renew_undo(&memory->slots, at);
        else
            identity->state = BM_IDENTITY_REVOKED;
    } else if (place == BM_CERT_EARLIER) {
        struct bm_earlier *earlier = bm_slots_earlier(&memory->slots, at);

        bucket = earlier->bucket;
        earlier->gone = true;
    } else {
        bucket = bm_revocations_retires(&memory->revocations, marked.serial);
    }
    if ((rc = bm_revocations_add(&memory->revocations, bucket, marked.serial, marked.reason, marked.time, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &marked.leaves, record->at, fail);
}

enum bm_rc
bm_apply_forked(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_forked forked;
    struct bm_event event;
    uint32_t at;
    bool live;
    enum bm_rc rc;

    if ((rc = bm_forked_parse(&forked, record->body, fail)) != BM_OK)
        return rc;
    if ((at = bm_slots_serial(&memory->slots, forked.serial, &live)) == BM_NONE)
        return bm_contradiction("a fork of an identity that is not there", fail);
    memory->slots.identities[at].forked = true;
    if (forked.leaves.n > 1) {
        if ((rc = bm_event_parse(&event, forked.leaves.leaf[1].event, fail)) != BM_OK ||
            (rc = bm_life_restrict(memory, memory->slots.identities[at].unit, BM_MOVE_SUSPEND, 0, event.time, fail)) != BM_OK)
            return rc;
    }
    return bm_book_append(&memory->book, &forked.leaves, record->at, fail);
}

enum bm_rc
bm_apply_device(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_s_device device;
    uint8_t id[BM_DEVICE];
    struct bm_plain plain;
    struct bm_rd rd;
    bm_time time;
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    time = (bm_time)bm_rd_u64(&rd);
    if ((rc = bm_s_device_parse(&device, rd, fail)) != BM_OK || (rc = bm_hex_parse(id, sizeof(id), device.device, fail)) != BM_OK)
        return rc;
    if ((unit = bm_slots_device(&memory->slots, id)) == BM_NONE)
        return bm_contradiction("it restricts a device that is not there", fail);
    if ((rc = bm_life_restrict(memory, unit, (enum bm_move)device.move, device.reason, time, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

enum bm_rc
bm_apply_support_closed(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_s_support_close close;
    uint8_t id[BM_DEVICE];
    struct bm_plain plain;
    struct bm_rd rd;
    bm_time time;
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    rd = bm_rd(plain.rest);
    time = (bm_time)bm_rd_u64(&rd);
    if ((rc = bm_s_support_close_parse(&close, rd, fail)) != BM_OK || (rc = bm_hex_parse(id, sizeof(id), close.device, fail)) != BM_OK)
        return rc;
    if ((unit = bm_slots_device(&memory->slots, id)) == BM_NONE)
        return bm_contradiction("an end of support of a device that is not there", fail);
    if ((rc = bm_support_close(memory, unit, time, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

enum bm_rc
bm_apply_crl(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_crl_record crl;
    enum bm_rc rc;

    if ((rc = bm_crl_record_parse(&crl, record->body, fail)) != BM_OK)
        return rc;
    if (crl.ca >= memory->cas.n)
        return bm_contradiction("a list of a CA that is not there", fail);
    if ((rc = bm_bucket_listed(&memory->revocations, crl.ca, crl.bucket, crl.number, fail)) != BM_OK)
        return rc;
    memory->last_signed = crl.time;
    return BM_OK;
}
