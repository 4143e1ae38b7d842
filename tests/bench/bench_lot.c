/* bench_lot.c - Microchip entries received a second, beside the bare verifications that they cannot do without. */
#include "../unit/lot/maker.h"

#include "lot/lot.h"

#include <time.h>

#define CHIPS 2000

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Chips as Trust&GO has them: five keys, one of them with its certificate and its issuer's. */
static void
make(struct bm_buf *file, struct maker *maker)
{
    char id[20];

    bm_buf_add_str(file, "[");
    for (unsigned i = 0; i < CHIPS; i++) {
        (void)snprintf(id, sizeof(id), "0123%012x01", i);
        bm_buf_add_str(file, i == 0 ? "\n" : ",\n");
        maker_entry(file, maker, id, 5);
    }
    bm_buf_add_str(file, "\n]\n");
    maker_must(!file->bad);
}

static double
verify_rate(struct bm_crypto *crypto, struct maker *maker)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE }, text = { .max = 1 << 17 };
    struct bm_fail fail;
    double from;

    maker_payload(&text, maker, "0a0b", 5);
    maker_must(bm_private_sign(maker->key, bm_buf_bytes(&text), &signature, &fail) == BM_OK);
    from = seconds();
    for (int i = 0; i < CHIPS; i++)
        maker_must(bm_key_verify(crypto, bm_private_public(maker->key), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&text), bm_buf_bytes(&signature),
                                 &fail) == BM_OK);
    return CHIPS / (seconds() - from);
}

int
main(void)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 64u << 20 };
    struct maker maker;
    struct bm_bytes signer;
    struct bm_vendor vendor = { .name = "example", .signers = { &signer, 1 } };
    struct bm_lot_result result;
    struct bm_fail fail = { .text = "" };
    struct bm_lot_job job = { .vendor = &vendor, .name = "bench" };
    double from, rate, bare;

    maker_must(bm_crypto_new(&crypto, &fail) == BM_OK);
    maker_open(&maker, 1704067200, BM_TIME_NEVER);
    signer = bm_buf_bytes(&maker.cert);
    make(&file, &maker);
    bare = verify_rate(crypto, &maker);
    job.file = bm_buf_bytes(&file);
    job.crypto = crypto;
    from = seconds();
    if (bm_lot_read(&result, &job, NULL, &fail) != BM_OK || result.checked != CHIPS) {
        (void)fprintf(stderr, "bench_lot: %s\n", fail.text);
        return 1;
    }
    rate = CHIPS / (seconds() - from);
    (void)printf("microchip-receive %.0f entries/s ratio %.2f against %.0f P-256 verifications/s\n", rate, rate / bare, bare);
    maker_close(&maker);
    return 0;
}
