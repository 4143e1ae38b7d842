/* hostile_registrar.c - the registrar is taken over: everything it can say to a real signer. It gets no certificate and no checkpoint that lies. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "site_fixture.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHIPS 8
#define QUANTITY 4

struct world {
    struct fixture f;
    struct fixture_lot lot;   /* "L1": pinned, order-1 is for it */
    struct fixture_lot other; /* "L2": neither, at first */
    size_t rightful;          /* certificates that were due */
};

static int
set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    fixture_make(&w->f);
    fixture_start(&w->f);
    fixture_lot_make(&w->f, &w->lot, "L1", CHIPS);
    fixture_lot_make(&w->f, &w->other, "L2", CHIPS);
    fixture_pin(&w->f, &w->lot);
    fixture_order(&w->f, "order-1", &w->lot, QUANTITY);
    *state = w;
    return 0;
}

/* After every attack: the ledger grew honestly, tells of no more certificates than were due, and a signer that wakes on the journal tells the same. */
static int
tear_down(void **state)
{
    struct world *w = *state;

    fixture_replay(&w->f);
    assert_int_equal(w->f.certificates, w->rightful);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_forget(&w->f);
    fixture_start(&w->f);
    assert_int_equal(w->f.certificates, w->rightful);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_lot_done(&w->lot);
    fixture_lot_done(&w->other);
    fixture_remove(&w->f);
    free(w);
    return 0;
}

/* ---- short words ---- */

static void
assert_refusal(const struct fixture_answer *answer, const char *words, size_t leaves)
{
    if (answer->type != BM_S_REFUSED)
        fail_msg("not refused but %u; expected \"%s\"", answer->type, words);
    if (strstr(answer->sentence, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer->sentence, words);
    if (answer->nleaves != leaves)
        fail_msg("%zu leaves, not %zu: %s", answer->nleaves, leaves, answer->sentence);
    if (leaves > 0)
        assert_non_null(strstr(answer->event, "kind refused\n"));
    assert_null(strstr(answer->sentence, ": :"));
}

static void
issue_refused(struct world *w, const struct fixture_request *request, const char *words, size_t leaves)
{
    struct fixture_answer answer;

    fixture_issue(&w->f, request, &answer);
    assert_refusal(&answer, words, leaves);
}

/* A certificate that is due: whole, by the right CA, for the right key. */
static void
issue_by(struct world *w, enum bm_ca by, const struct fixture_request *request, struct fixture_answer *answer)
{
    struct bm_cert cert, ca;

    fixture_issue(&w->f, request, answer);
    if (answer->type != BM_S_ISSUED)
        fail_msg("not issued: %s", answer->sentence);
    assert_false(answer->repeat);
    w->rightful++;
    fixture_must(bm_cert_parse(&cert, bm_bytes(answer->certificate, answer->ncertificate), &fail));
    fixture_must(bm_cert_parse(&ca, bm_buf_bytes(&w->f.ca[by]), &fail));
    fixture_must(bm_cert_signed_by(w->f.crypto, &cert, &ca, &fail));
    assert_true(bm_bytes_equal(cert.serial, bm_bytes(answer->serial, answer->nserial)));
    assert_true(cert.not_after <= ca.not_after);
    if (request->key != NULL)
        assert_memory_equal(cert.key.hash, bm_private_public(request->key)->hash, BM_HASH);
}

static void
issue_due(struct world *w, const struct fixture_request *request, struct fixture_answer *answer)
{
    issue_by(w, BM_CA_OPERATIONAL, request, answer);
}

static void
mark(struct world *w, enum bm_signer_message type, const struct fixture_answer *issued, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };

    bm_buf_add_lv16(&body, bm_bytes(issued->serial, issued->nserial));
    if (type == BM_S_REVOKE) {
        bm_buf_add_u8(&body, 1); /* keyCompromise */
        bm_buf_add_lv16(&body, bm_bytes_str("anna"));
        bm_buf_add_lv16(&body, bm_bytes_str("lost"));
    }
    fixture_ask(&w->f, type, bm_buf_bytes(&body), true, answer);
}

static void
confirm(struct world *w, const struct fixture_answer *issued)
{
    struct fixture_answer answer;

    mark(w, BM_S_CONFIRM, issued, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 1);
}

/* ---- statements ---- */

static void
order_fill(struct world *w, struct bm_order *order, char (*lots)[BM_MAX_NAME + 1], const char *name)
{
    memset(order, 0, sizeof(*order));
    (void)snprintf(order->order, sizeof(order->order), "%s", name);
    (void)snprintf(lots[0], BM_MAX_NAME + 1, "%s", w->lot.name);
    order->lots = lots;
    order->nlots = 1;
    (void)snprintf(order->profiles[0].name, sizeof(order->profiles[0].name), "bench-1");
    bm_sha256(order->profiles[0].digest, bm_bytes_str(fixture_profile("bench-1")));
    order->nprofiles = 1;
    order->quantity = 1000;
    fixture_must(bm_env_system.now(bm_env_system.ctx, &order->from, &fail));
    order->until = BM_TIME_NEVER;
}

