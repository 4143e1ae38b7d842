#include "device/http_ways.h"

#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PART 6144 /* bytes that one exchange carries: most flights of a handshake */

enum bm_rc
bm_http_carrier_rc(const struct bm_http *http, enum birthmark_result rc, struct bm_fail *fail)
{
    const char *said = http->carrier->why;
    char why[sizeof(http->carrier->why)];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(http->carrier->why) && said[i] != '\0' && n < sizeof(why) - 1; i++) {
        if ((unsigned char)said[i] >= 0x20 && said[i] != 0x7f)
            why[n++] = said[i];
    }
    why[n] = '\0';
    if (rc == BIRTHMARK_OK)
        return BM_OK;
    return bm_fail(fail, rc == BIRTHMARK_REFUSED ? BM_EPOLICY : BM_EBUSY, NULL, "%s", n == 0 ? "the server cannot be reached" : why);
}

static enum bm_rc
carried_post(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_HTTP_BODY };
    struct birthmark_carried carried = { .size = BM_MAX_HTTP_BODY };
    struct birthmark_carrier *carrier = http->carrier;
    enum bm_rc rc;

    if ((carried.body = bm_buf_grow(&body, carried.size)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    carrier->why[0] = '\0';
    if ((rc = bm_http_carrier_rc(http, carrier->post(carrier, request->path, request->type, request->body.p, request->body.n, &carried),
                                 fail)) != BM_OK)
        return rc;
    if (carried.n > carried.size)
        return bm_fail(fail, BM_EBUG, NULL, "the carrier gave more bytes than there was room for");
    carried.type[sizeof(carried.type) - 1] = '\0';
    bm_buf_add(ret->body, carried.body, carried.n);
    ret->status = carried.status;
    (void)snprintf(ret->type, sizeof(ret->type), "%s", carried.type);
    return bm_buf_check(ret->body, "the server's reply", fail);
}

const struct bm_http_way bm_http_carried = { carried_post };

/* ---- libcurl's connection through the carrier: it connects to a socket of this process, and we carry what goes in and out there. ---- */

struct tunnel {
    struct bm_http *http;
    CURLM *multi;
    int door;   /* where libcurl comes in; then -1 */
    int end;    /* of its connection, ours */
    bool ended; /* the server's side is closed */
};

static void
tunnel_done(struct tunnel *tunnel)
{
    if (tunnel->multi != NULL) {
        (void)curl_multi_remove_handle(tunnel->multi, tunnel->http->curl);
        (void)curl_multi_cleanup(tunnel->multi);
    }
    if (tunnel->door != -1)
        (void)close(tunnel->door);
    if (tunnel->end != -1)
        (void)close(tunnel->end);
}

/* A name of the kernel's choice that is no file's. The device may know no hosts: the server's name is still what its certificate is checked for. */
static bool
door_open(struct tunnel *tunnel)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    socklen_t n = sizeof(at.sun_family);
    char name[sizeof(at.sun_path)] = "";

    tunnel->door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tunnel->door == -1 || bind(tunnel->door, (const struct sockaddr *)&at, n) == -1 || listen(tunnel->door, 1) == -1)
        return false;
    n = sizeof(at);
    if (getsockname(tunnel->door, (struct sockaddr *)&at, &n) == -1 || n <= sizeof(at.sun_family) + 1)
        return false;
    memcpy(name, at.sun_path + 1, n - sizeof(at.sun_family) - 1);
    return curl_easy_setopt(tunnel->http->curl, CURLOPT_ABSTRACT_UNIX_SOCKET, name) == CURLE_OK &&
           curl_easy_setopt(tunnel->http->curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(tunnel->http->curl, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
}

/* False: libcurl has not come yet. Somebody else of this machine is sent away. */
static bool
came_in(struct tunnel *tunnel)
{
    struct ucred peer = { .pid = 0 };
    socklen_t n = sizeof(peer);

    if (tunnel->end == -1 && (tunnel->end = accept4(tunnel->door, NULL, NULL, SOCK_CLOEXEC)) == -1)
        return false;
    if (tunnel->door == -1)
        return true;
    if (getsockopt(tunnel->end, SOL_SOCKET, SO_PEERCRED, &peer, &n) == -1 || peer.pid != getpid()) {
        (void)close(tunnel->end);
        tunnel->end = -1;
        return false;
    }
    (void)close(tunnel->door);
    tunnel->door = -1;
    return true;
}

static enum bm_rc
pour(int fd, const uint8_t *p, size_t n, struct bm_fail *fail)
{
    ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

    /* libcurl reads all that is there before it asks again: the socket's buffer has room for more than one part */
    return sent == (ssize_t)n ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "the connection through the carrier was cut");
}

