/* test_lots.c - lots that come in, whole, refused, cut off, two at once; statements and lists. */
#include "base/base.h"
#include "kit.h"

#include <stdio.h>

#define LOT_BUF(name) bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_MESSAGE_BODY }

static int
open_started(void **state)
{
    int rc = kit_open(state);

    kit_start(*state);
    return rc;
}

static void
a_lot_counts_from_its_pin_on(void **state)
{
    struct kit *k = *state;
    LOT_BUF(rows);
    const struct bm_event event = kit_pin_event(&k->lot);
    struct bm_s_leaf leaf;
    struct bm_bytes row;
    uint64_t id;

    kit_lot_stream(k, 0, &k->lot);
    kit_connect(k, 1);
    kit_list(k, 1, "lot", "{}", &rows);
    assert_string_equal((char *)rows.p, "");
    kit_list(k, 1, "chip", "{}", &rows);
    assert_string_equal((char *)rows.p, "");
    kit_say(k, k->command[0], BM_C_LOT_END, 3, bm_bytes(NULL, 0));
    id = kit_want(k, k->signer, BM_S_LOT_END).id;
    assert_true(kit_silent(k, k->command[0]));
    leaf = kit_leaf(k, &event);
    kit_answer(k, id, &leaf);
    row = kit_want(k, k->command[0], BM_C_ROW).body;
    kit_assert_says(bm_bytes(row.p + 4, row.n - 4), "{\"lot\":\"LOT-1\",\"vendor\":\"Example Silicon\",\"chips\":3,");
    (void)kit_want(k, k->command[0], BM_C_END);
    kit_list(k, 1, "chip", "{\"lot\":\"LOT-1\"}", &rows);
    assert_non_null(
        strstr((char *)rows.p, "{\"chip\":\"soft-2\",\"id_source\":\"signed\",\"lot\":\"LOT-1\",\"index\":2,\"root\":\"software\""));
}

static void
nothing_stays_of_a_lot_that_the_signer_refuses(void **state)
{
    struct kit *k = *state;
    LOT_BUF(rows);
    struct bm_c_refused refused;
    struct bm_s_leaf leaf;
    uint64_t id;

    kit_lot_begin(k, 0, &k->lot);
    kit_say(k, k->command[0], BM_C_LOT_NEXT, 2, bm_bytes(NULL, 0));
    id = kit_want(k, k->signer, BM_S_LOT_LEAVES).id;
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED,
                                           .what = bm_bytes_str("lot"),
                                           .lot = bm_bytes_str("LOT-1"),
                                           .by = bm_bytes_str("carl"),
                                           .reason = bm_bytes_str("twins") });
    kit_refuse(k, id, BM_EPOLICY, "it lists one root key for two chips", &leaf);
    refused = kit_command_refused(k, 0);
    assert_int_equal(refused.alarm, 1);
    kit_assert_says(refused.sentence, "it lists one root key for two chips");
    /* what was under way is answered, and the same lot may come again */
    kit_say(k, k->command[0], BM_C_LOT_NEXT, 3, bm_bytes(NULL, 0));
    kit_assert_says(kit_command_refused(k, 0).sentence, "it was refused, begin again");
    kit_list(k, 0, "alarm", "{\"lot\":\"LOT-1\"}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"kind\":\"lot\""));
    kit_lot_receive(k, 0, &k->lot);
}

static void
an_answer_to_an_earlier_lot_does_not_end_the_next(void **state)
{
    struct kit *k = *state;
    struct fixture_lot big;
    struct bm_event event;
    struct bm_s_leaf leaf;
    uint64_t first, second;

    fixture_lot_make(&k->site, &big, "BIG", 1500); /* more than one message takes */
    event = kit_pin_event(&big);
    kit_lot_begin(k, 0, &big);
    kit_say(k, k->command[0], BM_C_LOT_NEXT, 2, bm_bytes(NULL, 0));
    kit_say(k, k->command[0], BM_C_LOT_NEXT, 3, bm_bytes(NULL, 0));
    first = kit_want(k, k->signer, BM_S_LOT_LEAVES).id;
    second = kit_want(k, k->signer, BM_S_LOT_LEAVES).id;
    kit_refuse(k, first, BM_EPOLICY, "no", NULL);
    (void)kit_command_refused(k, 0);
    /* begun again on the same connection while the second answer is still out */
    kit_lot_begin(k, 0, &big);
    kit_refuse(k, second, BM_EPOLICY, "no lot is being received: begin again", NULL);
    (void)kit_command_refused(k, 0);
    while (kit_lot_next(k, 0))
        continue;
    kit_say(k, k->command[0], BM_C_LOT_END, 6, bm_bytes(NULL, 0));
    leaf = kit_leaf(k, &event);
    kit_answer(k, kit_want(k, k->signer, BM_S_LOT_END).id, &leaf);
    (void)kit_want(k, k->command[0], BM_C_ROW);
    fixture_lot_done(&big);
}

