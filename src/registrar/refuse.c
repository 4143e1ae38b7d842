/* Refusals: an event each where a root key or an operator stands behind it, a shared budget for the rest. */
#include "registrar/registrar.h"

#define OWN_A_MINUTE 10

/* The leaf stands: now the asker hears, with the alarm's number. */
static enum bm_rc
refusal_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm = 0;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_fail(fail, BM_EBUG, NULL, "the signer does not take a refusal");
    if ((rc = bm_records_keep_answer(r, p, message, &alarm, fail)) != BM_OK || !bm_asker_there(p))
        return rc;
    return bm_answer_refused(r, p->asker, p->asker_id, (enum bm_rc)p->rc, alarm, (const char *)p->kept.p, fail);
}

static enum bm_rc
send_leaf(struct bm_registrar *r, struct bm_link *asker, uint64_t id, const struct refusal *refusal, uint64_t count, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 2048 };
    struct pending *p;
    enum bm_rc rc;

    bm_s_refusal_build(&body, &(struct bm_s_refusal){ .kind = bm_bytes_str(refusal->what),
                                                      .chip = bm_bytes_str(refusal->chip),
                                                      .lot = bm_bytes_str(refusal->lot),
                                                      .by = bm_bytes_str(refusal->by),
                                                      .count = count,
                                                      .sentence = bm_bytes_str(refusal->sentence) });
    if ((rc = bm_buf_check(&body, "the refusal", fail)) != BM_OK ||
        (rc = bm_signer_ask(r, BM_S_REFUSAL, bm_buf_bytes(&body), asker, id, refusal_settle, &p, fail)) != BM_OK)
        return rc;
    p->rc = (uint8_t)refusal->class;
    bm_buf_add_str(&p->kept, refusal->sentence);
    bm_buf_add_u8(&p->kept, 0);
    return bm_buf_check(&p->kept, "the refusal", fail);
}

/* May this one have a leaf of its own? Operators always; the rest as long as this minute's budget lasts, and a slot is free. */
static bool
has_own_leaf(struct bm_registrar *r, const struct refusal *refusal)
{
    if (r->npending == MAX_PENDING || bm_disk_full(r))
        return false;
    if (refusal->by[0] != 0)
        return true;
    if (refusal->class != BM_EPOLICY)
        return false;
    if (r->budget.minute != r->now / 60) {
        r->budget.minute = r->now / 60;
        r->budget.own = 0;
    }
    return r->budget.own++ < OWN_A_MINUTE;
}

enum bm_rc
bm_refuse(struct bm_registrar *r, struct bm_link *asker, uint64_t id, const struct refusal *refusal, struct bm_fail *fail)
{
    if (refusal->class == BM_EPOLICY || refusal->class == BM_EINPUT) {
        if (has_own_leaf(r, refusal))
            return send_leaf(r, asker, id, refusal, 1, fail);
        if (r->budget.counted++ == 0)
            r->budget.since = r->now;
    }
    return bm_answer_refused(r, asker, id, refusal->class, 0, refusal->sentence, fail);
}

enum bm_rc
bm_refuse_counted(struct bm_registrar *r, struct bm_fail *fail)
{
    uint64_t n = r->budget.counted;
    const struct refusal counted = { .what = "counted",
                                     .class = BM_EPOLICY,
                                     .chip = "",
                                     .lot = "",
                                     .by = "",
                                     .sentence = "requests were refused without proof of a root key, or beyond ten a minute of one chip" };

    if (n == 0 || r->now - r->budget.since < 60 || r->npending == MAX_PENDING || bm_disk_full(r))
        return BM_OK;
    r->budget.counted = 0;
    return send_leaf(r, NULL, 0, &counted, n, fail);
}
