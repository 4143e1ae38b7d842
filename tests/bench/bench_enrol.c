/* bench_enrol.c - durable, logged enrolments a second through the whole server, what they cost beside their bare cryptography, and what 1,000 clients weigh. */
#include "asks.h"
#include "bare.h"
#include "load.h"
#include "works.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEVICES 5000 /* BM_BENCH_DEVICES says otherwise */
#define LINKS 64     /* BM_BENCH_LINKS */
#define CLIENTS 1000 /* connections held open at once */
#define SECONDS 1.0  /* of commits */

struct device {
    uint8_t nonce[BM_NONCE];
    bool enrolled;
};

static size_t
number(const char *variable, size_t otherwise)
{
    const char *said = getenv(variable);
    size_t n = said == NULL ? otherwise : strtoul(said, NULL, 10);

    return n == 0 ? otherwise : n;
}

/* ---- nonces ---- */

static void
nonce_take(void *arg, size_t i, struct bm_bytes body)
{
    struct device *devices = arg;

    asks_nonce_take(devices[i].nonce, body);
}

/* ---- requests ---- */

static void
enrolled(void *arg, size_t i, struct bm_bytes body)
{
    struct device *devices = arg;

    if (body.n < 500 || devices[i].enrolled)
        bench_die("a reply without certificates");
    devices[i].enrolled = true;
}

/* ---- ceilings ---- */

/* 4 KiB appended and fdatasync'ed, beside the site: commits a second. */
static double
commit_rate(const struct works *works)
{
    static const uint8_t bytes[4096];
    char path[4096];
    double from = bench_now(), took = 0;
    size_t n = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/bench-commits", works->home);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
        bench_die("%s cannot be written", path);
    for (; took < SECONDS; took = bench_now() - from, n++)
        if (write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) || fdatasync(fd) != 0)
            bench_die("%s cannot be written", path);
    (void)close(fd);
    (void)unlink(path);
    return (double)n / took;
}

/* ---- figures ---- */

struct bench {
    struct works works;
    struct device *devices;
    struct bm_buf *requests;
    SSL_CTX *ctx;
    size_t links;
};

static void
requests_reset(struct bench *b)
{
    for (size_t i = 0; i < b->works.n; i++) {
        b->requests[i].max = 65536;
        bm_buf_reset(&b->requests[i]);
    }
}

static double
load(struct bench *b, void (*reply)(void *arg, size_t i, struct bm_bytes body))
{
    const struct load l = {
        .port = b->works.port, .ctx = b->ctx, .links = b->links, .requests = b->requests, .n = b->works.n, .reply = reply, .arg = b->devices
    };

    return load_run(&l);
}

/* Names as the kernel cuts them. The gate has the clients' TLS in it. */
static const char *const programs[] = { "", "birthmark-gate", "birthmark-regis", "birthmark-signe" };

static void
cpu_take(const struct bench *b, double cpu[static BM_COUNT(programs)])
{
    for (size_t i = 0; i < BM_COUNT(programs); i++)
        cpu[i] = works_cpu(&b->works, programs[i]) - cpu[i];
}

static void
figure_enrolments(struct bench *b)
{
    double n = (double)b->works.n, bare = bare_cost(1, 2, false), commits = commit_rate(&b->works), took;
    double cpu[BM_COUNT(programs)] = { 0 };
    double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);

    requests_reset(b);
    for (size_t i = 0; i < b->works.n; i++)
        asks_nonce(&b->requests[i], b->works.roots[i]);
    took = load(b, nonce_take);
    (void)printf("nonces %.0f /s ratio %.2f against %.0f/s of bare enrolment cryptography on %.0f cores\n", n / took,
                 n / took * bare / cores, cores / bare, cores);
    requests_reset(b);
    for (size_t i = 0; i < b->works.n; i++)
        asks_enrol(&b->requests[i], b->works.roots[i], b->devices[i].nonce, NULL);
    cpu_take(b, cpu);
    took = load(b, enrolled);
    cpu_take(b, cpu);
    (void)printf("enrolments %.0f /s ratio %.2f against %.0f/s of their bare cryptography on %.0f cores, %zu connections\n", n / took,
                 n / took * bare / cores, cores / bare, cores, b->links);
    (void)printf("enrolments-per-commit %.2f enrolments ratio %.2f against %.0f/s of 4 KiB with one fdatasync\n", n / took / commits,
                 n / took / commits, commits);
    (void)printf(
        "enrolment-cpu %.1f us ratio %.2f against %.1f us: two P-256 verifications and one signature (gate %.0f, registrar %.0f, signer "
        "%.0f us)\n",
        cpu[0] / n * 1e6, cpu[0] / n / bare, bare * 1e6, cpu[1] / n * 1e6, cpu[2] / n * 1e6, cpu[3] / n * 1e6);
}

