/* hostile_renewal.c - renewals, due and not: a registrar that has been taken over gets none that the root key and the current key did not both speak for.
 *
 *   hostile_renewal [LATE-CLOCK]     the module that lets time pass; without it those tests are left out
 */
#include "base/base.h"
#include "hostile.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#define DAY 86400L

/* Keys of one device, in the order of its life. */
#define KEYS 6
struct keys {
    struct bm_private *k[KEYS];
};

static struct keys
keys_make(void)
{
    struct keys keys = { .k = { NULL } };

    for (size_t i = 0; i < KEYS; i++)
        fixture_must(bm_private_generate(&keys.k[i], BM_KEY_P256, &fail));
    return keys;
}

static void
keys_done(struct keys *keys)
{
    for (size_t i = 0; i < KEYS; i++)
        bm_private_free(keys->k[i]);
}
#define KEYS_OF(name) bm_cleanup(keys_done) struct keys name = keys_make()

static struct fixture_request
enrolment(struct world *w, struct bm_private *key)
{
    return (struct fixture_request){ .lot = &w->lot, .key = key };
}

static struct fixture_request
renewal(struct world *w, struct bm_private *current, struct bm_private *key)
{
    return (struct fixture_request){ .lot = &w->lot, .key = key, .current = current };
}

static void
enrolled(struct world *w, struct bm_private *key, struct fixture_answer *ret_answer)
{
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, ret_answer);
    confirm(w, ret_answer);
}

static void
renewed(struct world *w, struct bm_private *current, struct bm_private *key, struct fixture_answer *ret_answer)
{
    struct fixture_request request = renewal(w, current, key);

    issue_due(w, &request, ret_answer);
}

static void
repeated(struct world *w, struct bm_private *current, struct bm_private *key, const struct fixture_answer *first)
{
    struct fixture_request request = renewal(w, current, key);
    struct fixture_answer answer;

    fixture_issue(&w->f, &request, &answer);
    if (answer.type != BM_S_ISSUED || !answer.repeat)
        fail_msg("no repetition: %s", answer.sentence);
    assert_memory_equal(answer.serial, first->serial, BM_MAX_SERIAL);
}

static void
refused(struct world *w, const struct fixture_request *request, const char *words, const char *what)
{
    struct fixture_answer answer;
    char line[64];

    fixture_issue(&w->f, request, &answer);
    assert_refusal(&answer, words, strcmp(what, "fork") == 0 ? 2 : 1); /* a fork suspends */
    (void)snprintf(line, sizeof(line), "\nwhat %s\n", what);
    if (strstr(answer.event, line) == NULL)
        fail_msg("the alarm is not of %s: %s", what, answer.event);
    assert_non_null(strstr(answer.event, "\nevidence "));
}

static void
renewal_refused(struct world *w, struct bm_private *current, struct bm_private *key, const char *words, const char *what)
{
    struct fixture_request request = renewal(w, current, key);

    refused(w, &request, words, what);
}

static char preload[1024];

/* Stops the signer, and starts it again so many seconds after now. */
static void
later(struct world *w, long seconds)
{
    static char late[64];
    static const char *const prefix[] = { "env", preload, late, NULL };

    (void)snprintf(late, sizeof(late), "BM_TEST_LATE=%ld", seconds);
    assert_int_equal(fixture_stop(&w->f), 0);
    w->f.prefix = prefix;
    fixture_start(&w->f);
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
serial_expect(const struct fixture_answer *answer, const char *key, const struct fixture_answer *of)
{
    char line[64] = "";
    size_t n = (size_t)snprintf(line, sizeof(line), "\n%s ", key);

    for (size_t i = 0; i < of->nserial; i++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%02x", of->serial[i]);
    if (strstr(answer->event, line) == NULL)
        fail_msg("no%s in %s", line, answer->event);
}

/* ---- what is due ---- */

static void
the_earlier_one_lives_until_the_overlap_is_over(void **state)
{
    struct world *w = *state;
    struct fixture_answer first, second, answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &first);
    renewed(w, of.k[0], of.k[1], &second);
    assert_non_null(strstr(second.event, "kind identity-renewed\n"));
    serial_expect(&second, "replaces", &first);
    assert_false(listed(w, &first));
    mark(w, BM_S_CONFIRM, &first, &answer); /* it is in full use still */
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 0);
    mark(w, BM_S_CONFIRM, &second, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    serial_expect(&answer, "replaces", &first);
    assert_non_null(strstr(answer.event, "\nuntil "));
    mark(w, BM_S_CONFIRM, &first, &answer);
    assert_refusal(&answer, "was revoked or replaced", 0);
    assert_false(listed(w, &first));
    later(w, 7 * DAY - 300);
    assert_false(listed(w, &first));
    later(w, 7 * DAY + 300);
    assert_true(listed(w, &first));
    assert_false(listed(w, &second));
    later(w, 91 * DAY); /* it has expired */
    assert_false(listed(w, &first));
}

/* One key after the other, and again after the signer woke. */
static void
a_renewed_identity_renews_again(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &answer);
    for (size_t i = 1; i < KEYS; i++) {
        renewed(w, of.k[i - 1], of.k[i], &answer);
        if (i % 2 == 0) {
            assert_int_equal(fixture_stop(&w->f), 0);
            fixture_start(&w->f);
        }
        confirm(w, &answer);
    }
    renewal_refused(w, of.k[KEYS - 1], of.k[1], "may not share a key", "clone"); /* nor one that it had itself */
}

