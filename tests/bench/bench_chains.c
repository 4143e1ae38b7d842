/* bench_chains.c - chips' own certificates led to their maker's root: Infineon's real reel, ST's real endorsement certificate (../shared/data). */
#include "lot/chain.h"
#include "lot/reel.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 200 /* of the one endorsement certificate */
#define MAX_CERTS 192

static struct bm_fail fail;
static struct bm_crypto *crypto;

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
must(bool holds)
{
    if (!holds) {
        (void)fprintf(stderr, "bench_chains: %s\n", fail.text);
        exit(1);
    }
}

/* A file of ../shared, whole; without it there is nothing to measure. */
static struct bm_bytes
shared_read(const char *name)
{
    const char *from = getenv("BM_SHARED");
    char path[512];
    FILE *file;
    uint8_t *bytes = malloc(1 << 20);
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", from != NULL ? from : BM_SOURCE_ROOT "/../shared", name);
    if ((file = fopen(path, "re")) != NULL && bytes != NULL) {
        n = fread(bytes, 1, 1 << 20, file);
        (void)fclose(file);
    }
    if (n == 0) {
        (void)fprintf(stderr, "bench_chains: left out, there is no %s\n", path);
        exit(0);
    }
    return bm_bytes(bytes, n);
}

struct certs {
    struct bm_bytes der[MAX_CERTS];
    size_t n;
};

static enum bm_rc
certs_add(void *ctx, struct bm_bytes der, struct bm_fail *ret_fail)
{
    struct certs *certs = ctx;
    uint8_t *copy = NULL;
    enum bm_rc rc = bm_bytes_dup(&copy, der, ret_fail);

    must(rc == BM_OK && certs->n < MAX_CERTS);
    certs->der[certs->n++] = bm_bytes(copy, der.n);
    return rc;
}

static void
certs_read(struct certs *certs, const char *name)
{
    struct bm_bytes bytes = shared_read(name);

    if (memmem(bytes.p, bytes.n, "-----BEGIN", 10) != NULL)
        must(bm_pem_parse(bytes, "CERTIFICATE", certs_add, certs, &fail) == BM_OK);
    else
        must(certs_add(certs, bytes, &fail) == BM_OK);
}

static double
reel_time(struct bm_bytes file, struct bm_certs_list roots, uint64_t *ret_chips, uint64_t *ret_signatures)
{
    const struct bm_vendor vendor = { .name = "infineon", .format = BM_FORMAT_INFINEON, .roots = roots };
    const struct bm_lot_job job = { .file = file, .vendor = &vendor, .crypto = crypto, .file_name = "a-reel.7z" };
    double from = seconds();
    struct bm_lot_result result;

    must(bm_lot_read(&result, &job, NULL, &fail) == BM_OK);
    *ret_chips = result.head.size;
    *ret_signatures = result.checked;
    return seconds() - from;
}

/* The ceiling: every chip's certificate verified by its issuer's key, and nothing else. */
static double
raw_time(struct bm_bytes file, const struct certs *roots)
{
    bm_cleanup(bm_reel_done) struct bm_reel reel = { .nrows = 0 };
    struct bm_cert_loose issuers[2];
    struct bm_key keys[2];
    double total = 0;

    for (size_t i = 0; i < 2; i++)
        must(bm_cert_loose_parse(&issuers[i], roots->der[i], &fail) == BM_OK && bm_key_parse(&keys[i], issuers[i].spki, &fail) == BM_OK);
    must(bm_reel_open(&reel, file, &fail) == BM_OK);
    for (size_t i = 0; i < reel.nrows; i++) {
        struct bm_bytes pem = bm_bytes(reel.text.p + reel.rows[i].at, reel.rows[i].n);
        static struct certs one;
        struct bm_cert cert;
        double from;

        one.n = 0;
        must(bm_pem_parse(pem, "CERTIFICATE", certs_add, &one, &fail) == BM_OK && bm_cert_parse(&cert, one.der[0], &fail) == BM_OK);
        from = seconds();
        must(bm_key_verify(crypto, &keys[reel.rows[i].object == BM_OBJECT_E0E2], cert.alg, cert.tbs, cert.signature, &fail) == BM_OK);
        total += seconds() - from;
    }
    return total;
}

/* The chains alone: a reading with roots less one without. */
static void
reel_bench(void)
{
    static const char *const names[] = { "data/infineon/OptigaTrustEccCA306.crt", "data/infineon/OptigaTrustRsaCA309.crt",
                                         "data/infineon/eccroot2.pem", "data/infineon/rsaroot2.pem" };
    struct bm_bytes file = shared_read("data/infineon/manifest-infineon.7z");
    static struct certs roots;
    uint64_t chips, certificates;
    double without, with, raw;

    for (size_t i = 0; i < BM_COUNT(names); i++)
        certs_read(&roots, names[i]);
    without = reel_time(file, (struct bm_certs_list){ NULL, 0 }, &chips, &certificates);
    with = reel_time(file, (struct bm_certs_list){ roots.der, roots.n }, &chips, &certificates);
    raw = raw_time(file, &roots);
    (void)printf(
        "chains-infineon %.3f ms/chip ratio %.2f against %.3f ms/chip, verifying its certificates by their issuers' keys (%llu chips, "
        "%llu certificates, P-384 and RSA)\n",
        1000 * (with - without) / (double)chips, raw / (with - without), 1000 * raw / (double)chips, (unsigned long long)chips,
        (unsigned long long)certificates);
}

static void
ek_bench(void)
{
    static struct certs roots, leaf;
    struct bm_cert_loose cert;
    static struct bm_lot_chip chip;
    struct bm_pool pool;
    double from, first, rest;
    struct bm_vendor vendor = { .name = "tpms" };

    certs_read(&roots, "data/tpm/tpm_roots_26.pem");
    certs_read(&roots, "data/tpm/tpm_intermediates_143.pem");
    certs_read(&leaf, "data/tpm/st-ek-rsa.pem");
    vendor.roots = (struct bm_certs_list){ roots.der, roots.n };
    must(bm_cert_loose_parse(&cert, leaf.der[0], &fail) == BM_OK && bm_pool_open(&pool, &vendor, &fail) == BM_OK);
    from = seconds();
    bm_lot_chip_reset(&chip);
    must(bm_pool_look(&pool, crypto, &cert, "its certificate", cert.not_before, &chip, &fail) == BM_OK && chip.signatures > 0);
    first = seconds() - from;
    from = seconds();
    for (int i = 0; i < ROUNDS; i++) {
        bm_lot_chip_reset(&chip);
        must(bm_pool_look(&pool, crypto, &cert, "its certificate", cert.not_before, &chip, &fail) == BM_OK && chip.nfindings == 0);
    }
    rest = (seconds() - from) / ROUNDS;
    (void)printf("chains-ek %.3f ms/chip ratio %.2f against %.3f ms for the first one, whose path is found among %zu certificates\n",
                 1000 * rest, rest / first, 1000 * first, roots.n);
    bm_pool_done(&pool);
}

int
main(void)
{
    must(bm_crypto_new(&crypto, &fail) == BM_OK);
    reel_bench();
    ek_bench();
    bm_crypto_free(crypto);
    return 0;
}