/* A certificate that nobody signed for: the gate takes any. */
static void
client_identity(SSL_CTX *ctx)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    if (key == NULL || cert == NULL || X509_set_version(cert, 2) != 1 || ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 ||
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1, -1, 0) != 1 ||
        X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 || X509_gmtime_adj(X509_getm_notBefore(cert), -3600) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(cert), 36000) == NULL || X509_set_pubkey(cert, key) != 1 ||
        X509_sign(cert, key, EVP_sha256()) <= 0 || SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
        bench_die("no client certificate can be made");
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* Each has been served once, so that it holds what a connection holds. */
static void
client_serve(SSL *ssl)
{
    static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char reply[4096];
    size_t n = 0;

    if (SSL_write_ex(ssl, ask, sizeof(ask) - 1, &n) != 1 || SSL_read_ex(ssl, reply, sizeof(reply), &n) != 1 ||
        strncmp(reply, "HTTP/1.1 200", 12) != 0)
        bench_die("the server does not answer a client");
}

static void
figure_memory(struct bench *b)
{
    double before = works_pss(&b->works), bare = bare_cost(1, 1, true), with, cpu;
    SSL **clients = calloc(CLIENTS, sizeof(*clients));

    if (clients == NULL)
        bench_die("no memory");
    client_identity(b->ctx);
    cpu = works_cpu(&b->works, "");
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = load_dial(b->works.port, b->ctx);
    cpu = works_cpu(&b->works, "") - cpu;
    for (size_t i = 0; i < CLIENTS; i++)
        client_serve(clients[i]);
    with = works_pss(&b->works);
    if (before < 0 || with < 0)
        (void)printf("memory-1000-clients skipped: only root may read the memory of confined processes\n");
    else
        (void)printf(
            "memory-1000-clients %.1f MiB ratio %.2f against %.1f MiB with none: %.1f KiB a mutual TLS connection, %zu processes\n", with,
            with / before, before, (with - before) * 1024 / CLIENTS, b->works.npids);
    (void)printf("mutual-handshake-cpu %.0f us ratio %.2f against %.0f us: one P-256 signature, one verification, one X25519 agreement\n",
                 cpu / CLIENTS * 1e6, cpu / CLIENTS / bare, bare * 1e6);
    for (size_t i = 0; i < CLIENTS; i++) {
        (void)close(SSL_get_fd(clients[i]));
        SSL_free(clients[i]);
    }
    free(clients);
}

int
main(void)
{
    struct bench b = { .links = number("BM_BENCH_LINKS", LINKS) };
    struct rlimit files;
    size_t n = number("BM_BENCH_DEVICES", DEVICES);

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    works_open(&b.works, n);
    b.devices = calloc(n, sizeof(*b.devices));
    b.requests = calloc(n, sizeof(*b.requests));
    b.ctx = SSL_CTX_new(TLS_client_method());
    if (b.devices == NULL || b.requests == NULL || b.ctx == NULL)
        bench_die("no memory");
    figure_enrolments(&b);
    figure_memory(&b);
    for (size_t i = 0; i < n; i++)
        bm_buf_done(&b.requests[i]);
    free(b.requests);
    free(b.devices);
    SSL_CTX_free(b.ctx);
    works_close(&b.works);
    return 0;
}