static void
the_same_key_gets_the_same_certificate(void **state)
{
    struct world *w = *state;
    struct fixture_answer first, second;
    KEYS_OF(of);

    enrolled(w, of.k[0], &first);
    renewed(w, of.k[0], of.k[1], &second);
    repeated(w, of.k[0], of.k[1], &second);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    repeated(w, of.k[0], of.k[1], &second);
    confirm(w, &second);
    repeated(w, of.k[0], of.k[1], &second); /* its answer was late, or came twice: no fork, who holds both keys is the device */
}

static void
a_device_that_lost_the_new_key_asks_a_few_times(void **state)
{
    struct world *w = *state;
    struct fixture_answer first, lost, answer;
    struct fixture_request request;
    KEYS_OF(of);

    enrolled(w, of.k[0], &first);
    renewed(w, of.k[0], of.k[1], &lost);
    renewed(w, of.k[0], of.k[2], &answer);
    assert_non_null(strstr(answer.event, "kind identity-replaced\n"));
    serial_expect(&answer, "replaces", &lost);
    assert_true(listed(w, &lost));
    assert_false(listed(w, &first));
    mark(w, BM_S_CONFIRM, &lost, &answer);
    assert_refusal(&answer, "was revoked or replaced", 0);
    renewed(w, of.k[0], of.k[3], &answer);
    renewed(w, of.k[0], of.k[4], &answer);
    renewal_refused(w, of.k[0], of.k[5], "3 times more and confirmed none", "renewal");
    request = enrolment(w, of.k[5]);
    refused(w, &request, "this may be a copy", "clone"); /* the root key alone replaces no renewal */
    confirm(w, &answer);
    renewed(w, of.k[4], of.k[5], &answer);
    assert_false(listed(w, &first));
}

/* ---- the tripwire ---- */

static void
a_copy_forks_the_chain_and_is_found_out(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &answer);
    renewed(w, of.k[0], of.k[1], &answer);
    confirm(w, &answer);
    renewal_refused(w, of.k[0], of.k[2], "so two hold it, and one is a copy", "fork");
    renewal_refused(w, of.k[0], of.k[3], "is suspended", "suspended"); /* both sides */
    renewal_refused(w, of.k[1], of.k[3], "is suspended", "suspended");
    assert_true(listed(w, &answer));
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_forget(&w->f);
    fixture_start(&w->f);
    renewal_refused(w, of.k[0], of.k[3], "is suspended", "suspended");
    renewal_refused(w, of.k[1], of.k[4], "is suspended", "suspended");
    assert_true(listed(w, &answer));
}

/* The copy was first: the original is refused by the same rule, and the first of the two that confirms has the identity. */
static void
whoever_confirms_first_leaves_a_fork_to_the_other(void **state)
{
    struct world *w = *state;
    struct fixture_answer original, copy, answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &answer);
    renewed(w, of.k[0], of.k[1], &original);
    renewed(w, of.k[0], of.k[2], &copy);
    confirm(w, &copy);
    mark(w, BM_S_CONFIRM, &original, &answer);
    assert_refusal(&answer, "was revoked or replaced", 0);
    renewal_refused(w, of.k[0], of.k[3], "so two hold it", "fork");
    renewal_refused(w, of.k[1], of.k[3], "is suspended", "suspended");
}

/* ---- what is not due ---- */

static void
only_the_identitys_own_key_and_chip_renew_it(void **state)
{
    struct world *w = *state;
    struct fixture_request request;
    struct fixture_answer answer;
    KEYS_OF(of);

    renewal_refused(w, of.k[0], of.k[1], "has no identity for service mqtt to renew", "renewal");
    enrolled(w, of.k[0], &answer);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .key = of.k[1] }, &answer);
    confirm(w, &answer);
    renewal_refused(w, of.k[1], of.k[2], "is not the key of device", "renewal"); /* another chip's */
    renewal_refused(w, of.k[5], of.k[2], "is not the key of device", "renewal"); /* nobody's */
    renewal_refused(w, w->lot.chips[0].root, of.k[2], "signed by a root key of the chip", "renewal");
    renewal_refused(w, of.k[0], of.k[0], "for the key that signs it", "renewal");
    renewal_refused(w, of.k[0], of.k[1], "may not share a key", "clone");
    request = renewal(w, of.k[0], of.k[2]);
    request.voice = &w->lot.chips[1]; /* the current key, and another chip's root key */
    issue_refused(w, &request, "not signed by a root key of chip", 0);
    request = renewal(w, of.k[0], of.k[2]);
    request.order = "order-2";
    fixture_order(&w->f, "order-2", &w->lot, QUANTITY);
    refused(w, &request, "was counted under another order", "renewal");
    request.order = "order-1";
    request.profile = "gateway-1";
    refused(w, &request, "does not allow profile", "renewal");
}

