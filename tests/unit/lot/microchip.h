/* microchip.h - what the tests of Microchip's manifests share: a file received, and what was told of it. */
#ifndef BM_TEST_LOT_MICROCHIP_H
#define BM_TEST_LOT_MICROCHIP_H

#include "kit.h"
#include "maker.h"

#define Y2024 1704067200
#define Y2026 1767225600

struct mc_told {
    uint64_t nleaves, nkeys, nhashes;
    char first_id[BM_MAX_ID + 1];
    struct bm_leaf leaf;
    struct kit_odd odd;
};

static inline enum bm_rc
mc_tell_chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
             struct bm_fail *fail)
{
    struct mc_told *told = ctx;

    (void)digest;
    assert_int_equal(index, told->nleaves++);
    assert_ok(bm_leaf_parse(&told->leaf, der, fail));
    if (index == 0)
        (void)snprintf(told->first_id, sizeof(told->first_id), "%s", told->leaf.id);
    told->nkeys += told->leaf.nkeys;
    told->nhashes += told->leaf.nhashes;
    kit_odd_take(&told->odd, index, chip);
    return BM_OK;
}

/* With this signer, and this root or none; result and told may be NULL. */
static inline enum bm_rc
mc_receive(struct bm_lot_result *ret, struct bm_bytes file, struct bm_bytes signer, struct bm_bytes root, struct mc_told *told)
{
    struct bm_vendor vendor = { .name = "microchip", .signers = { &signer, 1 }, .roots = { &root, root.n > 0 } };
    struct bm_lot_sink sink = { .chip = mc_tell_chip, .ctx = told };
    struct bm_lot_result ignored;

    return kit_lot_read(ret != NULL ? ret : &ignored, file, &vendor, told != NULL ? &sink : NULL);
}

static inline enum bm_rc
mc_receive_one(struct maker *maker, struct bm_buf *entry, struct mc_told *told)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };

    bm_buf_add_str(&file, "[");
    bm_buf_add_bytes(&file, bm_buf_bytes(entry));
    bm_buf_add_str(&file, "]");
    return mc_receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&maker->cert), bm_bytes(NULL, 0), told);
}

#endif