/* Sends an order of this kind; `text` NULL: the profile that it names. */
static void
order_send(struct world *w, const struct fixture_statement *how, const struct bm_order *order, const char *text,
           struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const char *profiles[] = { text != NULL ? text : fixture_profile("bench-1") };

    fixture_order_note(&w->f, &note, how, order);
    fixture_statement_body(&body, &note, profiles, 1);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

static void
order_refused(struct world *w, const struct fixture_statement *how, const struct bm_order *order, const char *text, const char *words,
              size_t leaves)
{
    struct fixture_answer answer;

    order_send(w, how, order, text, &answer);
    assert_refusal(&answer, words, leaves);
}

static void
statements_forged_are_refused(void **state)
{
    struct world *w = *state;
    const uint8_t elsewhere[BM_HASH] = { 7 };
    char lots[1][BM_MAX_NAME + 1];
    struct bm_order order;

    order_fill(w, &order, lots, "order-2");
    order_refused(w, &(struct fixture_statement){ .by = MALLORY }, &order, NULL, "no operator of this site", 0);
    order_refused(w, &(struct fixture_statement){ .by = MALLORY, .says_by = "anna" }, &order, NULL, "whose signature is not on it", 0);
    order_refused(w, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &order, NULL, "may not sign", 0);
    order_refused(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .site = elsewhere }, &order, NULL, "another site", 0);
    order_refused(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .seq = w->f.seq + 1 }, &order, NULL, "hand in what comes before", 0);
    order_refused(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .seq = w->f.seq - 1 }, &order, NULL, "used before", 0);
}

static void
statements_changed_or_replayed_are_refused(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const char *profiles[] = { fixture_profile("bench-1") };
    char lots[1][BM_MAX_NAME + 1];
    struct fixture_answer answer;
    struct bm_order order;
    uint8_t *quantity;

    order_fill(w, &order, lots, "order-2");
    fixture_order_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &order);
    quantity = memmem(note.p, note.n, "quantity 1", 10);
    assert_non_null(quantity);
    quantity[9] = '9';
    fixture_statement_body(&body, &note, profiles, 1);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "does not verify", 0);

    quantity[9] = '1';
    fixture_statement_body(&body, &note, profiles, 1);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "used before", 0);
    w->f.seq++;
}

/* An operator signed these, so what is wrong with them is an event. */
static void
orders_that_do_not_hold_together_are_refused(void **state)
{
    struct world *w = *state;
    const struct fixture_statement petra = { .by = PETRA_PLANNER };
    char lots[1][BM_MAX_NAME + 1], longer[BM_MAX_PROFILE + 1];
    struct bm_order order;

    (void)snprintf(longer, sizeof(longer), "%s", fixture_profile("bench-1"));
    *strstr(longer, "days 90") = 'd';
    memcpy(strstr(longer, "days 90"), "days 91", 7);
    order_fill(w, &order, lots, "order-2");
    order_refused(w, &petra, &order, longer, "is not the one that order order-2 was signed for", 1);
    order_refused(w, &petra, &order, fixture_profile("gateway-1"), "is not the one", 1);
    order_fill(w, &order, lots, "order-1");
    order_refused(w, &petra, &order, NULL, "there is an order order-1 already", 1);
    order_fill(w, &order, lots, "order-2");
    (void)snprintf(lots[0], sizeof(lots[0]), "L2");
    order_refused(w, &petra, &order, NULL, "not pinned here", 1);
}

/* ---- evidence ---- */

static void
other_peoples_evidence_is_refused(void **state)
{
    struct world *w = *state;
    const uint8_t third = 3;

    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .voice = &w->lot.chips[0] }, "not signed by a root key of chip",
                  0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 0, .index = &third }, "does not stand at place", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 0, .lot_root = w->other.root }, "does not stand at place", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other, .chip = 0, .lot_root = w->lot.root }, "does not stand at place", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other, .chip = 0, .voice = &w->lot.chips[0] }, "not signed by a root key", 0);
}

/* A tree of the attacker's own around the attacker's key: sound, and nobody signed it. No leaf, so nobody fills the disk with them. */
static void
chips_of_no_lot_are_refused(void **state)
{
    struct world *w = *state;

    issue_refused(w, &(struct fixture_request){ .lot = &w->other }, "in no received lot", 0);
}

static void
nonces_not_ours_are_refused(void **state)
{
    struct world *w = *state;
    uint8_t nonce[BM_NONCE] = { 0 };

    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .nonce = nonce }, "nonce", 0);
    fixture_nonce(&w->f, bm_private_public(w->lot.chips[1].root)->hash, nonce);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .nonce = nonce }, "nonce", 0);
}

