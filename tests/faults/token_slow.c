/*
 * token_slow.c - a token that takes five seconds for a signature, and one that never answers (FAULTS F14): the queue is bounded by what can be signed in time, whoever
 * does not fit hears so at once, and what needs no token is not kept waiting.
 */
#include "token_kit.h"

#include "proc/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ASKERS 8
#define MAY_WAIT 2 /* what can be signed within the patience */
#define NONCES 20

/* proves: FAULTS F14 */
static void
five_seconds_a_signature_starve_nobody(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE };
    struct bm_buf body[ASKERS];
    struct token_site *t = *state;
    struct fixture_answer answer;
    const uint8_t root[BM_HASH] = { 1 };
    size_t issued = 0, refused = 0;
    int64_t began;

    for (size_t i = 0; i < ASKERS; i++) {
        struct fixture_request request = { .lot = &t->lot, .chip = t->chip++ };

        body[i] = (struct bm_buf){ .max = BM_MAX_MESSAGE_BODY };
        bm_buf_reset(&bundle);
        fixture_bundle(&t->f, &bundle, &request);
        fixture_issue_body(&body[i], &request, bm_buf_bytes(&bundle));
    }
    token_fault(t, "C_Sign 1 0 slow 5000");
    token_issued(t, &answer); /* now its pace is known */
    began = bm_clock_ms();
    for (size_t i = 0; i < ASKERS; i++) {
        (void)fixture_send(&t->f, BM_S_ISSUE, bm_buf_bytes(&body[i]));
        bm_buf_done(&body[i]);
    }
    for (size_t i = 0; i < NONCES; i++)
        (void)fixture_send(&t->f, BM_S_NONCE, bm_bytes(root, sizeof(root)));
    for (size_t i = 0; i < ASKERS + NONCES; i++) {
        fixture_recv(&t->f, false, &answer);
        issued += answer.type == BM_S_ISSUED;
        refused += answer.type == BM_S_REFUSED;
        if (answer.type == BM_S_REFUSED)
            assert_int_equal(answer.rc, BM_EBUSY);
        if (answer.type == BM_S_REFUSED && refused <= ASKERS - MAY_WAIT)
            assert_non_null(strstr(answer.sentence, "others wait for the CA's token, which takes"));
        if (answer.type == BM_S_ANSWER || (answer.type == BM_S_REFUSED && refused <= ASKERS - MAY_WAIT))
            assert_true(bm_clock_ms() - began < 3000); /* less than one signature takes */
        fixture_answer_done(&answer);
    }
    assert_true(issued > 0);
    assert_true(refused >= ASKERS - MAY_WAIT);
    token_fault(t, NULL);
    fixture_listen(&t->f, 6000);
    assert_true(t->f.certificates <= 1 + MAY_WAIT); /* and nothing of those that were refused at once */
    token_issued(t, &answer);
}

/* proves: FAULTS F14 */
static void
one_that_never_answers_is_ended(void **state)
{
    struct token_site *t = *state;
    struct fixture_answer answer;

    token_fault(t, "C_Sign 1 1 hang 0");
    token_busy(t, "ask again");
    token_nonce(t);
    token_await(t, false);
    token_await(t, true);
    fixture_listen(&t->f, 500);
    assert_int_equal(t->f.certificates, 1); /* what was on record */
    token_issued(t, &answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(five_seconds_a_signature_starve_nobody, token_set_up, token_tear_down),
        cmocka_unit_test_setup_teardown(one_that_never_answers_is_ended, token_set_up, token_tear_down),
    };

    if (access(TOKEN_MODULE, R_OK) != 0 || system("command -v softhsm2-util >/dev/null") != 0) {
        (void)printf("skipped: SoftHSM is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
