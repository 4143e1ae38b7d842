/* Requests on their way through the signer, and its answers. */
#include "registrar/registrar.h"

static bool
is_gate(const struct bm_registrar *r, const struct bm_link *asker)
{
    return asker >= r->gates && asker < r->gates + r->ngates;
}

bool
bm_asker_there(const struct pending *p)
{
    return p->asker != NULL && p->asker->fd >= 0 && p->asker->generation == p->generation;
}

enum bm_rc
bm_pending_new(struct bm_registrar *r, struct bm_link *asker, uint64_t asker_id, settle_fn *settle, struct pending **ret_pending,
               struct bm_fail *fail)
{
    struct pending *p = r->pending;

    while (p < r->pending + MAX_PENDING && p->used)
        p++;
    if (p == r->pending + MAX_PENDING)
        return bm_fail(fail, BM_EBUSY, NULL, "too much is under way: try again in a moment");
    *p = (struct pending){ .used = true, .settle = settle, .asker = asker, .asker_id = asker_id, .kept = { .max = BM_MAX_MESSAGE } };
    if (asker != NULL)
        p->generation = asker->generation;
    r->npending++;
    *ret_pending = p;
    return BM_OK;
}

void
bm_pending_release(struct bm_registrar *r, struct pending *p)
{
    bm_buf_done(&p->kept);
    p->used = false;
    r->npending--;
}

enum bm_rc
bm_signer_ask(struct bm_registrar *r, uint16_t type, struct bm_bytes body, struct bm_link *asker, uint64_t asker_id, settle_fn *settle,
              struct pending **ret_pending, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc;

    if ((rc = bm_disk_admit(r, type, fail)) != BM_OK || (rc = bm_pending_new(r, asker, asker_id, settle, &p, fail)) != BM_OK)
        return rc;
    if ((rc = bm_link_queue(&r->signer, type, (uint64_t)(p - r->pending), body, fail)) != BM_OK) {
        bm_pending_release(r, p);
        return rc;
    }
    *ret_pending = p;
    return BM_OK;
}

/* What comes unasked: records that nobody waits for any more, lists that are out of date, and whether the CA's token is there. */
static enum bm_rc
unasked(struct bm_registrar *r, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    struct bm_s_token token;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type == BM_S_LATE)
        return (rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK ? rc
                                                                                      : bm_records_keep(r, &leaves, NULL, &alarm, fail);
    if (message->type == BM_S_CHANGED)
        return bm_lists_changed(r, message->body, fail);
    if ((rc = bm_s_token_parse(&token, bm_rd(message->body), fail)) != BM_OK)
        return rc;
    r->token.kept = true;
    r->token.here = token.here;
    r->token.since = token.since;
    bm_view_copy(r->token.sentence, sizeof(r->token.sentence), token.sentence);
    return BM_OK;
}

static enum bm_rc
asked(struct bm_registrar *r, const struct bm_message *message, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc;

    if (message->id >= MAX_PENDING || !r->pending[message->id].used || r->pending[message->id].joined)
        return bm_fail(fail, BM_EBUG, NULL, "the signer answered what nobody asked");
    p = &r->pending[message->id];
    rc = p->settle(r, p, message, fail);
    bm_pending_release(r, p);
    return rc;
}

bool
bm_signer_unasked(const struct bm_message *message)
{
    return message->type == BM_S_LATE || message->type == BM_S_TOKEN || message->type == BM_S_CHANGED;
}

enum bm_rc
bm_signer_heard(struct bm_registrar *r, const struct bm_message *message, struct bm_fail *fail)
{
    enum bm_rc rc = bm_signer_unasked(message) ? unasked(r, message, fail) : asked(r, message, fail);

    /* What the signer says is no stranger's word: if it can't be read or kept, signer and store have parted. */
    if (rc == BM_EINPUT || rc == BM_EPOLICY) {
        bm_fail_prefix(fail, "the signer's answer can't be used");
        rc = fail->rc = BM_EBUG;
    }
    return rc;
}

enum bm_rc
bm_answer(struct pending *p, uint16_t type, struct bm_bytes body, struct bm_fail *fail)
{
    return bm_asker_there(p) ? bm_link_queue(p->asker, type, p->asker_id, body, fail) : BM_OK;
}

enum bm_rc
bm_answer_refused(struct bm_registrar *r, struct bm_link *asker, uint64_t id, enum bm_rc class, uint64_t alarm, const char *sentence,
                  struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 2048 };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1024 };

    bm_buf_add_str(&text, sentence);
    if (alarm != 0 && is_gate(r, asker)) /* a command gets the number beside the sentence */
        bm_buf_add_fmt(&text, "%s Recorded as alarm %llu.", text.n > 0 && text.p[text.n - 1] == '.' ? "" : ".", (unsigned long long)alarm);
    if (is_gate(r, asker)) {
        bm_g_refused_build(&body, &(struct bm_g_refused){ .rc = (uint8_t) class, .sentence = bm_buf_bytes(&text) });
        return bm_link_queue(asker, BM_G_REFUSED, id, bm_buf_bytes(&body), fail);
    }
    bm_c_refused_build(&body, &(struct bm_c_refused){ .rc = (uint8_t) class, .alarm = alarm, .sentence = bm_buf_bytes(&text) });
    return bm_link_queue(asker, BM_C_REFUSED, id, bm_buf_bytes(&body), fail);
}

enum bm_rc
bm_records_keep_answer(struct bm_registrar *r, const struct pending *p, const struct bm_message *message, uint64_t *ret_alarm,
                       struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    enum bm_rc rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail);

    return rc != BM_OK ? rc : bm_records_keep(r, &leaves, p, ret_alarm, fail);
}

enum bm_rc
bm_records_keep_refused(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_s_refused *ret_refused,
                        char *ret_sentence, uint64_t *ret_alarm, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (message->type != BM_S_REFUSED)
        return bm_fail(fail, BM_EBUG, NULL, "the signer answered with a message of type %u", (unsigned)message->type);
    if ((rc = bm_s_refused_parse(ret_refused, bm_rd(message->body), fail)) != BM_OK)
        return rc;
    bm_view_copy(ret_sentence, SENTENCE, ret_refused->sentence);
    return bm_records_keep(r, &ret_refused->leaves, p, ret_alarm, fail);
}

enum bm_rc
bm_refused_answer(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_refused refused;
    char sentence[SENTENCE];
    uint64_t alarm;
    enum bm_rc rc;

    if ((rc = bm_records_keep_refused(r, p, message, &refused, sentence, &alarm, fail)) != BM_OK || !bm_asker_there(p))
        return rc;
    return bm_answer_refused(r, p->asker, p->asker_id, (enum bm_rc)refused.rc, alarm, sentence, fail);
}
