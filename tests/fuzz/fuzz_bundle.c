/* fuzz_bundle.c - a bundle has one form; one whose whole chain stands certifies no root key of its chip, and needs no clock to say so. */
#include "fuzz.h"

#include "evidence/bundle.h"
#include "wire/text.h"

static void
endorsement_has_one_form(struct bm_bytes part)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = part.n + 64 };
    struct bm_endorsement endorsement;
    struct bm_fail fail = { 0 };

    if (bm_endorsement_parse(&endorsement, part, &fail) != BM_OK)
        return;
    bm_endorsement_build(&again, &endorsement);
    must(bm_bytes_equal(bm_buf_bytes(&again), part));
}

static void
station_has_one_form(struct bm_bytes part)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = part.n + 64 };
    struct bm_station_word station;
    struct bm_fail fail = { 0 };

    if (bm_station_parse(&station, part, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT);
        return;
    }
    must(bm_name_ok(station.order, BM_MAX_NAME));
    bm_station_build(&again, &station);
    must(bm_bytes_equal(bm_buf_bytes(&again), part));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bm_secret k = { .b = "another signer's nonce key", .n = 32 };
    static const struct bm_freshness fresh = { .k = &k, .now = 1795469649 };
    static struct bm_crypto *crypto;
    static struct bm_claim claim;
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = size + 64 };
    struct bm_fail fail = { 0 };
    struct bm_bundle bundle;
    bool proven = true;

    if (crypto == NULL)
        must(bm_crypto_new(&crypto, &fail) == BM_OK);
    station_has_one_form(bm_bytes(data, size)); /* as the registrar reads it, before anything is known of the rest */
    if (bm_bundle_parse(&bundle, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    bm_bundle_build(&again, &bundle);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    endorsement_has_one_form(bundle.part[BM_PART_ENDORSEMENT]);
    station_has_one_form(bundle.part[BM_PART_STATION]);
    if (bm_bundle_check(&claim, &proven, &bundle, crypto, NULL, &fail) == BM_OK) {
        must(bm_leaf_key(&claim.leaf, claim.key.hash) == NULL && memcmp(claim.key.hash, claim.root_hash, BM_HASH) != 0);
        must((bm_leaf_key(&claim.leaf, claim.root_hash) != NULL) == (bundle.nchain == 0));
        must(claim.tls_front == (bundle.body_class == BM_BODY_TLS));
        must(claim.renews == (bundle.part[BM_PART_RENEWAL].n > 0));
        must(!claim.renews || (memcmp(claim.current, claim.key.hash, BM_HASH) != 0 && bm_leaf_key(&claim.leaf, claim.current) == NULL));
        must(bundle.body_class != BM_BODY_CMC || proven);
        must((bundle.body_class != BM_BODY_TLS && claim.evidence != BM_EV_TPM_ACTIVATED) || !proven); /* only the signer can tell */
    } else {
        must(fail.rc == BM_EINPUT || fail.rc == BM_EPOLICY);
    }
    /* a nonce of another signer is never good */
    must(bm_bundle_check(&claim, &proven, &bundle, crypto, &fresh, &fail) != BM_OK && !proven);
    return 0;
}
