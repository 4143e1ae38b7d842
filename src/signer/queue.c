/* queue.c - what waits for the CA's tokens: taken in, asked of the keeper in order, answered when signed or when the patience is over. */
#include "base/base.h"
#include "signer/signer.h"

#include "proc/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static bool
is_away(const struct bm_queue *queue, int64_t patience)
{
    return !queue->here && bm_clock_ms() - queue->changed >= patience;
}

static size_t
count_of(const struct bm_queue *queue, unsigned what)
{
    size_t n = 0;

    for (size_t i = 0; i < queue->n; i++)
        n += queue->waiting[i].what == what;
    return n;
}

/* The batch's own are not in the queue yet. */
static size_t
soon(const struct bm_signer *signer, unsigned later)
{
    size_t n = 0;

    for (size_t i = 0; i < signer->nbatch; i++)
        n += signer->batch[i].later == later && signer->batch[i].type != BM_S_REFUSED;
    return n;
}

/* req: FAULTS F14 whoever cannot be served in time hears so at once; no key in software stands in for a token */
enum bm_rc
bm_queue_admit(const struct bm_signer *signer, unsigned ca, bool crl, struct bm_fail *fail)
{
    const struct bm_queue *queue = &signer->queue;
    size_t before = queue->n - count_of(queue, BM_WAITS_OCSP) + soon(signer, BM_LATER_SIGN) + soon(signer, BM_LATER_CRL);
    const struct bm_ca_key *key;
    char since[BM_TIME_TEXT];
    enum bm_rc rc = bm_ca_key(&key, signer, ca, fail);

    if (rc != BM_OK || !key->kept)
        return rc;
    if (is_away(queue, BM_QUEUE_GLITCH) || (!key->open && !queue->here)) { /* from the start, or it would have been opened */
        bm_time_print(since, queue->away_since);
        return bm_fail(fail, BM_EBUSY, NULL, "the CA's token is away since %s, ask again later: %.300s", since, queue->sentence);
    }
    if (!key->open)
        return bm_fail(fail, BM_EBUSY, NULL, "the token of CA %s does not hold its key: put the right token back", key->name);
    if (signer->memory.nopen == BM_BATCH || (crl && count_of(queue, BM_WAITS_CRL) + soon(signer, BM_LATER_CRL) >= BM_QUEUE_OTHERS) ||
        (before > 0 && (before + 1) * queue->pace > BM_QUEUE_PATIENCE))
        return bm_fail(fail, BM_EBUSY, NULL, "%zu others wait for the CA's token, which takes %u ms each: ask again in a moment", before,
                       queue->pace);
    return BM_OK;
}

/* ---- in ---- */

bool
bm_queue_holds(const struct bm_signer *signer, struct bm_bytes serial)
{
    for (size_t i = 0; i < signer->queue.n; i++) {
        const struct bm_waiting *waiting = &signer->queue.waiting[i];

        if (waiting->what == BM_WAITS_INTENT && bm_bytes_equal(serial, bm_bytes(waiting->serial, waiting->nserial)))
            return true;
    }
    return false;
}

static struct bm_waiting *
waiting_new(struct bm_queue *queue, const struct bm_answer *answer, unsigned what)
{
    struct bm_waiting *waiting = &queue->waiting[queue->n++];

    *waiting = (struct bm_waiting){ .what = what, .asked = answer != NULL, .since = bm_clock_ms(), .tbs = { .max = BM_MAX_MESSAGE } };
    if (answer == NULL)
        return waiting;
    waiting->id = answer->id;
    waiting->nserial = answer->nserial;
    memcpy(waiting->serial, answer->serial, sizeof(waiting->serial));
    return waiting;
}

enum bm_rc
bm_queue_intent(struct bm_signer *signer, uint64_t at, struct bm_answer *answer, bool *ret_taken, struct bm_fail *fail)
{
    struct bm_waiting *waiting;
    const struct bm_ca_key *key;
    struct bm_intent intent;
    enum bm_rc rc;

    if ((rc = bm_intent_read(signer, at, &intent, fail)) != BM_OK || (rc = bm_ca_key(&key, signer, intent.ca, fail)) != BM_OK)
        return rc;
    *ret_taken = key->kept;
    if (!*ret_taken)
        return BM_OK;
    waiting = waiting_new(&signer->queue, answer, BM_WAITS_INTENT);
    waiting->ca = intent.ca;
    waiting->intent = at;
    waiting->again = answer == NULL;
    waiting->nserial = intent.serial.n;
    memcpy(waiting->serial, intent.serial.p, intent.serial.n);
    if (answer != NULL)
        answer->type = 0; /* it comes later */
    return BM_OK;
}

