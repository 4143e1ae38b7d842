/* birthmarkd.c - the parent: holds the lock and the listening sockets, starts the others, ends them. It reads no foreign byte. */
#include "base/base.h"
#include "base/env.h"
#include "base/file.h"
#include "proc/channel.h"
#include "proc/clock.h"
#include "proc/home.h"
#include "proc/listen.h"
#include "proc/places.h"
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LISTEN_DEFAULT "127.0.0.1:8443"
#define LOCK_PATIENCE 3000    /* a command may be about to end */
#define READY_PATIENCE 120000 /* a token may be slow, a store may be rebuilt from the journal */
#define STOP_PATIENCE 5000
#define REST_LEAST 500       /* milliseconds between an end and the next start; doubled each time */
#define REST_MOST 30000      /* never longer */
#define REST_FORGIVEN 60000  /* having served so long, the next end is a new story */
#define GATES_DEFAULT_MOST 8 /* more cores than that are rarely kept busy by handshakes */

static const char help[] = "usage: birthmarkd --home DIR [--listen HOST:PORT] [--listen-http HOST:PORT] [--gates N]\n"
                           "\n"
                           "Runs the server of the site in DIR (or BIRTHMARK_HOME) in the foreground until SIGTERM or SIGINT.\n"
                           "  --listen HOST:PORT       TLS; default " LISTEN_DEFAULT "; port 0 takes a free one\n"
                           "  --listen-http HOST:PORT  plain HTTP for what is signed anyway; default: none\n"
                           "  --gates N                processes that speak TLS, 1 to 64; default: one a core, at most 8\n";

struct options {
    const char *home, *listen, *plain;
    unsigned gates;
};

struct server {
    struct options options;
    int lock, control, tls, plain, stop;
    char name[BM_LISTEN_NAME], plain_name[BM_LISTEN_NAME];
    struct bm_child children[2 + BM_MAX_GATES]; /* signer, registrar, gates */
    size_t nchildren;
    int signing; /* the signer's end of its channel: the next signer's, when it begins anew */
};

static unsigned
gates_default(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > GATES_DEFAULT_MOST ? GATES_DEFAULT_MOST : (unsigned)cores;
}

static bool
gates_parse(unsigned *ret_gates, const char *text)
{
    size_t n = strlen(text);
    long v = n > 0 && n <= 2 && strspn(text, "0123456789") == n ? strtol(text, NULL, 10) : 0;

    if (v < 1 || v > BM_MAX_GATES)
        return false;
    *ret_gates = (unsigned)v;
    return true;
}

/* Exit status, or -1 to go on. */
static int
options_parse(struct options *ret_options, int argc, char **argv)
{
    static const struct option names[] = { { "home", required_argument, NULL, 'd' },
                                           { "listen", required_argument, NULL, 'l' },
                                           { "listen-http", required_argument, NULL, 'p' },
                                           { "gates", required_argument, NULL, 'g' },
                                           { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'v' },
                                           { NULL, 0, NULL, 0 } };
    struct options o = { .home = getenv("BIRTHMARK_HOME"), .listen = LISTEN_DEFAULT, .gates = gates_default() };
    int c;

    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (c == 'd')
            o.home = optarg;
        else if (c == 'l')
            o.listen = optarg;
        else if (c == 'p')
            o.plain = optarg;
        else if (c == 'h' || c == 'v')
            return fputs(c == 'h' ? help : "birthmarkd " BM_VERSION "\n", stdout) < 0 ? 3 : 0;
        else if (c != 'g' || !gates_parse(&o.gates, optarg)) {
            if (c == 'g')
                (void)fprintf(stderr, "birthmarkd: --gates wants a number from 1 to %d\n", BM_MAX_GATES);
            return 2;
        }
    }
    if (optind < argc || o.home == NULL || o.home[0] == '\0') {
        (void)fputs("birthmarkd: --home DIR is missing, or something stands after the options; see birthmarkd --help\n", stderr);
        return 2;
    }
    if (!bm_listen_ok(o.listen) || (o.plain != NULL && !bm_listen_ok(o.plain))) {
        (void)fputs("birthmarkd: an address to listen on is a number and a port: 127.0.0.1:8443, [::1]:8443 or localhost:8443\n", stderr);
        return 2;
    }
    *ret_options = o;
    return -1;
}

static void
pairs_done(int (*pairs)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm_fd_done(&pairs[i][0]);
        bm_fd_done(&pairs[i][1]);
    }
}

static enum bm_rc
server_spawn(struct server *s, const char *program, const char *const *args, const struct bm_spawn_fd *fds, size_t nfds,
             struct bm_fail *fail)
{
    struct bm_spawn what = { .program = program, .args = args, .fds = fds, .nfds = nfds };
    enum bm_rc rc = bm_spawn(&s->children[s->nchildren], &what, fail);

