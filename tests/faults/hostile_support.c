/* hostile_support.c - support identities: only by an officer's word, for one device, once, until their end; a taken-over registrar gets no more of them.
 *
 *   hostile_support [LATE-CLOCK]     the module that lets time pass; without it those tests are left out
 */
#include "base/base.h"
#include "hostile.h"

#include "pki/profile.h"
#include "record/life.h"

#include <stdio.h>
#include <stdlib.h>

static const char text[] = "birthmark/profile/v1\nname support\nversion 2\nservice support\nca operational\ndays 3\nevidence software\n"
                           "key P-256\neku clientAuth\nhardware-module no\ncommon-name support {device}\n";
static char preload[1024];

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

static struct bm_allow
allow_of(const char *device, uint64_t hours)
{
    struct bm_allow allow = { .act = BM_ALLOW_SUPPORT, .ticket = "T-91", .hours = hours, .reason = "main board" };
    struct bm_profile profile;

    fixture_must(bm_profile_parse(&profile, bm_bytes_str(text), &fail));
    (void)snprintf(allow.device, sizeof(allow.device), "%s", device);
    memcpy(allow.support.name, profile.name, sizeof(profile.name));
    memcpy(allow.support.digest, profile.digest, BM_HASH);
    return allow;
}

static void
open_ask(struct world *w, const struct fixture_statement *how, const struct bm_allow *allow, const char *profile,
         struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_allow_note(&w->f, &note, how, allow);
    fixture_statement_body(&body, &note, &profile, profile == NULL ? 0 : 1);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

static void
opened(struct world *w, const char *device, uint64_t hours)
{
    const struct bm_allow allow = allow_of(device, hours);
    struct fixture_answer answer;

    open_ask(w, &(struct fixture_statement){ .by = ANNA_ADMIN }, &allow, text, &answer);
    if (answer.type != BM_S_ANSWER)
        fail_msg("support is refused: %s", answer.sentence);
    assert_non_null(strstr(answer.event, "kind support-opened\n"));
    assert_non_null(strstr(answer.event, "\nwhat T-91\n"));
    w->f.seq++;
}

static void
not_opened(struct world *w, enum fixture_person by, const struct bm_allow *allow, const char *profile, const char *words, size_t leaves)
{
    struct fixture_answer answer;

    open_ask(w, &(struct fixture_statement){ .by = by }, allow, profile, &answer);
    assert_refusal(&answer, words, leaves);
}

static void
close_ask(struct world *w, const char *device, const char *by, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };

    bm_s_support_close_build(
        &body, &(struct bm_s_support_close){ .device = bm_bytes_str(device), .by = bm_bytes_str(by), .reason = bm_bytes_str("repaired") });
    fixture_ask(&w->f, BM_S_SUPPORT_CLOSE, bm_buf_bytes(&body), true, answer);
}

static void
closed(struct world *w, const char *device, const char *by)
{
    struct fixture_answer answer;

    close_ask(w, device, by, &answer);
    if (answer.type != BM_S_ANSWER)
        fail_msg("its end is refused: %s", answer.sentence);
    assert_int_equal(answer.nleaves, 1);
    assert_non_null(strstr(answer.event, "kind support-closed\n"));
    close_ask(w, device, by, &answer); /* it is so already */
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 0);
}

static bool
listed(struct world *w, const struct fixture_answer *issued)
{
    struct fixture_answer answer;
    bool is = false;

    for (uint8_t list = 1; list <= 2; list++) { /* each service has lists of its own */
        const uint8_t question[] = { BM_CA_OPERATIONAL, 0, 0, 0, list };

        fixture_ask(&w->f, BM_S_CRL, bm_bytes(question, sizeof(question)), false, &answer);
        assert_int_equal(answer.type, BM_S_ANSWER);
        is |= memmem(answer.body.p, answer.body.n, issued->serial, issued->nserial) != NULL;
        fixture_answer_done(&answer);
    }
    return is;
}

static void
made(struct world *w, size_t chip, struct bm_private *key, struct fixture_answer *answer)
{
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = chip, .key = key }, answer);
    confirm(w, answer);
}

static struct fixture_request
for_support(struct world *w, size_t chip, struct bm_private *key)
{
    return (struct fixture_request){ .lot = &w->lot, .chip = chip, .key = key, .profile = "support" };
}

