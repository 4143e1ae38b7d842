/* test_print.c - tables line up, JSON is as it came, and nobody's control characters reach a terminal. */
#include "kit.h"

#include "cli/device_record.h"
#include "cli/print.h"

#include <stdio.h>

static const struct bm_column columns[] = { { "name", "NAME" }, { "n", "N" }, { "list", "LIST" }, { "last", "LAST" } };

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const char *const rows[] = {
        "{\"name\":\"a\",\"n\":1,\"list\":[\"x\",\"y\"],\"last\":\"end\",\"more\":true}",
        "{\"name\":\"b\xc3\xa9\",\"n\":12345,\"list\":[],\"last\":null}",
        "{\"name\":\"esc\\u001b[31m\\u0007\",\"n\":-1,\"last\":false}",
    };
    bm_cleanup(bm_list_done) struct bm_list list = {
        .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "nothing there"
    };
    uint64_t n = 0, broken = 0;
    enum bm_rc rc = bm_call_number(call, "n", 0, 100000, 0, &n, fail);

    if (rc == BM_OK)
        rc = bm_call_number(call, "broken", 0, 1, 0, &broken, fail);
    for (uint64_t i = 0; i < n && rc == BM_OK; i++)
        rc = bm_list_row(&list, bm_bytes_str(rows[i % 3]), fail);
    if (rc == BM_OK && broken != 0)
        rc = bm_list_row(&list, bm_bytes_str("{\"name\":"), fail);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    return bm_object_row(
        call,
        bm_bytes_str("{\"a\":\"x\",\"longer\":[{\"k\":1,\"l\":\"m\"},{\"k\":2}],\"text\":\"one\\ntwo\\n\",\"none\":[],\"yes\":true,"
                     "\"object\":{\"b\":\"c\"}}"),
        fail);
}

/* As long as a record gets: every text of 64 columns, more certificates, moves and alarms than a screen has lines. */
static enum bm_rc
device_run(struct bm_call *call, struct bm_fail *fail)
{
    static const char *const texts[] = { "serial", "model",  "hardware", "firmware", "owner", "region", "chip",
                                         "lot",    "vendor", "order",    "station",  "root",  "proven" };
    static const char *const parts[] = { "identities", "moves", "alarms" };
    static const char *const fields[] = { "service", "profile", "state", "not_after", "serial", "time", "by", "reason", "sentence" };
    bm_cleanup(bm_json_done) json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:i}", "device", "5e0c1b2a9f7d34c6e811", "state", "decommissioned", "made", "2026-11-27T13:22:28Z",
                  "support_until", "2031-12-31", "row", 100000);
    static const char long_text[] = "\xc3\xa9"
                                    "23456789 123456789 123456789 123456789 123456789 123456789 1234";
    enum bm_rc rc = bm_json_check(row, fail);

    for (size_t i = 0; i < BM_COUNT(texts) && rc == BM_OK; i++)
        rc = json_object_set_new(row, texts[i], json_string(long_text)) == 0 ? BM_OK : bm_json_check(NULL, fail);
    for (size_t i = 0; i < BM_COUNT(parts) && rc == BM_OK; i++) {
        json_t *rows = json_array();

        rc = json_object_set_new(row, parts[i], rows) == 0 ? BM_OK : bm_json_check(NULL, fail);
        for (int n = 0; n < 30 && rc == BM_OK; n++) {
            json_t *one = json_pack("{s:i}", "alarm", n);

            for (size_t f = 0; f < BM_COUNT(fields); f++)
                (void)json_object_set_new(one, fields[f], json_string(long_text));
            rc = json_array_append_new(rows, one) == 0 ? BM_OK : bm_json_check(NULL, fail);
        }
    }
    return rc != BM_OK ? rc : bm_device_print(call, row, fail);
}

static const struct bm_verb device = { .words = "device", .arguments = "", .purpose = "", .help = "", .run = device_run };
static const struct bm_verb list = { .words = "list",
                                     .arguments = "",
                                     .purpose = "",
                                     .help = "",
                                     .options = { { .name = "n", .value = "N", .help = "" },
                                                  { .name = "broken", .value = "N", .help = "" } },
                                     .run = list_run };
