/* test_doors.c - what is malformed does nothing: a gate that breaks the protocol stops all, a command loses its connection; what is too much waits. */
#include "base/base.h"
#include "kit.h"

#include <stdio.h>
#include <unistd.h>

#include "evidence/tpm.h"
#include "proc/home.h"

#define DOOR_BUF(name) bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_MESSAGE_BODY }

static int
open_started(void **state)
{
    int rc = kit_open(state);

    kit_start(*state);
    return rc;
}

/* ---- gates ---- */

/* A breach is any length outside the row's, any cut and any byte more of a good body; and types of nobody. */
static void
gate_breach(struct kit *k, uint16_t type, struct bm_bytes body)
{
    char said[600];

    kit_say(k, k->gate, type, 1, body);
    if (kit_ended(k, said, sizeof(said)) != 3 || strncmp(said, "birthmark-registrar: a gate broke the protocol: ", 48) != 0)
        fail_msg("message %u with %zu bytes: %s", type, body.n, said);
    kit_start(k);
}

static void
a_gate_that_breaks_the_protocol_stops_all(void **state)
{
    static const struct {
        uint16_t type;
        size_t least, most;
    } rows[] = {
        { BM_G_NONCE, BM_HASH, BM_HASH },
        { BM_G_ENROL, 8, BM_MAX_EVIDENCE + 1024 },
        { BM_G_TPM_CHALLENGE, 4, BM_MAX_SPKI + BM_MAX_TPM + 4 },
        { BM_G_TPM_ENROL, 8, BM_MAX_EVIDENCE + 1024 },
        { BM_G_CONFIRM, BM_HASH, BM_HASH },
        { BM_G_CRL, 1, BM_MAX_NAME },
        { BM_G_CA, 1, BM_MAX_NAME },
        { BM_G_LISTS, 1, BM_MAX_NAME },
        { BM_G_OCSP, 1, 4096 },
        { BM_G_CACERTS, 0, 0 },
        { BM_G_HEALTH, 0, 0 },
        { BM_G_SITE, 0, 0 },
    };
    struct kit *k = *state;
    static const uint8_t zero[BM_MAX_EVIDENCE + 2048];
    DOOR_BUF(body);

    for (size_t i = 0; i < BM_COUNT(rows); i++) {
        if (rows[i].least > 0)
            gate_breach(k, rows[i].type, bm_bytes(zero, rows[i].least - 1));
        gate_breach(k, rows[i].type, bm_bytes(zero, rows[i].most + 1));
    }
    gate_breach(k, 0, bm_bytes(NULL, 0));
    gate_breach(k, BM_G_ANSWER, bm_bytes(NULL, 0));
    /* the two of several fields: cut, and one byte more */
    bm_g_enrol_build(&body,
                     &(struct bm_g_enrol){ .label = bm_bytes_str("mqtt"), .source = bm_bytes_str("x"), .body = bm_bytes_str("cmc") });
    for (size_t n = 8; n < body.n; n++) {
        gate_breach(k, BM_G_ENROL, bm_bytes(body.p, n));
        gate_breach(k, BM_G_TPM_ENROL, bm_bytes(body.p, n));
    }
    bm_buf_add_u8(&body, 0);
    gate_breach(k, BM_G_ENROL, bm_buf_bytes(&body));
    bm_buf_reset(&body);
    bm_buf_add_lv16(&body, bm_bytes_str("ek"));
    bm_buf_add_lv16(&body, bm_bytes_str("ak"));
    for (size_t n = 4; n < body.n; n++)
        gate_breach(k, BM_G_TPM_CHALLENGE, bm_bytes(body.p, n));
    bm_buf_add_u8(&body, 0);
    gate_breach(k, BM_G_TPM_CHALLENGE, bm_buf_bytes(&body));
}

/* ---- commands ---- */