static void
refused(struct world *w, struct fixture_request request, const char *words, const char *what)
{
    struct fixture_answer answer;
    char line[64];

    fixture_issue(&w->f, &request, &answer);
    assert_refusal(&answer, words, 1);
    (void)snprintf(line, sizeof(line), "\nwhat %s\n", what);
    if (strstr(answer.event, line) == NULL)
        fail_msg("no%s in %s", line, answer.event);
}

static bm_time
end_of(const struct fixture_answer *issued)
{
    struct bm_cert cert;

    fixture_must(bm_cert_parse(&cert, bm_bytes(issued->certificate, issued->ncertificate), &fail));
    return cert.not_after;
}

/* One certificate, for one device, that ends with the hours that were given; no order counts it. */
static void
it_is_issued_once_for_one_device(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *first = key_new(), *key = key_new(), *other = key_new();
    struct fixture_answer one, two, answer;
    bm_time now;

    fixture_activate(&w->f, text);
    made(w, 0, first, &one);
    made(w, 1, NULL, &two);
    refused(w, for_support(w, 0, key), "does not allow profile", "enrol");
    opened(w, one.device, 4);
    refused(w, for_support(w, 1, other), "does not allow profile", "enrol"); /* another device's */
    again(w);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 0, .key = key, .profile = "support" }, &answer);
    fixture_must(bm_env_system.now(bm_env_system.ctx, &now, &fail));
    assert_in_range(end_of(&answer), now + 4 * 3600 - 60, now + 4 * 3600);
    refused(w, for_support(w, 0, other), "was used already", "support");
    again(w);
    refused(w, for_support(w, 0, other), "was used already", "support");
    {
        struct fixture_answer same;

        fixture_issue(&w->f, &(struct fixture_request){ .lot = &w->lot, .chip = 0, .key = key, .profile = "support" }, &same);
        assert_true(same.type == BM_S_ISSUED && same.repeat); /* a lost reply */
    }
    confirm(w, &answer);
    {
        struct fixture_request renewal = for_support(w, 0, other);

        renewal.current = key;
        refused(w, renewal, "never renewed", "support");
    }
    made(w, 2, NULL, &two); /* of a quantity of 4: units 3 and 4, and no more */
    made(w, 3, NULL, &two);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 4 }, "is full", 1);
}

/* proves: ARCHITECTURE 4 nobody but an officer opens it, and only with the text that was signed for */
static void
only_an_officer_opens_it(void **state)
{
    struct world *w = *state;
    struct bm_allow allow, wrong;
    struct fixture_answer one;

    made(w, 0, NULL, &one);
    allow = allow_of(one.device, 8);
    not_opened(w, ANNA_ADMIN, &allow, text, "of profile support version 1 is active", 1);
    fixture_activate(&w->f, text);
    not_opened(w, PETRA_PLANNER, &allow, text, "petra is planner here and may not", 1);
    not_opened(w, CARL_CUSTODIAN, &allow, text, "carl is custodian here and may not", 1);
    not_opened(w, MALLORY, &allow, text, "no operator of this site", 0);
    not_opened(w, ANNA_ADMIN, &allow, NULL, "comes with the text of the one profile", 1);
    not_opened(w, ANNA_ADMIN, &allow, fixture_profile("support"), "not the one that was signed for", 1);
    wrong = allow_of("00000000000000000000", 8);
    not_opened(w, ANNA_ADMIN, &wrong, text, "there is no device", 1);
    opened(w, one.device, 72);
    not_opened(w, ANNA_ADMIN, &allow, text, "is open for ticket T-91", 1);
}

static void
no_order_has_it(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct world *w = *state;
    char lots[1][BM_MAX_NAME + 1] = { "L1" };
    const char *profile = fixture_profile("support");
    struct bm_order order = { .order = "order-2", .lots = lots, .nlots = 1, .nprofiles = 1, .quantity = 1, .until = BM_TIME_NEVER };
    struct fixture_answer answer;
    struct bm_profile parsed;

    fixture_must(bm_profile_parse(&parsed, bm_bytes_str(profile), &fail));
    memcpy(order.profiles[0].name, parsed.name, sizeof(parsed.name));
    memcpy(order.profiles[0].digest, parsed.digest, BM_HASH);
    fixture_order_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &order);
    fixture_statement_body(&body, &note, &profile, 1);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "is for the support of one device", 1);
}

