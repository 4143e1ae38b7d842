/* test_env.c - times become text and back, one text a time; the machine's clock and random source answer. */
#include "base/env.h"

#include "base/limits.h"

#include <setjmp.h>

#include <cmocka.h>

static const struct {
    bm_time t;
    const char *text;
} known[] = {
    /* date -u -d TEXT +%s */
    { 0, "1970-01-01T00:00:00Z" },          { 951782400, "2000-02-29T00:00:00Z" },     { 1709164800, "2024-02-29T00:00:00Z" },
    { 1795469649, "2026-11-23T21:34:09Z" }, { 2524607999, "2049-12-31T23:59:59Z" },    { 2524608000, "2050-01-01T00:00:00Z" },
    { 4107542400, "2100-03-01T00:00:00Z" }, { BM_TIME_NEVER, "9999-12-31T23:59:59Z" },
};

static void
known_times_print_and_parse(void **state)
{
    struct bm_fail fail = { 0 };
    char text[BM_TIME_TEXT];
    bm_time t;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(known); i++) {
        bm_time_print(text, known[i].t);
        assert_string_equal(text, known[i].text);
        assert_int_equal(bm_time_parse(&t, known[i].text, &fail), BM_OK);
        assert_int_equal(t, known[i].t);
    }
}

static void
every_day_of_eight_thousand_years_comes_back(void **state)
{
    (void)state;
    for (bm_time day = 0; day <= BM_TIME_NEVER / 86400; day++) {
        struct bm_civil c = bm_time_civil(day * 86400 + 86399);

        assert_int_equal(bm_civil_time(c), day * 86400 + 86399);
    }
}

static void
no_other_shape_is_a_time(void **state)
{
    static const char *const wrong[] = { "",
                                         "2026-11-23T21:34:09",
                                         "2026-11-23 21:34:09Z",
                                         "2026-11-23t21:34:09z",
                                         "2026-13-23T21:34:09Z",
                                         "2026-02-30T21:34:09Z",
                                         "2025-02-29T21:34:09Z",
                                         "2026-11-23T24:00:00Z",
                                         "2026-11-23T21:34:60Z",
                                         "2026-11-23T21:34:09+",
                                         "2026-11-23T21:34: 9Z",
                                         "1969-12-31T23:59:59Z",
                                         "2026-11-00T21:34:09Z",
                                         "+026-11-23T21:34:09Z",
                                         "2026-11-23T21:34:09Z " };
    struct bm_fail fail = { 0 };
    bm_time t = 7;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++)
        assert_int_equal(bm_time_parse(&t, wrong[i], &fail), BM_EINPUT);
    assert_int_equal(t, 7);
}

static void
the_machine_has_a_clock_and_random_numbers(void **state)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    struct bm_fail fail = { 0 };
    bm_time now = 0;

    (void)state;
    assert_int_equal(bm_env_system.now(bm_env_system.ctx, &now, &fail), BM_OK);
    assert_true(now >= BM_CLOCK_FLOOR);
    assert_int_equal(bm_env_system.random(bm_env_system.ctx, a, sizeof(a), &fail), BM_OK);
    assert_int_equal(bm_env_system.random(bm_env_system.ctx, b, sizeof(b), &fail), BM_OK);
    assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_print_and_parse),
        cmocka_unit_test(every_day_of_eight_thousand_years_comes_back),
        cmocka_unit_test(no_other_shape_is_a_time),
        cmocka_unit_test(the_machine_has_a_clock_and_random_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
