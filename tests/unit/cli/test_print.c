/* test_print.c - tables line up, JSON is as it came, and nobody's control characters reach a terminal. */
#include "kit.h"

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

static const struct bm_verb list = { .words = "list",
                                     .arguments = "",
                                     .purpose = "",
                                     .help = "",
                                     .options = { { .name = "n", .value = "N", .help = "" },
                                                  { .name = "broken", .value = "N", .help = "" } },
                                     .run = list_run };
static const struct bm_verb show = { .words = "show", .arguments = "", .purpose = "", .help = "", .run = show_run };
static const struct bm_verb *const verbs[] = { &list, &show, NULL };

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_long_table_has_one_heading),
        cmocka_unit_test(test_json_is_as_it_came),
        cmocka_unit_test(test_a_failure_before_the_first_row_prints_nothing),
        cmocka_unit_test(test_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
