/* bench_receiving.c - devices enrol while a large lot is received: how many a second, and how long one waits, beside the same with nothing else to do. */
#include "asks.h"
#include "load.h"
#include "many.h"
#include "works.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICES 12000 /* BM_BENCH_DEVICES says otherwise; a quarter of them alone, the others beside the lot */
#define CHIPS 200000  /* BM_BENCH_CHIPS */
#define LINKS 64      /* BM_BENCH_LINKS */

struct bench {
    struct works works;
    uint8_t (*nonces)[BM_NONCE];
    struct bm_buf *requests;
    SSL_CTX *ctx;
    size_t links;
    pid_t receive;     /* 0: none runs */
    double from, took; /* of the receiving */
    size_t enrolled, beside;
};

/* Has it been received meanwhile? */
static void
receive_look(struct bench *b, int options)
{
    int status = 0;

    if (b->receive == 0 || waitpid(b->receive, &status, options) != b->receive)
        return;
    if (status != 0)
        bench_die("the lot was not received");
    b->took = bench_now() - b->from;
    b->beside = b->enrolled;
    b->receive = 0;
}

static void
nonce_take(void *arg, size_t i, struct bm_bytes body)
{
    struct bench *b = arg;

    asks_nonce_take(b->nonces[i], body);
}

static void
enrolled(void *arg, size_t i, struct bm_bytes body)
{
    struct bench *b = arg;

    (void)i;
    if (body.n < 500)
        bench_die("a reply without certificates");
    b->enrolled++;
    receive_look(b, WNOHANG);
}

static double
load(struct bench *b, size_t first, size_t n, void (*reply)(void *arg, size_t i, struct bm_bytes body), double *longest)
{
    const struct load l = { .port = b->works.port,
                            .ctx = b->ctx,
                            .links = b->links,
                            .requests = b->requests + first,
                            .n = n,
                            .reply = reply,
                            .arg = b,
                            .longest = longest };

    return load_run(&l);
}

static void
prepare(struct bench *b, size_t n)
{
    works_open(&b->works, n);
    b->nonces = calloc(n, sizeof(*b->nonces));
    b->requests = calloc(n, sizeof(*b->requests));
    b->ctx = SSL_CTX_new(TLS_client_method());
    if (b->nonces == NULL || b->requests == NULL || b->ctx == NULL)
        bench_die("no memory");
    for (size_t i = 0; i < n; i++) {
        b->requests[i].max = 65536;
        asks_nonce(&b->requests[i], b->works.roots[i]);
    }
    (void)load(b, 0, n, nonce_take, NULL);
    for (size_t i = 0; i < n; i++) {
        bm_buf_reset(&b->requests[i]);
        asks_enrol(&b->requests[i], b->works.roots[i], b->nonces[i], NULL);
    }
}

static void
lot_write(const char *path, size_t chips)
{
    const struct bm_lot_head head = { .lot = "large-lot", .vendor = WORKS_VENDOR, .revision = 1 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer maker;

    works_maker(&maker);
    many_lot(path, &head, &maker, chips);
}

static void
figures(struct bench *b, const char *lot, size_t chips)
{
    double longest_alone = 0, longest = 0, alone, took, cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = b->works.n / 4;

    alone = (double)n / load(b, 0, n, enrolled, &longest_alone);
    b->enrolled = 0;
    b->from = bench_now();
    b->receive = works_command(&b->works, (const char *const[]){ "lot", "receive", lot, "--vendor", WORKS_VENDOR, NULL });
    took = load(b, n, b->works.n - n, enrolled, &longest);
    if (b->receive == 0) {
        took = b->took;
    } else { /* all devices came before it was done */
        b->beside = b->enrolled;
        b->from = bench_now() - took;
    }
    receive_look(b, 0);
    (void)printf(
        "enrolments-beside-a-lot %.0f /s ratio %.2f against %.0f/s with nothing else to do; %zu chips received in %.1f s on %.0f cores\n",
        (double)b->beside / took, (double)b->beside / took / alone, alone, chips, b->took, cores);
    (void)printf("longest-wait-beside-a-lot %.0f ms ratio %.2f against %.0f ms with nothing else to do, %zu connections\n", longest * 1e3,
                 longest / longest_alone, longest_alone * 1e3, b->links);
}

int
main(void)
{
    struct bench b = { .links = bench_number("BM_BENCH_LINKS", LINKS) };
    size_t n = bench_number("BM_BENCH_DEVICES", DEVICES), chips = bench_number("BM_BENCH_CHIPS", CHIPS);
    char lot[1100];

    prepare(&b, n);
    (void)snprintf(lot, sizeof(lot), "%s/large.manifest", b.works.home);
    lot_write(lot, chips);
    figures(&b, lot, chips);
    for (size_t i = 0; i < n; i++)
        bm_buf_done(&b.requests[i]);
    free(b.requests);
    free(b.nonces);
    SSL_CTX_free(b.ctx);
    works_close(&b.works);
    return 0;
}
