/*
 * token_faults.c - what the token that holds the CA keys can do wrong. FAULTS F14: removed in the middle of issuing, every error of PKCS#11, session lost, PIN
 * refused, module crashed: requests wait or are told to come again, never a key in software, nothing half done, back by itself. FAULTS F15: a wrong
 * signature never leaves.
 */
#include "token_kit.h"

#include "base/file.h"
#include "proc/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* proves: FAULTS F14 */
static void
every_error_in_the_middle_is_waited_out(void **state)
{
    static const unsigned long errors[] = { 0x2 /* HOST_MEMORY */,
                                            0x5 /* GENERAL_ERROR */,
                                            0x6 /* FUNCTION_FAILED */,
                                            0x30 /* DEVICE_ERROR */,
                                            0x32 /* DEVICE_REMOVED */,
                                            0x60 /* KEY_HANDLE_INVALID */,
                                            0x82 /* OBJECT_HANDLE_INVALID */,
                                            0xb3 /* SESSION_HANDLE_INVALID */,
                                            0xe0 /* TOKEN_NOT_PRESENT */,
                                            0x101 /* USER_NOT_LOGGED_IN */ };
    static const char *const functions[] = { "C_SignInit", "C_Sign" };
    struct token_site *t = *state;
    struct fixture_answer answer;
    char fault[64];

    for (size_t i = 0; i < BM_COUNT(errors); i++)
        for (size_t k = 0; k < BM_COUNT(functions); k++) {
            (void)snprintf(fault, sizeof(fault), "%s 1 1 fail 0x%lx", functions[k], errors[i]);
            token_fault(t, fault);
            token_issued(t, &answer);
            assert_non_null(strstr(t->f.last_event, "kind signed-again\n")); /* nobody knows what the token did before it failed */
        }
    assert_int_equal(t->f.certificates, t->chip);
    assert_int_equal(t->f.late, 0); /* not missed: no alarm */
}

/* proves: FAULTS F14 */
static void
every_error_while_it_opens_is_tried_again(void **state)
{
    static const char *const opening[] = { "C_Initialize 1 1 fail 0x5",   "C_GetSlotList 1 1 fail 0x30", "C_GetTokenInfo 1 1 fail 0xe0",
                                           "C_OpenSession 1 1 fail 0xb1", "C_FindObjects 1 1 fail 0xb3", "C_Login 1 1 fail 0x32" };
    struct token_site *t = *state;
    struct fixture_answer answer;

    for (size_t i = 0; i < BM_COUNT(opening); i++) {
        token_issued(t, &answer); /* a keeper that worked is followed at once */
        token_fault(t, "C_Sign 1 1 fail 0x32");
        (void)token_ask(t);
        token_await(t, false);
        token_fault(t, opening[i]);
        fixture_recv(&t->f, true, &answer);
        assert_int_equal(answer.type, BM_S_ISSUED);
    }
    assert_int_equal(t->f.certificates, t->chip);
}

