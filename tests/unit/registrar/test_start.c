/* test_start.c - at start the store catches up with the journal, word for word as if it had heard it live, or refuses to serve. */
#include "base/base.h"
#include "kit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void
an_empty_store_catches_up(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };

    (void)kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("clone"), .reason = bm_bytes_str("twice") });
    kit_start(k);
    kit_list(k, 0, "event", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "kind site-founded"));
    kit_list(k, 0, "alarm", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"kind\":\"clone\",\"sentence\":\"twice\""));
}

/* The answer to an enrolment was lost with the registrar: the certificate is there at the next start, and a retry gets it. */
static void
what_was_issued_and_not_stored_is_there_after_a_crash(void **state)
{
    struct kit *k = *state;
    struct kit_issue issue = { .chip = 0 };
    struct bm_s_issue ask;
    struct bm_g_certs certs;
    struct bm_s_leaf leaf;

    kit_start(k);
    kit_lot_receive(k, 0, &k->lot);
    kit_order_open(k, 0, "order-1", "LOT-1", 1);
    kit_enrol(k, 1, "mqtt", &k->lot.chips[0]);
    fixture_must(bm_s_issue_parse(&ask, bm_rd(kit_want(k, k->signer, BM_S_ISSUE).body), &fail));
    leaf = kit_issue_leaf(k, &issue);
    bm_buf_add_bytes(&k->leaf[leaf.index].evidence, ask.bundle);
    kit_stop(k);
    kit_start(k);
    kit_enrol(k, 2, "mqtt", &k->lot.chips[0]);
    kit_issued_repeat(k, kit_want(k, k->signer, BM_S_ISSUE).id, issue.serial);
    fixture_must(bm_g_certs_parse(&certs, bm_rd(kit_want(k, k->gate, BM_G_CERTS).body), &fail));
    assert_true(bm_bytes_equal(certs.cert[0], bm_buf_bytes(&issue.certificate)));
    bm_buf_done(&issue.certificate);
}

static void
a_lot_without_a_pin_is_gone_and_one_that_was_pinned_is_not(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, rows = { .max = 100000 };
    const struct bm_event event = kit_pin_event(&k->lot);
    struct bm_s_leaf leaf;

    for (int pinned = 0; pinned < 2; pinned++) {
        kit_start(k);
        kit_list(k, 0, "lot", "{}", &rows);
        assert_string_equal((char *)rows.p, "");
        kit_lot_stream(k, 0, &k->lot);
        kit_say(k, k->command[0], BM_C_LOT_END, 3, bm_bytes(NULL, 0));
        (void)kit_want(k, k->signer, BM_S_LOT_END);
        if (pinned == 1) {
            kit_lot_begin_body(k, &body, &k->lot);
            leaf = kit_leaf(k, &event);
            bm_buf_add(&k->leaf[leaf.index].attachment, body.p, body.n);
        }
        kit_stop(k);
    }
    kit_start(k);
    kit_list(k, 0, "lot", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"state\":\"pinned\""));
    kit_order_open(k, 0, "order-1", "LOT-1", 1);
    kit_enrol(k, 1, "mqtt", &k->lot.chips[2]);
    (void)kit_want(k, k->signer, BM_S_ISSUE);
}

