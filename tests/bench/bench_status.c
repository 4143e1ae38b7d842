/*
 * bench_status.c - what it costs to be asked about certificates: OCSP through the whole server beside a bare signature, answers that are given out again, and the
 * list of a full bucket. BM_BENCH_ASKS, BM_BENCH_LINKS: others.
 */
#include "asks.h"
#include "bare.h"
#include "load.h"
#include "works.h"

#include "base/file.h"
#include "pki/ocsp.h"
#include "pki/oid.h"
#include "pki/tbs.h"
#include "wire/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ASKS 4000
#define LINKS 16 /* under what the registrar has at the signer at once */
#define T0 1795469649

static struct bm_fail fail;

static void
must(enum bm_rc rc)
{
    if (rc != BM_OK)
        bench_die("%s", fail.text);
}

static enum bm_rc
der_keep(void *ctx, struct bm_bytes der, struct bm_fail *why)
{
    struct bm_buf *into = ctx;

    if (into->n == 0)
        bm_buf_add_bytes(into, der);
    return bm_buf_check(into, "a certificate", why);
}

/* OCSPRequest by POST about one serial number of the CA; with a nonce of its own, or none. */
static void
ask_build(struct bm_buf *request, const struct bm_ocsp_issuer *issuer, size_t number, bool nonce)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 1024 };
    uint8_t serial[16] = { 0x41 }, octets[32] = { 7 };
    size_t open[6], at;

    memcpy(serial + 8, &number, sizeof(number));
    memcpy(octets + 8, &number, sizeof(number));
    for (size_t i = 0; i < 5; i++) /* request, TBSRequest, list, Request, CertID */
        open[i] = bm_der_begin(&der, BM_DER_SEQUENCE);
    at = bm_der_begin(&der, BM_DER_SEQUENCE);
    bm_der_add(&der, BM_DER_OID, BM_OID(bm_oid_sha256));
    bm_der_end(&der, at);
    bm_der_add(&der, BM_DER_OCTET_STRING, bm_bytes(issuer->sha256[0], BM_HASH));
    bm_der_add(&der, BM_DER_OCTET_STRING, bm_bytes(issuer->sha256[1], BM_HASH));
    bm_der_add_positive(&der, bm_bytes(serial, sizeof(serial)));
    for (size_t i = 5; i-- > 2;)
        bm_der_end(&der, open[i]);
    if (nonce) {
        open[2] = bm_der_begin(&der, BM_DER_CONTEXT_CONSTRUCTED(2));
        open[3] = bm_der_begin(&der, BM_DER_SEQUENCE);
        open[4] = bm_der_begin(&der, BM_DER_SEQUENCE);
        bm_der_add(&der, BM_DER_OID, BM_OID(bm_oid_ocsp_nonce));
        open[5] = bm_der_begin(&der, BM_DER_OCTET_STRING);
        bm_der_add(&der, BM_DER_OCTET_STRING, bm_bytes(octets, sizeof(octets)));
        for (size_t i = 6; i-- > 2;)
            bm_der_end(&der, open[i]);
    }
    bm_der_end(&der, open[1]);
    bm_der_end(&der, open[0]);
    bm_buf_add_fmt(
        request, "POST /ocsp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ocsp-request\r\nContent-Length: %zu\r\n\r\n", der.n);
    bm_buf_add_bytes(request, bm_buf_bytes(&der));
}

/* OCSPResponse { successful ... }: 30 82 xx xx 0a 01 00 */
static void
answered(void *arg, size_t i, struct bm_bytes body)
{
    (void)arg;
    (void)i;
    if (body.n < 300 || body.p[4] != 0x0a || body.p[6] != 0)
        bench_die("a question has no answer");
}