/* What needs no token goes on: nonces, confirmations, revocations. */
static void
works_without(struct token_site *t, const struct fixture_answer *issued)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 256 };
    struct fixture_answer answer;

    token_nonce(t);
    bm_buf_add_lv16(&body, bm_bytes(issued->serial, issued->nserial));
    fixture_ask(&t->f, BM_S_CONFIRM, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    bm_buf_add_u8(&body, 1);
    bm_buf_add_lv16(&body, bm_bytes_str("anna"));
    bm_buf_add_lv16(&body, bm_bytes_str("lost"));
    fixture_ask(&t->f, BM_S_REVOKE, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
}

/* proves: FAULTS F14 */
static void
a_token_that_is_pulled_stops_signatures_and_nothing_else(void **state)
{
    struct token_site *t = *state;
    struct fixture_answer issued, answer;
    size_t before;
    int64_t began;

    token_issued(t, &issued);
    token_remove(t);
    began = bm_clock_ms();
    token_busy(t, "ask again"); /* it was taken before anybody knew: it stays on record */
    assert_true(bm_clock_ms() - began < 15000);
    token_await(t, false);
    assert_true(t->f.token_since > 0);
    before = t->f.ledger.size;
    for (size_t i = 0; i < 5; i++) {
        began = bm_clock_ms();
        token_busy(t, "the CA's token is away since 20");
        assert_true(bm_clock_ms() - began < 1000);
    }
    works_without(t, &issued);
    assert_int_equal(t->f.late, 1); /* one alarm, not one a request */
    assert_int_equal(t->f.ledger.size, before + 2);
    fixture_ask(&t->f, BM_S_CRL, FIXTURE_LIST, false, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    assert_int_equal(answer.rc, BM_EBUSY);

    token_return(t);
    token_await(t, true);
    token_issued(t, &answer);
    assert_int_equal(t->f.certificates, 3); /* the first, the one on record, this one: what was refused left nothing */
    assert_int_equal(t->f.late, 3);         /* alarm; certificate and signed-again of the one on record */
    fixture_ask(&t->f, BM_S_CRL, FIXTURE_LIST, false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_answer_done(&answer);
}

/* Killed while an intent is open and the token away: it starts without the token, and signs just that when it is back. */
/* proves: FAULTS F14 */
static void
a_signer_starts_without_its_token(void **state)
{
    struct token_site *t = *state;
    struct fixture_answer answer;

    token_issued(t, &answer);
    token_remove(t);
    token_busy(t, "ask again");
    assert_int_equal(kill(t->f.signer, SIGKILL), 0);
    (void)fixture_stop(&t->f);
    fixture_start(&t->f);
    assert_false(t->f.token_here);
    token_nonce(t);
    token_return(t);
    token_await(t, true);
    fixture_listen(&t->f, 500);
    assert_int_equal(t->f.certificates, 2);
    token_issued(t, &answer);
}

/* A retry of what waits gets the same certificate, a new key for it has to wait. */
/* proves: FAULTS F14 */
static void
asking_again_waits_for_the_same(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE }, other = { .max = BM_MAX_EVIDENCE },
                                          body = { .max = BM_MAX_MESSAGE_BODY };
    struct token_site *t = *state;
    const struct fixture_request request = { .lot = &t->lot };
    struct fixture_answer answer, again;

    fixture_bundle(&t->f, &bundle, &request);
    fixture_bundle(&t->f, &other, &request);
    token_fault(t, "C_Sign 1 0 fail 0x32");
    fixture_issue_body(&body, &request, bm_buf_bytes(&bundle));
    (void)fixture_send(&t->f, BM_S_ISSUE, bm_buf_bytes(&body));
    token_await(t, false);
    (void)fixture_send(&t->f, BM_S_ISSUE, bm_buf_bytes(&body));
    fixture_issue_body(&body, &request, bm_buf_bytes(&other));
    fixture_ask(&t->f, BM_S_ISSUE, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    assert_int_equal(answer.rc, BM_EBUSY);
    token_fault(t, NULL);
    fixture_recv(&t->f, true, &answer);
    assert_int_equal(answer.type, BM_S_ISSUED);
    assert_false(answer.repeat);
    fixture_recv(&t->f, true, &again);
    assert_int_equal(again.type, BM_S_ISSUED);
    assert_true(again.repeat);
    assert_memory_equal(again.serial, answer.serial, sizeof(answer.serial));
    assert_int_equal(t->f.certificates, 1);
}

/* proves: FAULTS F15 */
static void
a_wrong_signature_never_leaves(void **state)
{
    struct token_site *t = *state;
    struct fixture_answer answer;

    token_fault(t, "C_Sign 1 1 flip 0");
    token_issued(t, &answer); /* the fixture verifies it; the wrong one was thrown away and the keeper replaced */
    token_fault(t, "C_Sign 1 0 flip 0");
    token_busy(t, "ask again");
    assert_int_equal(t->f.certificates, 1);
    assert_false(t->f.token_here);
    fixture_listen(&t->f, 4000);
    assert_int_equal(t->f.late, 1);
    token_fault(t, NULL);
    token_await(t, true);
    fixture_listen(&t->f, 500);
    assert_int_equal(t->f.certificates, 2);
    token_issued(t, &answer);
}

/* proves: FAULTS F14 */
static void
a_module_that_crashes_is_loaded_again(void **state)
{
    struct token_site *t = *state;
    struct fixture_answer answer;

    for (size_t i = 0; i < 3; i++) {
        token_fault(t, "C_Sign 1 1 crash 0");
        token_issued(t, &answer);
    }
    assert_int_equal(t->f.certificates, 3);
}

static void
pin_write(struct token_site *t, const char *pin)
{
    char path[BM_PATH];

    (void)snprintf(path, sizeof(path), "%s/pin", t->f.home);
    fixture_must(bm_file_write(path, bm_bytes_str(pin), 0600, &fail));
}

/* A PIN that was refused is not tried again, or the token would lock itself; the next one in its file is. */
/* proves: FAULTS F14 */
static void
a_refused_pin_is_tried_once(void **state)
{
    struct token_site *t = *state;
    struct fixture_answer answer;
    size_t calls;

    token_issued(t, &answer);
    calls = token_calls(t, "C_Login");
    pin_write(t, "4321");
    token_fault(t, "C_Sign 1 1 fail 0xb3");
    token_busy(t, "ask again");
    assert_non_null(strstr(t->f.token_sentence, "the token refuses the PIN"));
    assert_int_equal(token_calls(t, "C_Login"), calls + 1); /* in ten seconds */
    pin_write(t, "1234\n");
    token_await(t, true);
    token_issued(t, &answer);
    assert_int_equal(t->f.certificates, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, token_set_up, token_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_error_in_the_middle_is_waited_out),
        TEST(every_error_while_it_opens_is_tried_again),
        TEST(a_token_that_is_pulled_stops_signatures_and_nothing_else),
        TEST(a_signer_starts_without_its_token),
        TEST(asking_again_waits_for_the_same),
        TEST(a_wrong_signature_never_leaves),
        TEST(a_module_that_crashes_is_loaded_again),
        TEST(a_refused_pin_is_tried_once),
    };

    if (access(TOKEN_MODULE, R_OK) != 0 || system("command -v softhsm2-util >/dev/null") != 0) {
        (void)printf("skipped: SoftHSM is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
