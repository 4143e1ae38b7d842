/* hostile_slots.c - a hostile registrar wants one certificate more: retries, copies, shared keys, races for the last unit. */
#include "base/base.h"
#include "hostile.h"

#include <signal.h>

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
    /* nor is a root key, of this chip or of another that is in use, ever an operational one; of one that is not, it is one and stays one */
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = w->lot.chips[1].root }, "root key of the chip", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = w->lot.chips[0].root }, "may not share a key", 1);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = w->lot.chips[2].root }, &issued);
    for (int again = 0; again < 2; again++) {
        issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 2 }, "that key by another chip", 1);
        assert_int_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
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
    assert_non_null(strstr(answer.event, "kind identity-replaced\n"));
    fixture_recv(&w->f, true, &answer); /* without a leaf: after all that have one */
    assert_int_equal(answer.type, BM_S_ISSUED);
    assert_true(answer.repeat);
    w->rightful += 2;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(a_retry_gets_the_same_certificate),
        ATTACK(a_confirmed_slot_takes_no_other_key),
        ATTACK(a_chip_that_asks_in_a_loop_fills_nothing),
        ATTACK(a_provisional_identity_is_replaced_three_times),
        ATTACK(two_devices_share_no_key),
        ATTACK(one_unit_more_than_ordered_is_refused),
        ATTACK(a_batch_cannot_race_for_the_last_unit),
        ATTACK(a_batch_sees_its_own_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