static const struct bm_verb show = { .words = "show", .arguments = "", .purpose = "", .help = "", .run = show_run };
static const struct bm_verb *const verbs[] = { &list, &show, &device, NULL };

static void
test_table(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "list", "-n", "3", NULL), 0);
    assert_string_equal(said.out, "NAME       N      LIST  LAST\n"
                                  "a          1      x, y  end\n"
                                  "b\xc3\xa9         12345  -     -\n"
                                  "esc?[31m?  -1     -     no\n");
    assert_int_equal(kit_run(&said, verbs, "list", NULL), 0);
    assert_string_equal(said.out, "nothing there\n");
}

static void
test_long_table_has_one_heading(void **state)
{
    static const uint64_t sizes[] = { BM_ROWS_HELD - 1, BM_ROWS_HELD, BM_ROWS_HELD + 1, 2 * BM_ROWS_HELD };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(sizes); i++) {
        static struct kit_said said;
        char n[24];
        size_t lines = 0, headings = 0;

        (void)snprintf(n, sizeof(n), "%llu", (unsigned long long)sizes[i]);
        assert_int_equal(kit_run(&said, verbs, "list", "-n", n, NULL), 0);
        for (const char *p = said.out; (p = strchr(p, '\n')) != NULL; p++)
            lines++;
        for (const char *p = said.out; (p = strstr(p, "NAME")) != NULL; p++)
            headings++;
        assert_int_equal(lines, sizes[i] + 1);
        assert_int_equal(headings, 1);
    }
}

static void
test_json_is_as_it_came(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "list", "--json", "-n", "2", NULL), 0);
    assert_string_equal(said.out, "[{\"name\":\"a\",\"n\":1,\"list\":[\"x\",\"y\"],\"last\":\"end\",\"more\":true},\n"
                                  " {\"name\":\"b\xc3\xa9\",\"n\":12345,\"list\":[],\"last\":null}]\n");
    assert_int_equal(kit_run(&said, verbs, "list", "--json", NULL), 0);
    assert_string_equal(said.out, "[]\n");
}

static void
test_a_failure_before_the_first_row_prints_nothing(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "list", "--json", "--broken", "1", NULL), 1);
    assert_string_equal(said.out, "");
    kit_one_line(said.err);
    assert_int_equal(kit_run(&said, verbs, "list", "-n", "2", "--broken", "1", NULL), 1);
    assert_string_equal(said.out, "");
}

static void
test_object(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "show", NULL), 0);
    assert_string_equal(said.out, "a       x\n"
                                  "longer  k 1, l m\n"
                                  "        k 2\n"
                                  "text    one\n"
                                  "        two\n"
                                  "none    -\n"
                                  "yes     yes\n"
                                  "object  b c\n");
    assert_int_equal(kit_run(&said, verbs, "show", "--json", NULL), 0);
    assert_string_equal(said.out,
                        "{\"a\":\"x\",\"longer\":[{\"k\":1,\"l\":\"m\"},{\"k\":2}],\"text\":\"one\\ntwo\\n\",\"none\":[],\"yes\":true,"
                        "\"object\":{\"b\":\"c\"}}\n");
}

static void
test_a_device_is_one_screen(void **state)
{
    static struct kit_said said;
    size_t lines = 0;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "device", NULL), 0);
    for (char *line = said.out, *end; *line != 0; line = end + 1, lines++) {
        end = strchr(line, '\n');
        assert_non_null(end);
        *end = 0;
        if (bm_text_columns(line) > 80)
            fail_msg("wider than 80 columns: %s", line);
    }
    assert_true(lines >= 20 && lines <= 30); /* 25 with texts that leave room for two on a line */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_long_table_has_one_heading),
        cmocka_unit_test(test_json_is_as_it_came),
        cmocka_unit_test(test_a_failure_before_the_first_row_prints_nothing),
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_a_device_is_one_screen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
