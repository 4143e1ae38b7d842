/* queue_hear.c - the keeper's words: signatures, and whether the tokens are there; what the registrar and the ledger hear of that. */
#include "base/base.h"
#include "signer/signer.h"

#include "proc/clock.h"

#include <poll.h>
#include <stdlib.h>

#define FIRST_WORD 5000 /* milliseconds at the start: after them the signer goes on without the token */

static void
state_set(struct bm_signer *signer, bool here, enum bm_keeper_why why, struct bm_bytes sentence)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_fail ignored = { .rc = BM_OK };
    int64_t now = bm_clock_ms();

    if (here != queue->here) {
        if (queue->here && now - queue->changed >= BM_QUEUE_STEADY)
            queue->alarmed = false;
        queue->here = here;
        queue->changed = now;
        queue->told = false;
        if (!here && signer->env->now(signer->env->ctx, &queue->away_since, &ignored) != BM_OK)
            queue->away_since = 0;
    }
    if (here)
        return;
    queue->why = why;
    if (sentence.n != strlen(queue->sentence) || memcmp(sentence.p, queue->sentence, sentence.n) != 0)
        queue->told = false;
    (void)snprintf(queue->sentence, sizeof(queue->sentence), "%.*s", (int)sentence.n, (const char *)sentence.p);
    bm_queue_forget(queue);
}

/* req: FAULTS F15 no signature leaves that the CA's key does not verify */
/* A token that has just given a wrong one, or none for long, is not there. */
static void
keeper_end(struct bm_signer *signer, const char *sentence)
{
    state_set(signer, false, BM_KEEPER_GONE, bm_bytes_str(sentence));
    bm_keeper_again(&signer->queue.keeper);
}

static void
keys_open(struct bm_signer *signer, struct bm_bytes numbers)
{
    for (size_t i = 0; i < signer->nkeys; i++)
        signer->keys[i].open = numbers.n > 0 && memchr(numbers.p, (int)i, numbers.n) != NULL;
}

static enum bm_rc
heard(struct bm_signer *signer, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(message->body);
    bool wrong = false;
    unsigned why;
    struct bm_bytes sentence;
    enum bm_rc rc;

    switch (message->type) {
    case BM_K_SIGNED:
        if ((rc = bm_queue_signed(signer, message, &wrong, fail)) != BM_OK)
            return rc;
        if (wrong)
            keeper_end(signer, "it gave a signature that does not verify, which nobody got: have the token looked at");
        return BM_OK;
    case BM_K_HERE:
        keys_open(signer, message->body);
        bm_queue_forget(&signer->queue);
        state_set(signer, true, 0, bm_bytes(NULL, 0));
        return BM_OK;
    case BM_K_AWAY:
        why = bm_rd_u8(&rd);
        sentence = bm_rd_lv16(&rd, sizeof(signer->queue.sentence) - 1);
        if (bm_rd_end(&rd) && why >= BM_KEEPER_GONE && why <= BM_KEEPER_WRONG) {
            state_set(signer, false, (enum bm_keeper_why)why, sentence);
            return BM_OK;
        }
    }
    return bm_fail(fail, BM_EBUG, NULL, "the keeper of the CA's token said something malformed");
}

/* One message, or *ret_more false. */
static enum bm_rc
hear_one(struct bm_signer *signer, int patience, bool *ret_more, struct bm_fail *fail)
{
    enum bm_heard what = BM_HEARD_NOTHING;
    struct bm_message message;
    enum bm_rc rc = bm_channel_recv(&what, &message, signer->queue.keeper.channel, signer->queue.packet, BM_MAX_MESSAGE, patience, fail);

    if (rc != BM_OK)
        return rc;
    if (what == BM_HEARD_END)
        return bm_fail(fail, BM_EBUSY, NULL, "the process that keeps the CA's token was killed: start the server again");
    *ret_more = what == BM_HEARD_MESSAGE;
    return *ret_more ? heard(signer, &message, fail) : BM_OK;
}