/* TPMT_PUBLIC of a P-256 key: ECC, SHA-256, these attributes, no policy, no symmetric, ECDSA with SHA-256, NIST P-256, no KDF, its point. */
static void
tpm_public(struct bm_buf *area, const struct bm_key *key, uint32_t attributes)
{
    const uint8_t *point = key->spki + key->at_bits;

    bm_buf_add_u16(area, 0x0023);
    bm_buf_add_u16(area, 0x000b);
    bm_buf_add_u32(area, attributes);
    bm_buf_add_u16(area, 0);
    bm_buf_add_u16(area, 0x0010);
    bm_buf_add_u16(area, 0x0018);
    bm_buf_add_u16(area, 0x000b);
    bm_buf_add_u16(area, 0x0003);
    bm_buf_add_u16(area, 0x0010);
    bm_buf_add_lv16(area, bm_bytes(point + 1, 32));
    bm_buf_add_lv16(area, bm_bytes(point + 33, 32));
}

/* Challenges go to restricted signing keys of a TPM alone, and leave nothing on record. */
static void
challenges_are_for_attestation_keys(void **state)
{
    static const struct {
        uint32_t attributes;
        bool good;
    } keys[] = { { 0x00050072, true }, { 0x00040072, false }, { 0x00050062, false }, { 0x00010072, false }, { 0x00070072, false } };
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = BM_MAX_TPM }, body = { .max = BM_MAX_MESSAGE_BODY };
    const struct bm_key *ek = bm_private_public(w->lot.chips[0].root), *ak = bm_private_public(w->lot.chips[1].root);
    struct fixture_answer answer;
    struct bm_rd rd;

    for (size_t i = 0; i < BM_COUNT(keys); i++) {
        bm_buf_reset(&area);
        bm_buf_reset(&body);
        tpm_public(&area, ak, keys[i].attributes);
        bm_buf_add_lv16(&body, bm_key_spki(ek));
        bm_buf_add_lv16(&body, bm_buf_bytes(&area));
        fixture_ask(&w->f, BM_S_CHALLENGE, bm_buf_bytes(&body), false, &answer);
        assert_int_equal(answer.type, keys[i].good ? BM_S_ANSWER : BM_S_REFUSED);
        assert_int_equal(answer.nleaves, 0);
        if (keys[i].good) {
            rd = bm_rd(bm_buf_bytes(&answer.body));
            assert_true(bm_rd_lv16(&rd, BM_MAX_TPM).n > 0);
            assert_true(bm_rd_lv16(&rd, BM_MAX_TPM).n > 0);
            assert_true(bm_rd_end(&rd));
        }
        fixture_answer_done(&answer);
    }
}

static void
orders_bind_lot_profile_and_time(void **state)
{
    struct world *w = *state;
    const struct fixture_statement petra = { .by = PETRA_PLANNER };
    char lots[1][BM_MAX_NAME + 1];
    struct fixture_answer answer;
    struct bm_order order;

    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .profile = "gateway-1" }, "does not allow profile", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .order = "order-9" }, "no order order-9", 1);

    order_fill(w, &order, lots, "early");
    order.from += 3600;
    order_send(w, &petra, &order, NULL, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .order = "early" }, "begins at", 1);

    order_fill(w, &order, lots, "late");
    order.from -= 7200;
    order.until = order.from + 3600;
    order_send(w, &petra, &order, NULL, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .order = "late" }, "ended at", 1);

    fixture_pin(&w->f, &w->other);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other }, "is not for lot L2", 1);
}

/* ---- slots ---- */

static void
a_retry_gets_the_same_certificate(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct fixture_answer first;
    uint8_t serial[BM_MAX_SERIAL];

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, &first);
    memcpy(serial, first.serial, sizeof(serial));
    fixture_issue(&w->f, &(struct fixture_request){ .lot = &w->lot, .key = key }, &first);
    assert_int_equal(first.type, BM_S_ISSUED);
    assert_true(first.repeat);
    assert_int_equal(first.nleaves, 0);
    assert_memory_equal(first.serial, serial, sizeof(serial));
}

static void
a_confirmed_slot_takes_no_other_key(void **state)
{
    struct world *w = *state;
    struct fixture_answer issued;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    confirm(w, &issued);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "this may be a copy", 1);
}

/* It may ask again and again: the answers stay, the leaves do not (ten in each of the two minutes that this may touch). */
static void
a_chip_that_asks_in_a_loop_fills_nothing(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const struct fixture_request request = { .lot = &w->lot };
    struct fixture_answer answer;
    size_t leaves = 0;

    issue_due(w, &request, &answer);
    confirm(w, &answer);
    fixture_bundle(&w->f, &bundle, &request);
    fixture_issue_body(&body, &request, bm_buf_bytes(&bundle));
    for (size_t i = 0; i < 60; i++) {
        fixture_ask(&w->f, BM_S_ISSUE, bm_buf_bytes(&body), true, &answer);
        assert_refusal(&answer, "this may be a copy", answer.nleaves);
        leaves += answer.nleaves;
    }
    assert_in_range(leaves, 10, 20);
    /* another chip's refusal stands on record all the same */
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, &answer);
    confirm(w, &answer);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, "this may be a copy", 1);
}

