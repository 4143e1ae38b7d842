#include "base/base.h"
#include "proc/listen.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024 /* connections that wait while the gates shake hands */

struct place {
    char host[48]; /* without brackets */
    char port[8];
    struct sockaddr_storage address;
    socklen_t size;
};

/* Decimal, 0 to 65535, and nothing else. */
static bool
port_ok(const char *port)
{
    size_t n = strlen(port);

    return n > 0 && n <= 5 && strspn(port, "0123456789") == n && strtol(port, NULL, 10) <= 65535;
}

static bool
place_split(struct place *place, const char *where)
{
    const char *colon = strrchr(where, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - where);

    if (n == 0 || !port_ok(colon + 1))
        return false;
    if (where[0] == '[') {
        if (n < 3 || where[n - 1] != ']')
            return false;
        where++;
        n -= 2;
    } else if (memchr(where, ':', n) != NULL) {
        return false; /* an IPv6 address without its brackets */
    }
    if (n >= sizeof(place->host))
        return false;
    memcpy(place->host, where, n);
    place->host[n] = '\0';
    (void)snprintf(place->port, sizeof(place->port), "%s", colon + 1);
    return true;
}

static bool
place_resolve(struct place *place)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *got = NULL;
    const char *host = strcmp(place->host, "localhost") == 0 ? "127.0.0.1" : place->host;

    if (getaddrinfo(host, place->port, &hints, &got) != 0)
        return false;
    memcpy(&place->address, got->ai_addr, got->ai_addrlen);
    place->size = got->ai_addrlen;
    freeaddrinfo(got);
    return true;
}

static enum bm_rc
bind_failed(const struct place *place, int err, struct bm_fail *fail)
{
    switch (err) {
    case EADDRINUSE:
        return bm_fail(fail, BM_EBUSY, NULL, "port %s of %s is taken by another program; stop that, or choose another port", place->port,
                       place->host);
    case EADDRNOTAVAIL:
        return bm_fail(fail, BM_EBUSY, NULL, "%s is no address of this machine", place->host);
    case EACCES:
        return bm_fail(fail, BM_EBUSY, NULL, "this user may not use port %s; choose one above 1023", place->port);
    default:
        return bm_fail(fail, BM_EBUSY, NULL, "port %s of %s can't be listened on: %s", place->port, place->host, strerror(err));
    }
}

/* The port may have been 0. */
static enum bm_rc
name_print(char ret_name[static BM_LISTEN_NAME], int fd, const struct place *place, struct bm_fail *fail)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    void *any = &bound;
    char port[8];

    if (getsockname(fd, any, &size) != 0 || getnameinfo(any, size, NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "port %s of %s can't be asked for: %s", place->port, place->host, strerror(errno));
    (void)snprintf(ret_name, BM_LISTEN_NAME, strchr(place->host, ':') != NULL ? "[%s]:%s" : "%s:%s", place->host, port);
    return BM_OK;
}

bool
bm_listen_ok(const char *where)
{
    struct place place = { .size = 0 };

    return place_split(&place, where) && place_resolve(&place);
}

enum bm_rc
bm_listen(int *ret_fd, char ret_name[static BM_LISTEN_NAME], const char *where, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;
    struct place place = { .size = 0 };
    const void *address = &place.address;
    int on = 1;
    enum bm_rc rc;

    if (!place_split(&place, where) || !place_resolve(&place))
        return bm_fail(fail, BM_EINPUT, NULL, "'%s' is no address to listen on; write 127.0.0.1:8443, [::1]:8443 or localhost:8443", where);
    fd = socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 || bind(fd, address, place.size) != 0 || listen(fd, BACKLOG) != 0)
        return bind_failed(&place, errno, fail);
    if ((rc = name_print(ret_name, fd, &place, fail)) != BM_OK)
        return rc;
    *ret_fd = fd;
    fd = -1;
    return BM_OK;
}
