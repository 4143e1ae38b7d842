#include "base/base.h"
#include "proc/channel.h"

#include "proc/clock.h"
#include "wire/rd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A queue for two of the largest messages with the kernel's own overhead; the default net.core.wmem_max. The kernel doubles what it is told. */
#define QUEUE 212992

enum bm_rc
bm_message_parse(struct bm_message *ret_message, struct bm_bytes packet, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(packet);
    struct bm_message message;

    if (packet.n > BM_MAX_MESSAGE)
        return bm_fail(fail, BM_EINPUT, NULL, "a message of %zu bytes is longer than %d", packet.n, BM_MAX_MESSAGE);
    message.version = bm_rd_u16(&rd);
    message.type = bm_rd_u16(&rd);
    message.id = bm_rd_u64(&rd);
    message.body = bm_rd_rest(&rd);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "a message of %zu bytes is shorter than its head", packet.n);
    if (message.version != BM_MESSAGE_VERSION)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "a message of version %u; this program speaks version %d: let both sides run the same release", message.version,
                       BM_MESSAGE_VERSION);
    *ret_message = message;
    return BM_OK;
}

enum bm_rc
bm_channel_init(int fd, struct bm_fail *fail)
{
    int want = QUEUE, got = 0;
    socklen_t n = sizeof(got);

    /* Too small shows in what the kernel took, not in an error. It asks for 32 bytes above the message (net/unix/af_unix.c). */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want)) != 0 || getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &n) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "a channel can't be sized: %s", strerror(errno));
    if (got < 2 * BM_MAX_MESSAGE)
        return bm_fail(fail, BM_EBUSY, NULL, "sockets here hold %d bytes, a message needs %d: raise net.core.wmem_max to %d", got / 2,
                       BM_MAX_MESSAGE, QUEUE);
    return BM_OK;
}

enum bm_rc
bm_channel_pair(int ret_fds[static 2], struct bm_fail *fail)
{
    int fds[2];
    enum bm_rc rc;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no channel can be made: %s", strerror(errno));
    if ((rc = bm_channel_init(fds[0], fail)) != BM_OK || (rc = bm_channel_init(fds[1], fail)) != BM_OK) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return rc;
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return BM_OK;
}

static void
put(uint8_t *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

enum bm_rc
bm_channel_offer(bool *ret_sent, int fd, const struct bm_message *message, struct bm_fail *fail)
{
    uint8_t head[BM_MESSAGE_HEAD];
    /* sendmsg only reads, but an iovec says void *. */
    union {
        const uint8_t *from;
        void *to;
    } body = { .from = message->body.p };
    struct iovec parts[2] = { { .iov_base = head, .iov_len = sizeof(head) }, { .iov_base = body.to, .iov_len = message->body.n } };
    struct msghdr packet = { .msg_iov = parts, .msg_iovlen = message->body.n > 0 ? 2 : 1 };

    if (message->body.n > BM_MAX_MESSAGE_BODY)
        return bm_fail(fail, BM_EINPUT, NULL, "message %u has %zu bytes of body, limit %d", message->type, message->body.n,
                       BM_MAX_MESSAGE_BODY);
    put(head, BM_MESSAGE_VERSION, 2);
    put(head + 2, message->type, 2);
    put(head + 4, message->id, 8);
    for (;;) {
        if (sendmsg(fd, &packet, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
            *ret_sent = true;
            return BM_OK;
        }
        if (errno == EAGAIN) {
            *ret_sent = false;
            return BM_OK;
        }
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return bm_fail(fail, BM_EBUSY, NULL, "the process at the other end is gone");
        if (errno == ENOBUFS || errno == ENOMEM)
            return bm_fail(fail, BM_ENOMEM, NULL, "the kernel has no memory for a message of %zu bytes", message->body.n);
        if (errno != EINTR)
            return bm_fail(fail, BM_EBUSY, NULL, "message %u can't be sent: %s", message->type, strerror(errno));
    }
}

/* Until fd is ready, or the time is over (false). A signal does not prolong it. until < 0: for ever. */
static bool
wait_for(int fd, short events, int64_t until)
{
    struct pollfd p = { .fd = fd, .events = events };
    int got = 0;

    do {
        got = poll(&p, 1, until < 0 ? -1 : bm_clock_left(until));
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
    } while (got < 0);
    return true;
}

enum bm_rc
bm_channel_send(int fd, const struct bm_message *message, struct bm_fail *fail)
{
    int64_t until = bm_clock_ms() + BM_CHANNEL_PATIENCE;
    bool sent = false;
    enum bm_rc rc;

    while ((rc = bm_channel_offer(&sent, fd, message, fail)) == BM_OK && !sent)
        if (!wait_for(fd, POLLOUT, until))
            return bm_fail(fail, BM_EBUSY, NULL, "the process at the other end did not read for %d seconds", BM_CHANNEL_PATIENCE / 1000);
    return rc;
}

/* One packet, without waiting. *ret_size is what lies in the buffer. */
static enum bm_rc
take(enum bm_heard *ret_heard, size_t *ret_size, int fd, uint8_t *buffer, size_t size, struct bm_fail *fail)
{
    struct iovec part = { .iov_base = buffer, .iov_len = size };
    struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n;

    do
        n = recvmsg(fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != ECONNRESET)
        return bm_fail(fail, BM_EBUSY, NULL, "a channel can't be read: %s", strerror(errno));
    if (n > 0 && (packet.msg_flags & MSG_TRUNC) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a message is longer than %zu bytes", size);
    if (n >= 0 && (packet.msg_flags & MSG_CTRUNC) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a message carries a file descriptor");
    *ret_size = n > 0 ? (size_t)n : 0;
    *ret_heard = n > 0 ? BM_HEARD_MESSAGE : n < 0 && errno == EAGAIN ? BM_HEARD_NOTHING : BM_HEARD_END;
    return BM_OK;
}

enum bm_rc
bm_channel_recv(enum bm_heard *ret_heard, struct bm_message *ret_message, int fd, uint8_t *buffer, size_t size, int patience,
                struct bm_fail *fail)
{
    int64_t until = patience < 0 ? -1 : bm_clock_ms() + patience;
    enum bm_heard heard = BM_HEARD_NOTHING;
    size_t n = 0;
    enum bm_rc rc;

    while ((rc = take(&heard, &n, fd, buffer, size, fail)) == BM_OK && heard == BM_HEARD_NOTHING)
        if (patience == 0 || !wait_for(fd, POLLIN, until))
            break;
    if (rc != BM_OK)
        return rc;
    if (heard == BM_HEARD_MESSAGE && (rc = bm_message_parse(ret_message, bm_bytes(buffer, n), fail)) != BM_OK)
        return rc;
    *ret_heard = heard;
    return BM_OK;
}