/* Everything that the database holds of these tables, as text. */
static void
dump(struct kit *k, const char *dir, struct bm_buf *text)
{
    static const char *const queries[] = {
        "SELECT idx, kind, time, hex(hash), hex(salt), hex(event), device, hex(attachment) FROM leaf ORDER BY idx",
        ("SELECT device, service, profile, ord, hex(serial), hex(key), state, evidence_class, proven, issued, not_after, changed, reason, "
         "leaf,"
         " hex(certificate), hex(evidence), hex(renews), retires FROM identity ORDER BY id"),
        "SELECT id, chip, root_kind, lot, ord, state, made FROM device ORDER BY id",
        "SELECT hex(hash), device FROM device_key",
        "SELECT name, quantity, used, valid_from, valid_until, state, leaf FROM ord ORDER BY id",
        "SELECT ord, lot FROM order_lot",
        "SELECT ord, name, service, hex(text) FROM order_profile",
        "SELECT name, vendor, source, size, hex(root), state, received, leaf, reason, revision FROM lot",
        "SELECT lot, other FROM overlap",
        "SELECT h.lot, h.state, h.reason, hex(k.hash) FROM halted h JOIN halted_key k ON k.halted = h.id ORDER BY h.id",
        "SELECT id, hex(number), act, vendor, chk, reason, operator, until, time, expires, hex(note), state, second, leaf FROM proposal",
        "SELECT id, time, kind, sentence, device, chip, lot, operator, leaf FROM alarm ORDER BY id",
        "SELECT key, hex(value) FROM meta ORDER BY key",
        "SELECT level, n, hex(hashes) FROM tile ORDER BY level, n",
    };
    char path[300];
    sqlite3 *db;

    (void)snprintf(path, sizeof(path), "%s/%s/birthmark.db", k->site.home, dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < BM_COUNT(queries); i++) {
        sqlite3_stmt *q = NULL;

        assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(q); c++)
                bm_buf_add_fmt(text, "%s%s", sqlite3_column_text(q, c) == NULL ? "-" : (const char *)sqlite3_column_text(q, c),
                               c + 1 < sqlite3_column_count(q) ? " " : "\n");
        assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    bm_buf_add_u8(text, 0);
    assert_false(text->bad);
}

/* The one row of an answer, and its end. */
static void
row_says(struct kit *k, const char *words)
{
    struct bm_bytes row = kit_want(k, k->command[0], BM_C_ROW).body;

    kit_assert_says(bm_bytes(row.p + 4, row.n - 4), words);
    (void)kit_want(k, k->command[0], BM_C_END);
}

/* Two persons' word: the first one's is kept, the second one's goes to the signer. */
static void
a_waiver(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE }, note = { .max = BM_MAX_NOTE },
                                          body = { .max = BM_MAX_MESSAGE_BODY }, vendor = { .max = 64 };
    const struct bm_note_signer *signers[] = { &k->ledger }; /* who signed is the signer's to know */
    struct bm_statement_head head = {
        .kind = BM_STATEMENT_ALLOW, .proposal = { 7 }, .time = KIT_NOW, .expires = KIT_NOW + 3600, .by = "anna"
    };
    struct bm_allow allow = {
        .act = BM_ALLOW_WAIVE, .vendor = "example", .check = "broken-der", .until = KIT_NOW + 86400, .reason = "known"
    };
    struct bm_message message;
    struct bm_s_leaf leaf;

    bm_allow_build(&text, &head, &allow);
    fixture_must(bm_note_build(&note, bm_buf_bytes(&text), signers, 1, &fail));
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_bytes("", 1)); /* no profiles */
    kit_say(k, k->command[0], BM_C_PROPOSE, 1, bm_buf_bytes(&body));
    kit_assert_says(kit_command_refused(k, 0).sentence, "no vendor is known by the name example");
    bm_buf_add_lv16(&vendor, bm_bytes_str("example"));
    bm_buf_add(&vendor, "\5\0\0\0", 4); /* CSV; no signers, no roots, nothing retired */
    kit_say(k, k->command[0], BM_C_VENDOR_ADD, 1, bm_buf_bytes(&vendor));
    (void)kit_want(k, k->command[0], BM_C_END);
    kit_say(k, k->command[0], BM_C_PROPOSE, 1, bm_buf_bytes(&body));
    row_says(k, "\"proposal\":1,\"state\":\"open\",\"act\":\"waive\",\"vendor\":\"example\"");
    kit_say(k, k->command[0], BM_C_PROPOSE, 1, bm_buf_bytes(&body)); /* again, while it is open: the same */
    row_says(k, "\"proposal\":1,\"state\":\"open\"");
    bm_buf_reset(&body);
    bm_buf_add_u64(&body, 1);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    kit_say(k, k->command[0], BM_C_APPROVE, 2, bm_buf_bytes(&body));
    message = kit_want(k, k->signer, BM_S_STATEMENT);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_WAIVED,
                                           .statement = bm_bytes_str("00000000000000000000000000000000000000000000000000000000000000cc"),
                                           .vendor = bm_bytes_str("example"),
                                           .what = bm_bytes_str("broken-der"),
                                           .until = bm_bytes_str("2026-11-24T21:34:09Z"),
                                           .by = bm_bytes_str("anna"),
                                           .second = bm_bytes_str("berta"),
                                           .reason = bm_bytes_str("known") });
    bm_buf_add_bytes(&k->leaf[leaf.index].attachment, message.body);
    kit_answer(k, message.id, &leaf);
    row_says(k, "\"state\":\"approved\"");
}

