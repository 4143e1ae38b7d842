/* test_chip.c - the record that `chip create` writes, and the set that finds doubles. */
#include "kit.h"

#include "lot/seen.h"

static void
built_and_read_back_with_its_certificates(void **state)
{
    static const uint8_t cert[] = { 0x30, 0x03, 0x02, 0x01, 0x07 }, other[] = { 0x30, 0x03, 0x02, 0x01, 0x08 };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 1 << 16 }, bad = { .max = 1 << 16 };
    struct bm_bytes view = bm_bytes(cert, sizeof(cert));
    struct bm_leaf leaf;
    static struct bm_chip chip;

    (void)state;
    kit_leaf(&leaf, "chip", 2);
    bm_sha256(leaf.hashes[0], view);
    assert_ok(bm_chip_build(&der, &leaf, &view, 1, &kit_fail));
    assert_ok(bm_chip_parse(&chip, bm_buf_bytes(&der), &kit_fail));
    assert_string_equal(chip.leaf.id, "chip");
    assert_int_equal(chip.ncerts, 1);
    assert_true(bm_bytes_equal(chip.certs[0], view));
    for (size_t n = 0; n < der.n; n++)
        assert_rc(BM_EINPUT, bm_chip_parse(&chip, bm_bytes(der.p, n), &kit_fail));
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_chip_parse(&chip, bm_buf_bytes(&der), &kit_fail));
    der.n--;
    der.p[der.n - 1] ^= 1; /* another certificate in the place of the one */
    assert_refused(BM_EINPUT, bm_chip_parse(&chip, bm_buf_bytes(&der), &kit_fail),
                   "certificate 1 of the chip is not among the hashes in its entry");
    view = bm_bytes(other, sizeof(other));
    assert_rc(BM_EINPUT, bm_chip_build(&bad, &leaf, &view, 1, &kit_fail));
}

static void
a_set_of_thousands_finds_each_again(void **state)
{
    bm_cleanup(bm_seen_done) struct bm_seen seen = { .nused = 0 };
    uint8_t hash[BM_HASH];
    uint32_t place = 0;
    bool before = true;

    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        bm_sha256(hash, bm_bytes(&i, sizeof(i)));
        assert_ok(bm_seen_add(&seen, hash, i, &before, &place, &kit_fail));
        assert_false(before);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        bm_sha256(hash, bm_bytes(&i, sizeof(i)));
        assert_ok(bm_seen_add(&seen, hash, 9999, &before, &place, &kit_fail));
        assert_true(before);
        assert_int_equal(place, i);
    }
    assert_int_equal(seen.nused, 5000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_and_read_back_with_its_certificates),
        cmocka_unit_test(a_set_of_thousands_finds_each_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