static void
a_provisional_identity_is_replaced_three_times(void **state)
{
    struct world *w = *state;
    struct fixture_answer issued;

    for (unsigned i = 0; i < 1 + BM_MAX_REPLACED; i++)
        issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "and confirmed none", 1);
}

static void
two_devices_share_no_key(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct fixture_answer issued;

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, &issued);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = key }, "may not share a key", 1);
    /* nor is a root key, of this chip or of another, ever an operational one */
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = w->lot.chips[1].root }, "root key of the chip", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = w->lot.chips[2].root }, "may not share a key", 1);
}

static void
one_unit_more_than_ordered_is_refused(void **state)
{
    struct world *w = *state;
    struct fixture_answer issued;

    for (size_t i = 0; i < QUANTITY; i++)
        issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = i }, &issued);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = QUANTITY }, "is full: 4 of 4", 1);
    /* and after it woke again */
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = QUANTITY }, "is full: 4 of 4", 1);
}

/* The last units, by more requests than there are units, all waiting before the signer looks: SIGSTOP makes them one batch. */
static void
a_batch_cannot_race_for_the_last_unit(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE };
    struct fixture_answer answer;
    struct bm_buf bodies[CHIPS];
    size_t issued = 0, refused = 0;

    for (size_t i = 0; i < CHIPS; i++) {
        struct fixture_request request = { .lot = &w->lot, .chip = i };

        bm_buf_reset(&bundle);
        fixture_bundle(&w->f, &bundle, &request);
        bodies[i] = (struct bm_buf){ .max = BM_MAX_MESSAGE_BODY };
        fixture_issue_body(&bodies[i], &request, bm_buf_bytes(&bundle));
    }
    assert_int_equal(kill(w->f.signer, SIGSTOP), 0);
    for (size_t i = 0; i < CHIPS; i++) {
        (void)fixture_send(&w->f, BM_S_ISSUE, bm_buf_bytes(&bodies[i]));
        bm_buf_done(&bodies[i]);
    }
    assert_int_equal(kill(w->f.signer, SIGCONT), 0);
    for (size_t i = 0; i < CHIPS; i++) {
        fixture_recv(&w->f, true, &answer);
        issued += answer.type == BM_S_ISSUED;
        refused += answer.type == BM_S_REFUSED;
    }
    assert_int_equal(issued, QUANTITY);
    assert_int_equal(refused, CHIPS - QUANTITY);
    w->rightful += QUANTITY;
}

/* The same chip twice in one batch, with two keys: the second is a replacement of the first, not a second identity. */
static void
a_batch_sees_its_own_slots(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf one = { .max = BM_MAX_EVIDENCE }, two = { .max = BM_MAX_EVIDENCE },
                                          body = { .max = BM_MAX_MESSAGE_BODY };
    const struct fixture_request request = { .lot = &w->lot };
    struct fixture_answer answer;

    fixture_bundle(&w->f, &one, &request);
    fixture_bundle(&w->f, &two, &request);
    assert_int_equal(kill(w->f.signer, SIGSTOP), 0);
    fixture_issue_body(&body, &request, bm_buf_bytes(&one));
    (void)fixture_send(&w->f, BM_S_ISSUE, bm_buf_bytes(&body));
    (void)fixture_send(&w->f, BM_S_ISSUE, bm_buf_bytes(&body)); /* the first again: a retry */
    fixture_issue_body(&body, &request, bm_buf_bytes(&two));
    (void)fixture_send(&w->f, BM_S_ISSUE, bm_buf_bytes(&body));
    assert_int_equal(kill(w->f.signer, SIGCONT), 0);
    fixture_recv(&w->f, true, &answer);
    assert_int_equal(answer.type, BM_S_ISSUED);
    assert_false(answer.repeat);
    fixture_recv(&w->f, true, &answer);
    assert_int_equal(answer.type, BM_S_ISSUED);
    assert_true(answer.repeat);
    fixture_recv(&w->f, true, &answer);
    assert_int_equal(answer.type, BM_S_ISSUED);
    assert_non_null(strstr(answer.event, "kind identity-replaced\n"));
    w->rightful += 2;
}

/* An order for one unit with two profiles: the unit's second service is no second unit, and comes from the CA that its profile names. */
static void
another_service_is_no_other_unit(void **state)
{
    static const char idevid[] = "birthmark/profile/v1\nname idv\nservice idevid\nca idevid\ndays never\nevidence software\nkey P-256\n"
                                 "hardware-module yes\n";
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const char *profiles[] = { fixture_profile("bench-1"), idevid };
    char lots[1][BM_MAX_NAME + 1];
    struct fixture_answer answer;
    struct bm_order order;

    order_fill(w, &order, lots, "two");
    order.quantity = 1;
    (void)snprintf(order.profiles[1].name, sizeof(order.profiles[1].name), "idv");
    bm_sha256(order.profiles[1].digest, bm_bytes_str(idevid));
    order.nprofiles = 2;
    fixture_order_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &order);
    fixture_statement_body(&body, &note, profiles, 2);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .order = "two" }, &answer);
    issue_by(w, BM_CA_IDEVID, &(struct fixture_request){ .lot = &w->lot, .order = "two", .profile = "idv" }, &answer);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .order = "two" }, "is full: 1 of 1", 1);
}