    s->nchildren += rc == BM_OK;
    return rc;
}

/* The first child. */
static enum bm_rc
signer_spawn(struct server *s, int ready, struct bm_fail *fail)
{
    const char *args[] = { "--home", s->options.home, NULL };
    const struct bm_spawn_fd fds[] = { { s->signing, BM_FD_SIGNER_REGISTRAR }, { ready, BM_FD_READY }, { s->lock, BM_FD_LOCK } };
    const struct bm_spawn what = { .program = BM_PROGRAM_SIGNER, .args = args, .fds = fds, .nfds = BM_COUNT(fds) };
    enum bm_rc rc = bm_spawn(&s->children[0], &what, fail);

    if (rc == BM_OK && s->nchildren == 0)
        s->nchildren = 1;
    return rc;
}

/* pairs[0]: signer - registrar; pairs[1 + i]: registrar - gate i. */
static enum bm_rc
server_spawn_all(struct server *s, int (*pairs)[2], int ready, struct bm_fail *fail)
{
    char gates[8];
    const char *args[] = { "--home", s->options.home, NULL }, *more[] = { "--home", s->options.home, "--gates", gates, NULL };
    struct bm_spawn_fd registrar[4 + BM_MAX_GATES] = {
        { pairs[0][1], BM_FD_REGISTRAR_SIGNER }, { s->control, BM_FD_REGISTRAR_CONTROL }, { ready, BM_FD_READY }, { s->lock, BM_FD_LOCK }
    };
    enum bm_rc rc;

    (void)snprintf(gates, sizeof(gates), "%u", s->options.gates);
    for (unsigned i = 0; i < s->options.gates; i++)
        registrar[4 + i] = (struct bm_spawn_fd){ pairs[1 + i][0], BM_FD_REGISTRAR_GATES + (int)i };
    if ((rc = signer_spawn(s, ready, fail)) != BM_OK ||
        (rc = server_spawn(s, BM_PROGRAM_REGISTRAR, more, registrar, 4 + s->options.gates, fail)) != BM_OK)
        return rc;
    for (unsigned i = 0; i < s->options.gates && rc == BM_OK; i++) {
        struct bm_spawn_fd gate[] = {
            { pairs[1 + i][1], BM_FD_GATE_REGISTRAR }, { s->tls, BM_FD_GATE_TLS }, { s->plain, BM_FD_GATE_PLAIN }, { ready, BM_FD_READY }
        };

        rc = server_spawn(s, BM_PROGRAM_GATE, args, gate, BM_COUNT(gate), fail);
    }
    return rc;
}

static enum bm_rc
server_await(struct server *s, int ready, struct bm_fail *fail)
{
    struct bm_child *children[BM_COUNT(s->children)];

    for (size_t i = 0; i < s->nchildren; i++)
        children[i] = &s->children[i];
    return bm_children_await(children, s->nchildren, ready, s->stop, READY_PATIENCE, fail);
}

static void
server_end(struct server *s)
{
    bm_children_stop(s->children, s->nchildren, STOP_PATIENCE);
    s->nchildren = 0;
    bm_fd_done(&s->signing);
    s->signing = -1;
}

