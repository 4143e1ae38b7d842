/* test_units.c - files of units and patterns of serial numbers: what is taken, and every other text refused with its row. */
#include "record/units.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEX "abababababababababababababababababababababababababababababababab"

static struct bm_fail why;

static enum bm_rc
keep(void *ctx, const struct bm_unit_row *u, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    bm_buf_add_fmt(buf, "%llu|%s|%s|%s|%s|%s|%s|%s|%lld\n", (unsigned long long)u->row, u->chip, u->serial, u->model, u->hardware,
                   u->firmware, u->owner, u->region, (long long)u->support_until);
    return bm_buf_check(buf, "rows", fail);
}

static void
reads(const char *file, const char *want)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    uint64_t n;

    assert_int_equal(bm_units_read(bm_bytes_str(file), keep, &buf, &n, &why), BM_OK);
    bm_buf_add_u8(&buf, 0);
    assert_string_equal((const char *)buf.p, want);
}

static void
rows_are_read_as_rfc_4180_has_them(void **state)
{
    (void)state;
    reads("serial,model,owner\r\nS-1,GW,\"Acme, \"\"Inc.\"\"\"\r\nS-2,,\n", "1||S-1|GW|||Acme, \"Inc.\"||0\n2||S-2||||||0\n");
    reads("\xef\xbb\xbfkey,region,support-until\n" HEX ",EU,2031-12-31\n,US,", "1|key " HEX "||||||EU|1956527999\n2|||||||US|0\n");
    reads("firmware,hardware,chip\n1.2,B,C-1", "1|C-1|||B|1.2|||0\n");
}

static void
other_files_are_refused(void **state)
{
    static const struct {
        const char *file, *says;
    } bad[] = {
        { "", "there is no row" },
        { "serial\n", "there is no row" },
        { "serial,colour\nS-1,red\n", "column 2 has none of the names" },
        { "Serial\nS-1\n", "column 1 has none" },
        { "serial,serial\nS-1,S-2\n", "the column serial is there twice" },
        { "serial,model\nS-1\n", "row 1 has 1 fields and the first line 2" },
        { "serial\nS-1\n\n", "row 2 says nothing" },
        { "serial,model\n,\n", "row 1 says nothing" },
        { "serial\nS-1\nS 2\n", "row 2: serial must be" },
        { "serial\n-1\n", "row 1: serial must be" },
        { "serial\nS-1\nS-2\nS-1\n", "the serial number S-1 stands there twice" },
        { "chip\nC\nC\n", "the chip C stands there twice" },
        { "key\n" HEX "\nABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB\n", "stands there twice" },
        { "key\nabab\n", "row 1: key must be" },
        { "key,chip\n" HEX ",C\n", "row 1: chip must be" },
        { "chip,key\nC," HEX "\n", "row 1: key must be" },
        { "model\n=1+1\n", "row 1: model must be" },
        { "owner\n Acme\n", "row 1: owner must be" },
        { "owner\n\"Acme\nInc\"\n", "row 1: owner must be" },
        { "support-until\n2031-02-30\n", "row 1: support-until must be" },
        { "support-until\n31.12.2031\n", "row 1: support-until must be" },
        { "region\n12345678901234567890123456789012345678901234567890123456789012345\n", "row 1: region must be" },
        { "serial\n\"S-1\n", "a quotation mark is not closed" },
        { "serial\nS\"1\"\n", "field 1 is not as RFC 4180" },
    };
    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        uint64_t n;

        assert_int_equal(bm_units_read(bm_bytes_str(bad[i].file), NULL, NULL, &n, &why), BM_EINPUT);
        if (strstr(why.text, bad[i].says) == NULL)
            fail_msg("%zu: %s", i, why.text);
    }
}