/* Closed, it ends at once; another one is another identity, and its key another. */
static void
closed_it_is_over(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = key_new(), *second = key_new();
    static struct fixture_answer one, support, next, answer;
    size_t urgent;

    fixture_activate(&w->f, text);
    made(w, 0, NULL, &one);
    close_ask(w, one.device, "anna", &answer);
    assert_refusal(&answer, "was never opened", 0);
    opened(w, one.device, 4);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key, .profile = "support" }, &support);
    close_ask(w, one.device, "petra", &answer);
    assert_refusal(&answer, "petra is planner here and may not", 1);
    close_ask(w, one.device, "", &answer); /* the registrar's own doing: not before its time */
    assert_refusal(&answer, "is not over", 0);
    assert_false(listed(w, &support));
    urgent = w->f.urgent;
    closed(w, one.device, "anna");
    assert_true(listed(w, &support));
    assert_int_equal(w->f.urgent, urgent + 1); /* nobody waits for the next question: who has the device in hand has its key */
    again(w);
    assert_true(listed(w, &support));
    refused(w, for_support(w, 0, key), "is over", "support");
    refused(w, for_support(w, 0, second), "is over", "support");
    opened(w, one.device, 4);
    refused(w, for_support(w, 0, key), "is or was the key", "support"); /* the one of before */
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = second, .profile = "support" }, &next);
    {
        struct fixture_request renewal = for_support(w, 0, NULL);

        renewal.current = key; /* an old key is no fork: nothing was renewed */
        refused(w, renewal, "never renewed", "support");
    }
    assert_true(listed(w, &support));
    assert_false(listed(w, &next));
    assert_false(listed(w, &one));
}

/* What takes its certificates from a device takes this one, too; and what was open is not. */
static void
a_move_in_its_life_ends_it(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 }, note = { .max = BM_MAX_NOTE }, statement = { .max = BM_MAX_MESSAGE_BODY };
    struct world *w = *state;
    struct bm_allow transfer = { .act = BM_ALLOW_TRANSFER, .owner = "Acme Water", .reason = "contract" };
    static struct fixture_answer one, two, support, answer;

    fixture_activate(&w->f, text);
    made(w, 0, NULL, &one);
    made(w, 1, NULL, &two);
    opened(w, one.device, 4);
    opened(w, two.device, 4);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .profile = "support" }, &support);
    confirm(w, &support);
    bm_s_device_build(&body, &(struct bm_s_device){ .move = BM_MOVE_DECOMMISSION,
                                                    .device = bm_bytes_str(one.device),
                                                    .by = bm_bytes_str("anna"),
                                                    .text = bm_bytes_str("flooded") });
    fixture_ask(&w->f, BM_S_DEVICE, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_non_null(strstr(answer.event, "\ncount 2\n"));
    assert_true(listed(w, &support));
    refused(w, for_support(w, 0, NULL), "is decommissioned", "revoked");
    memcpy(transfer.device, two.device, sizeof(transfer.device));
    fixture_allow_note(&w->f, &note, &(struct fixture_statement){ .by = ANNA_ADMIN }, &transfer);
    fixture_statement_body(&statement, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&statement), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    again(w);
    refused(w, for_support(w, 1, NULL), "is over", "support");
}

/* ---- time passes ---- */

static void
its_time_ends_it(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = key_new();
    static struct fixture_answer one, two, support, answer;

    fixture_activate(&w->f, text);
    made(w, 0, NULL, &one);
    made(w, 1, NULL, &two);
    opened(w, one.device, 2);
    opened(w, two.device, 3);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key, .profile = "support" }, &support);
    later(w, 2 * 3600 + 5);
    refused(w, for_support(w, 0, key), "is over", "support"); /* nobody has told the signer */
    refused(w, for_support(w, 0, NULL), "is over", "support");
    closed(w, one.device, "");
    assert_false(listed(w, &support)); /* it has expired */
    close_ask(w, two.device, "", &answer);
    assert_refusal(&answer, "is not over", 0);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .profile = "support" }, &support);
    assert_true(end_of(&support) < end_of(&two));
    later(w, 4 * 3600);
    refused(w, for_support(w, 1, NULL), "is over", "support");
    opened(w, one.device, 1); /* another repair */
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .profile = "support" }, &support);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ATTACK(it_is_issued_once_for_one_device), ATTACK(only_an_officer_opens_it), ATTACK(no_order_has_it), ATTACK(closed_it_is_over),
        ATTACK(a_move_in_its_life_ends_it),
    };
    const struct CMUnitTest timed[] = { ATTACK(its_time_ends_it) };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    if (argc < 2)
        return rc;
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[1]);
    return rc + cmocka_run_group_tests(timed, NULL, NULL);
}
