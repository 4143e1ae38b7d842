/* hostile_life.c - moves in a device's life: what takes away wants a name and nothing else, what gives back wants a signature; no move touches another device.
 *
 *   hostile_life [N]     so many live devices, one of which is revoked (1000)
 */
#include "base/base.h"
#include "hostile.h"

#include "evidence/erased.h"
#include "record/life.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEY_COMPROMISE 1

static struct bm_private *
key_new(void)
{
    struct bm_private *key = NULL;

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    return key;
}

static void
again(struct world *w)
{
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_forget(&w->f);
    fixture_start(&w->f);
}

static void
restrict_by(struct world *w, enum bm_move move, const char *device, const char *by, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };

    bm_s_device_build(&body, &(struct bm_s_device){ .move = (uint8_t)move,
                                                    .device = bm_bytes_str(device),
                                                    .reason = move == BM_MOVE_REVOKE ? KEY_COMPROMISE : 0,
                                                    .by = bm_bytes_str(by),
                                                    .text = bm_bytes_str("ticket 77") });
    fixture_ask(&w->f, BM_S_DEVICE, bm_buf_bytes(&body), true, answer);
}

static void
restrict_taken(struct world *w, enum bm_move move, const char *device, const char *state)
{
    struct fixture_answer answer;
    char line[64];

    restrict_by(w, move, device, "anna", &answer);
    if (answer.type != BM_S_ANSWER)
        fail_msg("%s is refused: %s", bm_move_word(move), answer.sentence);
    assert_int_equal(answer.nleaves, 1);
    (void)snprintf(line, sizeof(line), "\nstate %s\n", state);
    assert_non_null(strstr(answer.event, line));
    if (move == BM_MOVE_DECOMMISSION)
        assert_non_null(strstr(answer.event, "ticket 77; erased: no word of the device\n"));
    restrict_by(w, move, device, "anna", &answer); /* it is so already */
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 0);
}

static void
allow_send(struct world *w, const struct fixture_statement *how, const struct bm_allow *allow, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_allow_note(&w->f, &note, how, allow);
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

static struct bm_allow
allow_of(enum bm_allow_act act, const char *device)
{
    struct bm_allow allow = { .act = act, .reason = "ticket 78", .owner = "Acme Water" };

    (void)snprintf(allow.device, sizeof(allow.device), "%s", device);
    return allow;
}

static void
allowed(struct world *w, const struct bm_allow *allow, const char *state)
{
    struct fixture_answer answer;
    char line[64];

    allow_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN }, allow, &answer);
    if (answer.type != BM_S_ANSWER)
        fail_msg("%s is refused: %s", bm_allow_act_word(allow->act), answer.sentence);
    w->f.seq++;
    (void)snprintf(line, sizeof(line), "\nstate %s\n", state);
    if (strstr(answer.event, line) == NULL)
        fail_msg("no%s in %s", line, answer.event);
}

static void
not_allowed(struct world *w, const struct bm_allow *allow, const char *words)
{
    struct fixture_answer answer;

    allow_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN }, allow, &answer);
    assert_refusal(&answer, words, 1);
}

/* Nobody but an operator of the right role, at the right place in the order of statements. */
static void
nobody_else_allows(struct world *w, const struct bm_allow *allow)
{
    struct fixture_answer answer;

    allow_send(w, &(struct fixture_statement){ .by = MALLORY }, allow, &answer);
    assert_refusal(&answer, "no operator of this site", 0);
    allow_send(w, &(struct fixture_statement){ .by = MALLORY, .says_by = "anna" }, allow, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    allow_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER }, allow, &answer);
    assert_refusal(&answer, "petra is planner here and may not", 1);
    allow_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN, .seq = w->f.seq + 5 }, allow, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    for (unsigned move = BM_MOVE_RESUME; move <= BM_MOVE_TRANSFER; move++) {
        if (move == BM_MOVE_REVOKE)
            continue;
        restrict_by(w, (enum bm_move)move, allow->device, "anna", &answer); /* by its name alone */
        assert_refusal(&answer, "a device is suspended, revoked", 0);
    }
}

static bool
listed(struct world *w, const struct fixture_answer *issued)
{
    struct fixture_answer answer;
    bool is;

    fixture_ask(&w->f, BM_S_CRL, FIXTURE_LIST, false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    is = memmem(answer.body.p, answer.body.n, issued->serial, issued->nserial) != NULL;
    fixture_answer_done(&answer);
    return is;
}

static void
made(struct world *w, size_t chip, struct bm_private *key, struct fixture_answer *answer)
{
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = chip, .key = key }, answer);
    confirm(w, answer);
}

