/* test_enrol.c - a request finds its chip and order, becomes a question to the signer, and is answered when its record stands. */
#include "base/base.h"
#include "kit.h"

#include <stdio.h>

#include "evidence/bundle.h"
#include "merkle/tree.h"
#include "record/life.h"
#include "wire/text.h"

/* LOT-1 received, an order over it. */
static int
open_for_business(void **state)
{
    int rc = kit_open(state);
    struct kit *k = *state;

    kit_start(k);
    kit_lot_receive(k, 0, &k->lot);
    kit_order_open(k, 0, "order-1", "LOT-1", 2);
    return rc;
}

static void
enrolled(struct kit *k, struct kit_issue *issue)
{
    struct bm_s_leaf leaf;
    struct bm_message message;

    kit_enrol(k, 11, "mqtt", &k->lot.chips[issue->chip]);
    message = kit_want(k, k->signer, BM_S_ISSUE);
    leaf = kit_issue_leaf(k, issue);
    kit_issued(k, message.id, &leaf, issue->serial);
    (void)kit_want(k, k->gate, BM_G_CERTS);
}

static void
an_index_that_is_gone_is_named_and_serves_again_when_it_is_back(void **state)
{
    struct kit *k = *state;
    struct bm_message message;
    struct bm_s_leaf leaf;
    char command[400];

    kit_stop(k);
    (void)snprintf(command, sizeof(command), "rm %s/lots/*.index", k->site.home);
    assert_int_equal(system(command), 0);
    kit_start(k);
    kit_enrol(k, 5, "mqtt", &k->lot.chips[1]);
    message = kit_want(k, k->signer, BM_S_REFUSAL);
    leaf =
        kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("unknown-chip"), .reason = bm_bytes_str("no lot") });
    kit_answer(k, message.id, &leaf);
    kit_assert_says(kit_gate_refused(k, 5).sentence, "the index of lot LOT-1 is missing or damaged");
    kit_lot_index(k, &k->lot);
    kit_enrol(k, 6, "mqtt", &k->lot.chips[1]);
    (void)kit_want(k, k->signer, BM_S_ISSUE);
}

static void
a_request_goes_to_the_signer_with_leaf_and_proof_and_comes_back_with_the_chain(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };
    struct kit_issue issue = { .chip = 1 };
    struct bm_s_issue ask;
    struct bm_bundle bundle;
    struct bm_proof proof;
    struct bm_message message;
    struct bm_g_certs certs;
    struct bm_s_leaf leaf;
    uint8_t hash[BM_HASH];

    kit_enrol(k, 77, "mqtt", &k->lot.chips[1]);
    message = kit_want(k, k->signer, BM_S_ISSUE);
    fixture_must(bm_s_issue_parse(&ask, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(ask.order, bm_bytes_str("order-1")));
    assert_true(bm_bytes_equal(ask.profile, bm_bytes_str("gateway-1")));
    assert_true(bm_bytes_equal(ask.source, bm_bytes_str("10.0.0.7")));
    fixture_must(bm_bundle_parse(&bundle, ask.bundle, &fail));
    assert_int_equal(bundle.index, 1);
    assert_memory_equal(bundle.lot_root, k->lot.root, BM_HASH);
    fixture_must(bm_proof_parse(&proof, bundle.proof, &fail));
    bm_tree_leaf(hash, bundle.leaf);
    fixture_must(bm_inclusion_check(&proof, 1, 3, hash, k->lot.root, &fail));
    assert_true(kit_silent(k, k->gate));

    leaf = kit_issue_leaf(k, &issue);
    kit_issued(k, message.id, &leaf, issue.serial);
    message = kit_want(k, k->gate, BM_G_CERTS);
    assert_int_equal(message.id, 77);
    fixture_must(bm_g_certs_parse(&certs, bm_rd(message.body), &fail));
    assert_int_equal(certs.n, 2);
    assert_true(bm_bytes_equal(certs.cert[0], bm_buf_bytes(&issue.certificate)));
    assert_true(bm_bytes_equal(certs.cert[1], bm_buf_bytes(&k->site.ca[BM_CA_OPERATIONAL])));
    kit_list(k, 0, "identity", "{\"device\":\"" KIT_DEVICE "\"}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"service\":\"mqtt\",\"profile\":\"gateway-1\",\"order\":\"order-1\""));
    assert_non_null(strstr((char *)rows.p, "\"state\":\"provisional\",\"evidence\":\"root-signed\""));
    assert_non_null(strstr((char *)rows.p, "\"not_after\":\"2026-11-24T21:34:09Z\""));
    kit_list(k, 0, "order", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"quantity\":2,\"used\":1,\"left\":1"));
    bm_buf_done(&issue.certificate);
}

