/* lots_serve.c - a lot comes in by three messages; it counts when its last record is durable, and not before. */
#include "base/base.h"
#include "signer/authority.h"

#define CHUNK (512u << 10) /* of keys in one record */

/* Any refusal on the way ends the lot; nothing of it stays. */
static enum bm_rc
stream_refuse(struct bm_signer *signer, const struct bm_authority *authority, uint64_t id, struct bm_fail *why, struct bm_fail *fail)
{
    char lot[BM_MAX_NAME + 1];

    memcpy(lot, signer->stream.pin.lot, sizeof(lot));
    bm_stream_close(&signer->stream);
    if (why->rc == BM_EINPUT || why->rc == BM_EPOLICY)
        bm_fail_prefix(why, "lot %s", lot);
    return bm_authority_refuse(authority, signer, id, "lot", lot, why, fail);
}

/* The pin that the running stream began with: still this site's next statement? */
static enum bm_rc
stream_authority(struct bm_signer *signer, struct bm_authority *ret, struct bm_fail *fail)
{
    struct bm_rd begin = bm_rd(bm_buf_bytes(&signer->stream.begin));

    return bm_authority_open(ret, signer, &begin, fail);
}

enum bm_rc
bm_serve_lot_begin(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_bytes whole = bm_bytes(body.p, body.left), head_note;
    struct bm_statement_head head;
    struct bm_authority authority;
    struct bm_fail why = { .rc = BM_OK };
    struct bm_pin pin;
    bm_time now = 0;
    enum bm_rc rc;

    bm_stream_close(&signer->stream);
    if (bm_authority_open(&authority, signer, &body, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "lot", NULL, &why, fail);
    head_note = bm_rd_lv32(&body, BM_MAX_NOTE);
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "the beginning of a lot is malformed");
    if (bm_pin_parse(&head, &pin, authority.text, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "lot", NULL, &why, fail);
    if ((rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    if (bm_pin_check(&pin, head_note, &signer->memory.lots, &why) != BM_OK ||
        bm_waivers_check(&signer->memory.waivers, &pin, now, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "lot", pin.lot, &why, fail);
    if ((rc = bm_stream_open(&signer->stream, &head, &pin, whole, &signer->memory.lots, signer->seed, fail)) != BM_OK) {
        bm_stream_close(&signer->stream);
        return rc;
    }
    return bm_answer_now(signer, id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
no_lot(struct bm_signer *signer, uint64_t id, struct bm_fail *fail)
{
    const struct bm_fail why = { .rc = BM_EPOLICY, .text = "no lot is being received: begin again" };

    return bm_batch_refuse(signer, id, &why, NULL, fail);
}

enum bm_rc
bm_serve_lot_leaves(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_authority authority = { .proven = false };
    struct bm_fail why = { .rc = BM_OK };
    uint32_t n = bm_rd_u32(&body);
    enum bm_rc rc = BM_OK;

    if (!signer->stream.open)
        return no_lot(signer, id, fail);
    for (uint32_t i = 0; i < n && !body.bad && rc == BM_OK; i++) {
        struct bm_bytes der = bm_rd_lv16(&body, BM_MAX_LEAF);

        if (!body.bad)
            rc = bm_stream_leaf(&signer->stream, &signer->memory.slots, der, &why);
    }
    if (rc == BM_OK && bm_rd_end(&body))
        return bm_answer_now(signer, id, bm_bytes(NULL, 0), fail);
    if (rc == BM_OK)
        return bm_fail(fail, BM_EINPUT, NULL, "a run of a lot's leaves is malformed");
    if (stream_authority(signer, &authority, fail) != BM_OK)
        authority.proven = false; /* another statement came in between: refused, without a leaf by somebody whose turn it was not */
    return stream_refuse(signer, &authority, id, &why, fail);
}

static enum bm_rc
record_plain(struct bm_signer *signer, enum bm_record_type type, struct bm_bytes rest, struct bm_fail *fail)
{
    struct bm_plain plain = { .rest = rest };
    enum bm_rc rc;

    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    if ((rc = bm_commit(signer, type, &plain.leaves, NULL, fail)) != BM_OK)
        return rc;
    return bm_journal_write(&signer->journal, fail);
}

/* The keys in records of whole leaves. */
static enum bm_rc
record_keys(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_bytes all = bm_buf_bytes(&signer->stream.keys);
    struct bm_rd rd = bm_rd(all);
    const uint8_t(*hashes)[BM_HASH];
    size_t n;
    enum bm_rc rc;

    while (rd.left > 0) {
        const uint8_t *from = rd.p;

        while ((size_t)(rd.p - from) < CHUNK && bm_keys_next(&rd, &hashes, &n))
            continue;
        if (rd.bad)
            return bm_fail(fail, BM_EBUG, NULL, "the keys of a lot were collected wrongly");
        if ((rc = record_plain(signer, BM_R_LOT_KEYS, bm_bytes(from, (size_t)(rd.p - from)), fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* The next leaf of the record. */
static enum bm_rc
leaf_add(struct bm_signer *signer, const struct bm_event *event, struct bm_record_leaves *leaves, struct bm_fail *fail)
{
    enum bm_rc rc = bm_leaf_make(signer, leaves->n, event, &leaves->leaf[leaves->n], fail);

    leaves->n += rc == BM_OK;
    return rc;
}

/* Of the revision that this one replaces: how many chips it had, and which revision it was. */
static enum bm_rc
superseded_make(struct bm_signer *signer, const struct bm_event *pinned, struct bm_record_leaves *leaves, struct bm_fail *fail)
{
    const struct bm_lots *lots = &signer->memory.lots;
    uint32_t at = bm_lots_by_name(lots, signer->stream.pin.lot);
    char count[24], reason[48];
    struct bm_event event = *pinned;

    if (at == BM_NONE)
        return BM_OK;
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)lots->lots[at].size);
    (void)snprintf(reason, sizeof(reason), "revision %llu", (unsigned long long)lots->lots[at].revision);
    event.kind = BM_EVENT_LOT_SUPERSEDED;
    event.count = bm_bytes_str(count);
    event.reason = bm_bytes_str(reason);
    return leaf_add(signer, &event, leaves, fail);
}

/* It contradicts another lot: it is pinned and serves nobody until two persons release it. */
static enum bm_rc
held_make(struct bm_signer *signer, const struct bm_event *pinned, struct bm_bytes reason, struct bm_record_leaves *leaves,
          struct bm_fail *fail)
{
    const struct bm_event event = {
        .kind = BM_EVENT_LOT_QUARANTINED, .time = pinned->time, .lot = pinned->lot, .by = pinned->by, .reason = reason
    };

    return reason.n == 0 ? BM_OK : leaf_add(signer, &event, leaves, fail);
}

static enum bm_rc
record_end(struct bm_signer *signer, const struct bm_authority *authority, struct bm_bytes reason, uint64_t id, struct bm_fail *fail)
{
    const struct bm_pin *pin = &signer->stream.pin;
    struct bm_plain plain = { .leaves = { .n = 0 } };
    struct bm_record_leaves *leaves = &plain.leaves;
    char count[24];
    struct bm_event event = { .kind = BM_EVENT_LOT_PINNED,
                              .lot = bm_bytes_str(pin->lot),
                              .statement = bm_bytes_str(authority->digest),
                              .by = bm_bytes_str(authority->head.by),
                              .second = bm_bytes_str(authority->second),
                              .reason = bm_bytes_str(pin->vendor) };
    enum bm_rc rc;

    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)pin->size);
    event.count = bm_bytes_str(count);
    if (reason.n > 0)
        bm_buf_add_lv16(&signer->stream.begin, reason);
    plain.rest = bm_buf_bytes(&signer->stream.begin);
    if ((rc = bm_buf_check(&signer->stream.begin, "a lot's end", fail)) != BM_OK ||
        (rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK ||
        (rc = superseded_make(signer, &event, leaves, fail)) != BM_OK || (rc = leaf_add(signer, &event, leaves, fail)) != BM_OK ||
        (rc = held_make(signer, &event, reason, leaves, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    return bm_commit(signer, BM_R_LOT_END, &plain.leaves, bm_batch_answer(signer, id, BM_S_ANSWER), fail);
}

enum bm_rc
bm_serve_lot_end(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_authority authority = { .proven = false };
    struct bm_fail why = { .rc = BM_OK };
    struct bm_bytes reason = { 0 };
    enum bm_rc rc;

    if (body.left > 0)
        reason = bm_rd_lv16(&body, BM_S_MAX_REASON);
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "the end of a lot is malformed");
    if (!signer->stream.open)
        return no_lot(signer, id, fail);
    if (stream_authority(signer, &authority, &why) != BM_OK || bm_stream_check(&signer->stream, reason.n > 0, &why) != BM_OK)
        return stream_refuse(signer, &authority, id, &why, fail);
    bm_table_done(&signer->stream.seen); /* of a million chips it is the largest: dropped before the records' own tables are made */
    if ((rc = record_plain(signer, BM_R_LOT, bm_bytes(NULL, 0), fail)) != BM_OK || (rc = record_keys(signer, fail)) != BM_OK)
        return rc;
    bm_buf_done(&signer->stream.keys); /* the records hold them now */
    if ((rc = record_end(signer, &authority, reason, id, fail)) != BM_OK)
        return rc;
    bm_stream_close(&signer->stream);
    return BM_OK;
}
