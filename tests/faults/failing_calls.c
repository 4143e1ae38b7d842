/*
 * failing_calls.c - the real signer on a machine whose calls fail: fdatasync (FAULTS F6), writes that are short or interrupted (F8), no random numbers (F17), a clock that
 * was turned back or far ahead (F16); and a second signer on the same home (F13).
 *
 *   failing_calls CALLS CLOCK     failing_call.c and late_clock.c as modules to be preloaded
 */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "site_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHIPS 40

struct site {
    struct fixture f;
    struct fixture_lot lot;
    size_t chip;
    char preload[BM_PATH + 16], setting[128];
    const char *prefix[4];
};

static const char *calls_module, *clock_module;

static int
set_up(void **state)
{
    struct site *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    fixture_make(&s->f);
    fixture_start(&s->f);
    fixture_lot_make(&s->f, &s->lot, "L1", CHIPS);
    fixture_pin(&s->f, &s->lot);
    fixture_order(&s->f, "order-1", &s->lot, CHIPS);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct site *s = *state;

    assert_int_equal(fixture_stop(&s->f), 0);
    fixture_lot_done(&s->lot);
    fixture_remove(&s->f);
    free(s);
    return 0;
}

/* The signer is started again, on such a machine; setting NULL: on a good one. */
static void
machine(struct site *s, const char *module, const char *setting)
{
    assert_int_equal(fixture_stop(&s->f), 0);
    s->f.prefix = NULL;
    if (setting != NULL) {
        (void)snprintf(s->preload, sizeof(s->preload), "LD_PRELOAD=%s", module);
        (void)snprintf(s->setting, sizeof(s->setting), "%s", setting);
        s->prefix[0] = "env";
        s->prefix[1] = s->preload;
        s->prefix[2] = s->setting;
        s->f.prefix = s->prefix;
    }
    fixture_start(&s->f);
}

static void
ask(struct site *s, size_t chip, struct fixture_answer *answer)
{
    assert_true(chip < CHIPS);
    fixture_issue(&s->f, &(struct fixture_request){ .lot = &s->lot, .chip = chip }, answer);
}

static void
issue(struct site *s)
{
    struct fixture_answer answer;

    ask(s, s->chip++, &answer);
    if (answer.type != BM_S_ISSUED)
        fixture_unanswered(&s->f, "issue", &answer);
}

/* It ended by itself, with exit 3 and one sentence; and wakes on a good machine as if nothing had been. */
static void
assert_ended(struct site *s, struct fixture *of, const char *words)
{
    bm_cleanup(bm_buf_done) struct bm_buf said = { .max = 65536 };
    int status = fixture_stop(of);
    char path[BM_PATH];

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    (void)snprintf(path, sizeof(path), "%s/signer.err", s->f.home);
    fixture_must(bm_file_read(&said, path, &fail));
    if (memmem(said.p, said.n, words, strlen(words)) == NULL)
        fail_msg("\"%.*s\" does not say \"%s\"", (int)said.n, (const char *)said.p, words);
    fixture_must(bm_file_write(path, bm_bytes(NULL, 0), 0600, &fail));
}

/* Everything goes well until the nth call fails: then nothing is answered any more, and what was answered stands. */
static void
fails_at(struct site *s, const char *call, unsigned nth, const char *words)
{
    struct fixture_answer answer;
    char setting[96];
    size_t before, issued = 0;

    (void)snprintf(setting, sizeof(setting), "BM_TEST_CALL=%s %u 1 fail", call, nth);
    machine(s, calls_module, setting);
    before = s->f.certificates;
    for (;; issued++) {
        ask(s, s->chip + issued, &answer);
        if (answer.type == 0)
            break;
        assert_int_equal(answer.type, BM_S_ISSUED);
    }
    assert_ended(s, &s->f, words);
    assert_int_equal(s->f.certificates, before + issued);
    s->f.prefix = NULL;
    fixture_start(&s->f); /* checks the ledger on: an intent that stayed open is signed now */
    assert_true(s->f.certificates <= before + issued + 1);
    ask(s, s->chip + issued, &answer);
    assert_int_equal(answer.type, BM_S_ISSUED);
    s->chip += issued + 1;
}

