/* One client: its requests one after the other, each read whole, served, and answered. */
#include "gate/gate.h"

#include "proc/clock.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TURN 64 /* steps of one client before the others have theirs: it may send many small requests at once */

static void
hear(struct connection *c, bool on)
{
    if (c->hearing == on)
        return;
    c->hearing = on;
    if (on)
        (void)event_add(&c->readable, NULL);
    else
        (void)event_del(&c->readable);
}

static void
enter(struct connection *c, enum state state, int patience)
{
    c->state = state;
    c->deadline = bm_clock_ms() + patience;
}

void
bm_connection_free(struct connection *c)
{
    struct gate *gate = c->gate;

    bm_ask_forget(c);
    (void)event_del(&c->readable);
    (void)event_del(&c->writable);
    SSL_free(c->ssl);
    (void)close(c->fd);
    bm_buf_done(&c->in);
    bm_buf_done(&c->out);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        gate->connections = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    free(c);
    gate->nconnections--;
    if (gate->full)
        bm_accept_pause(gate, false);
}

/* ---- replies ---- */

static void
reply(struct connection *c, const struct bm_reply *what)
{
    bm_buf_reset(&c->out);
    bm_reply_build(&c->out, what, c->gate->now);
    c->sent = 0;
    c->interim = false;
    c->last = what->last || c->out.bad; /* without memory for the reply: none */
    enter(c, WRITING, PATIENCE_WRITE);
}

void
bm_connection_reply_kept(struct connection *c, const char *type, struct bm_bytes body, unsigned seconds)
{
    reply(
        c,
        &(struct bm_reply){
            .status = 200, .type = type, .body = body, .max_age = seconds, .head = c->head, .last = c->last, .keep_alive = c->keep_alive });
}

void
bm_connection_reply(struct connection *c, const char *type, struct bm_bytes body)
{
    bm_connection_reply_kept(c, type, body, 0);
}

void
bm_connection_refuse(struct connection *c, unsigned status, const char *allow, const char *sentence)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 };
    struct bm_reply what = { .status = status, .allow = allow, .head = c->head, .last = c->last, .keep_alive = c->keep_alive };
    json_t *object = c->json ? json_pack("{s:s}", "error", sentence) : NULL;
    struct bm_fail ignored;

    if (object == NULL || bm_json_print(&body, object, &ignored) != BM_OK) {
        bm_buf_reset(&body);
        bm_buf_add_str(&body, sentence);
        bm_buf_add_str(&body, "\n");
        what.type = "text/plain; charset=utf-8";
    } else {
        what.type = "application/json";
    }
    json_decref(object);
    what.body = bm_buf_bytes(&body);
    what.retry = status == 503 ? RETRY_AFTER : 0;
    reply(c, &what);
}

/* Nobody knows where the next request begins. */
static void
refuse_last(struct connection *c, unsigned status, const char *sentence)
{
    c->last = true;
    bm_connection_refuse(c, status, NULL, sentence);
}

/* ---- requests ---- */

/* The head is read; the body may have come or not. */
static void
request_serve(struct connection *c, const struct bm_request *r)
{
    struct bm_fail fail = { .rc = BM_OK };
    size_t before = c->door->rest ? strlen(c->door->path) : 0;
    struct bm_bytes says =
        c->door->rest ? bm_bytes(r->path.p + before, r->path.n - before) : bm_bytes(c->in.p + r->head, (size_t)r->length);
    enum bm_rc rc = c->door->serve(c, says, &fail);

    if (rc != BM_OK)
        bm_connection_refuse(c, (unsigned)bm_rc_http(rc), NULL, fail.text);
    else if (c->ask != NULL)
        enter(c, ASKING, PATIENCE_ANSWER);
}

static void
body_await(struct connection *c, const struct bm_request *r)
{
    c->wanted = r->head + (size_t)r->length;
    enter(c, READING, PATIENCE_BODY);
    if (!r->expects || c->in.n > r->head)
        return;
    bm_buf_reset(&c->out);
    bm_buf_add_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    c->sent = 0;
    c->interim = true;
    c->state = WRITING; /* within the body's patience */
}

static void
head_serve(struct connection *c, struct bm_bytes head)
{
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_request r;
    const char *allow = NULL;
    unsigned status = 400;

    c->json = c->head = c->last = c->keep_alive = false;
    if (bm_request_parse(&r, &status, head, &fail) != BM_OK) {
        refuse_last(c, status, fail.text);
        return;
    }
    c->head = r.method == BM_HEAD;
    c->get = r.method != BM_POST;
    c->last = r.last;
    c->keep_alive = r.keep_alive;
    if (bm_door_find(c, &r, &status, &allow, &fail) != BM_OK) {
        /* A body that will not be read ends the connection; a request without one does not. */
        c->last = c->last || r.length > 0;
        bm_connection_refuse(c, status, allow, fail.text);
        c->wanted = head.n;
        return;
    }
    if (c->in.n < r.head + r.length) {
        body_await(c, &r);
        return;
    }
    c->wanted = r.head + (size_t)r.length;
    request_serve(c, &r);
}