static void
a_connection_lost_half_way_leaves_room_for_the_next(void **state)
{
    struct kit *k = *state;
    LOT_BUF(body);

    kit_connect(k, 1);
    kit_lot_begin_body(k, &body, &k->lot);
    kit_say(k, k->command[1], BM_C_LOT_BEGIN, 1, bm_buf_bytes(&body));
    kit_answer_empty(k, kit_want(k, k->signer, BM_S_LOT_BEGIN).id);
    (void)kit_want(k, k->command[1], BM_C_END);
    /* two at once: the second waits its turn */
    kit_say(k, k->command[0], BM_C_LOT_BEGIN, 1, bm_buf_bytes(&body));
    kit_assert_says(kit_command_refused(k, 0).sentence, "another lot is being received at this moment");
    kit_hang_up(k, 1);
    kit_connect(k, 1); /* behind the hanging up */
    kit_say(k, k->command[1], BM_C_SITE, 2, bm_bytes(NULL, 0));
    (void)kit_want(k, k->command[1], BM_C_ROW);
    kit_lot_receive(k, 0, &k->lot);
}

/* The signer has pinned it by then: the store must hold its chips, or no start would ever succeed again. */
static void
a_lot_that_the_signer_was_asked_to_pin_is_not_dropped_any_more(void **state)
{
    struct kit *k = *state;
    LOT_BUF(rows);
    const struct bm_event event = kit_pin_event(&k->lot);
    struct bm_s_leaf leaf;
    uint64_t id;

    kit_connect(k, 1);
    kit_lot_stream(k, 1, &k->lot);
    kit_say(k, k->command[1], BM_C_LOT_END, 3, bm_bytes(NULL, 0));
    id = kit_want(k, k->signer, BM_S_LOT_END).id;
    /* neither more leaves, nor a second end, nor hanging up */
    kit_say(k, k->command[1], BM_C_LOT_NEXT, 4, bm_bytes(NULL, 0));
    (void)kit_command_refused(k, 1);
    kit_say(k, k->command[1], BM_C_LOT_END, 5, bm_bytes(NULL, 0));
    (void)kit_command_refused(k, 1);
    assert_true(kit_silent(k, k->signer));
    kit_hang_up(k, 1);
    assert_true(kit_silent(k, k->command[0]));
    leaf = kit_leaf(k, &event);
    kit_answer(k, id, &leaf);
    kit_list(k, 0, "lot", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"state\":\"pinned\""));
    kit_order_open(k, 0, "order-1", "LOT-1", 1);
    kit_enrol(k, 1, "mqtt", &k->lot.chips[2]); /* its tree is whole */
    (void)kit_want(k, k->signer, BM_S_ISSUE);
}