/* proves: ARCHITECTURE 4 resume and repair are signed; suspend and revoke need none */
static void
a_suspended_device_comes_back_by_a_signature_alone(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = key_new(), *next = key_new();
    struct fixture_answer one, other, answer;
    struct bm_allow resume;

    made(w, 0, key, &one);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, &other);
    resume = allow_of(BM_ALLOW_RESUME, one.device);
    not_allowed(w, &resume, "it is not suspended");
    restrict_by(w, BM_MOVE_SUSPEND, one.device, "carl", &answer);
    assert_refusal(&answer, "carl is custodian here and may not suspend a device", 1);
    restrict_by(w, BM_MOVE_SUSPEND, "00000000000000000000", "anna", &answer);
    assert_refusal(&answer, "there is no device of this id", 0);
    restrict_taken(w, BM_MOVE_SUSPEND, one.device, "suspended");
    assert_true(listed(w, &one));
    assert_false(listed(w, &other));
    nobody_else_allows(w, &resume);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, "is suspended", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = next, .current = key }, "is suspended", 1);
    mark(w, BM_S_CONFIRM, &one, &answer);
    assert_refusal(&answer, "is suspended", 0);
    confirm(w, &other);
    again(w);
    assert_true(listed(w, &one));
    nobody_else_allows(w, &resume);
    allowed(w, &resume, "onboarded");
    assert_false(listed(w, &one));
    fixture_issue(&w->f, &(struct fixture_request){ .lot = &w->lot, .key = key }, &answer);
    assert_true(answer.type == BM_S_ISSUED && answer.repeat); /* what it had before */
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = next, .current = key }, &answer);
    allow_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN, .seq = w->f.seq - 1 }, &resume, &answer); /* played again */
    assert_int_equal(answer.type, BM_S_REFUSED);
}

/* While it was suspended one certificate was revoked: that one stays on the list. */
static void
what_was_revoked_meanwhile_stays_so(void **state)
{
    struct world *w = *state;
    struct fixture_answer one, answer;
    struct bm_allow resume;

    made(w, 0, NULL, &one);
    resume = allow_of(BM_ALLOW_RESUME, one.device);
    restrict_taken(w, BM_MOVE_SUSPEND, one.device, "suspended");
    mark(w, BM_S_REVOKE, &one, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    allowed(w, &resume, "onboarded");
    assert_true(listed(w, &one));
    again(w);
    assert_true(listed(w, &one));
}

static void
a_revoked_device_gets_nothing_again(void **state)
{
    struct world *w = *state;
    struct fixture_answer one, answer;
    struct bm_allow allow;

    made(w, 0, NULL, &one);
    restrict_taken(w, BM_MOVE_SUSPEND, one.device, "suspended");
    restrict_taken(w, BM_MOVE_REVOKE, one.device, "revoked");
    assert_true(listed(w, &one));
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "is revoked and gets no certificate again", 1);
    allow = allow_of(BM_ALLOW_RESUME, one.device);
    not_allowed(w, &allow, "it is revoked: it can be repaired");
    allow = allow_of(BM_ALLOW_TRANSFER, one.device);
    not_allowed(w, &allow, "it is revoked: it can be repaired");
    allow = allow_of(BM_ALLOW_REISSUE, one.device);
    (void)snprintf(allow.service, sizeof(allow.service), "mqtt");
    not_allowed(w, &allow, "gets no certificate again");
    again(w);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "is revoked and gets no certificate again", 1);
    restrict_taken(w, BM_MOVE_DECOMMISSION, one.device, "decommissioned");
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "is decommissioned and gets no certificate again", 1);
    restrict_by(w, BM_MOVE_SUSPEND, one.device, "anna", &answer);
    assert_refusal(&answer, "which is final", 0);
    allow = allow_of(BM_ALLOW_REPAIR, one.device);
    memcpy(allow.chip, bm_private_public(w->lot.chips[1].root)->hash, BM_HASH);
    not_allowed(w, &allow, "which is final");
}