/* All children, with new channels, until all serve. On failure none is left. */
static enum bm_rc
server_begin(struct server *s, struct bm_fail *fail)
{
    int pairs[1 + BM_MAX_GATES][2], ready[2];
    size_t n = 0;
    enum bm_rc rc = BM_OK;

    if (pipe2(ready, O_CLOEXEC) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no pipe can be made: %s", strerror(errno));
    while (n < 1 + s->options.gates && (rc = bm_channel_pair(pairs[n], fail)) == BM_OK)
        n++;
    if (rc == BM_OK && (s->signing = fcntl(pairs[0][0], F_DUPFD_CLOEXEC, 3)) < 0)
        rc = bm_fail(fail, BM_EBUSY, NULL, "no descriptor is free: %s", strerror(errno));
    if (rc == BM_OK)
        rc = server_spawn_all(s, pairs, ready[1], fail);
    pairs_done(pairs, n); /* the children have their ends; an end kept here would hide a peer's death, and the signer's is watched for */
    (void)close(ready[1]);
    if (rc == BM_OK)
        rc = server_await(s, ready[0], fail);
    (void)close(ready[0]);
    if (rc != BM_OK)
        server_end(s);
    return rc;
}

static bool
stop_asked(const struct server *s, int patience)
{
    struct pollfd p = { .fd = s->stop, .events = POLLIN };
    int64_t until = bm_clock_ms() + patience;
    int got;

    do
        got = poll(&p, 1, bm_clock_left(until));
    while (got < 0 && errno == EINTR);
    return got > 0;
}

/* A signer that was told to begin anew, to open another key: the next one goes on where it stopped, and everybody else waits for it. */
static bool
signer_again(struct server *s)
{
    struct bm_fail fail = { .rc = BM_OK };

    if (s->children[0].status != BM_EXIT_AGAIN)
        return false;
    if (signer_spawn(s, -1, &fail) == BM_OK)
        return true;
    (void)fprintf(stderr, "birthmarkd: %s\n", fail.text);
    return false;
}

/* Until somebody asks to stop (true), or a child ends (false; says which). */
static bool
server_watch(struct server *s)
{
    struct pollfd p[1 + BM_COUNT(s->children)] = { { .fd = s->stop, .events = POLLIN } };
    char text[256];

    for (;;) {
        for (size_t i = 0; i < s->nchildren; i++)
            p[1 + i] = (struct pollfd){ .fd = s->children[i].pidfd, .events = POLLIN };
        if (poll(p, (nfds_t)s->nchildren + 1, -1) < 0)
            continue;
        if (p[0].revents != 0)
            return true;
        for (size_t i = 0; i < s->nchildren; i++)
            if (p[1 + i].revents != 0 && bm_child_ended(&s->children[i], text, sizeof(text))) {
                if (i == 0 && signer_again(s))
                    break;
                (void)fprintf(stderr, "birthmarkd: %s; starting all processes again\n", text);
                return false;
            }
    }
}

static void
server_say(const struct server *s)
{
    (void)printf("birthmark serves https://%s (home %s)\n", s->name, s->options.home);
    if (s->options.plain != NULL)
        (void)printf("birthmark serves http://%s\n", s->plain_name);
    (void)fflush(stdout);
}

/*
 * One child's end is everybody's: signer and registrar agree on what is on record when they start, and nothing that was answered is lost. So all
 * are ended, and all are begun again with new channels, after a rest that grows. The first beginning must succeed.
 */
static enum bm_rc
server_run(struct server *s, struct bm_fail *fail)
{
    int rest = REST_LEAST;
    enum bm_rc rc = server_begin(s, fail);

    if (rc != BM_OK)
        return stop_asked(s, 0) ? BM_OK : rc;
    server_say(s);
    for (;;) {
        int64_t since = bm_clock_ms();

        if (s->nchildren > 0 && server_watch(s))
            return BM_OK;
        server_end(s);
        if (bm_clock_ms() - since >= REST_FORGIVEN)
            rest = REST_LEAST;
        if (stop_asked(s, rest))
            return BM_OK;
        rest = rest > REST_MOST / 2 ? REST_MOST : 2 * rest;
        rc = server_begin(s, fail);
        if (rc != BM_OK && stop_asked(s, 0))
            return BM_OK;
        (void)fprintf(stderr, "birthmarkd: %s\n", rc == BM_OK ? "serving again" : fail->text);
    }
}

static enum bm_rc
stop_make(int *ret_fd, struct bm_fail *fail)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || (fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "signals can't be waited for: %s", strerror(errno));
    *ret_fd = fd;
    return BM_OK;
}

static enum bm_rc
server_open(struct server *s, struct bm_fail *fail)
{
    bm_time now;
    int holder = 0;
    enum bm_rc rc;

    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK || (rc = stop_make(&s->stop, fail)) != BM_OK ||
        (rc = bm_home_lock(&s->lock, &holder, s->options.home, LOCK_PATIENCE, fail)) != BM_OK)
        return rc;
    if (s->lock < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the home %s is in use by process %d; stop that first, one home has one server",
                       s->options.home, holder);
    if ((rc = bm_listen(&s->tls, s->name, s->options.listen, fail)) != BM_OK)
        return rc;
    if (s->options.plain != NULL && (rc = bm_listen(&s->plain, s->plain_name, s->options.plain, fail)) != BM_OK)
        return rc;
    return bm_home_listen(&s->control, s->options.home, fail);
}

static void
server_close(struct server *s)
{
    server_end(s);
    if (s->control >= 0)
        bm_home_unlisten(s->options.home);
    bm_fd_done(&s->control);
    bm_fd_done(&s->tls);
    bm_fd_done(&s->plain);
    bm_fd_done(&s->stop);
    bm_fd_done(&s->lock);
}

int
main(int argc, char **argv)
{
    struct server server = { .signing = -1, .lock = -1, .control = -1, .tls = -1, .plain = -1, .stop = -1 };
    struct bm_fail fail = { .rc = BM_OK };
    int status = options_parse(&server.options, argc, argv);
    enum bm_rc rc;

    if (status >= 0)
        return status;
    if ((rc = server_open(&server, &fail)) == BM_OK)
        rc = server_run(&server, &fail);
    server_close(&server);
    if (rc != BM_OK)
        (void)fprintf(stderr, "birthmarkd: %s\n", fail.text);
    return bm_rc_exit(rc);
}