/* A chip by its place in the lot, which the signer hears of by its root key; then the lot. */
static void
a_recall(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_message message;
    struct bm_s_chips chips;
    struct bm_s_leaf leaf;

    bm_buf_add_u8(&body, BM_CHIPS_SCRAP);
    bm_buf_add_lv16(&body, bm_bytes_str("LOT-1"));
    bm_buf_add_lv16(&body, bm_bytes_str("anna"));
    bm_buf_add_lv16(&body, bm_bytes_str("bent"));
    bm_buf_add_u32(&body, 1);
    bm_buf_add_u32(&body, 2);
    kit_say(k, k->command[0], BM_C_CHIPS, 1, bm_buf_bytes(&body));
    message = kit_want(k, k->signer, BM_S_CHIPS);
    fixture_must(bm_s_chips_parse(&chips, bm_rd(message.body), &fail));
    assert_int_equal(chips.chips.n, 1 + BM_HASH);
    assert_memory_equal(chips.chips.p + 1, bm_private_public(k->lot.chips[2].root)->hash, BM_HASH);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_CHIPS_SCRAPPED,
                                           .lot = bm_bytes_str("LOT-1"),
                                           .by = bm_bytes_str("anna"),
                                           .count = bm_bytes_str("1"),
                                           .was = bm_bytes_str("unused 1 issued 0 withdrawn 0 counted 0"),
                                           .reason = bm_bytes_str("bent") });
    bm_buf_add_bytes(&k->leaf[leaf.index].attachment, message.body);
    kit_answer(k, message.id, &leaf);
    row_says(k, "\"scrapped\":1,\"withdrawn\":0");
    bm_buf_reset(&body);
    bm_buf_add_lv16(&body, bm_bytes_str("LOT-1"));
    bm_buf_add_u8(&body, BM_LOT_WITHDRAW);
    bm_buf_add_lv16(&body, bm_bytes_str("anna"));
    bm_buf_add_lv16(&body, bm_bytes_str("recall"));
    kit_say(k, k->command[0], BM_C_LOT_STATE, 2, bm_buf_bytes(&body));
    message = kit_want(k, k->signer, BM_S_LOT_STATE);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_LOT_WITHDRAWN,
                                           .lot = bm_bytes_str("LOT-1"),
                                           .by = bm_bytes_str("anna"),
                                           .reason = bm_bytes_str("recall") });
    bm_buf_add_bytes(&k->leaf[leaf.index].attachment, message.body);
    kit_answer(k, message.id, &leaf);
    row_says(k, "\"state\":\"withdrawn\"");
}

/* Asked for by a device that has `current`, granted with `next`, and confirmed: `next` renewed what the signer says, good until then. */
static void
a_renewal(struct kit *k, struct kit_issue *next, const char *renewed, bool confirmed)
{
    struct bm_s_issue ask;
    struct bm_message message;
    struct bm_s_leaf leaf;

    kit_renew(k, 20, "mqtt", &k->lot.chips[0]);
    message = kit_want(k, k->signer, BM_S_ISSUE);
    fixture_must(bm_s_issue_parse(&ask, bm_rd(message.body), &fail));
    leaf = kit_issue_leaf(k, next);
    bm_buf_add_bytes(&k->leaf[leaf.index].evidence, ask.bundle);
    kit_issued(k, message.id, &leaf, next->serial);
    (void)kit_want(k, k->gate, BM_G_CERTS);
    bm_buf_done(&next->certificate);
    if (!confirmed)
        return;
    kit_say(k, k->gate, BM_G_CONFIRM, 21, bm_bytes(next->key, BM_HASH));
    message = kit_want(k, k->signer, BM_S_CONFIRM);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_IDENTITY_CONFIRMED,
                                           .serial = bm_bytes_str(next->serial),
                                           .replaces = bm_bytes_str(renewed),
                                           .until = bm_bytes_str("2026-11-30T00:00:00Z") });
    kit_answer(k, message.id, &leaf);
    (void)kit_want(k, k->gate, BM_G_ANSWER);
}

