/* test_rd.c - the cursor never reads past its end, and its first short read poisons all later ones. */
#include "wire/rd.h"

#include <setjmp.h>

#include <cmocka.h>

static void
reads_forward_big_endian(void **state)
{
    static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 2, 'h', 'i', 0, 0, 0, 1, '!', 'r', 'e' };
    struct bm_rd rd = bm_rd(bm_bytes(bytes, sizeof(bytes)));

    (void)state;
    assert_int_equal(bm_rd_u8(&rd), 1);
    assert_int_equal(bm_rd_u16(&rd), 0x0203);
    assert_int_equal(bm_rd_u32(&rd), 0x04050607);
    assert_int_equal(bm_rd_u64(&rd), 0x08090a0b0c0d0e0f);
    assert_true(bm_bytes_equal(bm_rd_lv16(&rd, 2), bm_bytes_str("hi")));
    assert_true(bm_bytes_equal(bm_rd_lv32(&rd, 2), bm_bytes_str("!")));
    assert_false(bm_rd_end(&rd));
    assert_true(bm_bytes_equal(bm_rd_rest(&rd), bm_bytes_str("re")));
    assert_true(bm_rd_end(&rd));
}

static void
a_short_read_poisons(void **state)
{
    struct bm_rd rd = bm_rd(bm_bytes_str("abc"));
    uint8_t four[4] = { 9, 9, 9, 9 };

    (void)state;
    bm_rd_copy(&rd, four, 4);
    assert_memory_equal(four, "\0\0\0", 4);
    assert_true(rd.bad);
    assert_int_equal(bm_rd_u8(&rd), 0);
    assert_int_equal(bm_rd_take(&rd, 0).n, 0);
    assert_int_equal(bm_rd_rest(&rd).n, 0);
    assert_false(bm_rd_end(&rd));
}

static void
a_length_over_the_limit_poisons_though_the_bytes_are_there(void **state)
{
    struct bm_rd rd = bm_rd(bm_bytes("\0\3abc", 5));

    (void)state;
    assert_int_equal(bm_rd_lv16(&rd, 2).n, 0);
    assert_true(rd.bad);
    rd = bm_rd(bm_bytes("\xff\xff\xff\xff", 4));
    assert_int_equal(bm_rd_lv32(&rd, SIZE_MAX).n, 0);
    assert_true(rd.bad);
}

static void
nothing_is_a_fine_message_of_nothing(void **state)
{
    struct bm_rd rd = bm_rd(bm_bytes(NULL, 0));

    (void)state;
    assert_true(bm_rd_end(&rd));
    assert_int_equal(bm_rd_take(&rd, 0).n, 0);
    assert_true(bm_rd_end(&rd));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_forward_big_endian),
        cmocka_unit_test(a_short_read_poisons),
        cmocka_unit_test(a_length_over_the_limit_poisons_though_the_bytes_are_there),
        cmocka_unit_test(nothing_is_a_fine_message_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