static void
a_retry_gets_the_certificate_that_was_issued(void **state)
{
    struct kit *k = *state;
    struct kit_issue issue = { .chip = 0 };
    struct bm_g_certs certs;
    struct bm_message message;

    enrolled(k, &issue);
    kit_enrol(k, 12, "mqtt", &k->lot.chips[0]);
    kit_issued_repeat(k, kit_want(k, k->signer, BM_S_ISSUE).id, issue.serial);
    message = kit_want(k, k->gate, BM_G_CERTS);
    fixture_must(bm_g_certs_parse(&certs, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(certs.cert[0], bm_buf_bytes(&issue.certificate)));
    assert_true(bm_bytes_equal(certs.device, bm_bytes_str(KIT_DEVICE)));
    bm_buf_done(&issue.certificate);
}

static void
a_repeat_of_what_the_store_does_not_hold_stops_the_process(void **state)
{
    struct kit *k = *state;
    char said[600];

    kit_enrol(k, 12, "mqtt", &k->lot.chips[0]);
    kit_issued_repeat(k, kit_want(k, k->signer, BM_S_ISSUE).id, "4000000000000000000000000000000000000009");
    assert_int_equal(kit_ended(k, said, sizeof(said)), 3);
    assert_string_equal(said, "birthmark-registrar: the signer speaks of a certificate that the store does not hold: restore the store\n");
}

static void
a_chip_of_no_lot_is_refused_when_its_leaf_stands(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };
    struct fixture_lot other;
    struct bm_s_refusal refusal;
    struct bm_g_refused refused;
    struct bm_message message;
    struct bm_s_leaf leaf;

    fixture_lot_make(&k->site, &other, "LOT-2", 1);
    kit_enrol(k, 5, "mqtt", &other.chips[0]);
    message = kit_want(k, k->signer, BM_S_REFUSAL);
    fixture_must(bm_s_refusal_parse(&refusal, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(refusal.kind, bm_bytes_str("unknown-chip")));
    assert_int_equal(refusal.count, 1);
    kit_assert_says(refusal.sentence, "this chip is in no received lot (root key ");
    assert_true(kit_silent(k, k->gate));
    leaf =
        kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("unknown-chip"), .reason = bm_bytes_str("no lot") });
    kit_answer(k, message.id, &leaf);
    refused = kit_gate_refused(k, 5);
    assert_int_equal(refused.rc, BM_EPOLICY);
    kit_assert_says(refused.sentence,
                    "Ask the custodian to receive its lot, or check the board's chip against its reel label. Recorded as alarm 1.");
    kit_list(k, 0, "alarm", "{\"state\":\"open\"}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"kind\":\"unknown-chip\""));
    assert_non_null(strstr((char *)rows.p, "\"leaf\":3"));
    fixture_lot_done(&other);
}

static void
without_an_order_the_planner_is_named(void **state)
{
    struct kit *k = *state;
    struct bm_s_refusal refusal;
    struct bm_message message;

    kit_enrol(k, 6, "ssh", &k->lot.chips[0]);
    message = kit_want(k, k->signer, BM_S_REFUSAL);
    fixture_must(bm_s_refusal_parse(&refusal, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(refusal.kind, bm_bytes_str("order")));
    assert_true(bm_bytes_equal(refusal.lot, bm_bytes_str("LOT-1")));
    assert_int_equal(refusal.chip.n, 2 * BM_HASH);
    kit_assert_says(refusal.sentence, "no open order covers lot LOT-1 for service ssh. Ask the planner to open one");
}

static void
a_refusal_of_the_signer_with_a_leaf_is_passed_on_with_its_alarm(void **state)
{
    struct kit *k = *state;
    struct bm_g_refused refused;
    struct bm_s_leaf leaf;
    uint64_t id;

    kit_enrol(k, 7, "mqtt", &k->lot.chips[0]);
    id = kit_want(k, k->signer, BM_S_ISSUE).id;
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("quota"), .reason = bm_bytes_str("full") });
    kit_refuse(k, id, BM_EPOLICY, "order order-1 is full", &leaf);
    refused = kit_gate_refused(k, 7);
    kit_assert_says(refused.sentence, "order order-1 is full. Recorded as alarm 1.");
}

