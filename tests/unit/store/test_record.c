/* test_record.c - what the planner said of a unit becomes its device's record, and every filter of the list of devices has an index. */
#include "store/lite.h"

#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), BM_OK)

struct fixture {
    char path[64];
    struct bm_store *store;
    struct bm_fail fail;
    struct bm_buf rows;
    size_t nrows;
};

static int
setup(void **state)
{
    static const char lots[1][BM_MAX_NAME + 1] = { "EX-001" };
    const struct bm_store_profile profiles[] = { { .name = "gateway-1", .service = "mqtt", .text = bm_bytes_str("p") } };
    static const struct bm_store_lot lot = {
        .name = "EX-001", .vendor = "Example", .source = "birthmark", .size = 9, .root = { 1 }, .revision = 1
    };
    struct fixture *t = calloc(1, sizeof(*t));
    int64_t id;

    assert_non_null(t);
    (void)snprintf(t->path, sizeof(t->path), "/tmp/bm-record-XXXXXX");
    (void)close(mkstemp(t->path));
    t->rows.max = 1 << 20;
    OK(bm_store_open(&t->store, t->path, &t->fail));
    OK(bm_store_lot_pinned(t->store, &lot, 1000, 7, &id, &t->fail));
    OK(bm_store_order_put(t->store, "demo", 1000, 0, BM_TIME_NEVER, lots, 1, profiles, 1, 2, &t->fail));
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *t = *state;

    bm_store_close(t->store);
    bm_buf_done(&t->rows);
    (void)unlink(t->path);
    free(t);
    return 0;
}

/* Device number n: its chip is "chip-n", its root key's hash begins with n. */
static void
device_add(struct fixture *t, uint8_t n, const char *station, const char *serial_number, const char *profile)
{
    const uint8_t serial[20] = { n }, key[BM_HASH] = { n, 1 }, names[1][BM_HASH] = { { n } };
    char label[16], device[24];
    const struct bm_store_chip chip = { .label = label, .lot = "EX-001", .root_kind = "tpm", .names = names, .nnames = 1 };

    (void)snprintf(label, sizeof(label), "chip-%u", n);
    (void)snprintf(device, sizeof(device), "%020u", n);
    OK(bm_store_identity_put(t->store,
                             &(struct bm_store_identity){ .device = device,
                                                          .service = "mqtt",
                                                          .profile = profile,
                                                          .order = "demo",
                                                          .evidence_class = "root-signed",
                                                          .proven = "root-signed",
                                                          .chip = &chip,
                                                          .serial = bm_bytes(serial, sizeof(serial)),
                                                          .key = key,
                                                          .issued = 2000,
                                                          .not_after = 3000,
                                                          .certificate = bm_bytes_str("certificate"),
                                                          .evidence = bm_bytes_str("bundle"),
                                                          .station = station,
                                                          .serial_number = serial_number },
                             &t->fail));
}

static void
unit_add(struct fixture *t, uint64_t row, const char *chip, const char *serial)
{
    OK(bm_store_unit_put(t->store, "demo",
                         &(struct bm_store_unit){ .row = row,
                                                  .chip = chip,
                                                  .serial = serial,
                                                  .model = "GW-1",
                                                  .hardware = "B",
                                                  .firmware = "1.2.0",
                                                  .owner = "Acme",
                                                  .region = "EU",
                                                  .support_until = 86400 },
                         &t->fail));
}

static enum bm_rc
keep_row(void *ctx, const char *json, struct bm_fail *fail)
{
    struct fixture *t = ctx;

    t->nrows++;
    bm_buf_add_str(&t->rows, json);
    bm_buf_add_str(&t->rows, "\n");
    return bm_buf_check(&t->rows, "rows", fail);
}

/* All pages of it; returns how many there were. */
static size_t
list(struct fixture *t, const char *what, const struct bm_store_filter *filter, size_t most)
{
    struct bm_store_page page = { .most = most };
    size_t pages = 0;

    bm_buf_reset(&t->rows);
    t->nrows = 0;
    do {
        OK(bm_store_rows(t->store, what, filter, &page, keep_row, t, &t->fail));
        pages++;
    } while (page.more);
    bm_buf_add_u8(&t->rows, 0);
    return pages;
}

static void
says(struct fixture *t, uint8_t n, const char *want)
{
    char device[24];

    (void)snprintf(device, sizeof(device), "%020u", n);
    (void)list(t, "device", &(struct bm_store_filter){ .name = device }, 10);
    assert_int_equal(t->nrows, 1);
    if (strstr((const char *)t->rows.p, want) == NULL)
        fail_msg("%s is not in %s", want, (const char *)t->rows.p);
}