static void
body_statement(struct kit *k, struct bm_buf *body)
{
    kit_order_body(k, body, "order-1", "LOT-1", 1);
}
static void
body_lot_begin(struct kit *k, struct bm_buf *body)
{
    kit_lot_begin_body(k, body, &k->lot);
}
static void
body_lot_refused(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_lv16(body, bm_bytes_str("LOT-9"));
    bm_buf_add_lv16(body, bm_bytes_str("carl"));
    bm_buf_add_lv16(body, bm_bytes_str("changed"));
}
static void
body_root(struct kit *k, struct bm_buf *body)
{
    (void)k;
    for (unsigned i = 0; i < BM_HASH; i++)
        bm_buf_add_u8(body, (uint8_t)i);
}
static void
body_vendor_add(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_lv16(body, bm_bytes_str("example"));
    bm_buf_add_u8(body, 1);
    bm_buf_add_u8(body, 1);
    bm_buf_add_lv16(body, bm_bytes_str("vkey"));
    bm_buf_add_u8(body, 1);
    bm_buf_add_lv16(body, bm_bytes_str("root"));
    bm_buf_add_u8(body, 0);
}
static void
body_two_texts(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_lv16(body, bm_bytes_str("lot"));
    bm_buf_add_lv16(body, bm_bytes_str("{}"));
}
static void
body_one_text(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_lv16(body, bm_bytes_str("example"));
}
static void
body_revoke(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_lv16(body, bm_bytes_str("4000"));
    bm_buf_add_u8(body, 1);
    bm_buf_add_lv16(body, bm_bytes_str("anna"));
    bm_buf_add_lv16(body, bm_bytes_str("stolen"));
}
static void
body_settle(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_u64(body, 1);
    bm_buf_add_lv16(body, bm_bytes_str("anna"));
    bm_buf_add_lv16(body, bm_bytes_str("looked"));
}
static void
body_ledger(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_u64(body, 0);
    bm_buf_add_u32(body, 10);
}
static void
body_prove(struct kit *k, struct bm_buf *body)
{
    (void)k;
    bm_buf_add_u64(body, 0);
}
static void
body_none(struct kit *k, struct bm_buf *body)
{
    (void)k;
    (void)body;
}

static const struct {
    uint16_t type;
    void (*body)(struct kit *k, struct bm_buf *body);
    size_t step; /* between the cuts that are tried */
} commands[] = {
    { BM_C_SITE, body_none, 1 },
    { BM_C_STATEMENT, body_statement, 7 },
    { BM_C_LOT_BEGIN, body_lot_begin, 7 },
    { BM_C_LOT_NEXT, body_none, 1 },
    { BM_C_LOT_END, body_none, 1 },
    { BM_C_LOT_REFUSED, body_lot_refused, 1 },
    { BM_C_VENDOR_ADD, body_vendor_add, 1 },
    { BM_C_LIST, body_two_texts, 1 },
    { BM_C_SHOW, body_two_texts, 1 },
    { BM_C_VENDOR, body_one_text, 1 },
    { BM_C_REVOKE, body_revoke, 1 },
    { BM_C_ALARM_SETTLE, body_settle, 1 },
    { BM_C_LEDGER, body_ledger, 1 },
    { BM_C_PROVE, body_prove, 1 },
    { BM_C_VENDOR_RETIRE, body_one_text, 1 },
    { BM_C_LOT_INDEX, body_root, 1 },
};

/* Neither done nor passed on: the connection is closed, or the answer is a refusal. */
static void
turned_away(struct kit *k, uint16_t type, struct bm_bytes body)
{
    struct bm_message message = { .type = 0 };
    enum bm_heard heard = BM_HEARD_NOTHING;

    kit_connect(k, 1);
    kit_say(k, k->command[1], type, 1, body);
    fixture_must(bm_channel_recv(&heard, &message, k->command[1], k->packet, BM_MAX_MESSAGE, 10000, &fail));
    if (heard == BM_HEARD_NOTHING || (heard == BM_HEARD_MESSAGE && message.type != BM_C_REFUSED))
        fail_msg("message %u with %zu bytes was answered with %u", type, body.n, message.type);
    kit_hang_up(k, 1);
}

