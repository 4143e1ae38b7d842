/* test_bytes.c - buffers keep their ceiling, remember the first failure, and compare what they hold. */
#include "base/bytes.h"

#include <setjmp.h>

#include <cmocka.h>

static void
grows_to_its_ceiling_and_not_beyond(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    struct bm_fail fail = { 0 };

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        bm_buf_add_u8(&buf, (uint8_t)i);
    assert_int_equal(bm_buf_check(&buf, "it", &fail), BM_OK);
    assert_int_equal(buf.n, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(buf.p[i], (uint8_t)i);
    bm_buf_add_u8(&buf, 1);
    assert_int_equal(bm_buf_check(&buf, "it", &fail), BM_EINPUT);
    assert_string_equal(fail.text, "it is larger than 1000 bytes");
    assert_int_equal(buf.n, 1000);
}

static void
one_piece_too_large_is_the_peers_fault_and_not_ours(void **state)
{
    static const uint8_t big[2000];
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    struct bm_fail fail = { 0 };

    (void)state;
    bm_buf_add(&buf, big, sizeof(big));
    assert_int_equal(bm_buf_check(&buf, "it", &fail), BM_EINPUT);
    assert_string_equal(fail.text, "it is larger than 1000 bytes");
}

static void
stays_bad_after_the_first_append_that_does_not_fit(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4 };
    struct bm_fail fail = { 0 };

    (void)state;
    bm_buf_add_str(&buf, "abc");
    bm_buf_add_str(&buf, "de");
    bm_buf_add_str(&buf, "f");
    assert_true(buf.bad);
    assert_memory_equal(buf.p, "abc", 3);
    assert_int_equal(buf.n, 3);
    assert_int_equal(bm_buf_check(&buf, "it", &fail), BM_EINPUT);
    bm_buf_reset(&buf);
    bm_buf_add_str(&buf, "wxyz");
    assert_int_equal(bm_buf_check(&buf, "it", &fail), BM_OK);
    assert_memory_equal(buf.p, "wxyz", 4);
}

static void
writes_numbers_big_endian_and_lengths_before_bytes(void **state)
{
    static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 2, 'h', 'i', 0, 0, 0, 1, '!', '7', '-', 'x' };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };

    (void)state;
    bm_buf_add_u8(&buf, 1);
    bm_buf_add_u16(&buf, 0x0203);
    bm_buf_add_u32(&buf, 0x04050607);
    bm_buf_add_u64(&buf, 0x08090a0b0c0d0e0f);
    bm_buf_add_lv16(&buf, bm_bytes_str("hi"));
    bm_buf_add_lv32(&buf, bm_bytes_str("!"));
    bm_buf_add_fmt(&buf, "%d-%s", 7, "x");
    assert_int_equal(buf.n, sizeof(want));
    assert_memory_equal(buf.p, want, sizeof(want));
}

static void
a_field_longer_than_its_length_can_say_is_bad(void **state)
{
    static const uint8_t big[65536];
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100000 };

    (void)state;
    bm_buf_add_lv16(&buf, bm_bytes(big, 65535));
    assert_false(buf.bad);
    bm_buf_add_lv16(&buf, bm_bytes(big, 65536));
    assert_true(buf.bad);
}

static void
compares_views(void **state)
{
    (void)state;
    assert_true(bm_bytes_equal(bm_bytes(NULL, 0), bm_bytes("", 0)));
    assert_true(bm_bytes_equal(bm_bytes_str("abc"), bm_bytes_str("abc")));
    assert_false(bm_bytes_equal(bm_bytes_str("abc"), bm_bytes_str("abd")));
    assert_false(bm_bytes_equal(bm_bytes_str("abc"), bm_bytes_str("ab")));
    assert_true(bm_bytes_equal_secret(bm_bytes_str("abc"), bm_bytes_str("abc")));
    assert_false(bm_bytes_equal_secret(bm_bytes_str("abc"), bm_bytes_str("xbc")));
    assert_false(bm_bytes_equal_secret(bm_bytes_str("abc"), bm_bytes_str("ab")));
}

static void
a_copy_ends_in_a_nul(void **state)
{
    struct bm_fail fail = { 0 };
    uint8_t *copy = NULL;

    (void)state;
    assert_int_equal(bm_bytes_dup(&copy, bm_bytes("xyz", 2), &fail), BM_OK);
    assert_memory_equal(copy, "xy", 3);
    free(copy);
}

static void
a_class_decides_exit_status_and_word(void **state)
{
    static const struct {
        enum bm_rc rc;
        int exit_code, http;
        const char *word;
    } want[] = { { BM_OK, 0, 200, "ok" },      { BM_EINPUT, 1, 400, "input" }, { BM_EPOLICY, 1, 403, "policy" },
                 { BM_EBUSY, 3, 503, "busy" }, { BM_ENOMEM, 3, 503, "nomem" }, { BM_EBUG, 3, 500, "bug" } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(want); i++) {
        assert_int_equal(bm_rc_exit(want[i].rc), want[i].exit_code);
        assert_int_equal(bm_rc_http(want[i].rc), want[i].http);
        assert_string_equal(bm_rc_word(want[i].rc), want[i].word);
    }
}

static void
a_prefix_keeps_class_citation_and_sentence(void **state)
{
    struct bm_fail fail = { 0 };
    char many[500];

    (void)state;
    assert_int_equal(bm_fail(&fail, BM_EPOLICY, "RFC 1 2", "no %s", "way"), BM_EPOLICY);
    bm_fail_prefix(&fail, "line %d", 3);
    assert_string_equal(fail.text, "line 3: no way");
    assert_string_equal(fail.cite, "RFC 1 2");
    assert_int_equal(fail.rc, BM_EPOLICY);
    memset(many, 'x', sizeof(many) - 1);
    many[sizeof(many) - 1] = 0;
    bm_fail_note(&fail, BM_EINPUT, NULL, "%s", many);
    bm_fail_prefix(&fail, "here");
    assert_memory_equal(fail.text, "here: xxx", 9);
    assert_true(strlen(fail.text) < sizeof(fail.text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_ceiling_and_not_beyond),
        cmocka_unit_test(one_piece_too_large_is_the_peers_fault_and_not_ours),
        cmocka_unit_test(stays_bad_after_the_first_append_that_does_not_fit),
        cmocka_unit_test(writes_numbers_big_endian_and_lengths_before_bytes),
        cmocka_unit_test(a_field_longer_than_its_length_can_say_is_bad),
        cmocka_unit_test(compares_views),
        cmocka_unit_test(a_copy_ends_in_a_nul),
        cmocka_unit_test(a_class_decides_exit_status_and_word),
        cmocka_unit_test(a_prefix_keeps_class_citation_and_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