static void
a_unit_gets_the_row_that_names_its_chip_or_the_next_free_one(void **state)
{
    struct fixture *t = *state;

    unit_add(t, 1, "", "S-1");
    unit_add(t, 2, "chip-7", "S-2");
    unit_add(t, 3, "key 0300000000000000000000000000000000000000000000000000000000000000", "S-3");
    unit_add(t, 4, "", "S-4");
    device_add(t, 7, NULL, NULL, "gateway-1");
    device_add(t, 3, "line-1", NULL, "gateway-1");
    device_add(t, 5, NULL, NULL, "gateway-1");
    device_add(t, 6, NULL, NULL, "gateway-1");
    device_add(t, 8, NULL, NULL, "gateway-1");
    says(t, 7,
         "\"serial\":\"S-2\",\"model\":\"GW-1\",\"hardware\":\"B\",\"firmware\":\"1.2.0\",\"owner\":\"Acme\",\"region\":\"EU\","
         "\"support_until\":\"1970-01-02\",\"vendor\":\"Example\",\"station\":null,\"row\":2");
    says(t, 3, "\"serial\":\"S-3\"");
    says(t, 3, "\"station\":\"line-1\",\"row\":3");
    says(t, 5, "\"serial\":\"S-1\"");
    says(t, 6, "\"serial\":\"S-4\"");
    says(t, 8, "\"serial\":null,\"model\":null"); /* more units than rows */
    (void)list(t, "order", &(struct bm_store_filter){ .name = "demo" }, 1);
    assert_non_null(strstr((const char *)t->rows.p, "\"rows_left\":0"));
}

static void
a_pattern_counts_and_its_one_row_is_everybodys(void **state)
{
    char pattern[BM_STORE_SERIALS], order[BM_MAX_NAME + 1];
    struct fixture *t = *state;
    uint64_t place;

    OK(bm_store_order_says(t->store, "demo", "GW", "S-%06d", NULL, &t->fail));
    unit_add(t, 1, "", "");
    for (uint8_t n = 1; n <= 3; n++) {
        char serial[32];

        OK(bm_store_order_serials(t->store, "demo", pattern, &place, &t->fail));
        assert_string_equal(pattern, "S-%06d");
        assert_int_equal(place, n);
        (void)snprintf(serial, sizeof(serial), "S-%06u", n);
        device_add(t, n, NULL, serial, "gateway-1");
    }
    says(t, 3, "\"serial\":\"S-000003\",\"model\":\"GW-1\"");
    OK(bm_store_serial_order(t->store, "S-000002", "", order, &t->fail));
    assert_string_equal(order, "demo");
    OK(bm_store_serial_order(t->store, "S-000002", "GW-1", order, &t->fail));
    assert_string_equal(order, "demo");
    OK(bm_store_serial_order(t->store, "S-000002", "another product", order, &t->fail));
    assert_string_equal(order, "");
    OK(bm_store_serial_order(t->store, "S-000009", "", order, &t->fail));
    assert_string_equal(order, "");
    OK(bm_store_order_serials(t->store, "none", pattern, &place, &t->fail));
    assert_string_equal(pattern, "");
}

static void
filters_find_and_pages_give_every_device_once(void **state)
{
    struct fixture *t = *state;

    unit_add(t, 1, "", "S-1");
    unit_add(t, 2, "", "S-2");
    for (uint8_t n = 1; n <= 20; n++)
        device_add(t, n, n % 2 == 0 ? "line-2" : "line-1", NULL, n % 4 == 0 ? "other" : "gateway-1");
    for (size_t most = 1; most < 8; most++) {
        (void)list(t, "device", &(struct bm_store_filter){ .station = "line-2" }, most);
        assert_int_equal(t->nrows, 10);
        (void)list(t, "device", &(struct bm_store_filter){ .station = "line-2", .profile = "gateway-1", .vendor = "Example" }, most);
        assert_int_equal(t->nrows, 5);
        (void)list(t, "device", &(struct bm_store_filter){ .profile = "other" }, most);
        assert_int_equal(t->nrows, 5);
        (void)list(t, "device", &(struct bm_store_filter){ .owner = "Acme", .state = "provisioned", .lot = "EX-001" }, most);
        assert_int_equal(t->nrows, 2);
        (void)list(t, "device", &(struct bm_store_filter){ .begins = "chip-1" }, most);
        assert_int_equal(t->nrows, 11);
        (void)list(t, "identity", &(struct bm_store_filter){ .state = "provisional", .order = "demo" }, most);
        assert_int_equal(t->nrows, 20);
    }
    (void)list(t, "device", &(struct bm_store_filter){ .begins = "S-" }, 9);
    assert_int_equal(t->nrows, 2);
    (void)list(t, "device", &(struct bm_store_filter){ .name = "S-2" }, 9);
    assert_int_equal(t->nrows, 1);
    (void)list(t, "device", &(struct bm_store_filter){ .begins = "%" }, 9);
    assert_int_equal(t->nrows, 0);
    (void)list(t, "identity", &(struct bm_store_filter){ .name = "0300000000000000000000000000000000000000" }, 9);
    assert_int_equal(t->nrows, 1);
    (void)list(t, "identity", &(struct bm_store_filter){ .name = "xy" }, 9);
    assert_int_equal(t->nrows, 0);
}