/* Lost once, had the second time; then a copy comes, and the signer gives back what it refused. */
static void
renewals_and_a_fork(struct kit *k, const char *first)
{
    struct kit_issue lost = { .replaces = first, .renewal = true }, had = { .replaces = lost.serial };
    struct kit_issue open = { .replaces = had.serial, .renewal = true }, anew = { .replaces = open.serial };
    struct bm_s_issue ask;
    struct bm_message message;
    struct bm_s_leaf leaf;

    a_renewal(k, &lost, NULL, false);
    a_renewal(k, &had, first, true);
    kit_renew(k, 22, "mqtt", &k->lot.chips[0]);
    message = kit_want(k, k->signer, BM_S_ISSUE);
    fixture_must(bm_s_issue_parse(&ask, bm_rd(message.body), &fail));
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("fork"), .reason = bm_bytes_str("two hold it") });
    bm_buf_add_bytes(&k->leaf[leaf.index].attachment, ask.bundle);
    kit_refuse(k, message.id, BM_EPOLICY, "two hold it", &leaf);
    (void)kit_gate_refused(k, 22);
    a_renewal(k, &open, NULL, false);
    kit_enrol(k, 23, "mqtt", &k->lot.chips[0]); /* allowed by an operator: both before it are over */
    message = kit_want(k, k->signer, BM_S_ISSUE);
    fixture_must(bm_s_issue_parse(&ask, bm_rd(message.body), &fail));
    leaf = kit_issue_leaf(k, &anew);
    bm_buf_add_bytes(&k->leaf[leaf.index].evidence, ask.bundle);
    kit_issued(k, message.id, &leaf, anew.serial);
    (void)kit_want(k, k->gate, BM_G_CERTS);
    bm_buf_done(&anew.certificate);
}

static void
a_day_of_work(struct kit *k)
{
    struct kit_issue first = { .chip = 0 }, second = { .chip = 0, .replaces = first.serial };
    struct kit_issue *const issues[] = { &first, &second };
    struct bm_s_issue ask;
    struct bm_message message;
    struct bm_s_leaf leaf;

    kit_lot_receive(k, 0, &k->lot);
    kit_order_open(k, 0, "order-1", "LOT-1", 2);
    for (size_t i = 0; i < BM_COUNT(issues); i++) {
        kit_enrol(k, i, "mqtt", &k->lot.chips[0]);
        message = kit_want(k, k->signer, BM_S_ISSUE);
        fixture_must(bm_s_issue_parse(&ask, bm_rd(message.body), &fail));
        leaf = kit_issue_leaf(k, issues[i]);
        bm_buf_add_bytes(&k->leaf[leaf.index].evidence, ask.bundle);
        kit_issued(k, message.id, &leaf, issues[i]->serial);
        (void)kit_want(k, k->gate, BM_G_CERTS);
    }
    kit_say(k, k->gate, BM_G_CONFIRM, 7, bm_bytes(second.key, BM_HASH));
    message = kit_want(k, k->signer, BM_S_CONFIRM);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_IDENTITY_CONFIRMED, .serial = bm_bytes_str(second.serial) });
    kit_answer(k, message.id, &leaf);
    (void)kit_want(k, k->gate, BM_G_ANSWER);
    kit_enrol(k, 8, "mqtt", &k->lot.chips[0]);
    message = kit_want(k, k->signer, BM_S_ISSUE);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED,
                                           .what = bm_bytes_str("clone"),
                                           .device = bm_bytes_str(KIT_DEVICE),
                                           .lot = bm_bytes_str("LOT-1"),
                                           .reason = bm_bytes_str("it has a live identity") });
    kit_refuse(k, message.id, BM_EPOLICY, "it has a live identity", &leaf);
    (void)kit_gate_refused(k, 8);
    renewals_and_a_fork(k, second.serial);
    a_waiver(k);
    a_recall(k);
    bm_buf_done(&first.certificate);
    bm_buf_done(&second.certificate);
}