static bool
has_room(const struct bm_signer *signer)
{
    return signer->nbatch + 1 + BM_QUEUE_OTHERS <= BM_BATCH; /* an answer, and all who repeat its request */
}

/* One alarm a time that it is away, however many ask meanwhile. */
static enum bm_rc
alarm(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_event event = { .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("token") };
    struct bm_fail ignored = { .rc = BM_OK };
    char text[BM_EVENT_REASON];

    if (queue->here || queue->alarmed || bm_clock_ms() - queue->changed < BM_QUEUE_GLITCH ||
        signer->env->now(signer->env->ctx, &event.time, &ignored) != BM_OK)
        return BM_OK;
    queue->alarmed = true;
    (void)snprintf(text, sizeof(text), "the CA's token is away, nothing is signed until it is back: %.300s", queue->sentence);
    event.reason = bm_bytes_str(text);
    return bm_commit_noted(signer, &event, bm_batch_answer(signer, 0, BM_S_LATE), fail);
}

static void
hang_end(struct bm_signer *signer)
{
    const struct bm_queue *queue = &signer->queue;

    for (size_t i = 0; i < queue->n; i++) {
        if (queue->waiting[i].seq == 0 || bm_clock_ms() - queue->waiting[i].sent < BM_QUEUE_HANG)
            continue;
        keeper_end(signer, "it does not answer: see the token's own log");
        return;
    }
}

enum bm_rc
bm_queue_tell(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    struct bm_message message = { .type = BM_S_TOKEN };

    if (queue->told || queue->keeper.channel < 0)
        return BM_OK;
    queue->told = true;
    bm_buf_reset(&signer->body);
    bm_s_token_build(&signer->body, &(struct bm_s_token){ .here = queue->here,
                                                          .since = queue->here ? 0 : queue->away_since,
                                                          .sentence = bm_bytes_str(queue->here ? "" : queue->sentence) });
    message.body = bm_buf_bytes(&signer->body);
    return bm_channel_send(signer->channel, &message, fail);
}

enum bm_rc
bm_queue_hear(struct bm_signer *signer, struct bm_fail *fail)
{
    bool more = true;
    enum bm_rc rc;

    while (more && has_room(signer))
        if ((rc = hear_one(signer, 0, &more, fail)) != BM_OK)
            return rc;
    hang_end(signer);
    if (!signer->queue.synced)
        return BM_OK;
    if ((has_room(signer) && (rc = alarm(signer, fail)) != BM_OK) || (rc = bm_queue_expire(signer, fail)) != BM_OK)
        return rc;
    return bm_queue_tell(signer, fail);
}

enum bm_rc
bm_queue_wait(struct bm_signer *signer, struct bm_fail *fail)
{
    struct pollfd p[2] = { { .fd = signer->channel, .events = POLLIN }, { .fd = signer->queue.keeper.channel, .events = POLLIN } };

    (void)poll(p, 2, signer->comparing.open || signer->nbatch > 0 ? 0 : bm_queue_patience(&signer->queue));
    return bm_queue_hear(signer, fail);
}

enum bm_rc
bm_queue_open(struct bm_signer *signer, struct bm_fail *fail)
{
    struct bm_queue *queue = &signer->queue;
    int64_t until = bm_clock_ms() + FIRST_WORD;
    bool more = false;
    enum bm_rc rc;

    queue->changed = bm_clock_ms();
    (void)snprintf(queue->sentence, sizeof(queue->sentence), "it did not open in time: see the token's own log");
    if ((rc = signer->env->now(signer->env->ctx, &queue->away_since, fail)) != BM_OK)
        return rc;
    if ((queue->packet = malloc(BM_MAX_MESSAGE)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a message");
    if ((rc = hear_one(signer, bm_clock_left(until), &more, fail)) != BM_OK)
        return rc;
    if (more && !queue->here && queue->why != BM_KEEPER_GONE)
        return bm_fail(fail, BM_EBUSY, NULL, "%s", queue->sentence);
    return BM_OK;
}