enum bm_rc
bm_queue_repeat(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail)
{
    struct bm_fail why = { .rc = BM_OK };

    if (!bm_queue_holds(signer, bm_bytes(answer->serial, answer->nserial)))
        return BM_OK;
    if (count_of(&signer->queue, BM_WAITS_REPEAT) == BM_QUEUE_OTHERS) {
        bm_fail_note(&why, BM_EBUSY, NULL, "an earlier request for this certificate waits for the CA's token: ask again in a moment");
        return bm_answer_turn(signer, answer, &why, fail);
    }
    (void)waiting_new(&signer->queue, answer, BM_WAITS_REPEAT);
    answer->type = 0;
    return BM_OK;
}

enum bm_rc
bm_queue_crl(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail)
{
    struct bm_waiting *waiting = waiting_new(&signer->queue, answer, BM_WAITS_CRL);
    struct bm_fail why = { .rc = BM_OK };

    waiting->ca = answer->crl.ca;
    if (bm_crl_tbs(signer, &answer->crl, &waiting->tbs, &waiting->until, &why) != BM_OK) {
        bm_buf_done(&waiting->tbs);
        signer->queue.n--;
        return bm_answer_turn(signer, answer, &why, fail);
    }
    answer->type = 0;
    return BM_OK;
}

bool
bm_queue_ocsp(struct bm_signer *signer, struct bm_answer *answer, struct bm_bytes head, struct bm_bytes tbs)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_waiting *waiting;

    if (!queue->here || !signer->ocsp_key->open || count_of(queue, BM_WAITS_OCSP) == BM_QUEUE_OTHERS)
        return false;
    waiting = waiting_new(queue, answer, BM_WAITS_OCSP);
    waiting->ca = answer->crl.ca;
    waiting->head.max = 256;
    bm_buf_add_bytes(&waiting->head, head);
    bm_buf_add_bytes(&waiting->tbs, tbs);
    answer->type = 0;
    return true;
}

enum bm_rc
bm_queue_responder(struct bm_signer *signer, unsigned ca, struct bm_bytes tbs, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_waiting *waiting;

    for (size_t i = 0; i < queue->n; i++)
        if (queue->waiting[i].what == BM_WAITS_RESPONDER && queue->waiting[i].ca == ca)
            return BM_OK;
    if (count_of(queue, BM_WAITS_RESPONDER) == BM_QUEUE_OTHERS)
        return BM_OK;
    waiting = waiting_new(queue, NULL, BM_WAITS_RESPONDER);
    waiting->ca = ca;
    bm_buf_add_bytes(&waiting->tbs, tbs);
    return bm_buf_check(&waiting->tbs, "a responder's certificate", fail);
}

static void
waiting_drop(struct bm_queue *queue, size_t i)
{
    if (queue->waiting[i].seq != 0)
        queue->in_flight--;
    bm_buf_done(&queue->waiting[i].tbs);
    bm_buf_done(&queue->waiting[i].head);
    memmove(&queue->waiting[i], &queue->waiting[i + 1], (queue->n - i - 1) * sizeof(queue->waiting[0]));
    queue->n--;
}

/* ---- to the keeper ---- */

/* Whose signature it waits for. */
static enum bm_rc
key_of(const struct bm_ca_key **ret_key, const struct bm_signer *signer, const struct bm_waiting *waiting, struct bm_fail *fail)
{
    if (waiting->what != BM_WAITS_OCSP)
        return bm_ca_key(ret_key, signer, waiting->ca, fail);
    *ret_key = signer->ocsp_key;
    return BM_OK;
}

static enum bm_rc
ask_one(struct bm_signer *signer, struct bm_waiting *waiting, bool *ret_sent, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_message message = { .type = BM_K_SIGN, .id = queue->seq + 1 };
    struct bm_bytes tbs = bm_buf_bytes(&waiting->tbs);
    const struct bm_ca_key *key;
    struct bm_intent intent;
    enum bm_rc rc = key_of(&key, signer, waiting, fail);

    if (rc != BM_OK)
        return rc;
    if (waiting->what == BM_WAITS_INTENT) {
        if ((rc = bm_intent_read(signer, waiting->intent, &intent, fail)) != BM_OK)
            return rc;
        tbs = intent.tbs;
    }
    bm_buf_reset(&signer->body);
    bm_buf_add_u8(&signer->body, (uint8_t)(key - signer->keys));
    bm_buf_add_lv32(&signer->body, tbs);
    if ((rc = bm_buf_check(&signer->body, "what is to be signed", fail)) != BM_OK)
        return rc;
    message.body = bm_buf_bytes(&signer->body);
    if ((rc = bm_channel_offer(ret_sent, queue->keeper.channel, &message, fail)) != BM_OK || !*ret_sent)
        return rc;
    waiting->seq = ++queue->seq;
    waiting->sent = bm_clock_ms();
    queue->in_flight++;
    return BM_OK;
}