/* Of the identity's life: replaced, renewed (and good for a while), lost, had until an operator let it begin anew, not confirmed, new. */
static void
renewal_rows_check(struct kit *k)
{
    static const char *const states[] = { "replaced", "renewed", "replaced", "replaced", "replaced", "provisional" };
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };
    const char *at;

    kit_list(k, 0, "identity", "{}", &rows);
    at = (const char *)rows.p;
    for (size_t i = 0; i < BM_COUNT(states); i++) {
        at = strstr(at, "\"state\":\"");
        assert_non_null(at);
        at += strlen("\"state\":\"");
        assert_memory_equal(at, states[i], strlen(states[i]));
    }
    assert_null(strstr(at, "\"state\":"));
    assert_non_null(strstr((const char *)rows.p, "\"retires\":\"2026-11-30T00:00:00Z\""));
    kit_list(k, 0, "device", "{}", &rows);
    assert_non_null(strstr((const char *)rows.p, "\"identities\":1,\"renewed\":1"));
}

/* All comes from the journal: the two ways must lead to the same records, bundles and signed statements. */
static void
a_replay_leads_to_the_same_records_as_having_been_there(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf live = { .max = 4u << 20 }, again = { .max = 4u << 20 };

    kit_start(k);
    a_day_of_work(k);
    renewal_rows_check(k);
    kit_store_put_away(k, "live");
    kit_start(k);
    kit_stop(k);
    dump(k, "live", &live);
    dump(k, "store", &again);
    assert_non_null(strstr((char *)live.p, "clone"));
    assert_string_equal((char *)live.p, (char *)again.p);
}

static void
a_store_ahead_of_the_journal_is_refused_in_the_signers_words(void **state)
{
    struct kit *k = *state;
    char said[600];

    kit_start(k);
    kit_stop(k);
    kit_spawn(k);
    assert_int_equal(kit_hello(k), 1);
    kit_refuse(k, 0, BM_EBUSY, "the store is ahead of the signer's journal", NULL);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the store is ahead of the signer's journal\n");
}

/* Of a store that held more once the doors stay shut, and it stays as it is; one of another site is called that. */
/* proves: FAULTS F12 */
static void
an_old_store_is_shown_to_nobody(void **state)
{
    const uint8_t other[BM_NOTE_KEY] = { 9 };
    struct kit *k = *state;
    char said[600];

    (void)kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("clone"), .reason = bm_bytes_str("twice") });
    kit_start(k);
    assert_true(kit_silent(k, k->signer));
    assert_int_equal(k->held, 2);
    kit_stop(k);
    k->held = 5;
    k->misses = true;
    for (size_t again = 0; again < 2; again++) {
        kit_spawn(k);
        assert_int_equal(kit_hello(k), 2);
        kit_hello_answer(k);
        assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
        assert_string_equal(said,
                            "birthmark-registrar: the store is an old copy: it holds 2 ledger entries and held 5 before, so vendors, notes "
                            "on alarms and open proposals that came later are not in it; put its newest copy back, or, where there is "
                            "none, let a security officer run birthmark site recover\n");
    }
    fixture_must(bm_note_signer_init(&k->ledger, "birthmark/played", other, &fail)); /* another ledger key */
    kit_spawn(k);
    (void)kit_hello(k);
    kit_hello_answer(k);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said,
                        "birthmark-registrar: the store is another site's: put this site's back, or move it away and run birthmark site "
                        "recover\n");
}

static void
a_store_of_another_ledger_is_refused(void **state)
{
    struct kit *k = *state;
    char said[600];

    kit_start(k);
    kit_stop(k);
    memset(&k->book, 0, sizeof(k->book));
    (void)kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_SITE_FOUNDED, .time = KIT_NOW + 1 });
    kit_spawn(k);
    (void)kit_hello(k);
    kit_hello_answer(k);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said,
                        "birthmark-registrar: the store's ledger is not the one that the signer signed: it is damaged or another site's: "
                        "restore it\n");
}

static void
a_signer_that_says_less_than_it_promised_is_refused(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 100 };
    char said[600];

    kit_spawn(k);
    (void)kit_hello(k);
    kit_hello_answer(k);
    (void)kit_want(k, k->signer, BM_S_REPLAY);
    bm_s_leaves_build(&body, &(struct bm_s_leaves){ .n = 0 });
    kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: after the replay the store holds 0 ledger leaves and the signer 1\n");
}