static void
a_malformed_command_loses_its_connection_and_changes_nothing(void **state)
{
    struct kit *k = *state;
    DOOR_BUF(rows);

    for (size_t i = 0; i < BM_COUNT(commands); i++) {
        DOOR_BUF(body);

        commands[i].body(k, &body);
        for (size_t n = 0; n < body.n; n += commands[i].step)
            turned_away(k, commands[i].type, bm_bytes(body.p, n));
        bm_buf_add_u8(&body, 0);
        turned_away(k, commands[i].type, bm_buf_bytes(&body));
    }
    turned_away(k, 0, bm_bytes(NULL, 0));
    turned_away(k, BM_C_ROW, bm_bytes(NULL, 0));
    assert_true(kit_silent(k, k->signer));
    kit_list(k, 0, "event", "{}", &rows);
    assert_null(strstr((char *)rows.p, "\"index\":1,"));
    kit_list(k, 0, "vendor", "{}", &rows);
    assert_string_equal((char *)rows.p, "");
}

/* The signer takes up to 120 KiB of what it must give back in a replay: what is more ends here, since there it would end all. */
static void
what_is_too_long_for_the_signer_does_not_reach_it(void **state)
{
    struct kit *k = *state;
    DOOR_BUF(body);
    uint8_t *at;

    bm_buf_add_u32(&body, BM_MAX_NOTE);
    if ((at = bm_buf_grow(&body, BM_MAX_NOTE)) != NULL)
        memset(at, 'a', BM_MAX_NOTE);
    bm_buf_add_u32(&body, BM_S_MAX_SIGNED - BM_MAX_NOTE - 7); /* one byte too many with both lengths */
    if ((at = bm_buf_grow(&body, BM_S_MAX_SIGNED - BM_MAX_NOTE - 7)) != NULL)
        memset(at, 'b', BM_S_MAX_SIGNED - BM_MAX_NOTE - 7);
    assert_false(body.bad);
    turned_away(k, BM_C_LOT_BEGIN, bm_buf_bytes(&body));
    assert_true(kit_silent(k, k->signer));
}

static void
more_commands_than_there_is_room_for_are_sent_away(void **state)
{
    struct kit *k = *state;
    int fd[40];
    size_t open = 0;

    for (size_t i = 0; i < BM_COUNT(fd); i++)
        fixture_must(bm_home_connect(&fd[i], k->site.home, &fail));
    for (size_t i = 0; i < BM_COUNT(fd); i++) {
        struct bm_message message = { .type = BM_C_SITE };
        enum bm_heard heard;
        struct bm_fail fail;

        if (bm_channel_send(fd[i], &message, &fail) == BM_OK &&
            bm_channel_recv(&heard, &message, fd[i], k->packet, BM_MAX_MESSAGE, 10000, &fail) == BM_OK && heard == BM_HEARD_MESSAGE)
            open++;
    }
    assert_int_equal(open, 31); /* and the one that was there */
    for (size_t i = 0; i < BM_COUNT(fd); i++)
        (void)close(fd[i]);
    kit_connect(k, 1);
    kit_say(k, k->command[1], BM_C_SITE, 1, bm_bytes(NULL, 0));
    (void)kit_want(k, k->command[1], BM_C_ROW);
}

/* ---- too much ---- */