static void
a_refusal_of_the_signer_without_a_leaf_gets_one_of_the_budget(void **state)
{
    struct kit *k = *state;
    struct bm_s_refusal refusal;
    struct bm_message message;
    struct bm_s_leaf leaf;

    kit_enrol(k, 8, "mqtt", &k->lot.chips[0]);
    kit_refuse(k, kit_want(k, k->signer, BM_S_ISSUE).id, BM_EPOLICY, "the root key's signature does not hold", NULL);
    message = kit_want(k, k->signer, BM_S_REFUSAL);
    fixture_must(bm_s_refusal_parse(&refusal, bm_rd(message.body), &fail));
    assert_true(bm_bytes_equal(refusal.kind, bm_bytes_str("enrol")));
    assert_true(bm_bytes_equal(refusal.lot, bm_bytes_str("LOT-1")));
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_REFUSED, .what = bm_bytes_str("enrol"), .reason = bm_bytes_str("no") });
    kit_answer(k, message.id, &leaf);
    assert_int_equal(kit_gate_refused(k, 8).rc, BM_EPOLICY);
    /* malformed is counted, busy is nothing that anybody did */
    kit_enrol(k, 9, "mqtt", &k->lot.chips[0]);
    kit_refuse(k, kit_want(k, k->signer, BM_S_ISSUE).id, BM_EBUSY, "the clock is wrong", NULL);
    assert_int_equal(kit_gate_refused(k, 9).rc, BM_EBUSY);
    assert_true(kit_silent(k, k->signer));
}

static void
bytes_that_are_no_request_are_refused_without_a_leaf(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf cmc = { .max = BM_MAX_EVIDENCE };
    size_t tried = 0;

    kit_cmc(k, &cmc, &k->lot.chips[0]);
    for (size_t n = 1; n < cmc.n; n += cmc.n / 40) {
        kit_enrol_bytes(k, 100 + n, "mqtt", bm_bytes(cmc.p, n));
        assert_int_equal(kit_gate_refused(k, 100 + n).rc, BM_EINPUT);
        tried++;
    }
    assert_true(tried >= 40);
    kit_enrol(k, 2, "no such name!", &k->lot.chips[0]);
    kit_assert_says(kit_gate_refused(k, 2).sentence, "letters, digits");
    assert_true(kit_silent(k, k->signer));
}

/* The largest body that the gate lets through does not fit into a bundle with leaf and proof around it: the device's fault, not the gate's. */
static void
evidence_that_is_too_large_is_refused_and_nothing_stops(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf claim = { .max = BM_MAX_EVIDENCE }, body = { .max = BM_MAX_MESSAGE_BODY },
                                          big = { .max = BM_MAX_EVIDENCE };

    kit_cmc(k, &claim, &k->lot.chips[0]);
    (void)bm_buf_grow(&big, BM_MAX_EVIDENCE);
    memset(big.p, 0x30, big.n);
    bm_g_enrol_build(&body, &(struct bm_g_enrol){ .label = bm_bytes_str("mqtt"), .source = bm_bytes_str("x"), .body = bm_buf_bytes(&big) });
    for (uint16_t type = BM_G_ENROL; type <= BM_G_TPM_ENROL; type = (uint16_t)(type + BM_G_TPM_ENROL - BM_G_ENROL)) {
        kit_say(k, k->gate, type, type, bm_buf_bytes(&body));
        assert_int_equal(kit_gate_refused(k, type).rc, BM_EINPUT);
    }
    kit_say(k, k->gate, BM_G_HEALTH, 1, bm_bytes(NULL, 0));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
}

