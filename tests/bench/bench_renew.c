/* bench_renew.c - renewals through the whole server, over kept-alive connections, and what they cost beside their bare cryptography. */
#include "asks.h"
#include "bare.h"
#include "load.h"
#include "works.h"

#include "base/bytes.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEVICES 2000 /* BM_BENCH_DEVICES says otherwise */
#define LINKS 64     /* BM_BENCH_LINKS */

struct device {
    uint8_t nonce[BM_NONCE];
    struct bm_private *key;
};

struct bench {
    struct works works;
    struct device *devices;
    struct bm_buf *requests;
    SSL_CTX *ctx;
};

static void
nonce_take(void *arg, size_t i, struct bm_bytes body)
{
    struct device *devices = arg;

    asks_nonce_take(devices[i].nonce, body);
}

static void
certified(void *arg, size_t i, struct bm_bytes body)
{
    (void)arg;
    (void)i;
    if (body.n < 500)
        bench_die("a reply without certificates");
}

static double
load(struct bench *b, void (*reply)(void *arg, size_t i, struct bm_bytes body))
{
    const struct load l = { .port = b->works.port,
                            .ctx = b->ctx,
                            .links = bench_number("BM_BENCH_LINKS", LINKS),
                            .requests = b->requests,
                            .n = b->works.n,
                            .reply = reply,
                            .arg = b->devices };
    double took = load_run(&l);

    for (size_t i = 0; i < b->works.n; i++)
        bm_buf_reset(&b->requests[i]);
    return took;
}

static void
nonces(struct bench *b)
{
    for (size_t i = 0; i < b->works.n; i++)
        asks_nonce(&b->requests[i], b->works.roots[i]);
    (void)load(b, nonce_take);
}

/* The gate asks for the key, not for who certified it. */
static void
client_key(SSL *ssl, const struct bm_private *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    struct bm_fail fail;
    X509 *cert = X509_new();
    EVP_PKEY *pkey;
    BIO *bio;

    if (bm_private_build(&pem, key, &fail) != BM_OK || (bio = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL ||
        (pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)) == NULL || cert == NULL || X509_set_version(cert, 2) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 || X509_gmtime_adj(X509_getm_notBefore(cert), -3600) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(cert), 36000) == NULL || X509_set_pubkey(cert, pkey) != 1 ||
        X509_sign(cert, pkey, EVP_sha256()) <= 0 || SSL_use_certificate(ssl, cert) != 1 || SSL_use_PrivateKey(ssl, pkey) != 1)
        bench_die("no client certificate can be made");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    X509_free(cert);
}

static void
confirm(struct bench *b, size_t i)
{
    bm_cleanup(bm_buf_done) struct bm_buf ask = { .max = 1024 };
    SSL *ssl = SSL_new(b->ctx);
    char reply[4096];
    size_t n = 0;

    asks_confirm(&ask);
    client_key(ssl, b->devices[i].key);
    load_connect(b->works.port, ssl);
    if (SSL_write_ex(ssl, ask.p, ask.n, &n) != 1 || SSL_read_ex(ssl, reply, sizeof(reply), &n) != 1 || n < 12 ||
        memcmp(reply, "HTTP/1.1 200", 12) != 0)
        bench_die("an identity is not confirmed");
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static void
enrol(struct bench *b)
{
    nonces(b);
    for (size_t i = 0; i < b->works.n; i++)
        asks_enrol(&b->requests[i], b->works.roots[i], b->devices[i].nonce, &b->devices[i].key);
    (void)load(b, certified);
    for (size_t i = 0; i < b->works.n; i++)
        confirm(b, i);
}

/* Names as the kernel cuts them. The gate has the clients' TLS in it. */
static const char *const programs[] = { "", "birthmark-gate", "birthmark-regis", "birthmark-signe" };

static void
figure_renewals(struct bench *b)
{
    double n = (double)b->works.n, bare = bare_cost(1, 3, false), cores = (double)sysconf(_SC_NPROCESSORS_ONLN), took;
    double cpu[BM_COUNT(programs)];

    nonces(b);
    for (size_t i = 0; i < b->works.n; i++)
        asks_renew(&b->requests[i], b->works.roots[i], b->devices[i].nonce, b->devices[i].key);
    for (size_t i = 0; i < BM_COUNT(programs); i++)
        cpu[i] = works_cpu(&b->works, programs[i]);
    took = load(b, certified);
    for (size_t i = 0; i < BM_COUNT(programs); i++)
        cpu[i] = (works_cpu(&b->works, programs[i]) - cpu[i]) / n * 1e6;
    (void)printf("renewals %.0f /s ratio %.2f against %.0f/s of their bare cryptography on %.0f cores\n", n / took, n / took * bare / cores,
                 cores / bare, cores);
    (void)printf("renewal-cpu %.1f us ratio %.2f against %.1f us: three P-256 verifications and one signature (gate %.0f, registrar %.0f, "
                 "signer %.0f us)\n",
                 cpu[0], cpu[0] / bare / 1e6, bare * 1e6, cpu[1], cpu[2], cpu[3]);
}

int
main(void)
{
    struct bench b = { .ctx = SSL_CTX_new(TLS_client_method()) };
    size_t n = bench_number("BM_BENCH_DEVICES", DEVICES);

    works_open(&b.works, n);
    b.devices = calloc(n, sizeof(*b.devices));
    b.requests = calloc(n, sizeof(*b.requests));
    if (b.devices == NULL || b.requests == NULL || b.ctx == NULL)
        bench_die("no memory");
    for (size_t i = 0; i < n; i++)
        b.requests[i].max = 65536;
    enrol(&b);
    figure_renewals(&b);
    for (size_t i = 0; i < n; i++) {
        bm_buf_done(&b.requests[i]);
        bm_private_free(b.devices[i].key);
    }
    free(b.requests);
    free(b.devices);
    SSL_CTX_free(b.ctx);
    works_close(&b.works);
    return 0;
}
