/* New connections, as many as there are descriptors for. */
#include "gate/gate.h"

#include "proc/spawn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND 16  /* accepted in one go: the rest is for the other gates, or for the next round */
#define SPARE 128 /* descriptors that are no connections; BM_FD_READY is number 100 */

static void
source_print(char ret[static MAX_SOURCE], const struct sockaddr_storage *from)
{
    union {
        const struct sockaddr_storage *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } a = { .any = from };

    (void)snprintf(ret, MAX_SOURCE, "unknown");
    if (from->ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &a.v4->sin_addr, ret, MAX_SOURCE);
    else if (from->ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &a.v6->sin6_addr, ret, MAX_SOURCE);
}

static void
accept_some(struct gate *gate, int listening, bool tls)
{
    for (int i = 0; i < ROUND; i++) {
        struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
        union {
            struct sockaddr_storage *any;
            struct sockaddr *one;
        } a = { .any = &from };
        socklen_t n = sizeof(from);
        char source[MAX_SOURCE];
        int fd;

        fd = accept4(listening, a.one, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                bm_accept_pause(gate, true); /* until a connection ends, or the next second */
            return;
        }
        /* Idle clients may come again; they must not hold the door shut. */
        if (gate->nconnections >= gate->max_connections && !bm_connection_evict(gate)) {
            (void)close(fd);
            bm_accept_pause(gate, true);
            return;
        }
        source_print(source, &from);
        bm_connection_open(gate, fd, tls, source);
    }
}

static void
on_tls(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    accept_some(ctx, fd, true);
}

static void
on_plain(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    accept_some(ctx, fd, false);
}

void
bm_accept_pause(struct gate *gate, bool pause)
{
    gate->full = pause;
    for (size_t i = 0; i < BM_COUNT(gate->doors); i++) {
        if (!event_initialized(&gate->doors[i]))
            continue;
        if (pause)
            (void)event_del(&gate->doors[i]);
        else
            (void)event_add(&gate->doors[i], NULL);
    }
}

enum bm_rc
bm_accept_open(struct gate *gate, int tls, int plain, struct bm_fail *fail)
{
    struct rlimit files = { .rlim_cur = 0 };

    /* A descriptor a connection: take what the system allows. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < MAX_CONNECTIONS + SPARE ? files.rlim_max : MAX_CONNECTIONS + SPARE;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        (void)getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur <= 2 * SPARE)
        return bm_fail(fail, BM_EBUSY, NULL, "this system allows %llu open files, a gate needs more than %d: raise the limit (ulimit -n)",
                       (unsigned long long)files.rlim_cur, 2 * SPARE);
    gate->max_connections = (size_t)files.rlim_cur - SPARE;
    if (!bm_fd_listens(tls))
        return bm_fail(fail, BM_EBUG, NULL, "birthmark-gate found no port to listen on: it is started by birthmarkd, not by hand");
    if (event_assign(&gate->doors[0], gate->base, tls, EV_READ | EV_PERSIST, on_tls, gate) != 0 || event_add(&gate->doors[0], NULL) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "the event loop takes no event");
    if (bm_fd_listens(plain) && (event_assign(&gate->doors[1], gate->base, plain, EV_READ | EV_PERSIST, on_plain, gate) != 0 ||
                                 event_add(&gate->doors[1], NULL) != 0))
        return bm_fail(fail, BM_EBUG, NULL, "the event loop takes no event");
    return BM_OK;
}
