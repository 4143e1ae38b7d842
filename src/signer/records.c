#include "base/base.h"
#include "signer/records.h"

static enum bm_rc
end_check(const struct bm_rd *rd, const char *what, struct bm_fail *fail)
{
    if (!bm_rd_end(rd))
        return bm_fail(fail, BM_EBUG, NULL, "%s is malformed: it was written by another release, or damaged", what);
    return BM_OK;
}

/* Poisons when the value is not below the limit. */
static unsigned
take_enum(struct bm_rd *rd, unsigned limit)
{
    unsigned v = bm_rd_u8(rd);

    if (v < limit)
        return v;
    *rd = (struct bm_rd){ .bad = true };
    return 0;
}

void
bm_record_leaves_build(struct bm_buf *buf, const struct bm_record_leaves *leaves)
{
    bm_buf_add_u8(buf, (uint8_t)leaves->n);
    for (size_t i = 0; i < leaves->n; i++) {
        bm_buf_add_u8(buf, (uint8_t)leaves->leaf[i].kind);
        bm_buf_add(buf, leaves->leaf[i].salt, BM_SALT);
        bm_buf_add_lv16(buf, leaves->leaf[i].event);
    }
}

void
bm_record_leaves_take(struct bm_rd *rd, struct bm_record_leaves *ret_leaves)
{
    ret_leaves->n = take_enum(rd, BM_MAX_RECORD_LEAVES + 1);
    for (size_t i = 0; i < ret_leaves->n; i++) {
        ret_leaves->leaf[i].kind = (enum bm_event_kind)take_enum(rd, BM_EVENT__N);
        bm_rd_copy(rd, ret_leaves->leaf[i].salt, BM_SALT);
        ret_leaves->leaf[i].event = bm_rd_lv16(rd, BM_MAX_EVENT);
    }
}

static void
leaves_none(struct bm_rd *rd)
{
    (void)take_enum(rd, 1);
}

static void
shown_build(struct bm_buf *buf, const struct bm_shown *shown)
{
    bm_buf_add_u16(buf, (uint16_t)shown->proven);
    bm_buf_add_lv16(buf, shown->manufacturer);
    bm_buf_add_lv16(buf, shown->model);
    bm_buf_add_lv16(buf, shown->version);
    bm_buf_add(buf, shown->first, BM_HASH);
    bm_buf_add(buf, shown->code, BM_HASH);
}

static void
shown_take(struct bm_rd *rd, struct bm_shown *shown)
{
    shown->proven = bm_rd_u16(rd);
    shown->manufacturer = bm_rd_lv16(rd, BM_MAX_DN);
    shown->model = bm_rd_lv16(rd, BM_MAX_DN);
    shown->version = bm_rd_lv16(rd, BM_MAX_DN);
    bm_rd_copy(rd, shown->first, BM_HASH);
    bm_rd_copy(rd, shown->code, BM_HASH);
    if (shown->proven > BM_PROVEN_ALL)
        *rd = (struct bm_rd){ .bad = true };
}

void
bm_intent_build(struct bm_buf *buf, const struct bm_intent *intent)
{
    bm_buf_add_u8(buf, 0);
    bm_buf_add_u64(buf, (uint64_t)intent->time);
    bm_buf_add_u64(buf, (uint64_t)intent->not_after);
    bm_buf_add_u8(buf, (uint8_t)intent->decision);
    bm_buf_add_u8(buf, (uint8_t)intent->ca);
    bm_buf_add_u32(buf, intent->bucket);
    bm_buf_add_u8(buf, (uint8_t)intent->evidence);
    shown_build(buf, &intent->shown);
    bm_buf_add(buf, intent->chip, BM_HASH);
    bm_buf_add(buf, intent->key, BM_HASH);
    bm_buf_add_lv16(buf, intent->lot);
    bm_buf_add_lv16(buf, intent->order);
    bm_buf_add_lv16(buf, intent->profile);
    bm_buf_add_lv16(buf, intent->service);
    bm_buf_add_lv16(buf, intent->serial);
    bm_buf_add_lv16(buf, intent->replaces);
    bm_buf_add_lv16(buf, intent->tbs);
    bm_buf_add_lv32(buf, intent->bundle);
}