static enum bm_rc
send_some(struct bm_signer *signer, bool ocsp, bool *ret_sent, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    enum bm_rc rc;

    for (size_t i = 0; i < queue->n && *ret_sent && queue->in_flight < BM_QUEUE_IN_FLIGHT; i++) {
        struct bm_waiting *waiting = &queue->waiting[i];

        if (waiting->what != BM_WAITS_REPEAT && waiting->seq == 0 && (waiting->what == BM_WAITS_OCSP) == ocsp &&
            (rc = ask_one(signer, waiting, ret_sent, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* Whoever asks what became of certificates waits until nothing else does. */
enum bm_rc
bm_queue_send(struct bm_signer *signer, struct bm_fail *fail)
{
    bool sent = true;
    enum bm_rc rc;

    if (!signer->queue.here || !signer->queue.synced)
        return BM_OK;
    rc = send_some(signer, false, &sent, fail);
    return rc != BM_OK ? rc : send_some(signer, true, &sent, fail);
}

/* ---- back ---- */

/* Those who asked for the same certificate again: it is theirs too. */
static void
repeats_answer(struct bm_signer *signer, const uint8_t *serial, size_t nserial, const char *device)
{
    struct bm_queue *queue = &signer->queue;

    for (size_t i = 0; i < queue->n;) {
        const struct bm_waiting *waiting = &queue->waiting[i];
        struct bm_answer *answer;

        if (waiting->what != BM_WAITS_REPEAT || !bm_bytes_equal(bm_bytes(serial, nserial), bm_bytes(waiting->serial, waiting->nserial))) {
            i++;
            continue;
        }
        answer = bm_batch_answer(signer, waiting->id, BM_S_ISSUED);
        answer->repeat = true;
        answer->nserial = nserial;
        memcpy(answer->serial, serial, nserial);
        (void)snprintf(answer->device, sizeof(answer->device), "%s", device);
        waiting_drop(queue, i);
    }
}

static enum bm_rc
signed_settle(struct bm_signer *signer, size_t i, struct bm_bytes signature, struct bm_fail *fail)
{
    struct bm_waiting waiting = signer->queue.waiting[i];
    struct bm_fail why = { .rc = BM_OK };
    struct bm_answer *answer;
    enum bm_rc rc;

    if ((waiting.what == BM_WAITS_CRL || waiting.what == BM_WAITS_OCSP) && !waiting.asked) {
        waiting_drop(&signer->queue, i);
        return BM_OK;
    }
    if (waiting.what == BM_WAITS_RESPONDER) {
        waiting_drop(&signer->queue, i);
        return bm_responder_signed(signer, waiting.ca, signature, fail);
    }
    if (waiting.what == BM_WAITS_OCSP) {
        answer = bm_batch_answer(signer, waiting.id, BM_S_ANSWER);
        rc = bm_ocsp_done(signer, waiting.ca, bm_buf_bytes(&waiting.head), bm_buf_bytes(&waiting.tbs), signature, answer, fail);
        waiting_drop(&signer->queue, i);
        return rc;
    }
    if (waiting.what == BM_WAITS_CRL) {
        answer = bm_batch_answer(signer, waiting.id, BM_S_ANSWER);
        answer->until = waiting.until;
        rc = bm_crl_done(signer, waiting.ca, bm_buf_bytes(&waiting.tbs), signature, answer, &why);
        waiting_drop(&signer->queue, i);
        return rc == BM_OK ? BM_OK : bm_answer_turn(signer, answer, &why, fail);
    }
    answer = bm_batch_answer(signer, waiting.id, waiting.asked ? BM_S_ISSUED : BM_S_LATE);
    if ((rc = bm_intent_done(signer, waiting.intent, waiting.again, signature, answer, fail)) != BM_OK)
        return rc;
    waiting_drop(&signer->queue, i);
    repeats_answer(signer, answer->serial, answer->nserial, answer->device);
    return BM_OK;
}

/* It never leaves, and the keeper that gave it ends: a token that works gives a good one the next time. */
static bool
signature_holds(struct bm_signer *signer, const struct bm_waiting *waiting, struct bm_bytes signature, bool *ret_holds,
                struct bm_fail *fail)
{
    struct bm_bytes tbs = bm_buf_bytes(&waiting->tbs);
    struct bm_fail why = { .rc = BM_OK };
    const struct bm_ca_key *key;
    struct bm_intent intent;

    if (waiting->what == BM_WAITS_INTENT) {
        if (bm_intent_read(signer, waiting->intent, &intent, fail) != BM_OK)
            return false;
        tbs = intent.tbs;
    }
    *ret_holds = key_of(&key, signer, waiting, &why) == BM_OK &&
                 bm_key_verify(signer->crypto, &key->key, bm_key_sig_alg(key->key.alg), tbs, signature, &why) == BM_OK;
    return true;
}

/* The keeper signs one after the other. */
static void
pace_learn(struct bm_queue *queue, const struct bm_waiting *waiting)
{
    int64_t now = bm_clock_ms(), took = now - (waiting->sent > queue->last ? waiting->sent : queue->last);

    queue->pace = (unsigned)(took > BM_QUEUE_HANG ? BM_QUEUE_HANG : took);
    queue->last = now;
}

enum bm_rc
bm_queue_signed(struct bm_signer *signer, const struct bm_message *message, bool *ret_wrong, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_rd rd = bm_rd(message->body);
    struct bm_bytes signature = bm_rd_lv16(&rd, BM_MAX_SIGNATURE);
    bool holds = false;
    size_t i = 0;

    *ret_wrong = false;
    while (i < queue->n && (queue->waiting[i].seq == 0 || queue->waiting[i].seq != message->id))
        i++;
    if (i == queue->n) /* of a keeper that ended meanwhile: it was asked again */
        return BM_OK;
    pace_learn(queue, &queue->waiting[i]);
    if (bm_rd_end(&rd) && !signature_holds(signer, &queue->waiting[i], signature, &holds, fail))
        return fail->rc;
    *ret_wrong = !holds;
    return holds ? signed_settle(signer, i, signature, fail) : BM_OK;
}

/* What was asked of a keeper that ended: nobody knows whether it was signed. */
void
bm_queue_forget(struct bm_queue *queue)
{
    for (size_t i = 0; i < queue->n; i++) {
        queue->waiting[i].again |= queue->waiting[i].seq != 0;
        queue->waiting[i].seq = 0;
    }
    queue->in_flight = 0;
}

/* ---- patience ---- */

/* Who waited long enough is told to ask again. What is on record is signed nevertheless; a CRL is only for who asks. */
enum bm_rc
bm_queue_expire(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    int64_t now = bm_clock_ms();
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; i < queue->n && rc == BM_OK && signer->nbatch < BM_BATCH;) {
        struct bm_waiting *waiting = &queue->waiting[i];

        if (!waiting->asked || now - waiting->since < BM_QUEUE_PATIENCE) {
            i++;
            continue;
        }
        if (queue->here)
            rc = bm_refuse_now(signer, waiting->id, BM_EBUSY,
                               "the CA's token is slow, and the request stays in its queue: ask again in a moment", fail);
        else
            rc = bm_refuse_now(signer, waiting->id, BM_EBUSY, "the CA's token is away, and the request stays on record: ask again later",
                               fail);
        waiting->asked = false;
        if (waiting->what == BM_WAITS_INTENT || waiting->seq != 0)
            i++;
        else
            waiting_drop(queue, i);
    }
    return rc;
}

/* Until something may have to be done about it; -1: for ever. */
int
bm_queue_patience(const struct bm_queue *queue)
{
    int64_t until = INT64_MAX;

    if (!queue->here && !queue->alarmed)
        until = queue->changed + BM_QUEUE_GLITCH;
    for (size_t i = 0; i < queue->n; i++) {
        const struct bm_waiting *waiting = &queue->waiting[i];

        if (waiting->asked && waiting->since + BM_QUEUE_PATIENCE < until)
            until = waiting->since + BM_QUEUE_PATIENCE;
        if (waiting->seq != 0 && waiting->sent + BM_QUEUE_HANG < until)
            until = waiting->sent + BM_QUEUE_HANG;
    }
    return until == INT64_MAX ? -1 : bm_clock_left(until) + 1;
}

void
bm_queue_done(struct bm_queue *queue)
{
    while (queue->n > 0)
        waiting_drop(queue, queue->n - 1);
    bm_keeper_done(&queue->keeper);
    free(queue->packet);
    queue->packet = NULL;
}