static void
a_leaf_out_of_turn_stops_the_process_and_leaves_no_trace(void **state)
{
    struct kit *k = *state;
    struct bm_s_leaf leaf;
    char said[600];
    uint64_t id;

    kit_start(k);
    kit_lot_receive(k, 0, &k->lot);
    kit_order_open(k, 0, "order-1", "LOT-1", 2);
    kit_enrol(k, 8, "mqtt", &k->lot.chips[0]);
    id = kit_want(k, k->signer, BM_S_ISSUE).id;
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("clone"), .reason = bm_bytes_str("x") });
    leaf.index++;
    kit_refuse(k, id, BM_EPOLICY, "no", &leaf);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the signer gave ledger leaf 4 and the store waits for leaf 3\n");
    kit_start(k); /* and the next one catches up from there */
}

static void
a_database_that_is_none_or_of_another_release_is_refused(void **state)
{
    static const struct {
        const char *make, *says;
    } cases[] = {
        { "head -c 8192 /dev/urandom > birthmark.db",
          "birthmark-registrar: the store: the file is no database: restore it (opening it)\n" },
        { "mkdir birthmark.db",
          "birthmark-registrar: the store: the database cannot be opened: look at the directory's owner and permissions (" },
    };
    struct kit *k = *state;
    char command[300], said[600];
    sqlite3 *db;

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        (void)snprintf(command, sizeof(command), "cd %s/store && rm -rf birthmark.db* && %s", k->site.home, cases[i].make);
        assert_int_equal(system(command), 0);
        kit_spawn(k);
        assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
        assert_memory_equal(said, cases[i].says, strlen(cases[i].says));
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s/store/*", k->site.home);
    assert_int_equal(system(command), 0);
    kit_start(k);
    kit_stop(k);
    (void)snprintf(command, sizeof(command), "%s/store/birthmark.db", k->site.home);
    assert_int_equal(sqlite3_open(command, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE meta SET value = 99 WHERE key = 'schema'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    kit_spawn(k);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the store is of version 99 and this release reads version 11: run the release that "
                              "wrote it, or move it away: all but the vendors is made again from the signer's journal and the lots\n");
}

/* What a failed fdatasync left on the disk nobody knows: the answer is not given, the process ends, and the next one catches up. */
static void
a_disk_that_fails_once_ends_the_process_before_the_answer(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };
    struct bm_message message;
    struct bm_s_leaf leaf;
    char said[600];

    kit_start(k);
    kit_lot_receive(k, 0, &k->lot);
    kit_order_open(k, 0, "order-1", "LOT-1", 2);
    kit_enrol(k, 8, "mqtt", &k->lot.chips[0]);
    message = kit_want(k, k->signer, BM_S_ISSUE);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("clone"), .reason = bm_bytes_str("twice") });
    k->page->broken = 1;
    kit_refuse(k, message.id, BM_EPOLICY, "twice", &leaf);
    assert_true(kit_gone(k, k->gate));
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the store: the disk fails to read or write the database (commit)\n");
    assert_int_equal(k->page->broken, 0);
    kit_start(k);
    kit_list(k, 0, "alarm", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"kind\":\"clone\",\"sentence\":\"twice\""));
    assert_null(strstr((char *)rows.p, "\"alarm\":2"));
}

static void
without_a_clock_nothing_starts(void **state)
{
    struct kit *k = *state;
    char said[600];

    k->page->now = 1000;
    kit_spawn(k);
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the clock was never set\n");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_open, kit_close)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_store_catches_up),
        TEST(what_was_issued_and_not_stored_is_there_after_a_crash),
        TEST(a_lot_without_a_pin_is_gone_and_one_that_was_pinned_is_not),
        TEST(a_replay_leads_to_the_same_records_as_having_been_there),
        TEST(a_store_ahead_of_the_journal_is_refused_in_the_signers_words),
        TEST(an_old_store_is_shown_to_nobody),
        TEST(a_store_of_another_ledger_is_refused),
        TEST(a_signer_that_says_less_than_it_promised_is_refused),
        TEST(a_leaf_out_of_turn_stops_the_process_and_leaves_no_trace),
        TEST(a_database_that_is_none_or_of_another_release_is_refused),
        TEST(a_disk_that_fails_once_ends_the_process_before_the_answer),
        TEST(without_a_clock_nothing_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
