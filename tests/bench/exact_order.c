/* exact_order.c - 10,000 requests of 8 clients on an order of 5,000: just as many units are made, each chip is told the same whenever it asks again. */
#include "asks.h"
#include "load.h"
#include "works.h"

#include "pki/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHIPS 10000 /* BM_EXACT_CHIPS says otherwise */
#define CLIENTS 8
#define TWICE 4 /* each fourth asks twice at once */

struct chip {
    uint8_t nonce[BM_NONCE];
    bool told, made;
    uint8_t reply[BM_HASH];
};

struct exact {
    struct works works;
    struct chip *chips;
    size_t *asks; /* which chip each request is of */
    struct bm_buf *requests;
    size_t n;
    SSL_CTX *ctx;
};

static void
nonce_take(void *arg, size_t i, struct bm_bytes body)
{
    struct exact *e = arg;

    asks_nonce_take(e->chips[i].nonce, body);
}

static void
told(struct exact *e, size_t i, bool made, struct bm_bytes body)
{
    struct chip *chip = &e->chips[e->asks[i]];
    uint8_t hash[BM_HASH] = { 0 };

    if (made)
        bm_sha256(hash, body);
    if (chip->told && (chip->made != made || memcmp(chip->reply, hash, BM_HASH) != 0))
        bench_die("chip %zu is told something else when it asks again: %.*s", e->asks[i], (int)body.n, (const char *)body.p);
    chip->told = true;
    chip->made = made;
    memcpy(chip->reply, hash, BM_HASH);
}

static void
made(void *arg, size_t i, struct bm_bytes body)
{
    told(arg, i, true, body);
}

static void
refused(void *arg, size_t i, struct bm_bytes body)
{
    if (memmem(body.p, body.n, "is full", 7) == NULL)
        bench_die("refused: %.*s", (int)body.n, (const char *)body.p);
    told(arg, i, false, body);
}

static void
ask_all(struct exact *e)
{
    (void)load_run(&(struct load){ .port = e->works.port,
                                   .ctx = e->ctx,
                                   .links = CLIENTS,
                                   .requests = e->requests,
                                   .n = e->n,
                                   .reply = made,
                                   .refused = refused,
                                   .arg = e });
}

static size_t
count_made(const struct exact *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->works.n; i++) {
        if (!e->chips[i].told)
            bench_die("chip %zu was told nothing", i);
        n += e->chips[i].made;
    }
    return n;
}

static void
nonces_get(struct exact *e)
{
    for (size_t i = 0; i < e->works.n; i++)
        asks_nonce(&e->requests[i], e->works.roots[i]);
    (void)load_run(&(struct load){
        .port = e->works.port, .ctx = e->ctx, .links = CLIENTS, .requests = e->requests, .n = e->works.n, .reply = nonce_take, .arg = e });
}

/* A chip's second request is the same bytes: its answer may be lost, so it asks again. */
static void
requests_make(struct exact *e)
{
    for (size_t chip = 0; chip < e->works.n; chip++) {
        size_t first = e->n++;

        bm_buf_reset(&e->requests[first]);
        asks_enrol(&e->requests[first], e->works.roots[chip], e->chips[chip].nonce, NULL);
        e->asks[first] = chip;
        if (chip % TWICE != 0)
            continue;
        bm_buf_reset(&e->requests[e->n]);
        bm_buf_add(&e->requests[e->n], e->requests[first].p, e->requests[first].n);
        e->asks[e->n++] = chip;
    }
}

static size_t
order_used(const struct exact *e)
{
    char command[1200], line[8192];
    const char *at;
    size_t n;
    FILE *in;

    (void)snprintf(command, sizeof(command), "'" BM_BUILD_ROOT "/birthmark' order show bench --json --home '%s'", e->works.home);
    if ((in = popen(command, "re")) == NULL)
        bench_die("birthmark cannot be started");
    n = fread(line, 1, sizeof(line) - 1, in);
    line[n] = 0;
    if (pclose(in) != 0 || (at = strstr(line, "\"used\":")) == NULL)
        bench_die("the order is not shown: %s", line);
    return strtoul(at + 7, NULL, 10);
}

int
main(void)
{
    struct exact e = { .ctx = SSL_CTX_new(TLS_client_method()) };
    size_t chips = bench_number("BM_EXACT_CHIPS", CHIPS), most = 2 * chips, first;

    works_open_for(&e.works, chips, chips / 2);
    e.chips = calloc(chips, sizeof(*e.chips));
    e.asks = calloc(most, sizeof(*e.asks));
    e.requests = calloc(most, sizeof(*e.requests));
    if (e.ctx == NULL || e.chips == NULL || e.asks == NULL || e.requests == NULL)
        bench_die("no memory");
    for (size_t i = 0; i < most; i++)
        e.requests[i].max = 65536;
    nonces_get(&e);
    requests_make(&e);
    ask_all(&e);
    first = count_made(&e);
    ask_all(&e);
    if (first != chips / 2 || count_made(&e) != first || order_used(&e) != first)
        bench_die("%zu units were made, then %zu, and the order counts %zu: %zu were ordered", first, count_made(&e), order_used(&e),
                  chips / 2);
    (void)printf("%zu chips asked for %zu units with %zu requests of %d clients, and all of them again: %zu were made\n", chips, chips / 2,
                 e.n, CLIENTS, first);
    for (size_t i = 0; i < most; i++)
        bm_buf_done(&e.requests[i]);
    free(e.requests);
    free(e.asks);
    free(e.chips);
    SSL_CTX_free(e.ctx);
    works_close(&e.works);
    return 0;
}