static void
a_lot_without_its_index_or_that_was_not_gone_through_is_refused(void **state)
{
    struct kit *k = *state;
    LOT_BUF(body);
    LOT_BUF(rows);
    struct fixture_lot other;
    struct bm_s_leaf leaf;
    const struct bm_event refused = { .kind = BM_EVENT_REFUSED,
                                      .what = bm_bytes_str("lot"),
                                      .lot = bm_bytes_str("LOT-1"),
                                      .by = bm_bytes_str("carl"),
                                      .reason = bm_bytes_str("no") };

    /* not gone through */
    kit_lot_begin(k, 0, &k->lot);
    kit_say(k, k->command[0], BM_C_LOT_END, 3, bm_bytes(NULL, 0));
    leaf = kit_leaf(k, &refused);
    kit_answer(k, kit_want(k, k->signer, BM_S_REFUSAL).id, &leaf);
    kit_assert_says(kit_command_refused(k, 0).sentence, "lot LOT-1 came with 0 chips and its head says 3");
    /* another lot's index under its name */
    fixture_lot_make(&k->site, &other, "LOT-2", 4);
    kit_lot_begin_body(k, &body, &other);
    kit_say(k, k->command[0], BM_C_LOT_BEGIN, 1, bm_buf_bytes(&body));
    kit_answer_empty(k, kit_want(k, k->signer, BM_S_LOT_BEGIN).id);
    (void)kit_want(k, k->command[0], BM_C_END);
    kit_say(k, k->command[0], BM_C_LOT_NEXT, 2, bm_bytes(NULL, 0));
    leaf = kit_leaf(k, &refused);
    kit_answer(k, kit_want(k, k->signer, BM_S_REFUSAL).id, &leaf);
    kit_assert_says(kit_command_refused(k, 0).sentence, "the lot's index is not where it should be");
    kit_list(k, 0, "lot", "{}", &rows);
    assert_string_equal((char *)rows.p, "");
    fixture_lot_done(&other);
}

static void
a_lot_that_is_here_already_is_named_and_an_alarm(void **state)
{
    struct kit *k = *state;
    LOT_BUF(body);
    struct bm_s_leaf leaf;
    const struct bm_event refused = { .kind = BM_EVENT_REFUSED,
                                      .what = bm_bytes_str("lot"),
                                      .lot = bm_bytes_str("LOT-1"),
                                      .by = bm_bytes_str("carl"),
                                      .reason = bm_bytes_str("no") };

    kit_lot_receive(k, 0, &k->lot);
    kit_lot_begin_body(k, &body, &k->lot);
    kit_say(k, k->command[0], BM_C_LOT_BEGIN, 1, bm_buf_bytes(&body));
    leaf = kit_leaf(k, &refused);
    kit_answer(k, kit_want(k, k->signer, BM_S_REFUSAL).id, &leaf);
    kit_assert_says(kit_command_refused(k, 0).sentence, "lot LOT-1, or another with the very same chips, was received before");
}

static void
a_refused_file_and_a_refused_statement_are_alarms(void **state)
{
    struct kit *k = *state;
    LOT_BUF(body);
    LOT_BUF(rows);
    struct bm_s_refusal refusal;
    struct bm_message message;
    struct bm_s_leaf leaf;

    bm_buf_add_lv16(&body, bm_bytes_str("LOT-9"));
    bm_buf_add_lv16(&body, bm_bytes_str("carl"));
    bm_buf_add_lv16(&body, bm_bytes_str("one byte of the file was changed"));
    kit_say(k, k->command[0], BM_C_LOT_REFUSED, 1, bm_buf_bytes(&body));
    message = kit_want(k, k->signer, BM_S_REFUSAL);
    fixture_must(bm_s_refusal_parse(&refusal, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(refusal.by, bm_bytes_str("carl")) && bm_bytes_equal(refusal.kind, bm_bytes_str("lot")));
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED,
                                           .what = bm_bytes_str("lot"),
                                           .lot = bm_bytes_str("LOT-9"),
                                           .by = bm_bytes_str("carl"),
                                           .reason = bm_bytes_str("one byte of the file was changed") });
    kit_answer(k, message.id, &leaf);
    assert_int_equal(kit_command_refused(k, 0).alarm, 1);
    bm_buf_reset(&body);
    kit_order_body(k, &body, "order-1", "LOT-1", 1);
    kit_say(k, k->command[0], BM_C_STATEMENT, 2, bm_buf_bytes(&body));
    message = kit_want(k, k->signer, BM_S_STATEMENT);
    assert_true(bm_bytes_equal(message.body, bm_buf_bytes(&body)));
    leaf = kit_leaf(
        k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("statement"), .reason = bm_bytes_str("no such lot") });
    kit_refuse(k, message.id, BM_EPOLICY, "no such lot", &leaf);
    assert_int_equal(kit_command_refused(k, 0).alarm, 2);
    kit_list(k, 0, "alarm", "{\"after\":1}", &rows);
    assert_non_null(strstr((char *)rows.p, "{\"alarm\":2,"));
    assert_null(strstr((char *)rows.p, "{\"alarm\":1,"));
    /* settled by a person */
    bm_buf_reset(&body);
    bm_buf_add_u64(&body, 1);
    bm_buf_add_lv16(&body, bm_bytes_str("anna"));
    bm_buf_add_lv16(&body, bm_bytes_str("sent back, r\xc3\xbc"
                                        "ckw\xc3\xa4rts"));
    kit_say(k, k->command[0], BM_C_ALARM_SETTLE, 3, bm_buf_bytes(&body));
    (void)kit_want(k, k->command[0], BM_C_END);
    kit_list(k, 0, "alarm", "{\"state\":\"settled\"}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"settled_by\":\"anna\",\"note\":\"sent back, r\xc3\xbc"
                                           "ckw\xc3\xa4rts\""));
    kit_say(k, k->command[0], BM_C_ALARM_SETTLE, 3, bm_buf_bytes(&body));
    kit_assert_says(kit_command_refused(k, 0).sentence, "no open alarm has the number 1");
}