/* ---- lots ---- */

enum lot_attack {
    OMIT,
    TRUNCATE,
    EXTRA,
    CHANGE,
    TWICE
};

/* Streams "L2" wrongly; the answer that ended it. */
static void
lot_stream(struct world *w, enum lot_attack attack, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY },
                                          leaf = { .max = BM_MAX_LEAF };
    const struct fixture_lot *lot = &w->other;
    size_t n = attack == OMIT || attack == TRUNCATE ? lot->n - 1 : attack == EXTRA ? lot->n + 1 : lot->n;

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, lot);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&lot->head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), false, answer);
    assert_int_equal(answer->type, BM_S_ANSWER);
    bm_buf_reset(&body);
    bm_buf_add_u32(&body, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        size_t which = attack == OMIT && i >= 2 ? i + 1 : attack == TWICE && i == 5 ? 4 : i;
        const struct bm_buf *from = which < lot->n ? &lot->chips[which].leaf : &w->lot.chips[0].leaf;

        bm_buf_reset(&leaf);
        bm_buf_add_bytes(&leaf, bm_buf_bytes(from));
        if (attack == CHANGE && i == 3) /* the last digit of the label, "soft-3": still a leaf, still the same keys */
            ((uint8_t *)memmem(leaf.p, leaf.n, "soft-3", 6))[5] = '9';
        bm_buf_add_lv16(&body, bm_buf_bytes(&leaf));
    }
    fixture_ask(&w->f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, answer);
    if (answer->type != BM_S_REFUSED)
        fixture_ask(&w->f, BM_S_LOT_END, bm_bytes(NULL, 0), true, answer);
}

static void
lots_that_are_not_the_signed_ones_are_refused(void **state)
{
    static const struct {
        enum lot_attack attack;
        const char *words;
    } attacks[] = { { OMIT, "7 of its 8 chips came" },
                    { TRUNCATE, "7 of its 8 chips came" },
                    { EXTRA, "more chips than the 8 of its pin" },
                    { CHANGE, "its tree has another head" },
                    { TWICE, "one root key for two chips" } };
    struct world *w = *state;
    struct fixture_answer answer;

    for (size_t i = 0; i < BM_COUNT(attacks); i++) {
        lot_stream(w, attacks[i].attack, &answer);
        assert_refusal(&answer, attacks[i].words, 1);
        fixture_ask(&w->f, BM_S_LOT_END, bm_bytes(NULL, 0), true, &answer);
        assert_refusal(&answer, "no lot is being received", 0);
        issue_refused(w, &(struct fixture_request){ .lot = &w->other }, "in no received lot", 0);
    }
    fixture_pin(&w->f, &w->other); /* and the signed one is taken */
}

static void
pins_are_checked_before_the_first_leaf(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct fixture_answer answer;

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &w->other);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&w->other.head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "may not sign", 0);

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &w->other);
    bm_buf_reset(&body);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&w->lot.head)); /* another lot's head */
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "something else than the chipmaker's head", 1);

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &w->lot);
    bm_buf_reset(&body);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&w->lot.head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "pinned already", 1);

    bm_buf_reset(&body);
    bm_buf_add_u32(&body, 0);
    fixture_ask(&w->f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "no lot is being received", 0);
}

/* Makes a lot of one chip that has the root keys of chips of L1. */
static void
lot_of_keys(struct world *w, struct fixture_lot *lot, const char *name, const size_t *chips, size_t n)
{
    struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .id = "soft-0", .nkeys = n };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    const struct bm_note_signer *signers[] = { &w->f.chipmaker };
    struct bm_lot_head head = { .kind = BM_LEAF_KEYS, .size = 1, .vendor = "Example Silicon" };

    fixture_lot_make(&w->f, lot, name, 1);
    for (size_t i = 0; i < n; i++)
        leaf.keys[i] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(w->lot.chips[chips[i]].root) };
    bm_buf_reset(&lot->chips[0].leaf);
    fixture_must(bm_leaf_build(&lot->chips[0].leaf, &leaf, &fail));
    bm_tree_leaf(lot->root, bm_buf_bytes(&lot->chips[0].leaf));
    bm_tree_done(&lot->tree);
    bm_tree_init(&lot->tree, 1);
    fixture_must(bm_tree_append(&lot->tree, lot->root, &fail));
    (void)snprintf(head.lot, sizeof(head.lot), "%s", name);
    memcpy(head.root, lot->root, BM_HASH);
    bm_lot_head_build(&text, &head);
    bm_buf_reset(&lot->head);
    fixture_must(bm_note_build(&lot->head, bm_buf_bytes(&text), signers, 1, &fail));
}