static void
a_confirmation_is_asked_of_the_signer_once(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };
    struct kit_issue issue = { .chip = 0 };
    struct bm_message message;
    struct bm_s_leaf leaf;
    struct bm_rd rd;
    const uint8_t nobody[BM_HASH] = { 1 };

    enrolled(k, &issue);
    kit_say(k, k->gate, BM_G_CONFIRM, 3, bm_bytes(nobody, BM_HASH));
    kit_assert_says(kit_gate_refused(k, 3).sentence, "no identity was issued for the key of this connection");
    kit_say(k, k->gate, BM_G_CONFIRM, 4, bm_bytes(issue.key, BM_HASH));
    message = kit_want(k, k->signer, BM_S_CONFIRM);
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_IDENTITY_CONFIRMED, .serial = bm_bytes_str(issue.serial) });
    kit_answer(k, message.id, &leaf);
    for (int again = 0; again < 2; again++) {
        message = kit_want(k, k->gate, BM_G_ANSWER);
        rd = bm_rd(message.body);
        assert_true(bm_bytes_equal(bm_rd_lv16(&rd, BM_MAX_NAME), bm_bytes_str(KIT_DEVICE)) && bm_rd_end(&rd));
        if (again == 0)
            kit_say(k, k->gate, BM_G_CONFIRM, 5, bm_bytes(issue.key, BM_HASH)); /* every later connection */
    }
    assert_true(kit_silent(k, k->signer));
    kit_list(k, 0, "identity", "{\"state\":\"active\"}", &rows);
    assert_non_null(strstr((char *)rows.p, issue.serial));
    bm_buf_done(&issue.certificate);
}

/* What the signer makes of the question for a list; it is good for so many seconds. */
static struct bm_bytes
list_answer(const struct kit *k, bm_time good, const char *letter)
{
    static struct bm_buf body = { .max = 64 };

    bm_buf_reset(&body);
    bm_buf_add_u64(&body, (uint64_t)(k->page->now + good));
    bm_buf_add_lv32(&body, bm_bytes_str(letter));
    return bm_buf_bytes(&body);
}

/* The signer says that a list of the operational CA is out of date. */
static void
list_changed(struct kit *k, uint8_t bucket, uint8_t urgent)
{
    kit_say(k, k->signer, BM_S_CHANGED, 0, bm_bytes((const uint8_t[]){ BM_CA_OPERATIONAL, 0, 0, 0, bucket, urgent }, BM_S_CHANGED_ONE));
}

static void
a_replaced_identity_is_marked_and_dirties_the_list(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf rows = { .max = 100000 };
    struct kit_issue first = { .chip = 0 }, second = { .chip = 0, .replaces = first.serial };

    enrolled(k, &first);
    kit_say(k, k->gate, BM_G_CRL, 1, bm_bytes_str("operational-1"));
    kit_say(k, k->signer, BM_S_ANSWER, kit_want(k, k->signer, BM_S_CRL).id, list_answer(k, 86400, "A"));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
    list_changed(k, 1, 0);
    enrolled(k, &second);
    kit_list(k, 0, "identity", "{\"state\":\"replaced\"}", &rows);
    assert_non_null(strstr((char *)rows.p, first.serial));
    kit_list(k, 0, "order", "{}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"used\":1")); /* the same unit */
    kit_say(k, k->gate, BM_G_CRL, 2, bm_bytes_str("operational-1"));
    (void)kit_want(k, k->signer, BM_S_CRL);
    bm_buf_done(&first.certificate);
    bm_buf_done(&second.certificate);
}