static void
what_was_never_confirmed_renews_nothing(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;
    KEYS_OF(of);

    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = of.k[0] }, &answer);
    renewal_refused(w, of.k[0], of.k[1], "was never confirmed", "renewal");
    confirm(w, &answer);
    renewed(w, of.k[0], of.k[1], &answer);
    renewal_refused(w, of.k[1], of.k[2], "was never confirmed", "renewal");
}

static void
a_renewal_played_again_gives_nothing_new(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct fixture_request request;
    struct fixture_answer first, answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &answer);
    request = renewal(w, of.k[0], of.k[1]);
    fixture_bundle(&w->f, &bundle, &request);
    fixture_issue_body(&body, &request, bm_buf_bytes(&bundle));
    fixture_ask(&w->f, BM_S_ISSUE, bm_buf_bytes(&body), true, &first);
    assert_int_equal(first.type, BM_S_ISSUED);
    w->rightful++;
    fixture_ask(&w->f, BM_S_ISSUE, bm_buf_bytes(&body), true, &answer);
    assert_true(answer.type == BM_S_ISSUED && answer.repeat);
    confirm(w, &first);
    renewed(w, of.k[1], of.k[2], &answer);
    fixture_ask(&w->f, BM_S_ISSUE, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "so two hold it", 1); /* signed by the key before the last: whoever sends it has seen it, or is a copy */
    later(w, 700);
    fixture_ask(&w->f, BM_S_ISSUE, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "the nonce is stale", 0);
}

/* ---- time ---- */

static void
an_expired_one_is_not_renewed(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &answer);
    later(w, 90 * DAY - 300);
    renewed(w, of.k[0], of.k[1], &answer);
    later(w, 90 * DAY + 300);
    renewal_refused(w, of.k[0], of.k[2], "lets none be renewed so long after", "renewal"); /* though the new one was lost */
    confirm(w, &answer);
    later(w, 181 * DAY);
    renewal_refused(w, of.k[1], of.k[2], "lets none be renewed so long after", "renewal");
}

#define PROFILE                                                                                                                          \
    "birthmark/profile/v1\nname graceful\nversion 1\nservice mqtt\nca operational\ndays 10\ngrace 5\noverlap 2\nevidence software\nkey " \
    "P-256\neku clientAuth\nhardware-module no\n"

/* By an order that ended long before: it stops no renewal. */
static void
grace_and_overlap_are_the_profiles(void **state)
{
    struct world *w = *state;
    struct fixture_request request = { .lot = &w->lot, .order = "order-2", .profile = "graceful" };
    struct fixture_answer first, second, answer;
    bm_time now = 0;
    KEYS_OF(of);

    fixture_must(bm_env_system.now(bm_env_system.ctx, &now, &fail));
    fixture_activate(&w->f, PROFILE);
    fixture_order_by(&w->f, "order-2", &w->lot, 1, PROFILE, now + DAY);
    request.key = of.k[0];
    issue_due(w, &request, &first);
    confirm(w, &first);
    later(w, 3 * DAY);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .order = "order-2", .profile = "graceful" }, "ended at", 1);
    request.current = of.k[0];
    request.key = of.k[1];
    issue_due(w, &request, &second);
    confirm(w, &second);
    later(w, 5 * DAY - 300);
    assert_false(listed(w, &first));
    later(w, 5 * DAY + 300);
    assert_true(listed(w, &first));
    later(w, 18 * DAY - 300); /* five days after it expired */
    request.current = of.k[1];
    request.key = of.k[2];
    issue_due(w, &request, &answer);
    later(w, 18 * DAY + 300);
    request.key = of.k[3];
    refused(w, &request, "lets none be renewed so long after", "renewal");
    confirm(w, &answer); /* what it renewed expired before the overlap was over: it is on no list */
    assert_false(listed(w, &second));
}

/* ---- revoked ---- */