/* Ten thousand looked at for two: windows end, and what follows is found all the same. */
static void
a_filter_that_finds_little_among_much_is_told_in_windows(void **state)
{
    struct fixture *t = *state;

    OK(bm_store_begin(t->store, &t->fail));
    device_add(t, 1, NULL, NULL, "gateway-1");
    assert_int_equal(sqlite3_exec(t->store->db,
                                  "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                                  "INSERT INTO device(id, chip, root_kind, lot, ord, state, made) SELECT printf('%020d', i), 'c' || i,"
                                  " 'tpm', 'EX-001', 'demo', 'provisioned', 0 FROM n",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    device_add(t, 2, NULL, NULL, "gateway-1");
    OK(bm_store_commit(t->store, &t->fail));
    assert_int_equal(list(t, "device", &(struct bm_store_filter){ .lot = "EX-001", .profile = "gateway-1" }, 256), 3);
    assert_int_equal(t->nrows, 2);
    assert_int_equal(list(t, "device", &(struct bm_store_filter){ .lot = "EX-001", .vendor = "Example" }, 256), 1); /* the fewest lead */
    assert_int_equal(t->nrows, 2);
}

/* What SQLite would do: it neither reads a table from end to end nor sorts. */
static void
plan_check(struct fixture *t, const char *what, const struct bm_store_filter *filter, bool may_sort)
{
    bm_cleanup(bm_buf_done) struct bm_buf sql = { .max = 32768 }, explain = { .max = 32768 };
    sqlite3_stmt *q = NULL;

    OK(lite_list_sql(&sql, t->store, what, filter, &t->fail));
    bm_buf_add_fmt(&explain, "EXPLAIN QUERY PLAN %s", (const char *)sql.p);
    bm_buf_add_u8(&explain, 0);
    assert_int_equal(sqlite3_prepare_v2(t->store->db, (const char *)explain.p, -1, &q, NULL), SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(q, 3);

        if (strncmp(step, "SCAN device", 11) == 0 || strncmp(step, "SCAN identity", 13) == 0 || strncmp(step, "SCAN alarm", 10) == 0 ||
            strncmp(step, "SCAN d", 6) == 0 || strncmp(step, "SCAN i", 6) == 0 || strncmp(step, "SCAN a", 6) == 0 ||
            (!may_sort && strstr(step, "ORDER BY") != NULL))
            fail_msg("%s: %s", (const char *)sql.p, step);
    }
    (void)sqlite3_finalize(q);
}

static void
no_filter_reads_a_table_from_end_to_end(void **state)
{
    struct bm_store_filter none = { .name = NULL }, one;
    const char **const of_devices[] = { &one.name,    &one.state,    &one.lot,      &one.order, &one.profile, &one.serial,
                                        &one.model,   &one.hardware, &one.firmware, &one.owner, &one.region,  &one.vendor,
                                        &one.station, &one.root,     &one.chip,     &one.begins };
    struct fixture *t = *state;

    plan_check(t, "device", &none, false);
    for (size_t i = 0; i < BM_COUNT(of_devices); i++) {
        for (size_t j = 0; j < BM_COUNT(of_devices); j++) {
            one = none;
            *of_devices[i] = "x";
            *of_devices[j] = "x";
            plan_check(t, "device", &one, one.name != NULL || one.begins != NULL); /* which find a few thousand at most */
        }
    }
    plan_check(t, "identity", &(struct bm_store_filter){ .device = "x" }, false);
    plan_check(t, "identity", &(struct bm_store_filter){ .device = "x", .state = "x" }, false);
    plan_check(t, "identity", &(struct bm_store_filter){ .name = "00" }, false);
    plan_check(t, "identity", &(struct bm_store_filter){ .profile = "x" }, false);
    plan_check(t, "alarm", &(struct bm_store_filter){ .device = "x" }, false);
    plan_check(t, "alarm", &(struct bm_store_filter){ .name = "7" }, false);
}

/* Its tables are others: that it is another release's is said before one of them is missed. */
static void
a_store_of_another_release_is_named(void **state)
{
    struct fixture *t = *state;
    struct bm_store *other = NULL;
    sqlite3 *old = NULL;

    bm_store_done(&t->store);
    (void)unlink(t->path);
    assert_int_equal(sqlite3_open_v2(t->path, &old, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(old,
                                  "CREATE TABLE meta(key TEXT PRIMARY KEY, value); INSERT INTO meta VALUES('schema', 3);"
                                  "CREATE TABLE device(id TEXT PRIMARY KEY)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(old), SQLITE_OK);
    assert_int_equal(bm_store_open(&other, t->path, &t->fail), BM_EBUG);
    assert_non_null(strstr(t->fail.text, "the store is of version 3 and this release reads version"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_unit_gets_the_row_that_names_its_chip_or_the_next_free_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pattern_counts_and_its_one_row_is_everybodys, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_find_and_pages_give_every_device_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_filter_that_finds_little_among_much_is_told_in_windows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_of_another_release_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(no_filter_reads_a_table_from_end_to_end, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