enum bm_rc
bm_intent_parse(struct bm_intent *ret_intent, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_intent intent;
    enum bm_rc rc;

    leaves_none(&rd);
    intent.time = (bm_time)bm_rd_u64(&rd);
    intent.not_after = (bm_time)bm_rd_u64(&rd);
    intent.decision = (enum bm_decision)take_enum(&rd, BM_DECISION__N);
    intent.ca = take_enum(&rd, BM_MAX_CAS);
    intent.bucket = bm_rd_u32(&rd);
    intent.evidence = (enum bm_evidence_class)take_enum(&rd, BM_EV_TLS_FRONT + 1);
    shown_take(&rd, &intent.shown);
    bm_rd_copy(&rd, intent.chip, BM_HASH);
    bm_rd_copy(&rd, intent.key, BM_HASH);
    intent.lot = bm_rd_lv16(&rd, BM_MAX_NAME);
    intent.order = bm_rd_lv16(&rd, BM_MAX_NAME);
    intent.profile = bm_rd_lv16(&rd, BM_MAX_NAME);
    intent.service = bm_rd_lv16(&rd, BM_MAX_NAME);
    intent.serial = bm_rd_lv16(&rd, BM_MAX_SERIAL);
    intent.replaces = bm_rd_lv16(&rd, BM_MAX_SERIAL);
    intent.tbs = bm_rd_lv16(&rd, BM_MAX_CERT);
    intent.bundle = bm_rd_lv32(&rd, BM_MAX_EVIDENCE);
    if ((rc = end_check(&rd, "an intent", fail)) != BM_OK)
        return rc;
    *ret_intent = intent;
    return BM_OK;
}

void
bm_done_build(struct bm_buf *buf, const struct bm_done *done)
{
    bm_record_leaves_build(buf, &done->leaves);
    bm_buf_add_u64(buf, done->intent);
    bm_buf_add_u8(buf, done->again ? 1 : 0);
    bm_buf_add_u8(buf, (uint8_t)done->alg);
    bm_buf_add_lv16(buf, done->signature);
}

enum bm_rc
bm_done_parse(struct bm_done *ret_done, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_done done;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &done.leaves);
    done.intent = bm_rd_u64(&rd);
    done.again = take_enum(&rd, 2) == 1;
    done.alg = (enum bm_sig_alg)take_enum(&rd, BM_SIG_ED25519 + 1);
    done.signature = bm_rd_lv16(&rd, BM_MAX_SIGNATURE);
    if ((rc = end_check(&rd, "the record of a signature", fail)) != BM_OK)
        return rc;
    *ret_done = done;
    return BM_OK;
}

void
bm_founded_build(struct bm_buf *buf, const struct bm_founded *founded)
{
    bm_record_leaves_build(buf, &founded->leaves);
    bm_buf_add_u16(buf, BM_JOURNAL_VERSION);
    bm_buf_add(buf, founded->site, BM_HASH);
    bm_buf_add_lv32(buf, founded->roles);
    bm_buf_add_lv16(buf, founded->root);
    for (size_t i = 0; i < BM_CA__N; i++)
        bm_buf_add_lv16(buf, founded->ca[i]);
}

enum bm_rc
bm_founded_parse(struct bm_founded *ret_founded, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_founded founded;
    uint16_t version;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &founded.leaves);
    version = bm_rd_u16(&rd);
    bm_rd_copy(&rd, founded.site, BM_HASH);
    founded.roles = bm_rd_lv32(&rd, BM_MAX_STATEMENT);
    founded.root = bm_rd_lv16(&rd, BM_MAX_CERT);
    for (size_t i = 0; i < BM_CA__N; i++)
        founded.ca[i] = bm_rd_lv16(&rd, BM_MAX_CERT);
    if (!rd.bad && version != BM_JOURNAL_VERSION)
        return bm_fail(fail, BM_EBUG, NULL,
                       "it has version %u and this program knows version %d: run the release that wrote it, or a newer one", version,
                       BM_JOURNAL_VERSION);
    if ((rc = end_check(&rd, "the founding record", fail)) != BM_OK)
        return rc;
    *ret_founded = founded;
    return BM_OK;
}

void
bm_plain_build(struct bm_buf *buf, const struct bm_plain *plain)
{
    bm_record_leaves_build(buf, &plain->leaves);
    bm_buf_add_bytes(buf, plain->rest);
}

enum bm_rc
bm_plain_parse(struct bm_plain *ret_plain, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_plain plain;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &plain.leaves);
    plain.rest = bm_rd_rest(&rd);
    if ((rc = end_check(&rd, "a record", fail)) != BM_OK)
        return rc;
    *ret_plain = plain;
    return BM_OK;
}

