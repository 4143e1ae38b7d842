/* test_tally.c - a line counts units, not tries: one that is tried again is no second one, and one that never said who it is is a unit each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "station/tally.h"

static void
a_unit_is_counted_once_however_often_it_is_tried(void **state)
{
    static const struct {
        const char *keys;
        enum bm_rc rc;
        size_t number, units, done, away;
        int yield, first; /* per cent, rounded down */
    } tries[] = {
        { "aa", BM_OK, 1, 1, 1, 0, 100, 100 },    { "bb", BM_EPOLICY, 2, 2, 1, 0, 50, 50 }, { "", BM_EBUSY, 3, 3, 1, 1, 33, 33 },
        { "", BM_EINPUT, 4, 4, 1, 1, 25, 25 },    { "bb", BM_EBUSY, 2, 4, 1, 2, 25, 25 },   { "bb", BM_OK, 2, 4, 2, 1, 50, 25 },
        { "aa", BM_EPOLICY, 1, 4, 1, 1, 25, 25 }, { "aa", BM_OK, 1, 4, 2, 1, 50, 25 },      { "aa bb", BM_OK, 5, 5, 3, 1, 60, 40 },
    };
    bm_cleanup(bm_tally_done) struct bm_tally tally = { .began = 1000 };

    (void)state;
    assert_int_equal(bm_tally_sum(&tally, 5000).units, 0);
    for (size_t i = 0; i < BM_COUNT(tries); i++) {
        struct bm_fail fail = { 0 };
        struct bm_tally_sum sum;
        size_t number = 0;

        assert_int_equal(bm_tally_add(&tally, tries[i].keys, tries[i].rc, &number, &fail), BM_OK);
        sum = bm_tally_sum(&tally, 1000 + 500 * (int64_t)tally.n);
        assert_int_equal(number, tries[i].number);
        assert_int_equal(sum.units, tries[i].units);
        assert_int_equal(sum.done, tries[i].done);
        assert_int_equal(sum.away, tries[i].away);
        assert_int_equal((int)sum.yield, tries[i].yield);
        assert_int_equal((int)sum.first, tries[i].first);
        assert_int_equal((int)(sum.takt * 1000 + 0.5), 500);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_unit_is_counted_once_however_often_it_is_tried) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