static void
a_leaf_over_two_units_refuses_the_lot(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const size_t two[] = { 0, 1 };
    struct fixture_answer answer;
    struct fixture_lot lot;

    lot_of_keys(w, &lot, "L3", two, 2);
    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &lot);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&lot.head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    bm_buf_reset(&body);
    bm_buf_add_u32(&body, 1);
    bm_buf_add_lv16(&body, bm_buf_bytes(&lot.chips[0].leaf));
    fixture_ask(&w->f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "root keys of two chips", 1);
    fixture_lot_done(&lot);
}

/* The same chip in a second lot, under a second order: the same unit, no fresh slot. */
static void
a_second_lot_hands_out_no_fresh_slot(void **state)
{
    struct world *w = *state;
    const size_t one[] = { 0 };
    struct fixture_answer issued;
    struct fixture_lot lot;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    confirm(w, &issued);
    lot_of_keys(w, &lot, "L3", one, 1);
    fixture_pin(&w->f, &lot);
    fixture_order(&w->f, "order-3", &lot, 1);
    issue_refused(w, &(struct fixture_request){ .lot = &lot, .voice = &w->lot.chips[0], .order = "order-3" }, "counted under another order",
                  1);
    fixture_lot_done(&lot);
}

/* ---- status ---- */

static void
crl_get(struct world *w, struct bm_buf *der)
{
    const uint8_t ca = BM_CA_OPERATIONAL;
    struct fixture_answer answer;
    struct bm_rd rd;

    fixture_ask(&w->f, BM_S_CRL, bm_bytes(&ca, 1), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    rd = bm_rd(bm_buf_bytes(&answer.body));
    bm_buf_reset(der);
    bm_buf_add_bytes(der, bm_rd_lv32(&rd, BM_MAX_MESSAGE));
    assert_true(bm_rd_end(&rd));
    fixture_answer_done(&answer);
}

static bool
lists(const struct bm_buf *crl, const struct fixture_answer *issued)
{
    return memmem(crl->p, crl->n, issued->serial, issued->nserial) != NULL;
}

/* proves: RFC5280 5.2.3 a CRL number that rises across restarts: 1, 2, 3 stand in the lists as cRLNumber */
static void
what_is_revoked_stays_in_the_list(void **state)
{
    static const uint8_t number_1[] = { 0x55, 0x1d, 0x14, 0x04, 0x03, 0x02, 0x01, 0x01 };
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf crl = { .max = BM_MAX_MESSAGE };
    struct fixture_answer issued, answer;
    uint8_t number[sizeof(number_1)];

    memcpy(number, number_1, sizeof(number));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    crl_get(w, &crl);
    assert_false(lists(&crl, &issued));
    assert_non_null(memmem(crl.p, crl.n, number, sizeof(number)));
    mark(w, BM_S_REVOKE, &issued, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 1);
    mark(w, BM_S_REVOKE, &issued, &answer); /* again: it is there already */
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 0);
    mark(w, BM_S_CONFIRM, &issued, &answer);
    assert_refusal(&answer, "was revoked or replaced", 0);
    crl_get(w, &crl);
    assert_true(lists(&crl, &issued));
    number[sizeof(number) - 1] = 2;
    assert_non_null(memmem(crl.p, crl.n, number, sizeof(number)));
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    crl_get(w, &crl);
    assert_true(lists(&crl, &issued));
    number[sizeof(number) - 1] = 3;
    assert_non_null(memmem(crl.p, crl.n, number, sizeof(number)));
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "was revoked", 1);
}

static void
a_replaced_certificate_is_revoked_with_it(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf crl = { .max = BM_MAX_MESSAGE };
    struct fixture_answer first;
    uint8_t serial[BM_MAX_SERIAL];

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &first);
    memcpy(serial, first.serial, sizeof(serial));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &first);
    crl_get(w, &crl);
    assert_non_null(memmem(crl.p, crl.n, serial, sizeof(serial)));
    assert_false(lists(&crl, &first));
}

static void
serials_of_nobody_are_refused(void **state)
{
    struct world *w = *state;
    struct fixture_answer nobody = { .nserial = BM_MAX_SERIAL, .serial = { 0x41, 2, 3 } }, answer;

    mark(w, BM_S_CONFIRM, &nobody, &answer);
    assert_refusal(&answer, "no certificate with this serial", 0);
    mark(w, BM_S_REVOKE, &nobody, &answer);
    assert_refusal(&answer, "no certificate with this serial", 0);
}

/* An allow is for one re-issue, signed, for this device. */
static void
a_reissue_wants_a_signed_allow_and_uses_it_up(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_allow allow = { .act = BM_ALLOW_REISSUE, .service = "mqtt", .reason = "repaired" };
    struct fixture_answer answer;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    confirm(w, &answer);
    memcpy(allow.device, answer.device, sizeof(allow.device));
    fixture_allow_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &allow);
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "may not sign", 0);
    fixture_allow_note(&w->f, &note, &(struct fixture_statement){ .by = ANNA_ADMIN }, &allow);
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    confirm(w, &answer);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "this may be a copy", 1);
}

/* ---- the ledger ---- */

