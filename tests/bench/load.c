#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINKS 1024

size_t
bench_number(const char *variable, size_t otherwise)
{
    const char *said = getenv(variable);
    size_t n = said == NULL ? otherwise : strtoul(said, NULL, 10);

    return n == 0 ? otherwise : n;
}

void
bench_die(const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputs("\n", stderr);
    exit(3);
}

double
bench_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
load_connect(int port, SSL *ssl)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    const void *any = &at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, any, sizeof(at)) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        bench_die("cannot connect: %s", strerror(errno));
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
        bench_die("the TLS handshake failed");
}

SSL *
load_dial(int port, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);

    load_connect(port, ssl);
    return ssl;
}

struct link {
    SSL *ssl;
    size_t job; /* n: none */
    size_t sent;
    double asked;
    struct bm_buf in;
};

struct run {
    const struct load *load;
    struct link links[MAX_LINKS];
    struct pollfd polls[MAX_LINKS];
    size_t next, done;
};

static void
job_take(struct run *run, struct link *link)
{
    link->job = run->next < run->load->n ? run->next++ : run->load->n;
    link->sent = 0;
    link->asked = bench_now();
    bm_buf_reset(&link->in);
}

/* The whole reply is there: hands it over. */
static bool
reply_try(struct run *run, struct link *link)
{
    const char *text = (const char *)link->in.p, *length;
    const uint8_t *end = link->in.n == 0 ? NULL : memmem(link->in.p, link->in.n, "\r\n\r\n", 4);
    size_t head = end == NULL ? 0 : (size_t)(end - link->in.p) + 4, want;

    if (end == NULL)
        return false;
    if ((length = memmem(text, head, "\r\nContent-Length: ", 18)) == NULL)
        bench_die("a reply without a length");
    want = strtoul(length + 18, NULL, 10);
    if (link->in.n < head + want)
        return false;
    if (memcmp(text, "HTTP/1.1 200 ", 13) == 0)
        run->load->reply(run->load->arg, link->job, bm_bytes(link->in.p + head, want));
    else if (run->load->refused != NULL)
        run->load->refused(run->load->arg, link->job, bm_bytes(link->in.p + head, want));
    else
        bench_die("refused: %.*s", (int)want, text + head);
    run->done++;
    if (run->load->longest != NULL && bench_now() - link->asked > *run->load->longest)
        *run->load->longest = bench_now() - link->asked;
    job_take(run, link);
    return true;
}

/* As far as it goes; what it waits for then. */
static short
link_go(struct run *run, struct link *link)
{
    while (link->job < run->load->n) {
        const struct bm_buf *request = &run->load->requests[link->job];
        uint8_t bytes[8192];
        size_t n = 0;
        int ret;

        if (link->sent < request->n) {
            ret = SSL_write_ex(link->ssl, request->p + link->sent, request->n - link->sent, &n);
            link->sent += n;
        } else {
            ret = SSL_read_ex(link->ssl, bytes, sizeof(bytes), &n);
            bm_buf_add(&link->in, bytes, n);
            if (ret == 1)
                (void)reply_try(run, link);
        }
        if (ret == 1)
            continue;
        switch (SSL_get_error(link->ssl, ret)) {
        case SSL_ERROR_WANT_READ:
            return POLLIN;
        case SSL_ERROR_WANT_WRITE:
            return POLLOUT;
        default:
            bench_die("the server closed a connection");
        }
    }
    return 0;
}

double
load_run(const struct load *load)
{
    struct run *run = calloc(1, sizeof(*run));
    double from;

    if (run == NULL || load->links > MAX_LINKS)
        bench_die("no memory");
    run->load = load;
    for (size_t i = 0; i < load->links; i++) {
        struct link *link = &run->links[i];

        link->in.max = 1u << 20;
        link->ssl = load_dial(load->port, load->ctx);
        run->polls[i].fd = SSL_get_fd(link->ssl);
        if (fcntl(run->polls[i].fd, F_SETFL, O_NONBLOCK) != 0)
            bench_die("fcntl: %s", strerror(errno));
        job_take(run, link);
    }
    from = bench_now();
    for (size_t i = 0; i < load->links; i++) {
        run->links[i].asked = from;
        run->polls[i].events = link_go(run, &run->links[i]);
    }
    while (run->done < load->n) {
        if (poll(run->polls, load->links, 60000) <= 0)
            bench_die("no reply for 60 seconds");
        for (size_t i = 0; i < load->links; i++)
            if (run->polls[i].revents != 0)
                run->polls[i].events = link_go(run, &run->links[i]);
    }
    from = bench_now() - from;
    for (size_t i = 0; i < load->links; i++) {
        (void)close(SSL_get_fd(run->links[i].ssl));
        SSL_free(run->links[i].ssl);
        bm_buf_done(&run->links[i].in);
    }
    free(run);
    return from;
}
