/* test_rules.c - the empty cell refuses: type, phase, length and count of a message are decided by the table alone. */
#include "base/base.h"
#include "proc/rules.h"

#include <setjmp.h>
#include <cmocka.h>

enum {
    SETUP = 1,
    SERVE = 2
};

struct served {
    int n;
    uint64_t id;
    size_t left;
    enum bm_rc rc;
};

static enum bm_rc
serve(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct served *served = ctx;

    served->n++;
    served->id = id;
    served->left = body.left;
    return served->rc == BM_OK ? BM_OK : bm_fail(fail, served->rc, NULL, "as told");
}

static const struct bm_rule table[] = {
    { .type = 1, .phases = SETUP, .min = 0, .max = 0, .once = true, .serve = serve },
    { .type = 7, .phases = SERVE, .min = 2, .max = 4, .serve = serve },
    { .type = 8, .phases = SETUP | SERVE, .min = 0, .max = 9, .once = true, .serve = serve },
};

static enum bm_rc
pass(struct bm_rules *rules, uint16_t type, size_t n, const char *sentence)
{
    static const uint8_t bytes[16] = { 0 };
    struct bm_message message = { .version = 1, .type = type, .id = 42, .body = bm_bytes(bytes, n) };
    struct bm_fail fail = { .rc = BM_OK };
    enum bm_rc rc = bm_rules_pass(rules, &message, &fail);

    assert_string_equal(fail.text, sentence);
    return rc;
}

static void
the_table_decides(void **state)
{
    struct served served = { .n = 0 };
    struct bm_rules rules = { .table = table, .count = BM_COUNT(table), .phase = SETUP, .ctx = &served };

    (void)state;
    assert_int_equal(pass(&rules, 9, 0, "message 9 is unknown here"), BM_EPOLICY);
    assert_int_equal(pass(&rules, 7, 3, "message 7 is not allowed in phase 1"), BM_EPOLICY);
    assert_int_equal(pass(&rules, 1, 1, "message 1 has 1 bytes of body, 0 to 0 are allowed"), BM_EINPUT);
    assert_int_equal(served.n, 0);
    assert_int_equal(pass(&rules, 1, 0, ""), BM_OK);
    assert_int_equal(pass(&rules, 1, 0, "message 1 came twice"), BM_EPOLICY);
    rules.phase = SERVE;
    assert_int_equal(pass(&rules, 1, 0, "message 1 is not allowed in phase 2"), BM_EPOLICY);
    assert_int_equal(pass(&rules, 7, 1, "message 7 has 1 bytes of body, 2 to 4 are allowed"), BM_EINPUT);
    assert_int_equal(pass(&rules, 7, 5, "message 7 has 5 bytes of body, 2 to 4 are allowed"), BM_EINPUT);
    assert_int_equal(pass(&rules, 7, 2, ""), BM_OK);
    assert_int_equal(pass(&rules, 7, 4, ""), BM_OK);
    assert_int_equal(served.n, 3);
    assert_true(served.id == 42);
    assert_int_equal(served.left, 4);
}

static void
once_counts_across_phases_and_after_a_failure(void **state)
{
    struct served served = { .rc = BM_EBUSY };
    struct bm_rules rules = { .table = table, .count = BM_COUNT(table), .phase = SETUP, .ctx = &served };

    (void)state;
    assert_int_equal(pass(&rules, 8, 0, "as told"), BM_EBUSY);
    rules.phase = SERVE;
    assert_int_equal(pass(&rules, 8, 0, "message 8 came twice"), BM_EPOLICY);
}

static void
a_phase_of_no_bit_allows_nothing(void **state)
{
    struct served served = { .n = 0 };
    struct bm_rules rules = { .table = table, .count = BM_COUNT(table), .ctx = &served };

    (void)state;
    assert_int_equal(pass(&rules, 8, 0, "message 8 is not allowed in phase 0"), BM_EPOLICY);
    rules.count = BM_MAX_RULES + 1;
    assert_int_equal(pass(&rules, 8, 0, "a table of 65 rules; at most 64 fit"), BM_EBUG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_decides),
        cmocka_unit_test(once_counts_across_phases_and_after_a_failure),
        cmocka_unit_test(a_phase_of_no_bit_allows_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