/* A registrar that leaves a leaf out has another tree than the one that is signed; and no proof shows its leaf in it. */
static void
a_leaf_left_out_shows(void **state)
{
    struct world *w = *state;
    struct bm_tree_source source;
    struct fixture_answer issued;
    struct bm_tree shorter;
    struct bm_proof proof;
    struct bm_fail why;
    uint8_t root[BM_HASH], hash[BM_HASH];

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, &issued);
    fixture_replay(&w->f);
    bm_tree_init(&shorter, 64);
    for (uint64_t i = 0; i < w->f.ledger.size; i++)
        if (i != w->f.ledger.size - 2)
            fixture_must(bm_tree_append(&shorter, w->f.ledger.level[0].p + i * BM_HASH, &fail));
    bm_tree_root(&shorter, root);
    assert_memory_not_equal(root, w->f.checkpoint_root, BM_HASH);
    source = bm_tree_source(&shorter);
    memcpy(hash, w->f.ledger.level[0].p + (w->f.ledger.size - 1) * BM_HASH, BM_HASH);
    assert_int_equal(bm_inclusion_make(&proof, &source, shorter.size - 1, shorter.size, &why), BM_OK);
    assert_int_not_equal(bm_inclusion_check(&proof, w->f.ledger.size - 1, w->f.checkpointed, hash, w->f.checkpoint_root, &why), BM_OK);
    bm_tree_done(&shorter);
}

static void
refusals_of_the_registrar_become_leaves(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 };
    struct bm_s_refusal refusal = { .kind = bm_bytes_str("unknown-chip"),
                                    .count = 1,
                                    .sentence = bm_bytes_str("this chip is in no received lot") };
    struct fixture_answer answer;

    bm_s_refusal_build(&body, &refusal);
    fixture_ask(&w->f, BM_S_REFUSAL, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.nleaves, 1);
    assert_non_null(strstr(answer.event, "kind refused\n"));
    refusal.kind = bm_bytes_str("counted");
    refusal.count = 17;
    bm_buf_reset(&body);
    bm_s_refusal_build(&body, &refusal);
    fixture_ask(&w->f, BM_S_REFUSAL, bm_buf_bytes(&body), true, &answer);
    assert_non_null(strstr(answer.event, "count 17\n"));
    refusal.kind = bm_bytes_str("two words\nkind identity-issued");
    bm_buf_reset(&body);
    bm_s_refusal_build(&body, &refusal);
    fixture_ask(&w->f, BM_S_REFUSAL, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "usual form", 0);
}

/* ---- messages out of place: the signer ends, and wakes as it was ---- */

static void
assert_breach(struct world *w, uint16_t type, size_t n)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct fixture_answer answer;
    int status;

    if (n > 0)
        memset(bm_buf_grow(&body, n), 0, n);
    fixture_ask(&w->f, (enum bm_signer_message)type, bm_buf_bytes(&body), false, &answer);
    assert_int_equal(answer.type, 0);
    status = fixture_stop(&w->f);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void
messages_out_of_place_end_the_signer(void **state)
{
    static const struct {
        uint16_t type;
        size_t n;
    } breaches[] = {
        { BM_S_HELLO, 8 },                       /* twice */
        { 0, 0 },                                /* unknown */
        { 999, 10 },        { BM_S_ISSUED, 10 }, /* an answer as a question */
        { BM_S_NONCE, 31 },                      /* too short, too long */
        { BM_S_NONCE, 33 }, { BM_S_LOT_END, 1 }, { BM_S_REPLAY, 9 }, { BM_S_ISSUE, BM_MAX_MESSAGE_BODY },
        { BM_S_ISSUE, 40 }, /* its length is good, its inside is not */
        { BM_S_CRL, 2 },
    };
    struct world *w = *state;

    for (size_t i = 0; i < BM_COUNT(breaches); i++) {
        assert_breach(w, breaches[i].type, breaches[i].n);
        fixture_start(&w->f);
    }
    /* before the greeting nothing else may come */
    assert_int_equal(fixture_stop(&w->f), 0);
    for (uint16_t type = BM_S_STATEMENT; type <= BM_S_REPLAY; type++) {
        fixture_spawn(&w->f);
        assert_breach(w, type, type == BM_S_NONCE ? 32 : type == BM_S_REPLAY ? 8 : type == BM_S_CRL ? 1 : 0);
    }
    fixture_start(&w->f);
}

/* ---- the journal ---- */

static void
journal_path(const struct world *w, char path[static BM_PATH])
{
    (void)snprintf(path, BM_PATH, "%s/" BM_PLACE_JOURNAL, w->f.home);
}

