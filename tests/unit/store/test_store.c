/* test_store.c - the store keeps what it was told across a reopen, and contradicts nobody silently. */
#include "store/store.h"

#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    char path[128];
    struct bm_store *store;
    struct bm_fail fail;
};

static int
setup(void **state)
{
    struct fixture *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    (void)snprintf(t->dir, sizeof(t->dir), "/tmp/bm-store-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    (void)snprintf(t->path, sizeof(t->path), "%s/birthmark.db", t->dir);
    assert_int_equal(bm_store_open(&t->store, t->path, &t->fail), BM_OK);
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    struct fixture *t = *state;

    bm_store_close(t->store);
    for (size_t i = 0; i < BM_COUNT(suffixes); i++) {
        char path[192];

        (void)snprintf(path, sizeof(path), "%s%s", t->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(t->dir), 0);
    free(t);
    return 0;
}

static void
reopen(struct fixture *t)
{
    bm_store_done(&t->store);
    assert_int_equal(bm_store_open(&t->store, t->path, &t->fail), BM_OK);
}

#define OK(call) assert_int_equal((call), BM_OK)

static const struct bm_store_lot lot = {
    .name = "EX-001", .vendor = "Example", .source = "birthmark", .size = 2, .root = { 1, 2, 3 }, .revision = 1
};
static const uint8_t names[2][BM_HASH] = { { 10 }, { 11 } };
static const struct bm_store_chip chip = { .label = "chip-1",
                                           .lot = "EX-001",
                                           .root_kind = "tpm",
                                           .id_source = "signed",
                                           .reel = "R1",
                                           .date = "2025-06-12",
                                           .names = names,
                                           .nnames = 2 };

static int64_t
lot_add(struct fixture *t)
{
    int64_t id = 0;

    OK(bm_store_begin(t->store, &t->fail));
    OK(bm_store_lot_pinned(t->store, &lot, 1000, 7, &id, &t->fail));
    OK(bm_store_commit(t->store, &t->fail));
    return id;
}

static void
order_add(struct fixture *t, uint64_t quantity)
{
    static const char lots[1][BM_MAX_NAME + 1] = { "EX-001" };
    const struct bm_store_profile profiles[] = { { .name = "gateway-1", .service = "mqtt", .text = bm_bytes_str("p") } };

    OK(bm_store_order_put(t->store, "demo", quantity, 0, BM_TIME_NEVER, lots, 1, profiles, 1, 2, &t->fail));
}

static enum bm_rc
keep_row(void *ctx, const char *json, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    bm_buf_add_str(buf, json);
    bm_buf_add_str(buf, "\n");
    return bm_buf_check(buf, "rows", fail);
}

static enum bm_rc
keep_lot(void *ctx, const struct bm_store_lot *one, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    bm_buf_add_fmt(buf, "%s %s %llu %llu %s;", one->name, one->source, (unsigned long long)one->size, (unsigned long long)one->revision,
                   one->state);
    return bm_buf_check(buf, "lots", fail);
}

static void
a_name_or_a_root_is_taken_once(void **state)
{
    struct fixture *t = *state;
    const uint8_t other[BM_HASH] = { 9 };
    bool taken;

    (void)lot_add(t);
    reopen(t);
    OK(bm_store_lot_taken(t->store, "EX-001", 1, other, &taken, &t->fail));
    assert_true(taken);
    OK(bm_store_lot_taken(t->store, "EX-001", 2, other, &taken, &t->fail)); /* a later revision */
    assert_false(taken);
    OK(bm_store_lot_taken(t->store, "EX-002", 1, lot.root, &taken, &t->fail));
    assert_true(taken);
    OK(bm_store_lot_taken(t->store, "EX-002", 1, other, &taken, &t->fail));
    assert_false(taken);
}

static void
a_later_revision_takes_the_state_of_the_one_before(void **state)
{
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    struct bm_store_lot later = lot;
    int64_t id, first = lot_add(t), others[2];
    size_t n;

    later.revision = 2;
    later.root[0] = 2;
    OK(bm_store_lot_state(t->store, "EX-001", "quarantined", "why", &t->fail));
    OK(bm_store_lot_superseded(t->store, "EX-001", &t->fail));
    OK(bm_store_lot_pinned(t->store, &later, 1001, 8, &id, &t->fail));
    OK(bm_store_lots(t->store, keep_lot, &buf, &t->fail));
    bm_buf_add_u8(&buf, 0);
    assert_string_equal((char *)buf.p, "EX-001 birthmark 2 1 superseded;EX-001 birthmark 2 2 quarantined;");
    OK(bm_store_overlap_put(t->store, id, first, &t->fail));
    OK(bm_store_overlap_put(t->store, first, id, &t->fail));
    OK(bm_store_overlaps(t->store, first, others, 2, &n, &t->fail));
    assert_int_equal(n, 1);
    assert_int_equal(others[0], id);
}

static void
chip_says(struct fixture *t, const char *state, const char *words)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 10000 };
    bool given;

    OK(bm_store_chip_row(t->store, &chip, state, keep_row, &buf, &given, &t->fail));
    assert_int_equal(given, words != NULL);
    bm_buf_add_u8(&buf, 0);
    if (words != NULL && strstr((char *)buf.p, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (char *)buf.p, words);
}

static void
a_chip_that_was_halted_is_so_by_any_of_its_keys(void **state)
{
    struct fixture *t = *state;

    (void)lot_add(t);
    chip_says(t, NULL, "{\"chip\":\"chip-1\",\"id_source\":\"signed\",\"lot\":\"EX-001\",\"index\":0,\"root\":\"tpm\",\"keys\":[\"0a00");
    chip_says(t, "unused", "\"device\":null,\"reel\":\"R1\",\"date\":\"2025-06-12\",\"firmware\":null,\"state\":\"unused\"");
    OK(bm_store_chip_halt(t->store, "EX-001", &names[1], 1, "withdrawn", "recall", &t->fail));
    chip_says(t, "unused", NULL);
    chip_says(t, "withdrawn", "\"state\":\"withdrawn\",\"reason\":\"recall\"");
    OK(bm_store_chip_halt(t->store, "EX-001", &names[1], 1, "scrapped", "bent", &t->fail));
    OK(bm_store_chip_halt(t->store, "EX-001", &names[1], 1, "withdrawn", "recall", &t->fail)); /* scrapped is for good */
    chip_says(t, NULL, "\"state\":\"scrapped\",\"reason\":\"bent\"");
}

static void
identity_add(struct fixture *t, const char *service, uint8_t serial)
{
    const uint8_t s[20] = { serial };
    const uint8_t key[BM_HASH] = { serial };

    OK(bm_store_begin(t->store, &t->fail));
    OK(bm_store_identity_put(t->store,
                             &(struct bm_store_identity){ .device = "0011223344",
                                                          .service = service,
                                                          .profile = "gateway-1",
                                                          .order = "demo",
                                                          .evidence_class = "root-signed",
                                                          .proven = "root-signed",
                                                          .chip = &chip,
                                                          .serial = bm_bytes(s, sizeof(s)),
                                                          .key = key,
                                                          .issued = 2000,
                                                          .not_after = 3000,
                                                          .certificate = bm_bytes_str("certificate"),
                                                          .evidence = bm_bytes_str("bundle"),
                                                          .leaf = serial },
                             &t->fail));
    OK(bm_store_commit(t->store, &t->fail));
}

static void
the_order_of_a_unit_is_chosen_before_open_ones_and_full_ones_last(void **state)
{
    struct fixture *t = *state;
    struct bm_store_choice choice;
    bool found;

    (void)lot_add(t);
    OK(bm_store_choose(t->store, "EX-001", names[1], "mqtt", 1000, &found, &choice, &t->fail));
    assert_false(found);
    order_add(t, 1);
    OK(bm_store_choose(t->store, "EX-001", names[1], "mqtt", 1000, &found, &choice, &t->fail));
    assert_true(found);
    assert_string_equal(choice.profile, "gateway-1");
    OK(bm_store_choose(t->store, "EX-001", names[1], "", 1000, &found, &choice, &t->fail));
    assert_true(found);
    OK(bm_store_choose(t->store, "EX-001", names[1], "other", 1000, &found, &choice, &t->fail));
    assert_false(found);
    identity_add(t, "mqtt", 1);
    OK(bm_store_choose(t->store, "EX-001", names[1], "gateway-1", 1000, &found, &choice, &t->fail));
    assert_true(found);
    assert_string_equal(choice.order, "demo");
    identity_add(t, "ssh", 2);
}

static void
lists_have_the_promised_names(void **state)
{
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 10000 };
    const struct bm_store_filter all = { .name = NULL };
    uint64_t alarm;

    (void)lot_add(t);
    order_add(t, 5);
    identity_add(t, "mqtt", 1);
    OK(bm_store_alarm_add(t->store,
                          &(struct bm_store_alarm){ .time = 5, .kind = "clone", .sentence = "twice", .has_leaf = true, .leaf = 9 }, &alarm,
                          &t->fail));
    assert_int_equal(alarm, 1);
    OK(bm_store_rows(t->store, "lot", &all, &(struct bm_store_page){ .most = 100 }, keep_row, &buf, &t->fail));
    OK(bm_store_rows(t->store, "device", &all, &(struct bm_store_page){ .most = 100 }, keep_row, &buf, &t->fail));
    OK(bm_store_rows(t->store, "order", &all, &(struct bm_store_page){ .most = 100 }, keep_row, &buf, &t->fail));
    OK(bm_store_rows(t->store, "identity", &(struct bm_store_filter){ .device = "0011223344" }, &(struct bm_store_page){ .most = 100 },
                     keep_row, &buf, &t->fail));
    OK(bm_store_rows(t->store, "alarm", &(struct bm_store_filter){ .state = "open" }, &(struct bm_store_page){ .most = 100 }, keep_row,
                     &buf, &t->fail));
    bm_buf_add_u8(&buf, 0);
    assert_non_null(
        strstr((char *)buf.p,
               "{\"lot\":\"EX-001\",\"vendor\":\"Example\",\"chips\":2,\"received\":\"1970-01-01T00:16:40Z\",\"state\":\"pinned\""));
    assert_non_null(strstr(
        (char *)buf.p, "\"device\":\"0011223344\",\"chip\":\"chip-1\",\"lot\":\"EX-001\",\"order\":\"demo\",\"profile\":\"gateway-1\""));
    assert_non_null(strstr((char *)buf.p, "\"quantity\":5,\"used\":1,\"left\":4"));
    assert_non_null(strstr((char *)buf.p, "\"alarm\":1,\"time\":\"1970-01-01T00:00:05Z\",\"kind\":\"clone\""));
    assert_int_equal(bm_store_rows(t->store, "nothing", &all, &(struct bm_store_page){ .most = 100 }, keep_row, &buf, &t->fail), BM_EINPUT);
}