/* One signature serves all who wait, unless something was revoked since it was asked for. */
static void
a_revocation_list_is_signed_once_for_all_who_ask(void **state)
{
    static const char *const nobodys[] = { "operational", "operational-", "operational-0", "operational-01", "operational-1x", "nobody-1",
                                           "-1" };
    const struct bm_bytes lists[] = { bm_bytes("\0\0\0\1A", 5), bm_bytes("\0\0\0\1B", 5) };
    struct kit *k = *state;
    uint64_t first, second;

    for (uint64_t id = 1; id <= 20; id++)
        kit_say(k, k->gate, BM_G_CRL, id, bm_bytes_str("operational-1"));
    kit_say(k, k->gate, BM_G_CRL, 50, bm_bytes_str("idevid-7"));
    first = kit_want(k, k->signer, BM_S_CRL).id;
    second = kit_want(k, k->signer, BM_S_CRL).id;
    assert_true(kit_silent(k, k->signer));
    kit_say(k, k->signer, BM_S_ANSWER, first, list_answer(k, 86400, "A"));
    for (uint64_t id = 1; id <= 20; id++) {
        struct bm_message message = kit_want(k, k->gate, BM_G_ANSWER);

        assert_int_equal(message.id, id);
        assert_true(bm_bytes_equal(message.body, lists[0]));
    }
    kit_refuse(k, second, BM_EBUSY, "the clock is behind", NULL);
    assert_int_equal(kit_gate_refused(k, 50).rc, BM_EBUSY);
    /* kept for as long as the signer said */
    k->page->now += 86399;
    kit_say(k, k->gate, BM_G_CRL, 60, bm_bytes_str("operational-1"));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
    k->page->now += 1;
    kit_say(k, k->gate, BM_G_CRL, 61, bm_bytes_str("operational-1"));
    kit_say(k, k->signer, BM_S_ANSWER, kit_want(k, k->signer, BM_S_CRL).id, list_answer(k, 86400, "B"));
    assert_true(bm_bytes_equal(kit_want(k, k->gate, BM_G_ANSWER).body, lists[1]));
    /* a refusal left nothing behind: the next one asks again */
    kit_say(k, k->gate, BM_G_CRL, 62, bm_bytes_str("idevid-7"));
    kit_refuse(k, kit_want(k, k->signer, BM_S_CRL).id, BM_EINPUT, "there is no such list", NULL);
    assert_int_equal(kit_gate_refused(k, 62).rc, BM_EINPUT);
    for (size_t i = 0; i < BM_COUNT(nobodys); i++) {
        kit_say(k, k->gate, BM_G_CRL, 70 + i, bm_bytes_str(nobodys[i]));
        assert_int_equal(kit_gate_refused(k, 70 + i).rc, BM_EINPUT);
    }
    assert_true(kit_silent(k, k->signer));
}

/* What is out of date before it comes is asked for again: for those who ask from then on, and where it is urgent at once. Many changes, one list. */
static void
a_list_that_changed_while_it_was_made_is_made_again(void **state)
{
    struct kit *k = *state;
    uint64_t first;

    kit_say(k, k->gate, BM_G_CRL, 1, bm_bytes_str("operational-1"));
    first = kit_want(k, k->signer, BM_S_CRL).id;
    list_changed(k, 1, 0);
    kit_say(k, k->gate, BM_G_CRL, 2, bm_bytes_str("operational-1"));
    kit_say(k, k->signer, BM_S_ANSWER, first, list_answer(k, 86400, "A"));
    assert_int_equal(kit_want(k, k->gate, BM_G_ANSWER).id, 1);
    first = kit_want(k, k->signer, BM_S_CRL).id;
    for (size_t i = 0; i < 10; i++)
        list_changed(k, 1, 1);
    kit_say(k, k->signer, BM_S_ANSWER, first, list_answer(k, 86400, "B"));
    assert_int_equal(kit_want(k, k->gate, BM_G_ANSWER).id, 2);
    kit_say(k, k->signer, BM_S_ANSWER, kit_want(k, k->signer, BM_S_CRL).id, list_answer(k, 86400, "C"));
    assert_true(kit_silent(k, k->signer));
    kit_say(k, k->gate, BM_G_CRL, 3, bm_bytes_str("operational-1"));
    assert_true(bm_bytes_equal(kit_want(k, k->gate, BM_G_ANSWER).body, bm_bytes("\0\0\0\1C", 5)));
    /* another list is none of its business */
    list_changed(k, 2, 0);
    kit_say(k, k->gate, BM_G_CRL, 4, bm_bytes_str("operational-1"));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
    assert_true(kit_silent(k, k->signer));
}