static off_t
journal_size(const struct world *w)
{
    char path[BM_PATH];
    struct stat st;

    journal_path(w, path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void
journal_cut(const struct world *w, off_t to)
{
    char path[BM_PATH];

    journal_path(w, path);
    assert_int_equal(truncate(path, to), 0);
}

static void
an_old_journal_under_a_newer_store_is_refused(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    struct fixture_answer answer;

    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_spawn(&w->f);
    bm_buf_add_u64(&body, w->f.ledger.size + 1);
    fixture_ask(&w->f, BM_S_HELLO, bm_buf_bytes(&body), false, &answer);
    assert_refusal(&answer, "the store is ahead of the signer's journal", 0);
    assert_breach(w, BM_S_CRL, 1); /* and it goes no further */
    fixture_start(&w->f);
}

/* A crash after the intent and before the done record: the same TBS is signed again, once, and the ledger says so. */
static void
an_open_intent_is_signed_again_over_the_same_tbs(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf hello = { .max = 8 };
    struct fixture_answer answer;
    struct bm_cert cert;
    uint8_t tbs[2048];
    off_t before = journal_size(w), end;
    size_t ntbs;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    fixture_must(bm_cert_parse(&cert, bm_bytes(answer.certificate, answer.ncertificate), &fail));
    ntbs = cert.tbs.n;
    memcpy(tbs, cert.tbs.p, ntbs);
    assert_int_equal(fixture_stop(&w->f), 0);
    end = journal_size(w);
    assert_true(end > before);
    journal_cut(w, end - 1); /* the done record is torn */
    fixture_forget(&w->f);
    fixture_spawn(&w->f);
    bm_buf_add_u64(&hello, 0);
    fixture_ask(&w->f, BM_S_HELLO, bm_buf_bytes(&hello), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_answer_done(&answer);
    fixture_replay(&w->f);
    assert_int_equal(w->f.certificates, 1);
    assert_non_null(strstr(w->f.last_event, "kind signed-again\n"));
    assert_int_equal(w->f.nlast_certificate > ntbs, true);
    fixture_must(bm_cert_parse(&cert, bm_bytes(w->f.last_certificate, w->f.nlast_certificate), &fail));
    assert_int_equal(cert.tbs.n, ntbs);
    assert_memory_equal(cert.tbs.p, tbs, ntbs);
}

/* ---- confinement ---- */

static void
the_signer_is_confined(void **state)
{
    struct world *w = *state;
    char path[64], line[256];
    bool seccomp = false, privileges = false;
    FILE *status;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)w->f.signer);
    status = fopen(path, "r");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        seccomp = seccomp || strcmp(line, "Seccomp:\t2\n") == 0;
        privileges = privileges || strcmp(line, "NoNewPrivs:\t1\n") == 0;
    }
    (void)fclose(status);
    assert_true(seccomp);
    assert_true(privileges);
}

static void
the_signer_links_no_sql_http_json_or_tls(void **state)
{
    static const char *const never[] = { "sqlite", "libevent", "jansson", "libssl", "curl", "mosquitto", "tss2" };
    char line[512];
    FILE *ldd = popen("ldd " BM_SIGNER_PROGRAM, "r");

    (void)state;
    assert_non_null(ldd);
    while (fgets(line, sizeof(line), ldd) != NULL)
        for (size_t i = 0; i < BM_COUNT(never); i++)
            if (strstr(line, never[i]) != NULL)
                fail_msg("the signer links %s", line);
    assert_int_equal(pclose(ldd), 0);
}

#define ATTACK(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(statements_forged_are_refused),
        ATTACK(statements_changed_or_replayed_are_refused),
        ATTACK(orders_that_do_not_hold_together_are_refused),
        ATTACK(other_peoples_evidence_is_refused),
        ATTACK(chips_of_no_lot_are_refused),
        ATTACK(nonces_not_ours_are_refused),
        ATTACK(orders_bind_lot_profile_and_time),
        ATTACK(a_retry_gets_the_same_certificate),
        ATTACK(a_confirmed_slot_takes_no_other_key),
        ATTACK(a_chip_that_asks_in_a_loop_fills_nothing),
        ATTACK(a_provisional_identity_is_replaced_three_times),
        ATTACK(two_devices_share_no_key),
        ATTACK(one_unit_more_than_ordered_is_refused),
        ATTACK(a_batch_cannot_race_for_the_last_unit),
        ATTACK(a_batch_sees_its_own_slots),
        ATTACK(another_service_is_no_other_unit),
        ATTACK(challenges_are_for_attestation_keys),
        ATTACK(lots_that_are_not_the_signed_ones_are_refused),
        ATTACK(pins_are_checked_before_the_first_leaf),
        ATTACK(a_leaf_over_two_units_refuses_the_lot),
        ATTACK(a_second_lot_hands_out_no_fresh_slot),
        ATTACK(what_is_revoked_stays_in_the_list),
        ATTACK(a_replaced_certificate_is_revoked_with_it),
        ATTACK(serials_of_nobody_are_refused),
        ATTACK(a_reissue_wants_a_signed_allow_and_uses_it_up),
        ATTACK(a_leaf_left_out_shows),
        ATTACK(refusals_of_the_registrar_become_leaves),
        ATTACK(messages_out_of_place_end_the_signer),
        ATTACK(an_old_journal_under_a_newer_store_is_refused),
        ATTACK(an_open_intent_is_signed_again_over_the_same_tbs),
        ATTACK(the_signer_is_confined),
        cmocka_unit_test(the_signer_links_no_sql_http_json_or_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