static void
an_order_whose_dates_fit_goes_before_older_ones(void **state)
{
    static const char lots[1][BM_MAX_NAME + 1] = { "EX-001" };
    static const struct {
        const char *name;
        bm_time from, until;
        uint64_t quantity;
    } orders[] = {
        { "over", 0, 999, 9 }, { "later", 5000, 6000, 9 }, { "full", 0, BM_TIME_NEVER, 0 }, { "now", 900, 1100, 9 }, { "too", 900, 1100, 9 }
    };
    const struct bm_store_profile profiles[] = { { .name = "gateway-1", .service = "mqtt", .text = bm_bytes_str("p") } };
    struct fixture *t = *state;
    struct bm_store_choice choice;
    bool found;

    (void)lot_add(t);
    for (size_t i = 0; i < BM_COUNT(orders); i++)
        OK(bm_store_order_put(t->store, orders[i].name, orders[i].quantity, orders[i].from, orders[i].until, lots, 1, profiles, 1, 2,
                              &t->fail));
    OK(bm_store_choose(t->store, "EX-001", names[1], "mqtt", 1000, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "now");
    OK(bm_store_choose(t->store, "EX-001", names[1], "mqtt", 1100, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "now");
    OK(bm_store_choose(t->store, "EX-001", names[1], "mqtt", 5500, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "later");
    /* only the full one fits */
    OK(bm_store_choose(t->store, "EX-001", names[1], "mqtt", 1200, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "full"); /* which the signer says, in its sentence */
}

static void
pages_give_every_row_once(void **state)
{
    struct fixture *t = *state;
    const struct bm_store_filter all = { .name = NULL };

    for (int i = 0; i < 10; i++) {
        char event[16];
        uint64_t alarm;

        (void)snprintf(event, sizeof(event), "event %d", i);
        OK(bm_store_leaf_add(t->store,
                             &(struct bm_store_leaf){ .index = (uint64_t)i,
                                                      .kind = 1,
                                                      .time = 5,
                                                      .hash = lot.root,
                                                      .salt = lot.root,
                                                      .event = bm_bytes_str(event),
                                                      .device = "" },
                             &t->fail));
        OK(bm_store_alarm_add(t->store, &(struct bm_store_alarm){ .time = 5, .kind = "lot", .sentence = event }, &alarm, &t->fail));
    }
    for (size_t most = 1; most <= 11; most++) {
        bm_cleanup(bm_buf_done) struct bm_buf one = { .max = 10000 }, parts = { .max = 10000 };
        static const char *const lists[] = { "event", "alarm" };

        for (size_t i = 0; i < BM_COUNT(lists); i++) {
            struct bm_store_page page = { .most = most }, whole = { .most = 100 };
            size_t pages = 0;

            bm_buf_reset(&one);
            bm_buf_reset(&parts);
            OK(bm_store_rows(t->store, lists[i], &all, &whole, keep_row, &one, &t->fail));
            assert_false(whole.more);
            do {
                OK(bm_store_rows(t->store, lists[i], &all, &page, keep_row, &parts, &t->fail));
                pages++;
            } while (page.more);
            assert_int_equal(pages, 10 / most + 1);
            assert_true(bm_bytes_equal(bm_buf_bytes(&one), bm_buf_bytes(&parts)));
        }
    }
}

static void
a_rolled_back_transaction_leaves_nothing(void **state)
{
    struct fixture *t = *state;
    uint64_t n;

    OK(bm_store_begin(t->store, &t->fail));
    OK(bm_store_leaf_add(
        t->store,
        &(struct bm_store_leaf){ .index = 0, .kind = 1, .hash = lot.root, .salt = lot.root, .event = bm_bytes_str("e"), .device = "" },
        &t->fail));
    bm_store_rollback(t->store);
    OK(bm_store_leaf_count(t->store, &n, &t->fail));
    assert_int_equal(n, 0);
    OK(bm_store_begin(t->store, &t->fail));
    OK(bm_store_leaf_add(
        t->store,
        &(struct bm_store_leaf){ .index = 0, .kind = 1, .hash = lot.root, .salt = lot.root, .event = bm_bytes_str("e"), .device = "" },
        &t->fail));
    OK(bm_store_commit(t->store, &t->fail));
    reopen(t);
    OK(bm_store_leaf_count(t->store, &n, &t->fail));
    assert_int_equal(n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_or_a_root_is_taken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_revision_takes_the_state_of_the_one_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chip_that_was_halted_is_so_by_any_of_its_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(the_order_of_a_unit_is_chosen_before_open_ones_and_full_ones_last, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_have_the_promised_names, setup, teardown),
        cmocka_unit_test_setup_teardown(an_order_whose_dates_fit_goes_before_older_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_give_every_row_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rolled_back_transaction_leaves_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