/* Both sides of a fork are suspended; who resumes says which key lives on. */
static void
a_fork_is_decided_by_a_person(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *first = key_new(), *second = key_new(), *copy = key_new(), *third = key_new();
    struct fixture_answer old, one, answer;
    struct bm_allow resume;

    made(w, 0, first, &old);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = second, .current = first }, &one);
    confirm(w, &one);
    fixture_issue(&w->f, &(struct fixture_request){ .lot = &w->lot, .key = copy, .current = first }, &answer);
    assert_refusal(&answer, "two hold it", 2);
    assert_true(listed(w, &one) && listed(w, &old));
    resume = allow_of(BM_ALLOW_RESUME, old.device);
    not_allowed(w, &resume, "find out which is the device");
    resume.keep = BM_KEEP_SERIAL;
    resume.nserial = old.nserial;
    memcpy(resume.serial, old.serial, old.nserial);
    not_allowed(w, &resume, "is not the newest");
    memcpy(resume.serial, one.serial, one.nserial);
    allowed(w, &resume, "active");
    assert_false(listed(w, &one));
    assert_true(listed(w, &old)); /* its key is the one that two hold */
    again(w);
    assert_true(listed(w, &old));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = third, .current = second }, &answer);
    confirm(w, &answer);
    fixture_issue(&w->f, &(struct fixture_request){ .lot = &w->lot, .key = copy, .current = first }, &answer);
    assert_refusal(&answer, "two hold it", 2); /* the wire is live again */
    resume.keep = BM_KEEP_NONE;
    resume.nserial = 0;
    allowed(w, &resume, "active");
    assert_true(listed(w, &one));
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = copy, .current = third }, "was revoked", 1);
}

static void
order_close(struct world *w)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    struct fixture_answer answer;

    bm_s_order_close_build(
        &body, &(struct bm_s_order_close){ .order = bm_bytes_str("order-1"), .by = bm_bytes_str("petra"), .reason = bm_bytes_str("done") });
    fixture_ask(&w->f, BM_S_ORDER_CLOSE, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
}

/* The old owner's keys are over; the device enrols once more, though its order closed long ago. */
static void
another_owner_begins_anew(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *old = key_new(), *key = key_new(), *next = key_new();
    struct fixture_answer one, other, answer;
    struct bm_allow transfer;

    made(w, 0, old, &one);
    made(w, 1, NULL, &other);
    order_close(w);
    transfer = allow_of(BM_ALLOW_TRANSFER, one.device);
    nobody_else_allows(w, &transfer);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, "is closed", 1);
    allowed(w, &transfer, "transferred");
    assert_true(listed(w, &one));
    assert_false(listed(w, &other));
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = next, .current = old }, "was revoked", 1);
    again(w);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, &answer);
    assert_string_equal(answer.device, one.device);
    fixture_issue(&w->f, &(struct fixture_request){ .lot = &w->lot, .key = key }, &answer); /* the reply was lost */
    assert_true(answer.type == BM_S_ISSUED && answer.repeat);
    mark(w, BM_S_CONFIRM, &answer, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = next }, "this may be a copy", 1);
}

/* A device's word: of its identity's key, signed by this key. */
static void
end_by(struct world *w, const char *device, struct bm_private *identity, struct bm_private *signer, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 + BM_MAX_ERASED }, text = { .max = BM_MAX_ERASED };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_erased erased = { .time = 1795469649, .identities = { { .service = "mqtt" } }, .nidentities = 1 };

    memcpy(erased.identities[0].key, bm_private_public(identity)->hash, BM_HASH);
    bm_erased_build(&text, &erased, bm_key_spki(bm_private_public(signer)));
    fixture_must(bm_private_sign(signer, bm_buf_bytes(&text), &signature, &fail));
    bm_erased_end(&text, bm_buf_bytes(&signature));
    bm_s_device_build(&body, &(struct bm_s_device){ .move = BM_MOVE_DECOMMISSION,
                                                    .device = bm_bytes_str(device),
                                                    .by = bm_bytes_str("anna"),
                                                    .text = bm_bytes_str("end of life"),
                                                    .receipt = bm_buf_bytes(&text) });
    fixture_ask(&w->f, BM_S_DEVICE, bm_buf_bytes(&body), true, answer);
}

/* What it erased is on record by its own word: another's, or one of an earlier key, is none, whoever hands it in. */
static void
what_was_erased_is_the_devices_word(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *old = key_new(), *key = key_new(), *second = key_new();
    struct fixture_answer one, two, answer;

    made(w, 0, old, &one);
    made(w, 1, second, &two);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key, .current = old }, &answer);
    confirm(w, &answer);
    end_by(w, one.device, key, w->lot.chips[1].root, &answer);
    assert_refusal(&answer, "signed by no key of this device", 0);
    end_by(w, one.device, key, second, &answer);
    assert_refusal(&answer, "signed by no key of this device", 0);
    end_by(w, one.device, second, w->lot.chips[0].root, &answer);
    assert_refusal(&answer, "does not name the key that the device has for service mqtt", 0);
    end_by(w, two.device, key, key, &answer);
    assert_refusal(&answer, "does not name", 0);
    end_by(w, one.device, key, w->lot.chips[0].root, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_non_null(
        strstr(answer.event, "end of life; erased, by the device's word of 2026-11-23T21:34:09Z: identities 1, sealed data 0\n"));
    assert_non_null(strstr(answer.event, "\nevidence "));
    again(w);
    end_by(w, two.device, second, second, &answer); /* an identity's key, where no root key signs texts */
    assert_int_equal(answer.type, BM_S_ANSWER);
    again(w);
}