/* What libcurl said goes out; what the server said comes in, once libcurl has said all. Nothing to say: it waits for the server. */
static enum bm_rc
carry(struct tunnel *tunnel, struct bm_fail *fail)
{
    struct birthmark_carrier *carrier = tunnel->http->carrier;
    uint8_t out[PART], in[PART];
    ssize_t said = recv(tunnel->end, out, sizeof(out), MSG_DONTWAIT);
    char next;
    size_t size = said > 0 && recv(tunnel->end, &next, 1, MSG_DONTWAIT | MSG_PEEK) == 1 ? 0 : sizeof(in), n = 0;
    enum bm_rc rc;

    if (said == 0)
        return BM_OK;
    carrier->why[0] = '\0';
    if ((rc = bm_http_carrier_rc(tunnel->http, carrier->exchange(carrier, out, said > 0 ? (size_t)said : 0, in, size, &n), fail)) != BM_OK)
        return rc;
    if (n > size)
        return bm_fail(fail, BM_EBUG, NULL, "the carrier gave more bytes than there was room for");
    tunnel->ended = size > 0 && n == 0;
    if (tunnel->ended)
        return shutdown(tunnel->end, SHUT_WR) == 0 ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "the connection through the carrier was cut");
    return n == 0 ? BM_OK : pour(tunnel->end, in, n, fail);
}

/* It waits for the server; else it has something left to do by itself. */
static bool
waits(const struct tunnel *tunnel)
{
    fd_set in, out, other;
    int most = -1;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&other);
    if (curl_multi_fdset(tunnel->multi, &in, &out, &other, &most) != CURLM_OK)
        return false;
    for (int fd = 0; fd <= most; fd++) {
        if (FD_ISSET(fd, &out))
            return false;
    }
    return most >= 0;
}

static enum bm_rc
tunnel_run(struct tunnel *tunnel, CURLcode *ret_code, struct bm_fail *fail)
{
    const CURLMsg *message;
    int running = 1, left;
    enum bm_rc rc;

    while (running > 0) {
        if (curl_multi_perform(tunnel->multi, &running) != CURLM_OK)
            return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
        if (running > 0 && !tunnel->ended && came_in(tunnel) && waits(tunnel)) {
            if ((rc = carry(tunnel, fail)) != BM_OK)
                return rc;
        } else if (running > 0)
            (void)curl_multi_poll(tunnel->multi, NULL, 0, 10, NULL);
    }
    if ((message = curl_multi_info_read(tunnel->multi, &left)) == NULL || message->msg != CURLMSG_DONE)
        return bm_fail(fail, BM_EBUG, NULL, "libcurl does not tell what came of a request");
    *ret_code = message->data.result;
    return BM_OK;
}

enum bm_rc
bm_http_tunnel(struct bm_http *http, CURLcode *ret_code, struct bm_fail *fail)
{
    bm_cleanup(tunnel_done) struct tunnel tunnel = { http, NULL, -1, -1, false };
    struct birthmark_carrier *carrier = http->carrier;
    enum bm_rc rc;

    carrier->why[0] = '\0';
    if ((rc = bm_http_carrier_rc(http, carrier->connect(carrier), fail)) != BM_OK)
        return rc;
    if (!door_open(&tunnel) || (tunnel.multi = curl_multi_init()) == NULL || curl_multi_add_handle(tunnel.multi, http->curl) != CURLM_OK)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return tunnel_run(&tunnel, ret_code, fail);
}
