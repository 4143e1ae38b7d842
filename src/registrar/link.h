/* link.h - a peer of the registrar: its channel, and what waits to be sent to it. */
#ifndef BM_LINK_H
#define BM_LINK_H

#include "proc/channel.h"
#include "proc/rules.h"

struct bm_link_item;

/*
 * The registrar never blocks on a peer: what does not go at once waits here. Above BM_LINK_FULL the peer is not heard, so that it asks for no more
 * (loop.c); one that lets more than BM_LINK_MAX gather all the same is dropped by the next flush.
 */
struct bm_link {
    int fd;              /* -1: nobody */
    uint64_t generation; /* who asked is found again only when it is still the same peer */
    struct bm_link_item *first, *last;
    size_t waiting; /* bytes */
    bool overrun;
    struct bm_rules rules;
};
#define BM_LINK_FULL (8u << 20)
#define BM_LINK_MAX (64u << 20)

void bm_link_init(struct bm_link *link, int fd, uint64_t generation);
void bm_link_close(struct bm_link *link);
/* Queues a message; sent by the next bm_link_flush(), which the loop calls when everything that it tells of is on record. */
bm_must_use enum bm_rc bm_link_queue(struct bm_link *link, uint16_t type, uint64_t id, struct bm_bytes body, struct bm_fail *fail);
/* Sends as much as the peer takes. BM_EBUSY: the peer is gone, or does not read. */
bm_must_use enum bm_rc bm_link_flush(struct bm_link *link, struct bm_fail *fail);

#endif