static void
an_unconfirmed_renewal_revoked_leaves_the_earlier_one(void **state)
{
    struct world *w = *state;
    struct fixture_answer first, second, answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &first);
    renewed(w, of.k[0], of.k[1], &second);
    mark(w, BM_S_REVOKE, &second, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_true(listed(w, &second));
    assert_false(listed(w, &first));
    mark(w, BM_S_REVOKE, &second, &answer);
    assert_int_equal(answer.nleaves, 0);
    renewal_refused(w, of.k[0], of.k[1], "may not share a key", "clone");
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    renewed(w, of.k[0], of.k[2], &answer);
    confirm(w, &answer);
    renewal_refused(w, of.k[0], of.k[3], "so two hold it", "fork");
}

static void
the_earlier_one_revoked_leaves_its_renewal(void **state)
{
    struct world *w = *state;
    struct fixture_answer first, second, third, answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &first);
    renewed(w, of.k[0], of.k[1], &second);
    mark(w, BM_S_REVOKE, &first, &answer);
    assert_int_equal(answer.nleaves, 1);
    assert_true(listed(w, &first));
    renewal_refused(w, of.k[0], of.k[2], "of the key that signs this renewal was revoked", "renewal");
    confirm(w, &second);
    renewed(w, of.k[1], of.k[2], &third);
    confirm(w, &third);
    assert_false(listed(w, &second));
    mark(w, BM_S_REVOKE, &second, &answer); /* in its overlap */
    assert_int_equal(answer.nleaves, 1);
    assert_true(listed(w, &second));
    renewed(w, of.k[2], of.k[3], &answer);
    confirm(w, &answer);
    renewed(w, of.k[3], of.k[4], &answer);
    confirm(w, &answer);
    assert_false(listed(w, &third));
    mark(w, BM_S_REVOKE, &third, &answer); /* two renewals ago, in its overlap still */
    assert_int_equal(answer.nleaves, 1);
    assert_true(listed(w, &third));
}

static void
a_revoked_identity_is_not_renewed(void **state)
{
    struct world *w = *state;
    struct fixture_answer first, answer;
    KEYS_OF(of);

    enrolled(w, of.k[0], &first);
    mark(w, BM_S_REVOKE, &first, &answer);
    renewal_refused(w, of.k[0], of.k[1], "of the key that signs this renewal was revoked", "renewal");
}

/* ---- killed ---- */

/* Wherever the signer dies, the device asks again and has one certificate for that key; the current one is good all the while. */
static void
killed_between_intent_and_done_it_renews_all_the_same(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *current = NULL;
    struct fixture_answer answer;

    fixture_must(bm_private_generate(&current, BM_KEY_P256, &fail));
    enrolled(w, current, &answer);
    for (long i = 0; i < 12; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE }, body = { .max = BM_MAX_MESSAGE_BODY };
        const struct timespec pause = { .tv_nsec = i * 150000 };
        struct fixture_request request = renewal(w, current, NULL);
        size_t before = w->f.certificates;
        int status;

        fixture_must(bm_private_generate(&request.key, BM_KEY_P256, &fail));
        fixture_bundle(&w->f, &bundle, &request);
        fixture_issue_body(&body, &request, bm_buf_bytes(&bundle));
        (void)fixture_send(&w->f, BM_S_ISSUE, bm_buf_bytes(&body));
        (void)nanosleep(&pause, NULL);
        assert_int_equal(kill(w->f.signer, SIGKILL), 0);
        status = fixture_stop(&w->f);
        assert_true(WIFSIGNALED(status));
        fixture_start(&w->f);
        fixture_issue(&w->f, &request, &answer);
        assert_int_equal(answer.type, BM_S_ISSUED);
        assert_int_equal(w->f.certificates, before + 1);
        w->rightful++;
        confirm(w, &answer);
        bm_private_free(current);
        current = request.key;
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ATTACK(a_renewed_identity_renews_again),
        ATTACK(the_same_key_gets_the_same_certificate),
        ATTACK(a_device_that_lost_the_new_key_asks_a_few_times),
        ATTACK(a_copy_forks_the_chain_and_is_found_out),
        ATTACK(whoever_confirms_first_leaves_a_fork_to_the_other),
        ATTACK(only_the_identitys_own_key_and_chip_renew_it),
        ATTACK(what_was_never_confirmed_renews_nothing),
        ATTACK(an_unconfirmed_renewal_revoked_leaves_the_earlier_one),
        ATTACK(the_earlier_one_revoked_leaves_its_renewal),
        ATTACK(a_revoked_identity_is_not_renewed),
        ATTACK(killed_between_intent_and_done_it_renews_all_the_same),
    };
    const struct CMUnitTest timed[] = {
        ATTACK(the_earlier_one_lives_until_the_overlap_is_over),
        ATTACK(a_renewal_played_again_gives_nothing_new),
        ATTACK(an_expired_one_is_not_renewed),
        ATTACK(grace_and_overlap_are_the_profiles),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    if (argc < 2)
        return rc;
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[1]);
    return rc + cmocka_run_group_tests(timed, NULL, NULL);
}