static void
more_rows_than_may_be_are_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_UNITS_FILE };
    uint64_t n;

    (void)state;
    bm_buf_add_str(&file, "serial\n");
    for (unsigned i = 1; i <= BM_MAX_UNITS; i++)
        bm_buf_add_fmt(&file, "S-%u\n", i);
    assert_int_equal(bm_units_read(bm_buf_bytes(&file), NULL, NULL, &n, &why), BM_OK);
    assert_int_equal(n, BM_MAX_UNITS);
    bm_buf_add_str(&file, "more\n");
    assert_int_equal(bm_units_read(bm_buf_bytes(&file), NULL, NULL, &n, &why), BM_EINPUT);
    assert_non_null(strstr(why.text, "more than 100000 rows"));
}

static void
patterns_count(void **state)
{
    static const char *const bad[] = { "",         "GW",      "%d",
                                       "GW-%6d",   "%00d",    "GW-%010d",
                                       "%06d%06d", "GW %06d", "-%1d",
                                       "GW-%06x",  "GW-%s",   "1234567890123456789012345678901234567890123456789012345678901234%01d" };
    static const char longest[] = "123456789012345678901234567890123456789012345678901234567890123%01d";
    char serial[BM_MAX_NAME + 1];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_false(bm_serials_ok(bad[i]));
    assert_true(bm_serials_ok("GW-%06d") && bm_serials_ok("%09d") && bm_serials_ok("A%01d/B") && bm_serials_ok(longest));
    assert_int_equal(bm_serials_most("GW-%06d"), 999999);
    bm_serials_print(serial, "GW-%06d/B", 42);
    assert_string_equal(serial, "GW-000042/B");
    bm_serials_print(serial, "GW-%01d", 42); /* an order that was raised */
    assert_string_equal(serial, "GW-42");
}

/* Both ways, over every place that has few digits; and what is nearly one. */
static void
a_serial_number_tells_its_place(void **state)
{
    static const char *const patterns[] = { "GW-%03d", "GW-%02d", "GW-0%02d", "%01d", "9%01d9", "GW-%03d/B", "GW-%03d7" };
    char serial[BM_MAX_NAME + 1];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(patterns); i++)
        for (uint64_t place = 1; place < 2000; place++) {
            bm_serials_print(serial, patterns[i], place);
            assert_int_equal(bm_serials_place(patterns[i], serial), place);
        }
    assert_int_equal(bm_serials_place("GW-%03d", "GW-01"), 0);
    assert_int_equal(bm_serials_place("GW-%03d", "GW-0001"), 0);
    assert_int_equal(bm_serials_place("GW-%03d", "GW-001/B"), 0);
    assert_int_equal(bm_serials_place("GW-%03d/B", "GW-001"), 0);
    assert_int_equal(bm_serials_place("GW-%03d", "GX-001"), 0);
    assert_int_equal(bm_serials_place("GW-%03d", "GW-"), 0);
    assert_int_equal(bm_serials_place("GW-%03d", "GW-9999999999999999999999"), 0);
    assert_int_equal(bm_serials_place("none", "none"), 0);
}

static void
patterns_meet_where_they_share_a_serial_number(void **state)
{
    (void)state;
    assert_int_equal(bm_serials_meet("GW-%06d", 5, "GW-%06d", 5), 1);
    assert_int_equal(bm_serials_meet("GW-0%02d", 5, "GW-%03d", 5), 1);
    assert_int_equal(bm_serials_meet("1%01d", 9, "%02d", 12), 1); /* 11 is both */
    assert_int_equal(bm_serials_meet("1%01d", 9, "%02d", 10), 0); /* and no other of these */
    assert_int_equal(bm_serials_meet("GW-%03d", 99, "GW-%04d", 99), 0);
    assert_int_equal(bm_serials_meet("GW-%03d", 99, "GX-%03d", 99), 0);
    assert_int_equal(bm_serials_meet("GW-%03d/A", 99, "GW-%03d/B", 99), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_rfc_4180_has_them), cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(more_rows_than_may_be_are_refused),  cmocka_unit_test(patterns_count),
        cmocka_unit_test(a_serial_number_tells_its_place),    cmocka_unit_test(patterns_meet_where_they_share_a_serial_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
