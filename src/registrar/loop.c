/* One round: hear, write, commit, and only then answer. */
#include "registrar/registrar.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND 256 /* messages of one peer in a round */
#define TICK 1000 /* milliseconds: the counted refusals' clock */
#define BATCH 10  /* milliseconds that a round waits for the rest of a batch: one commit for all of it */

enum bm_rc
bm_registrar_transaction(struct bm_registrar *r, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (r->in_transaction)
        return BM_OK;
    if ((rc = bm_store_begin(r->store, fail)) == BM_OK)
        r->in_transaction = true;
    return rc;
}

static enum bm_rc
commit(struct bm_registrar *r, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (!r->in_transaction)
        return BM_OK;
    r->in_transaction = false;
    rc = bm_store_commit(r->store, fail);
    return rc != BM_OK ? rc : bm_signer_held(r, fail);
}

static enum bm_rc
signer_drain(struct bm_registrar *r, uint8_t *buffer, struct bm_fail *fail)
{
    for (int i = 0; i < ROUND; i++) {
        struct bm_message message;
        enum bm_heard heard;
        int patience = r->due > r->ledger.frontier.size ? BATCH : 0;
        enum bm_rc rc = bm_channel_recv(&heard, &message, r->signer.fd, buffer, BM_MAX_MESSAGE, patience, fail);

        if (rc != BM_OK)
            return rc;
        if (heard == BM_HEARD_NOTHING)
            return BM_OK;
        if (heard == BM_HEARD_END)
            return bm_fail(fail, BM_EBUSY, NULL, "the signer is gone: its own message says why");
        if ((rc = bm_signer_heard(r, &message, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* May a peer ask for more? Answers first: slots, the signer's queue and its own must have room; the largest message fits in each many times. */
static bool
may_ask(const struct bm_registrar *r, const struct bm_link *link, size_t slots)
{
    return !r->again.due && r->npending < slots && r->signer.waiting < BM_LINK_FULL && link->waiting < BM_LINK_FULL;
}

static struct listing *
listing_of(struct bm_registrar *r, const struct bm_link *link)
{
    return link >= r->controls && link < r->controls + MAX_CONTROLS ? &r->listings[link - r->controls] : NULL;
}

static bool
is_listing(struct bm_registrar *r, const struct bm_link *link)
{
    const struct listing *listing = listing_of(r, link);

    return listing != NULL && listing->open;
}

/* Of an old store nothing is shown and nothing is added to it, but what leads out of that. */
static bool
old_takes(uint16_t type)
{
    return type == BM_C_SITE || type == BM_C_STATEMENT;
}

static enum bm_rc
old_refuse(struct bm_registrar *r, struct bm_link *link, const struct bm_message *message, struct bm_fail *fail)
{
    char sentence[SENTENCE];

    bm_old_store(r, sentence);
    return bm_answer_refused(r, link, message->id, BM_EBUSY, 0, sentence, fail);
}

/* Serves what a peer sent; *ret_gone when it left. */
static enum bm_rc
peer_drain(struct bm_registrar *r, struct bm_link *link, uint8_t *buffer, bool *ret_gone, struct bm_fail *fail)
{
    r->peer = (struct peer){ .r = r, .link = link };
    link->rules.ctx = &r->peer;
    *ret_gone = false;
    for (int i = 0; i < ROUND && may_ask(r, link, MAX_PENDING) && !is_listing(r, link); i++) {
        struct bm_message message;
        enum bm_heard heard;
        enum bm_rc rc = bm_channel_recv(&heard, &message, link->fd, buffer, BM_MAX_MESSAGE, 0, fail);

        if (rc == BM_OK && heard == BM_HEARD_NOTHING)
            return BM_OK;
        if (rc == BM_OK && heard == BM_HEARD_END) {
            *ret_gone = true;
            return BM_OK;
        }
        if (rc == BM_OK)
            rc = r->old && !old_takes(message.type) ? old_refuse(r, link, &message, fail) : bm_rules_pass(&link->rules, &message, fail);
        if (rc != BM_OK)
            return rc;
    }
    return BM_OK;
}

static void
control_drop(struct bm_registrar *r, struct bm_link *link)
{
    bm_arrival_abandon(r, link);
    bm_listing_close(listing_of(r, link));
    bm_buf_done(&r->parts[link - r->controls]);
    bm_link_close(link);
}

/* A command that breaks the protocol loses its connection, nothing more. */
static enum bm_rc
control_serve(struct bm_registrar *r, struct bm_link *link, short events, uint8_t *buffer, struct bm_fail *fail)
{
    bool gone = is_listing(r, link) && (events & (POLLHUP | POLLERR)) != 0;
    enum bm_rc rc = gone ? BM_OK : peer_drain(r, link, buffer, &gone, fail);

    if (rc != BM_OK && rc != BM_EINPUT && rc != BM_EPOLICY)
        return rc;
    if (rc != BM_OK || gone)
        control_drop(r, link);
    return BM_OK;
}

/* A gate that breaks the protocol is taken over or broken: all stops, and the parent starts anew. */
static enum bm_rc
gate_serve(struct bm_registrar *r, struct bm_link *link, uint8_t *buffer, struct bm_fail *fail)
{
    bool gone;
    enum bm_rc rc = peer_drain(r, link, buffer, &gone, fail);

    if (rc == BM_OK && gone)
        return bm_fail(fail, BM_EBUSY, NULL, "a gate is gone");
    if (rc != BM_EINPUT && rc != BM_EPOLICY)
        return rc;
    bm_fail_prefix(fail, "a gate broke the protocol");
    return fail->rc = BM_EBUG;
}

static enum bm_rc
control_accept(struct bm_registrar *r, struct bm_fail *fail)
{
    int fd = accept4(r->listening, NULL, NULL, SOCK_CLOEXEC);
    struct bm_link *link = NULL;

    if (fd < 0)
        return BM_OK; /* it left again, or too many files: the next round tries again */
    for (size_t i = 0; i < MAX_CONTROLS && link == NULL; i++)
        if (r->controls[i].fd < 0)
            link = &r->controls[i];
    if (link == NULL || bm_channel_init(fd, fail) != BM_OK) {
        (void)close(fd);
        return BM_OK;
    }
    bm_link_init(link, fd, ++r->generation);
    link->rules = (struct bm_rules){ .table = bm_control_rules, .count = bm_control_nrules, .phase = 1 };
    return BM_OK;
}

static enum bm_rc
flush_all(struct bm_registrar *r, struct bm_fail *fail)
{
    struct bm_fail ignored;
    enum bm_rc rc = bm_link_flush(&r->signer, fail);

    /* What is on record is answered even when the signer is gone. */
    for (size_t i = 0; i < r->ngates; i++)
        if (bm_link_flush(&r->gates[i], rc == BM_OK ? fail : &ignored) != BM_OK && rc == BM_OK)
            rc = fail->rc;
    for (size_t i = 0; rc == BM_OK && i < MAX_CONTROLS; i++)
        if (r->controls[i].fd >= 0 && bm_link_flush(&r->controls[i], fail) != BM_OK)
            control_drop(r, &r->controls[i]);
    return rc;
}

#define LIST_AHEAD (256u << 10) /* bytes of rows that may wait for a command */

/* The next page for every command that has read the one before. */
static enum bm_rc
listings_go(struct bm_registrar *r, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && i < MAX_CONTROLS; i++)
        if (r->listings[i].open && r->controls[i].waiting < LIST_AHEAD)
            rc = bm_listing_go(r, &r->listings[i], &r->controls[i], fail);
    return rc;
}

static short
wants(struct bm_registrar *r, const struct bm_link *link)
{
    bool hear = link == &r->signer || (may_ask(r, link, MAX_PENDING / 2) && !is_listing(r, link));

    return (short)((hear ? POLLIN : 0) + (link->first != NULL || is_listing(r, link) ? POLLOUT : 0));
}

/* Fills the poll set: signer, listening socket, gates, controls; the order that serve_round() reads. */
static nfds_t
poll_set(struct bm_registrar *r, struct pollfd *set)
{
    nfds_t n = 0;

    set[n++] = (struct pollfd){ .fd = r->signer.fd, .events = wants(r, &r->signer) };
    set[n++] = (struct pollfd){ .fd = r->listening, .events = POLLIN };
    for (size_t i = 0; i < r->ngates; i++)
        set[n++] = (struct pollfd){ .fd = r->gates[i].fd, .events = wants(r, &r->gates[i]) };
    for (size_t i = 0; i < MAX_CONTROLS; i++)
        set[n++] = (struct pollfd){ .fd = r->controls[i].fd, .events = wants(r, &r->controls[i]) };
    return n;
}

#define HEARD (POLLIN | POLLHUP | POLLERR)

static enum bm_rc
serve_round(struct bm_registrar *r, const struct pollfd *set, uint8_t *buffer, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    if ((set[0].revents & HEARD) != 0)
        rc = signer_drain(r, buffer, fail);
    for (size_t i = 0; rc == BM_OK && i < r->ngates; i++)
        if ((set[2 + i].revents & HEARD) != 0)
            rc = gate_serve(r, &r->gates[i], buffer, fail);
    for (size_t i = 0; rc == BM_OK && i < MAX_CONTROLS; i++)
        if ((set[2 + r->ngates + i].revents & HEARD) != 0)
            rc = control_serve(r, &r->controls[i], set[2 + r->ngates + i].revents, buffer, fail);
    if (rc == BM_OK)
        rc = listings_go(r, fail);
    if (rc == BM_OK && (set[1].revents & POLLIN) != 0)
        rc = control_accept(r, fail);
    if (rc != BM_OK || r->again.due) /* what comes of the clock waits, too */
        return rc;
    rc = bm_support_look(r, fail);
    return rc == BM_OK ? bm_refuse_counted(r, fail) : rc;
}

/* With a single command on a socketpair there is nothing left to do once it has gone. */
static bool
finished(const struct bm_registrar *r)
{
    return r->listening < 0 && r->ngates == 0 && r->controls[0].fd < 0 && r->npending == 0;
}

enum bm_rc
bm_registrar_serve(struct bm_registrar *r, struct bm_fail *fail)
{
    struct pollfd set[2 + BM_MAX_GATES + MAX_CONTROLS];
    uint8_t *buffer = malloc(BM_MAX_MESSAGE);
    enum bm_rc rc = BM_OK;

    if (buffer == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to serve");
    while (rc == BM_OK && !finished(r)) {
        nfds_t n = poll_set(r, set);

        if (poll(set, n, TICK) == -1 && errno != EINTR) {
            rc = bm_fail(fail, BM_EBUG, NULL, "poll: %s", strerrordesc_np(errno));
            break;
        }
        if ((rc = r->env->now(r->env->ctx, &r->now, fail)) != BM_OK)
            break;
        bm_disk_look(r);
        if ((rc = serve_round(r, set, buffer, fail)) == BM_OK && (rc = commit(r, fail)) == BM_OK && (rc = flush_all(r, fail)) == BM_OK &&
            r->again.due && r->npending == 0 && r->signer.first == NULL && !r->arrival.open)
            rc = bm_signer_again(r, fail);
    }
    free(buffer);
    return rc;
}