/* Another chip: the device stays who it is, the old chip is nobody's for good. */
static void
a_repaired_device_keeps_its_id(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = key_new();
    struct fixture_answer one, other, answer;
    struct bm_allow repair;

    made(w, 0, NULL, &one);
    made(w, 1, NULL, &other);
    repair = allow_of(BM_ALLOW_REPAIR, one.device);
    not_allowed(w, &repair, "is in no received lot");
    memcpy(repair.chip, bm_private_public(w->other.chips[0].root)->hash, BM_HASH);
    not_allowed(w, &repair, "is in no received lot");
    memcpy(repair.chip, bm_private_public(w->lot.chips[1].root)->hash, BM_HASH);
    not_allowed(w, &repair, "is another device's");
    memcpy(repair.chip, bm_private_public(w->lot.chips[0].root)->hash, BM_HASH);
    not_allowed(w, &repair, "has this chip already");
    memcpy(repair.chip, bm_private_public(w->lot.chips[2].root)->hash, BM_HASH);
    nobody_else_allows(w, &repair);
    allowed(w, &repair, "repaired");
    assert_true(listed(w, &one));
    for (size_t i = 0; i < 2; i++) {
        issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "was taken out of its device", 1);
        again(w);
    }
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 2, .key = key }, &answer);
    assert_string_equal(answer.device, one.device);
    confirm(w, &answer);
    mark(w, BM_S_CONFIRM, &other, &answer); /* nobody else noticed */
    assert_int_equal(answer.type, BM_S_ANSWER);
    memcpy(repair.chip, bm_private_public(w->lot.chips[0].root)->hash, BM_HASH);
    not_allowed(w, &repair, "may not be used any more");
    memcpy(repair.device, other.device, sizeof(repair.device));
    not_allowed(w, &repair, "may not be used any more");
}

/* ---- many ---- */

static size_t many = 1000;

static double
seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
one_of_many_is_revoked_alone(void **state)
{
    struct world *w = *state;
    struct fixture_answer *devices = calloc(many, sizeof(*devices)), answer;
    struct fixture_lot lot = { .n = 0 };
    double began, recorded, published;
    size_t on = 0;

    assert_non_null(devices);
    fixture_lot_make(&w->f, &lot, "MANY", many);
    fixture_pin(&w->f, &lot);
    fixture_order(&w->f, "order-many", &lot, many);
    for (size_t i = 0; i < many; i++)
        issue_due(w, &(struct fixture_request){ .lot = &lot, .chip = i, .order = "order-many" }, &devices[i]);
    began = seconds();
    restrict_by(w, BM_MOVE_REVOKE, devices[many / 2].device, "anna", &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    recorded = seconds() - began;
    published = began;
    for (uint8_t bucket = 1; bucket <= many / BM_CRL_BUCKET + 1; bucket++) {
        fixture_ask(&w->f, BM_S_CRL, bm_bytes((const uint8_t[]){ BM_CA_OPERATIONAL, 0, 0, 0, bucket }, 5), false, &answer);
        assert_int_equal(answer.type, BM_S_ANSWER);
        if (memmem(answer.body.p, answer.body.n, devices[many / 2].serial, devices[many / 2].nserial) != NULL)
            published = seconds();
        for (size_t i = 0; i < many; i++)
            on += memmem(answer.body.p, answer.body.n, devices[i].serial, devices[i].nserial) != NULL;
        fixture_answer_done(&answer);
    }
    assert_int_equal(on, 1);
    assert_true(published > began);
    for (size_t i = 0; i < many; i++)
        if (i != many / 2)
            confirm(w, &devices[i]);
    mark(w, BM_S_CONFIRM, &devices[many / 2], &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    print_message("revoked one of %zu: on record after %.1f ms, in a list after %.1f ms\n", many, recorded * 1e3,
                  (published - began) * 1e3);
    free(devices);
    fixture_lot_done(&lot);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ATTACK(a_suspended_device_comes_back_by_a_signature_alone),
        ATTACK(what_was_revoked_meanwhile_stays_so),
        ATTACK(a_revoked_device_gets_nothing_again),
        ATTACK(a_fork_is_decided_by_a_person),
        ATTACK(another_owner_begins_anew),
        ATTACK(what_was_erased_is_the_devices_word),
        ATTACK(a_repaired_device_keeps_its_id),
        ATTACK(one_of_many_is_revoked_alone),
    };

    if (argc == 2)
        many = (size_t)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