static void
the_lists_of_a_ca_are_named(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 64 };
    struct bm_message message;

    kit_say(k, k->gate, BM_G_LISTS, 1, bm_bytes_str("idevid"));
    message = kit_want(k, k->signer, BM_S_LISTS);
    assert_true(message.body.n == 1 && message.body.p[0] == BM_CA_IDEVID);
    bm_buf_add_u32(&body, 2);
    bm_buf_add_u32(&body, 7);
    bm_buf_add_u32(&body, 12);
    kit_say(k, k->signer, BM_S_ANSWER, message.id, bm_buf_bytes(&body));
    message = kit_want(k, k->gate, BM_G_ANSWER);
    assert_non_null(memmem(message.body.p, message.body.n, "/crl/idevid-7.pem\n", 18));
    assert_non_null(memmem(message.body.p, message.body.n, "/crl/idevid-12.pem\n", 19));
    kit_say(k, k->gate, BM_G_LISTS, 2, bm_bytes_str("nobody"));
    assert_int_equal(kit_gate_refused(k, 2).rc, BM_EINPUT);
}

/* A new list is asked for before anybody asks for one, and whoever does gets that one. */
static void
a_suspended_device_is_in_a_list_at_once(void **state)
{
    struct kit *k = *state;
    struct kit_issue first = { .chip = 0 };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 }, rows = { .max = 100000 };
    struct bm_message message;
    struct bm_s_leaf leaf;

    enrolled(k, &first);
    bm_s_device_build(&body, &(struct bm_s_device){ .move = BM_MOVE_SUSPEND,
                                                    .device = bm_bytes_str(KIT_DEVICE),
                                                    .by = bm_bytes_str("anna"),
                                                    .text = bm_bytes_str("stolen") });
    kit_say(k, k->command[0], BM_C_DEVICE, 5, bm_buf_bytes(&body));
    message = kit_want(k, k->signer, BM_S_DEVICE);
    assert_true(bm_bytes_equal(message.body, bm_buf_bytes(&body)));
    leaf = kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_DEVICE_MOVED,
                                           .device = bm_bytes_str(KIT_DEVICE),
                                           .what = bm_bytes_str("suspend"),
                                           .state = bm_bytes_str("suspended"),
                                           .by = bm_bytes_str("anna"),
                                           .reason = bm_bytes_str("stolen") });
    list_changed(k, 1, 1);
    kit_answer(k, message.id, &leaf);
    kit_say(k, k->signer, BM_S_ANSWER, kit_want(k, k->signer, BM_S_CRL).id, list_answer(k, 86400, "A"));
    message = kit_want(k, k->command[0], BM_C_ROW);
    assert_non_null(memmem(message.body.p, message.body.n, "\"state\":\"suspended\"", 19));
    (void)kit_want(k, k->command[0], BM_C_END);
    kit_say(k, k->gate, BM_G_CRL, 6, bm_bytes_str("operational-1"));
    (void)kit_want(k, k->gate, BM_G_ANSWER);
    assert_true(kit_silent(k, k->signer));
    kit_list(k, 0, "identity", "{\"state\":\"suspended\"}", &rows);
    assert_non_null(strstr((char *)rows.p, first.serial));
    kit_list(k, 0, "move", "{\"device\":\"" KIT_DEVICE "\"}", &rows);
    assert_non_null(strstr((char *)rows.p, "\"by\":\"anna\""));
    bm_buf_done(&first.certificate);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_for_business, kit_close)
    const struct CMUnitTest tests[] = {
        TEST(a_suspended_device_is_in_a_list_at_once),
        TEST(an_index_that_is_gone_is_named_and_serves_again_when_it_is_back),
        TEST(a_request_goes_to_the_signer_with_leaf_and_proof_and_comes_back_with_the_chain),
        TEST(a_retry_gets_the_certificate_that_was_issued),
        TEST(a_repeat_of_what_the_store_does_not_hold_stops_the_process),
        TEST(a_chip_of_no_lot_is_refused_when_its_leaf_stands),
        TEST(without_an_order_the_planner_is_named),
        TEST(a_refusal_of_the_signer_with_a_leaf_is_passed_on_with_its_alarm),
        TEST(a_refusal_of_the_signer_without_a_leaf_gets_one_of_the_budget),
        TEST(bytes_that_are_no_request_are_refused_without_a_leaf),
        TEST(evidence_that_is_too_large_is_refused_and_nothing_stops),
        TEST(a_confirmation_is_asked_of_the_signer_once),
        TEST(a_replaced_identity_is_marked_and_dirties_the_list),
        TEST(a_revocation_list_is_signed_once_for_all_who_ask),
        TEST(a_list_that_changed_while_it_was_made_is_made_again),
        TEST(the_lists_of_a_ca_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
