/* lots_serve.c - a lot comes in by three messages; it counts when its last record is durable, and not before. */
#include "base/base.h"
#include "signer/authority.h"

#include "signer/listed.h"

#define CHUNK (512u << 10) /* of tags in one record */
#define STEP 4             /* records that are compared before others are heard again: a few milliseconds */

void
bm_lot_close(struct bm_signer *signer)
{
    bm_tags_done(&signer->comparing.tags);
    bm_buf_done(&signer->comparing.run);
    signer->comparing.open = false;
    bm_stream_close(&signer->stream);
}

/* Any refusal on the way ends the lot; nothing of it stays. */
static enum bm_rc
stream_refuse(struct bm_signer *signer, const struct bm_authority *authority, uint64_t id, struct bm_fail *why, struct bm_fail *fail)
{
    char lot[BM_MAX_NAME + 1];

    memcpy(lot, signer->stream.pin.lot, sizeof(lot));
    bm_lot_close(signer);
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

    if (signer->comparing.open)
        return bm_refuse_now(signer, id, BM_EBUSY, "another lot is compared with those that are here: receive this one in a moment", fail);
    bm_lot_close(signer);
    if (bm_authority_open(&authority, signer, &body, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "lot", NULL, &why, fail);
    head_note = bm_rd_lv32(&body, BM_MAX_NOTE);
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "the beginning of a lot is malformed");
    if (bm_pin_parse(&head, &pin, authority.text, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "lot", NULL, &why, fail);
    if ((rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    if (bm_pin_check(&pin, head_note, &signer->memory.lots, signer->site->test, &why) != BM_OK ||
        bm_waivers_check(&signer->memory.waivers, &pin, now, &why) != BM_OK)
        return bm_authority_refuse(&authority, signer, id, "lot", pin.lot, &why, fail);
    if ((rc = bm_stream_open(&signer->stream, &head, &pin, whole, signer->seed, fail)) != BM_OK) {
        bm_lot_close(signer);
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

    if (!signer->stream.open || signer->comparing.open)
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

static enum bm_rc
record_tags(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(&signer->stream.tags));
    enum bm_rc rc;

    while (rd.left > 0)
        if ((rc = record_plain(signer, BM_R_LOT_KEYS, bm_rd_take(&rd, rd.left < CHUNK ? rd.left : CHUNK), fail)) != BM_OK)
            return rc;
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

/* It will be compared with all that is pinned, a few records at a time, so that nobody waits for that: bm_lot_step(). */
static enum bm_rc
compare_open(struct bm_signer *signer, uint64_t id, struct bm_bytes reason, struct bm_fail *fail)
{
    struct bm_comparing *to = &signer->comparing;
    const struct bm_lots *lots = &signer->memory.lots;
    enum bm_rc rc;

    bm_table_done(&signer->stream.seen); /* of a million chips it is the largest */
    *to = (struct bm_comparing){ .open = true, .id = id, .run = { .max = BM_MAX_RECORD } };
    if (reason.n > 0)
        memcpy(to->reason, reason.p, reason.n);
    to->nreason = reason.n;
    to->listing = (struct bm_listing){ .lots = lots, .journal = &signer->journal, .except = bm_lots_by_name(lots, signer->stream.pin.lot) };
    rc = bm_tags_make(&to->tags, bm_buf_bytes(&signer->stream.tags), signer->seed, fail);
    if (rc != BM_OK)
        bm_lot_close(signer);
    return rc;
}

enum bm_rc
bm_serve_lot_end(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_authority authority = { .proven = false };
    struct bm_fail why = { .rc = BM_OK };
    struct bm_bytes reason = { 0 };

    if (body.left > 0)
        reason = bm_rd_lv16(&body, BM_S_MAX_REASON);
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "the end of a lot is malformed");
    if (!signer->stream.open || signer->comparing.open)
        return no_lot(signer, id, fail);
    if (stream_authority(signer, &authority, &why) != BM_OK || bm_stream_check(&signer->stream, &why) != BM_OK)
        return stream_refuse(signer, &authority, id, &why, fail);
    return compare_open(signer, id, reason, fail);
}

/* Its records, whose last one makes it count. */
static enum bm_rc
lot_commit(struct bm_signer *signer, const struct bm_authority *authority, struct bm_fail *fail)
{
    const struct bm_comparing *of = &signer->comparing;
    enum bm_rc rc;

    if ((rc = record_plain(signer, BM_R_LOT, bm_bytes(NULL, 0), fail)) != BM_OK || (rc = record_tags(signer, fail)) != BM_OK ||
        (rc = record_end(signer, authority, bm_bytes(of->reason, of->nreason), of->id, fail)) != BM_OK)
        return rc;
    bm_lot_close(signer);
    return BM_OK;
}

/* Runs of a lot that lists one of the new one's chips: BM_EPOLICY, unless the two may stand beside each other. *ret_more: there are others. */
static enum bm_rc
compare_step(struct bm_signer *signer, bool *ret_more, struct bm_fail *why, struct bm_fail *fail)
{
    struct bm_comparing *with = &signer->comparing;
    struct bm_bytes run;
    enum bm_rc rc;

    *ret_more = true;
    for (size_t i = 0; i < STEP && *ret_more; i++) {
        if ((rc = bm_listing_next(&with->listing, &with->run, &run, fail)) != BM_OK)
            return rc;
        *ret_more = run.n > 0;
        if (!bm_tags_meet(&with->tags, run))
            continue;
        with->listing.left = 0; /* of this lot that is enough */
        if (with->nreason == 0 && bm_shared_check(&signer->memory.lots.lots[with->listing.lot], why) != BM_OK)
            *ret_more = false;
    }
    return BM_OK;
}

enum bm_rc
bm_lot_step(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_authority authority = { .proven = false };
    struct bm_fail why = { .rc = BM_OK }, late = { .rc = BM_OK };
    uint64_t id = signer->comparing.id;
    bool more;
    enum bm_rc rc;

    if ((rc = compare_step(signer, &more, &why, fail)) != BM_OK || more)
        return rc;
    rc = stream_authority(signer, &authority, &late); /* another statement may have come in between */
    if (rc != BM_OK || why.rc != BM_OK)
        return stream_refuse(signer, &authority, id, rc != BM_OK ? &late : &why, fail);
    return lot_commit(signer, &authority, fail);
}
