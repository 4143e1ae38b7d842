/* test_chain.c - the vendor's certificates and those that came with a list: what may be an end, what is retired, at which time a chip is judged. */
#include "issuers_kit.h"

static size_t
leaf_findings(struct tree *tree, const struct wanted *leaf, const struct bm_vendor *vendor, bm_time now, struct bm_lot_chip *chip)
{
    bm_cleanup(bm_pool_done) struct bm_pool pool = { .n = 0 };
    struct bm_cert_loose cert;

    make(&tree->leaf, leaf, "between", "chip", leaf_key, tree->key);
    bm_lot_chip_reset(chip);
    assert_ok(bm_pool_open(&pool, vendor, &kit_fail));
    assert_ok(bm_pool_add(&pool, tree->between_der, &kit_fail));
    assert_ok(bm_cert_loose_parse(&cert, bm_buf_bytes(&tree->leaf), &kit_fail));
    assert_ok(bm_pool_look(&pool, kit_crypto, &cert, "its certificate", now, chip, &kit_fail));
    return chip->nfindings;
}

static size_t
pool_findings(struct tree *tree, const struct bm_vendor *vendor, bm_time now, struct bm_lot_chip *chip)
{
    return leaf_findings(tree, &good_leaf, vendor, now, chip);
}

/* RFC 5280 4.1.2.5: 99991231235959Z, as chips' certificates say that they have no end. */
static void
a_chip_without_an_end_is_good(void **state)
{
    bm_cleanup(tree_done) struct tree tree;
    struct wanted leaf = good_leaf;
    struct bm_vendor vendor = { .name = "example" };
    static struct bm_lot_chip chip;

    (void)state;
    leaf.from = AT - YEAR / 2;
    leaf.until = BM_TIME_NEVER;
    tree_open(&tree, &good_ca, &good_ca, between_key[0]);
    vendor.roots = (struct bm_certs_list){ &tree.root_der, 1 };
    assert_int_equal(leaf_findings(&tree, &leaf, &vendor, AT, &chip), 0);
    assert_int_equal(chip.signatures, 1);
}

static void
what_is_retired_stands_in_no_path(void **state)
{
    bm_cleanup(tree_done) struct tree tree;
    uint8_t retired[1][BM_HASH] = { { 0 } };
    struct bm_vendor vendor = { .name = "example", .retired = (const uint8_t(*)[BM_HASH])retired, .nretired = 1 };
    static struct bm_lot_chip chip;
    struct bm_pool pool;

    (void)state;
    tree_open(&tree, &good_ca, &good_ca, between_key[0]);
    vendor.roots = (struct bm_certs_list){ &tree.root_der, 1 };
    assert_int_equal(pool_findings(&tree, &vendor, AT, &chip), 0);
    assert_int_equal(chip.signatures, 1);
    /* also one that came with the list */
    bm_sha256(retired[0], tree.between_der);
    assert_int_equal(pool_findings(&tree, &vendor, AT, &chip), 1);
    assert_int_equal(chip.findings[0].check, BM_CHECK_CHAIN);
    assert_int_equal(chip.signatures, 0);
    bm_sha256(retired[0], tree.root_der);
    assert_refused(BM_EPOLICY, bm_pool_open(&pool, &vendor, &kit_fail),
                   "all roots of the vendor example are retired: add one that is believed");
}

static void
what_came_with_a_list_is_no_place_to_end(void **state)
{
    bm_cleanup(tree_done) struct tree tree;
    bm_cleanup(bm_buf_done) struct bm_buf other = { .n = 0 };
    struct bm_bytes other_der;
    struct bm_vendor vendor = { .name = "example" };
    static struct bm_lot_chip chip;

    (void)state;
    tree_open(&tree, &good_ca, &good_ca, between_key[0]);
    make(&other, &good_ca, "other", "other", stranger_key, stranger_key);
    other_der = bm_buf_bytes(&other);
    vendor.roots = (struct bm_certs_list){ &other_der, 1 };
    assert_int_equal(pool_findings(&tree, &vendor, AT, &chip), 1);
    assert_int_equal(chip.findings[0].check, BM_CHECK_CHAIN);
}

/* Valid when it was issued, and what is above it has expired since: told. Not valid yet: refused. */
static void
a_chip_is_judged_at_receipt_and_when_it_was_issued(void **state)
{
    bm_cleanup(tree_done) struct tree tree;
    struct wanted between = good_ca;
    struct bm_vendor vendor = { .name = "example" };
    static struct bm_lot_chip chip;

    (void)state;
    between.until = AT + 100;
    tree_open(&tree, &good_ca, &between, between_key[0]);
    vendor.roots = (struct bm_certs_list){ &tree.root_der, 1 };
    assert_int_equal(pool_findings(&tree, &vendor, AT, &chip), 0);
    assert_int_equal(pool_findings(&tree, &vendor, AT + 101, &chip), 1);
    assert_int_equal(chip.findings[0].check, BM_CHECK_SIGNER_EXPIRED);
    assert_int_equal(pool_findings(&tree, &vendor, AT - YEAR - 1, &chip), 1);
    assert_int_equal(chip.findings[0].check, BM_CHECK_CHAIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chip_without_an_end_is_good),
        cmocka_unit_test(what_is_retired_stands_in_no_path),
        cmocka_unit_test(what_came_with_a_list_is_no_place_to_end),
        cmocka_unit_test(a_chip_is_judged_at_receipt_and_when_it_was_issued),
    };

    return kit_end(cmocka_run_group_tests(tests, keys_open, keys_close));
}
