/* channel.h - whole messages between our processes, over a SOCK_SEQPACKET socket that keeps their boundaries. */
#ifndef BM_CHANNEL_H
#define BM_CHANNEL_H

#include "base/bytes.h"
#include "base/limits.h"

/*
 * One message is one packet (docs/formats/messages.md), big endian:
 *
 *   0        2        4                                12
 *   +--------+--------+--------------------------------+-----------+
 *   | version|  type  |               id               |  body ... |
 *   +--------+--------+--------------------------------+-----------+
 *
 * `id` belongs to whoever asks: the answer carries the id of its question.
 */
#define BM_MESSAGE_VERSION 1
#define BM_MESSAGE_HEAD 12
#define BM_MAX_MESSAGE_BODY (BM_MAX_MESSAGE - BM_MESSAGE_HEAD)

struct bm_message {
    uint16_t version; /* BM_MESSAGE_VERSION; 0 when sending means the same */
    uint16_t type;
    uint64_t id;
    struct bm_bytes body; /* received: a view into the caller's buffer */
};

/* Splits one packet. BM_EINPUT: shorter than a head, longer than BM_MAX_MESSAGE, or of another version. */
bm_must_use enum bm_rc bm_message_parse(struct bm_message *ret_message, struct bm_bytes packet, struct bm_fail *fail);

/* Two ends, close-on-exec, sized by bm_channel_init(). */
bm_must_use enum bm_rc bm_channel_pair(int ret_fds[static 2], struct bm_fail *fail);

/* Sizes a connected end so that the largest message always fits. BM_EBUSY where net.core.wmem_max forbids it; says what to set.
 * Confined processes get their ends sized already. */
bm_must_use enum bm_rc bm_channel_init(int fd, struct bm_fail *fail);

/* Sends one message; waits while the peer's queue is full, at most BM_CHANNEL_PATIENCE milliseconds (a peer that does not read is as bad as
 * one that is gone). Works on blocking and non-blocking ends alike. BM_EINPUT: too long. BM_EBUSY: the peer is gone or does not read. */
#define BM_CHANNEL_PATIENCE 20000
bm_must_use enum bm_rc bm_channel_send(int fd, const struct bm_message *message, struct bm_fail *fail);

/* The same without waiting: *ret_sent says whether it went; BM_OK and false when the peer's queue is full. For processes that serve many peers
 * and keep a queue of their own. */
bm_must_use enum bm_rc bm_channel_offer(bool *ret_sent, int fd, const struct bm_message *message, struct bm_fail *fail);

enum bm_heard {
    BM_HEARD_MESSAGE, /* ret_message is filled; its body lies in buffer */
    BM_HEARD_NOTHING, /* nothing came within the patience */
    BM_HEARD_END,     /* the peer is gone; nothing will come any more */
};

/* Receives one message into the caller's buffer (BM_MAX_MESSAGE bytes hold any). patience: milliseconds, 0 = do not wait, -1 = for ever.
 * BM_EINPUT: larger than the buffer, passed a descriptor, or not a message of this version: close the channel. */
bm_must_use enum bm_rc bm_channel_recv(enum bm_heard *ret_heard, struct bm_message *ret_message, int fd, uint8_t *buffer, size_t size,
                                       int patience, struct bm_fail *fail);

#endif
