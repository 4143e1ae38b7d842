/* bench_lot.c - Microchip entries received a second, beside the bare verifications that they cannot do without. */
#include "../unit/lot/maker.h"

#include "cli/crew.h"

#include <time.h>
#include <unistd.h>

#define BARE 4000 /* verifications that the ceiling is taken from */
#define KEYS 5    /* of a chip, as Trust&GO has them: one with its certificate and its issuer's */

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A maker's chips: their certificates are made under the signer's, which stands under a root as a CA would. */
static void
make(struct bm_buf *file, struct maker *maker, unsigned chips)
{
    char id[20];

    bm_buf_add_str(file, "[");
    for (unsigned i = 0; i < chips; i++) {
        (void)snprintf(id, sizeof(id), "0123%012x01", i);
        bm_buf_add_str(file, i == 0 ? "\n" : ",\n");
        maker_entry(file, maker, id, KEYS);
    }
    bm_buf_add_str(file, "\n]\n");
    maker_must(!file->bad);
}

/* One core's bare verifications a second, over texts of an entry's size. */
static double
verify_rate(struct bm_crypto *crypto, struct maker *maker)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    const struct bm_bytes text = { (const uint8_t *)MAKER_HEAD, sizeof(MAKER_HEAD) - 1 };
    struct bm_fail fail;
    double from;

    maker_must(bm_private_sign(maker->key, text, &signature, &fail) == BM_OK);
    from = seconds();
    for (int i = 0; i < BARE; i++)
        maker_must(bm_key_verify(crypto, bm_private_public(maker->key), BM_SIG_ECDSA_SHA256, text, bm_buf_bytes(&signature), &fail) ==
                   BM_OK);
    return BARE / (seconds() - from);
}

static int
measure(struct bm_crypto *crypto, struct maker *maker, unsigned chips)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_LOT_FILE };
    const struct bm_bytes signer = bm_buf_bytes(&maker->cert);
    const struct bm_vendor vendor = { .name = "example", .signers = { &signer, 1 }, .roots = { &signer, 1 } };
    struct bm_lot_job job = { .vendor = &vendor, .name = "bench", .crypto = crypto };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct bm_lot_result result;
    struct bm_fail fail = { .text = "" };
    double from, rate, bare;

    make(&file, maker, chips);
    job.file = bm_buf_bytes(&file);
    bare = verify_rate(crypto, maker) * (double)cores;
    from = seconds();
    /* every chip's entry and certificate; what stands between once a worker, and it is the root itself here */
    if (bm_crew_read(&result, &job, NULL, 0, &fail) != BM_OK || result.head.size != chips || result.checked < 2ull * chips) {
        (void)fprintf(stderr, "bench_lot: %s\n", fail.text);
        return 1;
    }
    rate = (double)result.checked / (seconds() - from);
    (void)printf(
        "microchip-receive-%u %.0f signatures/s ratio %.2f against %.0f/s: P-256 verifications on %ld cores (%.0f chips/s, %.0f MB)\n",
        chips, rate, rate / bare, bare, cores, rate * chips / (double)result.checked, (double)file.n / 1e6);
    return 0;
}

int
main(void)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    static const unsigned sizes[] = { 2000, 20000, 200000 };
    struct maker maker;
    struct bm_fail fail;
    int rc = 0;

    maker_must(bm_crypto_new(&crypto, &fail) == BM_OK);
    maker_open_ca(&maker, 1704067200, BM_TIME_NEVER);
    /* making the last one takes minutes: with BM_LONG=1 */
    for (size_t i = 0; i < BM_COUNT(sizes) && rc == 0 && (i < 2 || getenv("BM_LONG") != NULL); i++)
        rc = measure(crypto, &maker, sizes[i]);
    maker_close(&maker);
    return rc;
}