static void
a_vendor_is_kept_as_it_came(void **state)
{
    struct kit *k = *state;
    LOT_BUF(body);
    LOT_BUF(name);

    bm_buf_add_lv16(&body, bm_bytes_str("example"));
    bm_buf_add_u8(&body, 1);
    bm_buf_add_u8(&body, 1);
    bm_buf_add_lv16(&body, bm_bytes_str("vkey"));
    bm_buf_add_u8(&body, 0);
    bm_buf_add_u8(&body, 0);
    kit_say(k, k->command[0], BM_C_VENDOR_ADD, 1, bm_buf_bytes(&body));
    (void)kit_want(k, k->command[0], BM_C_END);
    bm_buf_add_lv16(&name, bm_bytes_str("example"));
    kit_say(k, k->command[0], BM_C_VENDOR, 2, bm_buf_bytes(&name));
    assert_true(bm_bytes_equal(kit_want(k, k->command[0], BM_C_END).body, bm_buf_bytes(&body)));
    kit_say(k, k->command[0], BM_C_VENDOR_RETIRE, 3, bm_buf_bytes(&name));
    (void)kit_want(k, k->command[0], BM_C_END);
    kit_say(k, k->command[0], BM_C_VENDOR, 4, bm_buf_bytes(&name));
    kit_assert_says(kit_command_refused(k, 0).sentence, "no vendor is known by the name example");
}

/* All makers of TPMs together: more than a message holds. Parts of a command that hangs up are nobody's. */
static void
a_vendors_record_may_be_longer_than_a_message(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_VENDOR }, back = { .max = BM_MAX_VENDOR };
    static const uint8_t cert[4000] = { 0x30 };
    struct bm_message message;
    const size_t part = 100000;
    LOT_BUF(name);

    bm_buf_add_lv16(&record, bm_bytes_str("example"));
    bm_buf_add(&record, "\4\0\144", 3); /* EK; no signers, 100 roots */
    for (int i = 0; i < 100; i++)
        bm_buf_add_lv16(&record, bm_bytes(cert, sizeof(cert)));
    bm_buf_add_u8(&record, 0);
    assert_false(record.bad);
    kit_connect(k, 1);
    kit_say(k, k->command[1], BM_C_VENDOR_PART, 1, bm_bytes(record.p, part));
    (void)kit_want(k, k->command[1], BM_C_END);
    kit_hang_up(k, 1);
    for (size_t at = 0; at < record.n; at += part) {
        size_t left = record.n - at;

        kit_say(k, k->command[0], left > part ? BM_C_VENDOR_PART : BM_C_VENDOR_ADD, 1, bm_bytes(record.p + at, left > part ? part : left));
        (void)kit_want(k, k->command[0], BM_C_END);
    }
    bm_buf_add_lv16(&name, bm_bytes_str("example"));
    kit_say(k, k->command[0], BM_C_VENDOR, 2, bm_buf_bytes(&name));
    while ((message = kit_hear(k, k->command[0])).type == BM_C_ROW)
        bm_buf_add(&back, message.body.p + 4, message.body.n - 4);
    assert_int_equal(message.type, BM_C_END);
    bm_buf_add_bytes(&back, message.body);
    assert_true(bm_bytes_equal(bm_buf_bytes(&back), bm_buf_bytes(&record)));

    /* no end of it: the connection is closed */
    kit_connect(k, 1);
    for (size_t at = 0; at <= BM_MAX_VENDOR; at += part) {
        kit_say(k, k->command[1], BM_C_VENDOR_PART, 1, bm_bytes(record.p, part));
        if (at + part <= BM_MAX_VENDOR)
            (void)kit_want(k, k->command[1], BM_C_END);
    }
    assert_true(kit_gone(k, k->command[1]));
    kit_hang_up(k, 1);
}

