/* link_line.c - messages of the link over two descriptors: bounded lines, bounded waiting. */
#include "device/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

struct bm_link
bm_link(int in, int out)
{
    return (struct bm_link){ .in = in, .out = out, .held = { .max = BM_LINK_LINE } };
}

void
bm_link_done(struct bm_link *link)
{
    bm_buf_done(&link->held);
}

static int64_t
now_ms(void)
{
    struct timespec t;

    return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 : 0;
}

/* until 0: for ever. */
static enum bm_rc
wait_for(int fd, short what, int64_t until, struct bm_fail *fail)
{
    struct pollfd poll_fd = { .fd = fd, .events = what };
    int n;

    do {
        int64_t left = until == 0 ? -1 : until - now_ms();

        n = poll(&poll_fd, 1, left == -1 ? -1 : left < 0 ? 0 : (int)left);
    } while (n == -1 && errno == EINTR);
    return n > 0 ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "the other end of the link does not answer: look at the line, then start again");
}

/* What the last message took is dropped, and some more is read. */
static enum bm_rc
more(struct bm_link *link, int64_t until, struct bm_fail *fail)
{
    uint8_t part[4096];
    ssize_t got;
    enum bm_rc rc;

    if ((rc = wait_for(link->in, POLLIN, until, fail)) != BM_OK)
        return rc;
    got = read(link->in, part, sizeof(part));
    if (got == -1 && (errno == EINTR || errno == EAGAIN))
        return BM_OK;
    if (got <= 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the link ended before the other end said bye");
    bm_buf_add(&link->held, part, (size_t)got);
    return bm_buf_check(&link->held, "a line on the link", fail);
}

static void
used_drop(struct bm_link *link)
{
    if (link->used > 0)
        memmove(link->held.p, link->held.p + link->used, link->held.n - link->used);
    link->held.n -= link->used;
    link->used = 0;
}

enum bm_rc
bm_link_next(struct bm_link *link, unsigned allowed, unsigned seconds, struct bm_link_message *ret, struct bm_fail *fail)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message message = { 0 };
    int64_t until = seconds == 0 ? 0 : now_ms() + (int64_t)seconds * 1000;
    const uint8_t *end = NULL;
    size_t n, looked = 0;
    enum bm_rc rc;

    used_drop(link);
    while ((end = link->held.n == looked ? NULL : memchr(link->held.p + looked, '\n', link->held.n - looked)) == NULL) {
        looked = link->held.n;
        if ((rc = more(link, until, fail)) != BM_OK)
            return rc;
    }
    n = (size_t)(end - link->held.p);
    link->used = n + 1;
    if (n > 0 && link->held.p[n - 1] == '\r') /* a serial line's own */
        n--;
    if ((rc = bm_link_parse(&message, bm_bytes(link->held.p, n), fail)) != BM_OK)
        return rc;
    if ((allowed & BM_LINK_BIT(message.say)) == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the other end of the link says \"%s\" where that has no place",
                       bm_link_text(&message, "say"));
    *ret = message;
    message.json = NULL;
    return BM_OK;
}

enum bm_rc
bm_link_send(struct bm_link *link, json_t *json, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf line = { .max = BM_LINK_LINE };
    int64_t until = now_ms() + (int64_t)BM_LINK_ANSWER * 1000;
    enum bm_rc rc;

    if (json == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    rc = bm_link_print(&line, json, fail);
    json_decref(json);
    for (size_t at = 0; rc == BM_OK && at < line.n;) {
        ssize_t sent;

        if ((rc = wait_for(link->out, POLLOUT, until, fail)) != BM_OK)
            return rc;
        sent = write(link->out, line.p + at, line.n - at < PIPE_BUF ? line.n - at : PIPE_BUF); /* more could block for ever */
        if (sent == -1 && errno != EINTR && errno != EAGAIN)
            return bm_fail(fail, BM_EBUSY, NULL, "the other end of the link is gone");
        at += sent > 0 ? (size_t)sent : 0;
    }
    return rc;
}
