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

static const uint8_t root[BM_HASH] = { 1, 2, 3 };
static const struct bm_store_key keys[] = { { .hash = { 10 }, .ski = { 20 } }, { .hash = { 11 }, .ski = { 21 } } };

static const struct bm_store_entry entry = {
    .label = "chip-1", .root_kind = "tpm", .reel = "R1", .date = "2025-06-12", .leaf = { .p = (const uint8_t *)"leaf", .n = 4 }
};

static void
lot_add(struct fixture *t)
{
    int64_t lot;

    OK(bm_store_begin(t->store, &t->fail));
    OK(bm_store_lot_arrive(t->store, "EX-001", 1, "Example", "birthmark", 1, root, 1000, &lot, &t->fail));
    OK(bm_store_chip_add(t->store, lot, &entry, keys, 2, &t->fail));
    OK(bm_store_lot_hashes_put(t->store, lot, bm_bytes(root, BM_HASH), &t->fail));
    OK(bm_store_commit(t->store, &t->fail));
}

static void
order_add(struct fixture *t, uint64_t quantity)
{
    static const char lots[1][BM_MAX_NAME + 1] = { "EX-001" };
    const struct bm_store_profile profiles[] = { { .name = "gateway-1", .service = "mqtt", .text = bm_bytes_str("p") } };

    OK(bm_store_order_put(t->store, "demo", quantity, 0, BM_TIME_NEVER, lots, 1, profiles, 1, 2, &t->fail));
}

static void
a_chip_is_found_by_any_of_its_keys_once_its_lot_is_pinned(void **state)
{
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = 100 };
    struct bm_store_chip chip;
    bool found;

    lot_add(t);
    OK(bm_store_chip_by_key(t->store, keys[1].hash, &found, &chip, &leaf, &t->fail));
    assert_false(found);
    OK(bm_store_lot_pinned(t->store, root, 1001, 7, &t->fail));
    reopen(t);
    OK(bm_store_chip_by_key(t->store, keys[1].hash, &found, &chip, &leaf, &t->fail));
    assert_true(found);
    assert_string_equal(chip.lot.name, "EX-001");
    assert_int_equal(chip.index, 0);
    assert_true(bm_bytes_equal(bm_buf_bytes(&leaf), bm_bytes_str("leaf")));
    OK(bm_store_chip_by_ski(t->store, keys[0].ski, &found, &chip, &leaf, &t->fail));
    assert_true(found);
    assert_memory_equal(chip.key, keys[0].hash, BM_HASH);
}

static void
a_lot_that_no_pin_followed_is_gone_at_the_next_start(void **state)
{
    struct fixture *t = *state;
    bool known;

    lot_add(t);
    OK(bm_store_lot_drop_arriving(t->store, &t->fail));
    OK(bm_store_lot_named(t->store, "EX-001", &known, &t->fail));
    assert_false(known);
    assert_int_equal(bm_store_lot_pinned(t->store, root, 1, 1, &t->fail), BM_EBUG);
}

static void
a_lot_of_the_same_name_is_refused(void **state)
{
    struct fixture *t = *state;
    int64_t lot;

    lot_add(t);
    assert_int_equal(bm_store_lot_arrive(t->store, "EX-001", 1, "Example", "birthmark", 1, keys[0].hash, 1, &lot, &t->fail), BM_EPOLICY);
    assert_non_null(strstr(t->fail.text, "was received before"));
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
                                                          .lot = "EX-001",
                                                          .chip = 1,
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

    lot_add(t);
    OK(bm_store_lot_pinned(t->store, root, 1001, 7, &t->fail));
    OK(bm_store_choose(t->store, "EX-001", 1, "mqtt", 1000, &found, &choice, &t->fail));
    assert_false(found);
    order_add(t, 1);
    OK(bm_store_choose(t->store, "EX-001", 1, "mqtt", 1000, &found, &choice, &t->fail));
    assert_true(found);
    assert_string_equal(choice.profile, "gateway-1");
    OK(bm_store_choose(t->store, "EX-001", 1, "", 1000, &found, &choice, &t->fail));
    assert_true(found);
    OK(bm_store_choose(t->store, "EX-001", 1, "other", 1000, &found, &choice, &t->fail));
    assert_false(found);
    identity_add(t, "mqtt", 1);
    OK(bm_store_choose(t->store, "EX-001", 1, "gateway-1", 1000, &found, &choice, &t->fail));
    assert_true(found);
    assert_string_equal(choice.order, "demo");
    identity_add(t, "ssh", 2);
}

static enum bm_rc
keep_row(void *ctx, const char *json, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    bm_buf_add_str(buf, json);
    bm_buf_add_str(buf, "\n");
    return bm_buf_check(buf, "rows", fail);
}