/* More rows than a page, and than a socket holds: all come, in order, while others are served. */
static void
a_long_list_is_whole_and_holds_up_nobody(void **state)
{
    struct kit *k = *state;
    LOT_BUF(body);
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 4u << 20 };
    struct fixture_lot big;
    size_t n = 0;

    fixture_lot_make(&k->site, &big, "BIG", 300);
    kit_lot_receive(k, 0, &big);
    fixture_lot_done(&big);
    bm_buf_add_lv16(&body, bm_bytes_str("chip"));
    bm_buf_add_lv16(&body, bm_bytes_str("{}"));
    kit_connect(k, 1);
    kit_say(k, k->command[1], BM_C_LIST, 9, bm_buf_bytes(&body)); /* and not read */
    kit_say(k, k->command[1], BM_C_SITE, 10, bm_bytes(NULL, 0));  /* waits behind it */
    kit_say(k, k->gate, BM_G_HEALTH, 1, bm_bytes(NULL, 0));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
    kit_list(k, 0, "chip", "{}", &rows);
    for (const char *at = (char *)rows.p; (at = strstr(at, "{\"chip\":")) != NULL; at++)
        n++;
    assert_int_equal(n, 300);
    for (n = 0; kit_hear(k, k->command[1]).type == BM_C_ROW; n++)
        continue;
    assert_int_equal(n, 300);
    assert_int_equal(kit_want(k, k->command[1], BM_C_ROW).id, 10);
    /* hung up in the middle of a list */
    (void)kit_want(k, k->command[1], BM_C_END);
    kit_say(k, k->command[1], BM_C_LIST, 11, bm_buf_bytes(&body));
    (void)kit_want(k, k->command[1], BM_C_ROW);
    kit_hang_up(k, 1);
    kit_say(k, k->gate, BM_G_HEALTH, 2, bm_bytes(NULL, 0));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
}

static void
lists_refuse_what_they_do_not_know(void **state)
{
    static const struct {
        const char *what, *filter, *sentence;
    } cases[] = {
        { "nothing", "{}", "there is no list of the name nothing" },
        { "lot", "{\"color\":\"red\"}", "color" },
        { "lot", "{\"name\":7}", "name" },
        { "lot", "[]", "filter" },
        { "lot", "{", "" },
        { "lot", "{\"name\":\"a\",\"name\":\"b\"}", "" },
        { "alarm", "{\"after\":-1}", "after" },
    };
    struct kit *k = *state;

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        LOT_BUF(body);

        bm_buf_add_lv16(&body, bm_bytes_str(cases[i].what));
        bm_buf_add_lv16(&body, bm_bytes_str(cases[i].filter));
        kit_say(k, k->command[0], BM_C_LIST, i, bm_buf_bytes(&body));
        kit_assert_says(kit_command_refused(k, 0).sentence, cases[i].sentence);
    }
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_started, kit_close)
    const struct CMUnitTest tests[] = {
        TEST(a_lot_counts_from_its_pin_on),
        TEST(nothing_stays_of_a_lot_that_the_signer_refuses),
        TEST(an_answer_to_an_earlier_lot_does_not_end_the_next),
        TEST(a_connection_lost_half_way_leaves_room_for_the_next),
        TEST(a_lot_that_the_signer_was_asked_to_pin_is_not_dropped_any_more),
        TEST(a_lot_without_its_index_or_that_was_not_gone_through_is_refused),
        TEST(a_lot_that_is_here_already_is_named_and_an_alarm),
        TEST(a_refused_file_and_a_refused_statement_are_alarms),
        TEST(a_vendor_is_kept_as_it_came),
        TEST(a_vendors_record_may_be_longer_than_a_message),
        TEST(a_long_list_is_whole_and_holds_up_nobody),
        TEST(lists_refuse_what_they_do_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