static void
requests_beyond_what_may_be_under_way_wait_and_none_is_lost(void **state)
{
    struct kit *k = *state;
    const uint8_t root[BM_HASH] = { 1 };
    uint8_t nonce[BM_NONCE + 4] = { 2 };
    uint64_t heard[1100];
    size_t n = 0, answered = 0;

    for (uint64_t id = 0; id < 550; id++)
        kit_say(k, k->gate, BM_G_NONCE, id, bm_bytes(root, sizeof(root)));
    while (n < 512)
        heard[n++] = kit_want(k, k->signer, BM_S_NONCE).id;
    for (uint64_t id = 550; id < 1000; id++)
        kit_say(k, k->gate, BM_G_NONCE, id, bm_bytes(root, sizeof(root)));
    while (!kit_silent(k, k->signer))
        heard[n++] = kit_want(k, k->signer, BM_S_NONCE).id;
    assert_in_range(n, 512, 1024);
    kit_say(k, k->command[0], BM_C_SITE, 1, bm_bytes(NULL, 0)); /* waits like all */
    assert_true(kit_silent(k, k->command[0]));
    for (size_t i = 0; answered < 1000; i++) {
        if (i == n)
            heard[n++] = kit_want(k, k->signer, BM_S_NONCE).id;
        kit_say(k, k->signer, BM_S_ANSWER, heard[i], bm_bytes(nonce, sizeof(nonce)));
        assert_int_equal(kit_want(k, k->gate, BM_G_ANSWER).id, answered++);
    }
    (void)kit_want(k, k->command[0], BM_C_ROW);
}

static void
an_answer_to_nobodys_question_stops_the_process(void **state)
{
    struct kit *k = *state;
    char said[600];

    kit_answer_empty(k, 3);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the signer answered what nobody asked\n");
}

/* Ten a minute have a leaf of their own; the rest are counted into one, a minute after the first of them. */
static void
refusals_without_proof_cost_ten_leaves_a_minute(void **state)
{
    struct kit *k = *state;
    struct fixture_lot other;
    struct bm_s_refusal refusal;
    struct bm_message message;
    struct bm_s_leaf leaf;

    fixture_lot_make(&k->site, &other, "LOT-2", 1);
    k->page->now = KIT_NOW - KIT_NOW % 60;
    for (uint64_t id = 0; id < 25; id++) {
        kit_enrol(k, id, "mqtt", &other.chips[0]);
        if (id < 10) {
            message = kit_want(k, k->signer, BM_S_REFUSAL);
            leaf = kit_leaf(
                k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("unknown-chip"), .reason = bm_bytes_str("x") });
            kit_answer(k, message.id, &leaf);
            kit_assert_says(kit_gate_refused(k, id).sentence, "Recorded as alarm");
        } else {
            kit_assert_says(kit_gate_refused(k, id).sentence, "this chip is in no received lot");
        }
    }
    assert_true(kit_silent(k, k->signer));
    k->page->now += 60;
    message = kit_want(k, k->signer, BM_S_REFUSAL); /* by the tick, without anybody asking */
    fixture_must(bm_s_refusal_parse(&refusal, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(refusal.kind, bm_bytes_str("counted")));
    assert_int_equal(refusal.count, 15);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED_COUNTED, .count = bm_bytes_str("15") });
    kit_answer(k, message.id, &leaf);
    kit_enrol(k, 30, "mqtt", &other.chips[0]);
    message = kit_want(k, k->signer, BM_S_REFUSAL);
    fixture_must(bm_s_refusal_parse(&refusal, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(refusal.kind, bm_bytes_str("unknown-chip")));
    fixture_lot_done(&other);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_started, kit_close)
    const struct CMUnitTest tests[] = {
        TEST(a_gate_that_breaks_the_protocol_stops_all),
        TEST(a_malformed_command_loses_its_connection_and_changes_nothing),
        TEST(what_is_too_long_for_the_signer_does_not_reach_it),
        TEST(more_commands_than_there_is_room_for_are_sent_away),
        TEST(requests_beyond_what_may_be_under_way_wait_and_none_is_lost),
        TEST(an_answer_to_nobodys_question_stops_the_process),
        TEST(refusals_without_proof_cost_ten_leaves_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