static void
figure_ocsp(struct works *works, SSL_CTX *ctx, const struct bm_ocsp_issuer *issuer, size_t n)
{
    struct bm_buf *requests = calloc(n, sizeof(*requests));
    struct load load = {
        .port = works->port, .ctx = ctx, .links = bench_number("BM_BENCH_LINKS", LINKS), .requests = requests, .reply = answered
    };
    double bare = bare_cost(1, 0, false), cpu, signer, took;

    if (requests == NULL)
        bench_die("no memory");
    for (size_t i = 0; i < n; i++) {
        requests[i].max = 2048;
        ask_build(&requests[i], issuer, i, true);
    }
    load.n = 1; /* the responder gets its certificate */
    (void)load_run(&load);
    load.n = n;
    cpu = works_cpu(works, "");
    signer = works_cpu(works, "birthmark-signe");
    took = load_run(&load);
    cpu = (works_cpu(works, "") - cpu) / (double)n;
    signer = (works_cpu(works, "birthmark-signe") - signer) / (double)n;
    (void)printf("ocsp %.0f /s ratio %.2f against %.0f/s of one core's bare P-256 signatures\n", (double)n / took, (double)n / took * bare,
                 1 / bare);
    (void)printf("ocsp-cpu %.1f us ratio %.2f against %.1f us: one P-256 signature (signer alone %.1f us)\n", cpu * 1e6, cpu / bare,
                 bare * 1e6, signer * 1e6);
    for (size_t i = 0; i < n; i++)
        bm_buf_done(&requests[i]);
    free(requests);
}

static double
cpu_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Every certificate of a bucket on its list: built and signed. */
static void
figure_list(void)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_MESSAGE }, signature = { .max = BM_MAX_SIGNATURE },
                                          der = { .max = BM_MAX_MESSAGE }, name = { .max = BM_MAX_DN };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct bm_revoked *all = calloc(BM_CRL_BUCKET, sizeof(*all));
    struct bm_issuer issuer = { .crl_url = "https://site.example:8443/crl/operational-1.crl", .not_after = BM_TIME_NEVER };
    double began, took, bare = bare_cost(1, 0, false);
    const size_t times = 200;

    if (all == NULL)
        bench_die("no memory");
    must(bm_private_generate(&key, BM_KEY_P256, &fail));
    bm_name_build(&name, "Example Works", "Operational CA 1");
    issuer.subject = bm_buf_bytes(&name);
    issuer.alg = bm_private_alg(key);
    for (size_t i = 0; i < BM_CRL_BUCKET; i++) {
        all[i] = (struct bm_revoked){ .nserial = 20, .serial = { 0x41 }, .reason = 1, .time = T0 };
        memcpy(all[i].serial + 8, &i, sizeof(i));
    }
    began = cpu_now();
    for (size_t i = 0; i < times; i++) {
        bm_buf_reset(&tbs);
        bm_buf_reset(&signature);
        bm_buf_reset(&der);
        must(bm_crl_build(&tbs, &issuer, all, BM_CRL_BUCKET, i + 1, T0, T0 + 86400, &fail));
        must(bm_private_sign(key, bm_buf_bytes(&tbs), &signature, &fail));
        bm_signed_build(&der, bm_buf_bytes(&tbs), issuer.alg, bm_buf_bytes(&signature));
    }
    took = (cpu_now() - began) / (double)times;
    (void)printf("full-list %.2f ms ratio %.1f against %.2f ms: one P-256 signature (%zu bytes, %d certificates)\n", took * 1e3,
                 took / bare, bare * 1e3, der.n, BM_CRL_BUCKET);
    free(all);
}

int
main(void)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 65536 }, der = { .max = BM_MAX_CERT };
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct bm_ocsp_issuer issuer;
    struct works works;
    struct bm_cert ca;
    char path[1100];

    if (ctx == NULL)
        bench_die("no memory");
    figure_list();
    works_open(&works, 1);
    (void)snprintf(path, sizeof(path), "%s/ca/operational.pem", works.home);
    must(bm_file_read(&pem, path, &fail));
    must(bm_pem_parse(bm_buf_bytes(&pem), "CERTIFICATE", der_keep, &der, &fail));
    must(bm_cert_parse(&ca, bm_buf_bytes(&der), &fail));
    bm_ocsp_issuer_init(&issuer, &ca);
    figure_ocsp(&works, ctx, &issuer, bench_number("BM_BENCH_ASKS", ASKS));
    SSL_CTX_free(ctx);
    works_close(&works);
    return 0;
}