/* The first sync is that of waking: before it, nothing was asked. */
/* proves: FAULTS F6 */
static void
a_sync_that_fails_once_ends_the_signer(void **state)
{
    for (unsigned nth = 2; nth <= 7; nth++)
        fails_at(*state, "fdatasync", nth, "made durable");
}

/* proves: FAULTS F8 */
static void
short_and_interrupted_writes_are_whole(void **state)
{
    struct site *s = *state;

    machine(s, calls_module, "BM_TEST_CALL=pwrite 1 0 half");
    for (size_t i = 0; i < 4; i++)
        issue(s);
    machine(s, calls_module, "BM_TEST_CALL=pwrite 1 0 eintr");
    for (size_t i = 0; i < 4; i++)
        issue(s);
    fixture_forget(&s->f);
    machine(s, NULL, NULL); /* the journal is whole: all of it comes again */
    assert_int_equal(s->f.certificates, 8);
    fails_at(s, "pwrite", 2, "can't be written");
}

/* proves: FAULTS F17 */
static void
without_random_numbers_nothing_is_signed(void **state)
{
    for (unsigned nth = 2; nth <= 5; nth++) /* the first is the tables' seed, at the start */
        fails_at(*state, "getrandom", nth, "the system gives no random numbers");
}

static void
issues_nothing(struct site *s, const char *seconds, const char *words)
{
    struct fixture_answer answer;
    char setting[64];
    size_t before = s->f.certificates;

    (void)snprintf(setting, sizeof(setting), "BM_TEST_LATE=%s", seconds);
    machine(s, clock_module, setting);
    ask(s, s->chip, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    assert_int_equal(answer.rc, BM_EBUSY);
    if (strstr(answer.sentence, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer.sentence, words);
    fixture_ask(&s->f, BM_S_CRL, FIXTURE_LIST, false, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    assert_int_equal(s->f.certificates, before);
}

/* proves: FAULTS F16 */
static void
a_clock_that_was_turned_signs_nothing(void **state)
{
    struct site *s = *state;

    issue(s);
    issues_nothing(s, "-3600", "clock");
    issues_nothing(s, "-86400", "clock");
    issues_nothing(s, "-60000000", "clock");
    issues_nothing(s, "40000000", "clock");  /* more than 400 days */
    issues_nothing(s, "800000000", "clock"); /* past 2050 */
    machine(s, NULL, NULL);
    issue(s);
}

/* proves: FAULTS F13 */
static void
a_second_signer_on_the_same_home_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf hello = { .max = 8 };
    struct site *s = *state;
    struct fixture second = { .id = 0 };
    struct fixture_answer answer;

    memcpy(second.home, s->f.home, sizeof(second.home));
    for (size_t i = 0; i < 5; i++) {
        issue(s);
        fixture_spawn(&second);
        bm_buf_reset(&hello);
        bm_buf_add_u64(&hello, 0);
        fixture_ask(&second, BM_S_HELLO, bm_buf_bytes(&hello), false, &answer);
        assert_int_equal(answer.type, 0);
        assert_ended(s, &second, "another signer holds");
    }
    issue(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_signer_on_the_same_home_is_refused), TEST(a_sync_that_fails_once_ends_the_signer),
        TEST(short_and_interrupted_writes_are_whole),      TEST(without_random_numbers_nothing_is_signed),
        TEST(a_clock_that_was_turned_signs_nothing),
    };

    if (argc != 3) /* sanitizers take no preload */
        return cmocka_run_group_tests_name("without preloads", ((const struct CMUnitTest[]){ tests[0] }), NULL, NULL);
    calls_module = argv[1];
    clock_module = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
