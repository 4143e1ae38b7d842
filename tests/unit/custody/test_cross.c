/* test_cross.c - what two lots have in common is found, and only that. */
#include "kit.h"

#define MANY 200
#define FEW 3

static struct bm_leaf many[MANY], few[MANY];

static int
make_chips(void **state)
{
    char id[16];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "a-%zu", i);
        kit_leaf(&many[i], id, i % 2 + 1);
        (void)snprintf(id, sizeof(id), "b-%zu", i);
        kit_leaf(&few[i], id, 1);
    }
    /* planted: chip 2 here has a key of chip 150 there, chip 1 the id of chip 7 */
    few[2].keys[0] = many[151].keys[1];
    memcpy(few[1].id, many[7].id, sizeof(few[1].id));
    return 0;
}

struct met {
    size_t n;
    uint64_t ia, ib;
    bool a[MANY], b[MANY];
};

static enum bm_rc
meet(void *ctx, uint64_t ia, uint64_t ib, struct bm_fail *fail)
{
    struct met *met = ctx;

    (void)fail;
    met->n++;
    met->ia = ia;
    met->ib = ib;
    met->a[ia] = met->b[ib] = true;
    return BM_OK;
}

static enum bm_rc
stop(void *ctx, uint64_t ia, uint64_t ib, struct bm_fail *fail)
{
    (void)ctx;
    (void)ia;
    (void)ib;
    return bm_fail(fail, BM_EPOLICY, NULL, "enough");
}

/* n chips of the second lot: few are looked for among many, many are walked through. */
static void
planted_are_found(size_t n)
{
    bm_cleanup(kit_lot_done) struct kit_lot a = { .fd = -1 }, b = { .fd = -1 };
    struct met met = { .n = 0 };

    kit_lot(&a, many, MANY);
    kit_lot(&b, few, n);
    assert_ok(bm_index_cross(a.index, b.index, BM_BY_KEY, meet, &met, &kit_fail));
    assert_true(met.n == 1 && met.ia == 151 && met.ib == 2);
    assert_ok(bm_index_cross(b.index, a.index, BM_BY_KEY, meet, &met, &kit_fail));
    assert_true(met.n == 2 && met.ia == 2 && met.ib == 151);
    assert_ok(bm_index_cross(a.index, b.index, BM_BY_ID, meet, &met, &kit_fail));
    assert_true(met.n == 3 && met.ia == 7 && met.ib == 1);
    assert_ok(bm_index_cross(b.index, a.index, BM_BY_ID, meet, &met, &kit_fail));
    assert_true(met.n == 4 && met.ia == 1 && met.ib == 7);
    assert_refused(BM_EPOLICY, bm_index_cross(a.index, b.index, BM_BY_KEY, stop, NULL, &kit_fail), "enough");
}

static void
planted_pairs_are_found_in_lots_of_one_size(void **state)
{
    (void)state;
    planted_are_found(MANY);
}

static void
planted_pairs_are_found_where_one_is_much_larger(void **state)
{
    (void)state;
    planted_are_found(FEW);
}

static void
a_lot_meets_itself_in_every_key(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot a = { .fd = -1 };
    struct met met = { .n = 0 };

    (void)state;
    kit_lot(&a, many, MANY);
    assert_ok(bm_index_cross(a.index, a.index, BM_BY_KEY, meet, &met, &kit_fail));
    assert_int_equal(met.n, MANY + MANY / 2);
}

/* Some vendors write one name into every certificate: each chip is told, and not each with each. */
static void
an_id_that_all_chips_bear_makes_few_pairs(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot a = { .fd = -1 }, b = { .fd = -1 };
    static struct bm_leaf one[40], two[30];
    struct met met = { .n = 0 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(one); i++) {
        one[i] = many[i];
        memcpy(one[i].id, "eui48_000000000000", sizeof("eui48_000000000000"));
    }
    for (size_t i = 0; i < BM_COUNT(two); i++) {
        two[i] = few[i + 3];
        memcpy(two[i].id, "eui48_000000000000", sizeof("eui48_000000000000"));
    }
    kit_lot(&a, one, BM_COUNT(one));
    kit_lot(&b, two, BM_COUNT(two));
    assert_ok(bm_index_cross(a.index, b.index, BM_BY_ID, meet, &met, &kit_fail));
    assert_int_equal(met.n, BM_COUNT(one) + BM_COUNT(two) - 1);
    for (size_t i = 0; i < BM_COUNT(one); i++)
        assert_true(met.a[i]);
    for (size_t i = 0; i < BM_COUNT(two); i++)
        assert_true(met.b[i]);
}

static void
lists_without_keys_meet_by_id_and_vendor(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot a = { .fd = -1 }, b = { .fd = -1 };
    static struct bm_leaf one[2], two[2];
    struct met met = { .n = 0 };

    (void)state;
    kit_id_leaf(&one[0], "0123AA");
    kit_id_leaf(&one[1], "0123BB");
    kit_id_leaf(&two[0], "0123BB");
    kit_id_leaf(&two[1], "0123AA");
    two[1].vendor_root[0] ^= 1;
    kit_lot(&a, one, 2);
    kit_lot(&b, two, 2);
    assert_ok(bm_index_cross(a.index, b.index, BM_BY_KEY, meet, &met, &kit_fail));
    assert_true(met.n == 1 && met.ia == 1 && met.ib == 0);
    assert_ok(bm_index_cross(a.index, b.index, BM_BY_ID, meet, &met, &kit_fail));
    assert_int_equal(met.n, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_pairs_are_found_in_lots_of_one_size),
        cmocka_unit_test(planted_pairs_are_found_where_one_is_much_larger),
        cmocka_unit_test(a_lot_meets_itself_in_every_key),
        cmocka_unit_test(an_id_that_all_chips_bear_makes_few_pairs),
        cmocka_unit_test(lists_without_keys_meet_by_id_and_vendor),
    };

    return cmocka_run_group_tests(tests, make_chips, NULL);
}
