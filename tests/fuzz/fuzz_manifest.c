/* fuzz_manifest.c - what is made is read back chip by chip; what nobody signed is not, whatever it is. The input: a manifest, or leaves to make one of. */
#include "fuzz.h"

#include "lot/lot.h"
#include "wire/rd.h"

#define LEAVES 16

struct told {
    const struct bm_bytes *leaves;
    uint64_t n;
};

static enum bm_rc
tell_chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
          struct bm_fail *fail)
{
    struct told *told = ctx;

    (void)digest;
    (void)fail;
    (void)chip;
    must(index == told->n && bm_bytes_equal(der, told->leaves[index]));
    told->n++;
    return BM_OK;
}

static void
sign(struct bm_note_signer *signer)
{
    static const uint8_t seed[BM_NOTE_KEY] = { 1 };
    struct bm_fail fail = { 0 };

    must(bm_note_signer_init(signer, "example-silicon.example/lots", seed, &fail) == BM_OK);
}

static enum bm_rc
manifest_read(struct bm_lot_result *ret, struct bm_bytes file, const struct bm_vendor *vendor, const struct bm_lot_sink *sink,
              struct bm_fail *fail)
{
    const struct bm_lot_job job = { .file = file, .vendor = vendor };

    return bm_lot_read(ret, &job, sink, fail);
}

/* Leaves with a u32 length before each, as in a manifest. */
static void
made_is_read(struct bm_bytes bytes, const struct bm_note_signer *signer, const struct bm_vendor *vendor)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_bytes leaves[LEAVES];
    struct told told = { .leaves = leaves };
    struct bm_lot_sink sink = { .chip = tell_chip, .ctx = &told };
    const struct bm_head_signer head_signer = { .sign = bm_head_sign_note, .ctx = (void *)(uintptr_t)signer };
    const struct bm_lot_head head = { .lot = "EX-001", .vendor = "Example Silicon", .revision = 1 };
    struct bm_rd rd = bm_rd(bytes);
    struct bm_lot_result result;
    struct bm_fail fail = { 0 };
    size_t n = 0;

    while (!rd.bad && rd.left > 0 && n < LEAVES)
        leaves[n++] = bm_rd_lv32(&rd, BM_MAX_LEAF);
    if (bm_manifest_build(&file, &head, leaves, n, &head_signer, &fail) != BM_OK)
        return;
    must(manifest_read(&result, bm_buf_bytes(&file), vendor, &sink, &fail) == BM_OK);
    must(told.n == n && result.head.size == n);
    file.p[bytes.n % file.n] ^= 1;
    must(manifest_read(&result, bm_buf_bytes(&file), vendor, NULL, &fail) != BM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { 0 };
    struct bm_vendor vendor = { .name = "example", .format = BM_FORMAT_BIRTHMARK, .nkeys = 1 };
    struct bm_lot_head head;
    struct bm_lot_result result;
    struct bm_fail fail = { 0 };

    sign(&signer);
    vendor.keys = &signer.key;
    if (manifest_read(&result, bm_bytes(data, size), &vendor, NULL, &fail) != BM_OK)
        must(fail.text[0] != 0);
    if (bm_lot_head_parse(&head, bm_bytes(data, size), &fail) == BM_OK) {
        bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_NOTE };

        bm_lot_head_build(&again, &head);
        must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    }
    made_is_read(bm_bytes(data, size), &signer, &vendor);
    return 0;
}
