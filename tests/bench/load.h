/* load.h - many requests over a few kept-alive TLS connections, without threads. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "base/bytes.h"

#include <openssl/ssl.h>

/* Ends the program with this sentence. */
/* The number in an environment variable; `otherwise` where it is unset or 0. */
size_t bench_number(const char *variable, size_t otherwise);
_Noreturn void bench_die(const char *fmt, ...) bm_printf(1, 2);

/* A connection, blocking; `ctx` may hold a client certificate. */
SSL *load_dial(int port, SSL_CTX *ctx);
void load_connect(int port, SSL *ssl); /* the same, over one that has its own certificate */

/* Sends requests[0..n) over `links` connections, one under way on each, and hands every reply's body over; a status other than 200 ends the program where nobody takes refusals. */
struct load {
    int port;
    SSL_CTX *ctx;
    size_t links;
    const struct bm_buf *requests;
    size_t n;
    void (*reply)(void *arg, size_t i, struct bm_bytes body);
    void (*refused)(void *arg, size_t i, struct bm_bytes body); /* NULL: none may come */
    void *arg;
    double *longest; /* seconds that one reply took; NULL: nobody asks */
};
/* Seconds from the first byte sent to the last received; the connections are made before. */
double load_run(const struct load *load);

double bench_now(void);

#endif