static void
lists_have_the_promised_names(void **state)
{
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 10000 };
    const struct bm_store_filter all = { .name = NULL };
    uint64_t alarm;

    lot_add(t);
    OK(bm_store_lot_pinned(t->store, root, 1001, 7, &t->fail));
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
    OK(bm_store_rows(t->store, "chip", &(struct bm_store_filter){ .lot = "EX-001" }, &(struct bm_store_page){ .most = 100 }, keep_row, &buf,
                     &t->fail));
    bm_buf_add_u8(&buf, 0);
    assert_non_null(
        strstr((char *)buf.p,
               "{\"lot\":\"EX-001\",\"vendor\":\"Example\",\"chips\":1,\"received\":\"1970-01-01T00:16:41Z\",\"state\":\"pinned\""));
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

    lot_add(t);
    OK(bm_store_lot_pinned(t->store, root, 1001, 7, &t->fail));
    for (size_t i = 0; i < BM_COUNT(orders); i++)
        OK(bm_store_order_put(t->store, orders[i].name, orders[i].quantity, orders[i].from, orders[i].until, lots, 1, profiles, 1, 2,
                              &t->fail));
    OK(bm_store_choose(t->store, "EX-001", 1, "mqtt", 1000, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "now");
    OK(bm_store_choose(t->store, "EX-001", 1, "mqtt", 1100, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "now");
    OK(bm_store_choose(t->store, "EX-001", 1, "mqtt", 5500, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "later");
    /* only the full one fits */
    OK(bm_store_choose(t->store, "EX-001", 1, "mqtt", 1200, &found, &choice, &t->fail));
    assert_string_equal(choice.order, "full"); /* which the signer says, in its sentence */
}

static void
a_chip_of_two_lots_is_found_in_the_one_that_has_an_order(void **state)
{
    static const char lots[1][BM_MAX_NAME + 1] = { "EX-002" };
    const struct bm_store_profile profiles[] = { { .name = "gateway-1", .service = "mqtt", .text = bm_bytes_str("p") } };
    const uint8_t second[BM_HASH] = { 9 };
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = 100 };
    struct bm_store_chip chip;
    int64_t lot, id = 0;
    bool found;

    lot_add(t);
    OK(bm_store_lot_pinned(t->store, root, 1001, 7, &t->fail));
    OK(bm_store_lot_arrive(t->store, "EX-002", 1, "Example", "birthmark", 1, second, 1000, &lot, &t->fail));
    OK(bm_store_chip_add(t->store, lot, &entry, keys, 2, &t->fail));
    OK(bm_store_lot_pinned(t->store, second, 1002, 8, &t->fail));
    OK(bm_store_chip_by_key(t->store, keys[0].hash, &found, &chip, &leaf, &t->fail));
    assert_string_equal(chip.lot.name, "EX-001");
    OK(bm_store_order_put(t->store, "o", 1, 0, BM_TIME_NEVER, lots, 1, profiles, 1, 2, &t->fail));
    bm_buf_reset(&leaf);
    OK(bm_store_chip_by_ski(t->store, keys[1].ski, &found, &chip, &leaf, &t->fail));
    assert_string_equal(chip.lot.name, "EX-002");
    OK(bm_store_chip_of_lot(t->store, keys[0].hash, "EX-001", &found, &id, &t->fail));
    assert_true(found && id != chip.id);
    OK(bm_store_chip_of_lot(t->store, keys[0].hash, "EX-003", &found, &id, &t->fail));
    assert_false(found);
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
        OK(bm_store_leaf_add(
            t->store,
            &(struct bm_store_leaf){
                .index = (uint64_t)i, .kind = 1, .time = 5, .hash = root, .salt = root, .event = bm_bytes_str(event), .device = "" },
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
        t->store, &(struct bm_store_leaf){ .index = 0, .kind = 1, .hash = root, .salt = root, .event = bm_bytes_str("e"), .device = "" },
        &t->fail));
    bm_store_rollback(t->store);
    OK(bm_store_leaf_count(t->store, &n, &t->fail));
    assert_int_equal(n, 0);
    OK(bm_store_begin(t->store, &t->fail));
    OK(bm_store_leaf_add(
        t->store, &(struct bm_store_leaf){ .index = 0, .kind = 1, .hash = root, .salt = root, .event = bm_bytes_str("e"), .device = "" },
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
        cmocka_unit_test_setup_teardown(a_chip_is_found_by_any_of_its_keys_once_its_lot_is_pinned, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lot_that_no_pin_followed_is_gone_at_the_next_start, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lot_of_the_same_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_order_of_a_unit_is_chosen_before_open_ones_and_full_ones_last, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_have_the_promised_names, setup, teardown),
        cmocka_unit_test_setup_teardown(an_order_whose_dates_fit_goes_before_older_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chip_of_two_lots_is_found_in_the_one_that_has_an_order, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_give_every_row_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rolled_back_transaction_leaves_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