void
bm_marked_build(struct bm_buf *buf, const struct bm_marked *marked)
{
    bm_record_leaves_build(buf, &marked->leaves);
    bm_buf_add_lv16(buf, marked->serial);
    bm_buf_add_u8(buf, marked->reason);
    bm_buf_add_u64(buf, (uint64_t)marked->time);
}

enum bm_rc
bm_marked_parse(struct bm_marked *ret_marked, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_marked marked;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &marked.leaves);
    marked.serial = bm_rd_lv16(&rd, BM_MAX_SERIAL);
    marked.reason = bm_rd_u8(&rd);
    marked.time = (bm_time)bm_rd_u64(&rd);
    if ((rc = end_check(&rd, "the record of a confirmation or revocation", fail)) != BM_OK)
        return rc;
    *ret_marked = marked;
    return BM_OK;
}

void
bm_forked_build(struct bm_buf *buf, const struct bm_forked *forked)
{
    bm_record_leaves_build(buf, &forked->leaves);
    bm_buf_add_lv16(buf, forked->serial);
    bm_buf_add_lv32(buf, forked->bundle);
}

enum bm_rc
bm_forked_parse(struct bm_forked *ret_forked, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_forked forked;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &forked.leaves);
    forked.serial = bm_rd_lv16(&rd, BM_MAX_SERIAL);
    forked.bundle = bm_rd_lv32(&rd, BM_MAX_EVIDENCE);
    if ((rc = end_check(&rd, "the record of a fork", fail)) != BM_OK)
        return rc;
    *ret_forked = forked;
    return BM_OK;
}

void
bm_crl_record_build(struct bm_buf *buf, const struct bm_crl_record *crl)
{
    bm_buf_add_u8(buf, 0);
    bm_buf_add_u8(buf, (uint8_t)crl->ca);
    bm_buf_add_u32(buf, crl->bucket);
    bm_buf_add_u64(buf, crl->number);
    bm_buf_add_u64(buf, (uint64_t)crl->time);
}

enum bm_rc
bm_crl_record_parse(struct bm_crl_record *ret_crl, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_crl_record crl;
    enum bm_rc rc;

    leaves_none(&rd);
    crl.ca = take_enum(&rd, BM_MAX_CAS);
    crl.bucket = bm_rd_u32(&rd);
    crl.number = bm_rd_u64(&rd);
    crl.time = (bm_time)bm_rd_u64(&rd);
    if ((rc = end_check(&rd, "the record of a CRL", fail)) != BM_OK)
        return rc;
    *ret_crl = crl;
    return BM_OK;
}

void
bm_responder_record_build(struct bm_buf *buf, const struct bm_responder_record *responder)
{
    bm_buf_add_u8(buf, 0);
    bm_buf_add_u64(buf, (uint64_t)responder->time);
    bm_buf_add_u64(buf, (uint64_t)responder->not_after);
    bm_buf_add_u8(buf, (uint8_t)responder->ca);
    bm_buf_add(buf, responder->key, BM_HASH);
    bm_buf_add_lv16(buf, responder->tbs);
}

enum bm_rc
bm_responder_record_parse(struct bm_responder_record *ret_responder, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_responder_record responder;
    enum bm_rc rc;

    leaves_none(&rd);
    responder.time = (bm_time)bm_rd_u64(&rd);
    responder.not_after = (bm_time)bm_rd_u64(&rd);
    responder.ca = take_enum(&rd, BM_MAX_CAS);
    bm_rd_copy(&rd, responder.key, BM_HASH);
    responder.tbs = bm_rd_lv16(&rd, BM_MAX_CERT);
    if ((rc = end_check(&rd, "the record of a responder's certificate", fail)) != BM_OK)
        return rc;
    *ret_responder = responder;
    return BM_OK;
}

void
bm_responder_signed_build(struct bm_buf *buf, const struct bm_responder_signed *made)
{
    bm_record_leaves_build(buf, &made->leaves);
    bm_buf_add_u8(buf, (uint8_t)made->ca);
    bm_buf_add_u8(buf, (uint8_t)made->alg);
    bm_buf_add_lv16(buf, made->signature);
}

enum bm_rc
bm_responder_signed_parse(struct bm_responder_signed *ret_signed, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_responder_signed made;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &made.leaves);
    made.ca = take_enum(&rd, BM_MAX_CAS);
    made.alg = (enum bm_sig_alg)take_enum(&rd, BM_SIG_ED25519 + 1);
    made.signature = bm_rd_lv16(&rd, BM_MAX_SIGNATURE);
    if ((rc = end_check(&rd, "the record of a responder's signature", fail)) != BM_OK)
        return rc;
    *ret_signed = made;
    return BM_OK;
}
