/* Requests under way at the registrar: numbered, queued where the channel is full, answered in any order. */
#include "gate/gate.h"

#include "proc/channel.h"

#include <stdlib.h>

#define ROUND 64 /* answers taken before clients have their turn */

struct waiting {
    struct waiting *next;
    struct bm_message message;
    uint8_t body[];
};

/* The gate does not outlive its registrar, nor a breach of the protocol: the parent starts both anew. */
static void
breach(struct gate *gate, enum bm_rc rc)
{
    gate->rc = rc;
    bm_gate_stop(gate);
}

static uint64_t
id_of(const struct asks *asks, const struct ask *ask)
{
    return (uint64_t)ask->turn << 16 | (uint64_t)(ask - asks->slots);
}

static struct ask *
ask_of(struct asks *asks, uint64_t id)
{
    struct ask *ask = (id & 0xffff) < MAX_PENDING ? &asks->slots[id & 0xffff] : NULL;

    return ask != NULL && ask->used && id_of(asks, ask) == id ? ask : NULL;
}

static void
ask_release(struct asks *asks, struct ask *ask)
{
    if (ask->asker != NULL)
        ask->asker->ask = NULL;
    ask->asker = NULL;
    ask->used = false;
    ask->turn++;
    asks->free[asks->nfree++] = (uint16_t)(ask - asks->slots);
}

static enum bm_rc
waiting_add(struct asks *asks, const struct bm_message *message, struct bm_fail *fail)
{
    struct waiting *w = malloc(sizeof(*w) + message->body.n);

    if (w == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "the server has no memory for this now: try again in a moment");
    *w = (struct waiting){ .message = *message };
    if (message->body.n > 0)
        memcpy(w->body, message->body.p, message->body.n);
    w->message.body.p = w->body;
    if (asks->last == NULL)
        asks->first = w;
    else
        asks->last->next = w;
    asks->last = w;
    asks->waiting += message->body.n;
    return event_add(&asks->writable, NULL) == 0 ? BM_OK : bm_fail(fail, BM_EBUG, NULL, "the event loop takes no event");
}

static void
waiting_drop(struct asks *asks)
{
    struct waiting *w = asks->first;

    asks->first = w->next;
    if (asks->first == NULL)
        asks->last = NULL;
    asks->waiting -= w->message.body.n;
    free(w);
}

enum bm_rc
bm_ask(struct connection *c, uint16_t type, struct bm_bytes body, struct bm_fail *fail)
{
    struct asks *asks = &c->gate->asks;
    struct bm_message message = { .type = type, .body = body };
    struct ask *ask;
    bool sent = false;
    enum bm_rc rc = BM_OK;

    if (asks->nfree == 0 || asks->waiting > MAX_QUEUE)
        return bm_fail(fail, BM_EBUSY, NULL, "too many requests are under way: try again in a moment");
    ask = &asks->slots[asks->free[asks->nfree - 1]];
    message.id = id_of(asks, ask);
    if (asks->first == NULL)
        rc = bm_channel_offer(&sent, asks->fd, &message, fail);
    if (rc == BM_OK && !sent)
        rc = waiting_add(asks, &message, fail);
    if (rc != BM_OK)
        return rc;
    asks->nfree--;
    ask->used = true;
    ask->asker = c;
    c->ask = ask;
    return BM_OK;
}

void
bm_ask_forget(struct connection *c)
{
    if (c->ask == NULL)
        return;
    c->ask->asker = NULL; /* the slot stays taken until its answer has come */
    c->ask = NULL;
}

static enum bm_rc
answer_give(struct connection *c, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_g_refused refused;
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    if (message->type == BM_G_REFUSED) {
        if ((rc = bm_g_refused_parse(&refused, bm_rd(message->body), fail)) != BM_OK)
            return rc;
        bm_fail_note(&why, (enum bm_rc)refused.rc, NULL, "%.*s", (int)refused.sentence.n, (const char *)refused.sentence.p);
        /* a name in the path that nobody has is a path that leads nowhere */
        bm_connection_refuse(c, c->door->ends != NULL && why.rc == BM_EINPUT ? 404 : (unsigned)bm_rc_http(why.rc), NULL, why.text);
    } else if (message->type != c->door->answer_type) {
        return bm_fail(fail, BM_EPOLICY, NULL, "the registrar answered with a message of type %u", message->type);
    } else if ((rc = c->door->answer(c, bm_rd(message->body), fail)) != BM_OK) {
        return rc;
    }
    bm_connection_go(c);
    return BM_OK;
}

static enum bm_rc
answer_take(struct asks *asks, const struct bm_message *message, struct bm_fail *fail)
{
    struct ask *ask = ask_of(asks, message->id);
    struct connection *c;

    if (ask == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "the registrar answered what nobody asked");
    c = ask->asker;
    ask_release(asks, ask);
    return c == NULL ? BM_OK : answer_give(c, message, fail);
}

static void
on_answer(evutil_socket_t fd, short what, void *ctx)
{
    struct gate *gate = ctx;
    struct asks *asks = &gate->asks;
    enum bm_rc rc = BM_OK;

    (void)what;
    for (int i = 0; i < ROUND && rc == BM_OK; i++) {
        struct bm_message message;
        enum bm_heard heard;

        rc = bm_channel_recv(&heard, &message, fd, asks->buffer, BM_MAX_MESSAGE, 0, &gate->fail);
        if (rc == BM_OK && heard == BM_HEARD_NOTHING)
            return;
        if (rc == BM_OK && heard == BM_HEARD_END)
            rc = bm_fail(&gate->fail, BM_EBUSY, NULL, "the registrar is gone: its own message says why");
        if (rc == BM_OK)
            rc = answer_take(asks, &message, &gate->fail);
    }
    if (rc != BM_OK)
        breach(gate, rc);
}

static void
on_room(evutil_socket_t fd, short what, void *ctx)
{
    struct gate *gate = ctx;
    struct asks *asks = &gate->asks;
    bool sent = true;
    enum bm_rc rc = BM_OK;

    (void)what;
    while (rc == BM_OK && sent && asks->first != NULL) {
        rc = bm_channel_offer(&sent, fd, &asks->first->message, &gate->fail);
        if (rc == BM_OK && sent)
            waiting_drop(asks);
    }
    if (rc != BM_OK)
        breach(gate, rc);
    else if (asks->first != NULL)
        (void)event_add(&asks->writable, NULL);
}

enum bm_rc
bm_asks_open(struct gate *gate, int fd, struct bm_fail *fail)
{
    struct asks *asks = &gate->asks;

    asks->fd = fd;
    if ((asks->buffer = malloc(BM_MAX_MESSAGE)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to start");
    for (size_t i = 0; i < MAX_PENDING; i++)
        asks->free[asks->nfree++] = (uint16_t)(MAX_PENDING - 1 - i);
    if (event_assign(&asks->readable, gate->base, fd, EV_READ | EV_PERSIST, on_answer, gate) != 0 ||
        event_assign(&asks->writable, gate->base, fd, EV_WRITE, on_room, gate) != 0 || event_add(&asks->readable, NULL) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "birthmark-gate found no channel to the registrar: it is started by birthmarkd, not by hand");
    return BM_OK;
}

void
bm_asks_close(struct gate *gate)
{
    while (gate->asks.first != NULL)
        waiting_drop(&gate->asks);
    free(gate->asks.buffer);
    gate->asks.buffer = NULL;
}
