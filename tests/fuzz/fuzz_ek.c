/* fuzz_ek.c - an EK list is cut into certificates or refused; what is made of them is a chip that can be written and read back, or a finding. */
#include "fuzz.h"

#include "lot/ek_cert.h"
#include "lot/lot.h"

static enum bm_rc
chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
     struct bm_fail *fail)
{
    struct bm_leaf leaf;

    (void)digest;
    (void)ctx;
    (void)index;
    must(der.n > 0 || bm_lot_chip_fatal(chip) != NULL);
    if (der.n > 0)
        must(bm_leaf_parse(&leaf, der, fail) == BM_OK && leaf.nkeys > 0 && leaf.nhashes == leaf.nkeys);
    return BM_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bm_crypto *crypto;
    struct bm_bytes file = bm_bytes(data, size);
    struct bm_vendor vendor = { .name = "v", .format = BM_FORMAT_EK };
    struct bm_lot_sink sink = { .chip = chip, .go_on = true };
    struct bm_lot_job job = { .file = file, .vendor = &vendor, .name = "l", .now = 1767225600 };
    struct bm_fail fail = { 0 };
    struct bm_cert_loose cert;
    struct bm_lot_result result;
    struct bm_ek_says says;

    if (crypto == NULL)
        must(bm_crypto_new(&crypto, &fail) == BM_OK);
    job.crypto = crypto;
    if (bm_cert_loose_parse(&cert, file, &fail) == BM_OK) {
        must(cert.tbs.p > file.p && cert.signature.p + cert.signature.n <= file.p + file.n);
        must(cert.spki.p > cert.subject.p && cert.spki.p + cert.spki.n <= cert.tbs.p + cert.tbs.n);
        bm_ek_say(&says, &cert);
        must(says.model.n == 0 || (says.model.p > file.p && says.model.p + says.model.n <= file.p + file.n));
        /* it leads to itself only when it says so */
        vendor.roots = (struct bm_certs_list){ &file, 1 };
    }
    if (bm_lot_read(&result, &job, &sink, &fail) != BM_OK)
        must(fail.text[0] != 0);
    return 0;
}