/* True when there was enough to go on with. */
static bool
request_try(struct connection *c)
{
    size_t end;

    if (c->wanted > c->in.n || c->in.n == 0)
        return false;
    c->searched = c->wanted > 0 ? 0 : c->searched;
    end = bm_request_end(bm_buf_bytes(&c->in), &c->searched);
    if (end == 0 && c->in.n <= BM_REQUEST_HEAD)
        return false;
    if (end == 0 || end > BM_REQUEST_HEAD) {
        c->json = c->head = c->keep_alive = false;
        refuse_last(c, 431, "the request's head is too long");
        return true;
    }
    head_serve(c, bm_bytes(c->in.p, end));
    return c->state != READING;
}

/* The request that was answered is forgotten; what came after it is the next one. */
static void
request_drop(struct connection *c)
{
    size_t left = c->in.n - c->wanted;

    if (left > 0)
        memmove(c->in.p, c->in.p + c->wanted, left);
    c->in.n = left;
    if (left == 0)
        bm_buf_done(&c->in);
    bm_buf_done(&c->out);
    c->sent = c->searched = c->wanted = 0;
    enter(c, READING, left > 0 ? PATIENCE_HEAD : PATIENCE_IDLE);
}

/* ---- the steps ---- */

static enum io
step_shake(struct connection *c)
{
    enum io io = bm_io_shake(c);

    if (io != IO_DONE)
        return io;
    c->has_peer = bm_tls_peer(c->peer, c->ssl);
    enter(c, READING, PATIENCE_IDLE);
    return IO_DONE;
}

static enum io
step_read(struct connection *c)
{
    size_t before = c->in.n;
    enum io io;

    if (request_try(c))
        return IO_DONE;
    io = bm_io_read(c);
    if (io == IO_DONE && before == 0)
        enter(c, READING, PATIENCE_HEAD);
    if (c->in.n == 0)
        bm_buf_done(&c->in); /* an idle connection holds no buffer */
    return io;
}

static enum io
step_write(struct connection *c)
{
    enum io io = c->out.bad ? IO_DONE : bm_io_write(c);

    if (io != IO_DONE)
        return io;
    if (c->interim) {
        c->interim = false;
        c->state = READING;
    } else if (c->last) {
        bm_io_finish(c);
        enter(c, CLOSING, PATIENCE_CLOSE);
    } else {
        request_drop(c);
        if (c->in.n == 0 && !bm_io_buffered(c))
            return IO_READ; /* spare the read that finds nothing */
    }
    return IO_DONE;
}

static enum io
step(struct connection *c)
{
    switch (c->state) {
    case SHAKING:
        return step_shake(c);
    case READING:
        return step_read(c);
    case WRITING:
        return step_write(c);
    case CLOSING:
        return bm_io_discard(c);
    case ASKING:
        break;
    }
    return IO_READ;
}

void
bm_connection_go(struct connection *c)
{
    enum io io = IO_DONE;

    for (int i = 0; i < TURN && io == IO_DONE && c->state != ASKING; i++)
        io = step(c);
    if (io == IO_GONE) {
        bm_connection_free(c);
        return;
    }
    if (io == IO_WRITE ||
        (io == IO_DONE && c->state != ASKING)) /* or its turn is over: a socket that can be written comes up in the next round */
        (void)event_add(&c->writable, NULL);
    else if (c->state != ASKING)
        hear(c, true);
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;

    (void)fd;
    (void)what;
    if (c->state == ASKING || c->state == WRITING) {
        hear(c, false); /* it waits its turn in the kernel */
        return;
    }
    bm_connection_go(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    bm_connection_go(ctx);
}

void
bm_connection_open(struct gate *gate, int fd, bool tls, const char *source)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (c == NULL || (tls && ((c->ssl = SSL_new(gate->tls)) == NULL || SSL_set_fd(c->ssl, fd) != 1))) {
        if (c != NULL)
            SSL_free(c->ssl);
        free(c);
        (void)close(fd);
        return;
    }
    c->gate = gate;
    c->fd = fd;
    c->in.max = BM_REQUEST_HEAD + BM_MAX_HTTP_BODY + 32768; /* what a read may bring beyond the request */
    c->out.max = 2 * BM_MAX_HTTP_BODY;
    (void)snprintf(c->source, sizeof(c->source), "%s", source);
    c->next = gate->connections;
    if (c->next != NULL)
        c->next->prev = c;
    gate->connections = c;
    gate->nconnections++;
    (void)event_assign(&c->readable, gate->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    (void)event_assign(&c->writable, gate->base, fd, EV_WRITE, on_writable, c);
    enter(c, tls ? SHAKING : READING, PATIENCE_HEAD);
    bm_connection_go(c);
}

bool
bm_connection_evict(struct gate *gate)
{
    struct connection *oldest = NULL;

    for (struct connection *c = gate->connections; c != NULL; c = c->next)
        if (c->state == READING && c->in.n == 0 && (oldest == NULL || c->deadline < oldest->deadline))
            oldest = c;
    if (oldest != NULL)
        bm_connection_free(oldest);
    return oldest != NULL;
}

static void
late(struct connection *c)
{
    if (c->state == READING && c->in.n > 0) {
        refuse_last(c, 408, c->wanted > 0 ? "the request's body did not come in time" : "the request did not come in time");
        bm_connection_go(c);
    } else if (c->state == ASKING) {
        bm_ask_forget(c);
        bm_connection_refuse(c, 503, NULL, "the site did not answer in time: try again in a moment");
        bm_connection_go(c);
    } else {
        bm_connection_free(c);
    }
}

void
bm_connections_tick(struct gate *gate)
{
    int64_t now = bm_clock_ms();

    for (struct connection *c = gate->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (c->deadline <= now)
            late(c);
    }
}
