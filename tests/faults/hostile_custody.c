/* hostile_custody.c - lots and chips that may not be used: nothing is issued from them, whatever the registrar says afterwards; and what two persons must allow, one does not. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>
#include <unistd.h>

static void
lot_restrict_by(struct world *w, uint8_t what, const char *lot, const char *by, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };

    bm_s_lot_state_build(
        &body, &(struct bm_s_lot_state){
                   .what = what, .lot = bm_bytes_str(lot), .by = bm_bytes_str(by), .reason = bm_bytes_str("recalled by the maker") });
    fixture_ask(&w->f, BM_S_LOT_STATE, bm_buf_bytes(&body), true, answer);
}

static void
lot_restrict(struct world *w, uint8_t what, const char *lot, struct fixture_answer *answer)
{
    lot_restrict_by(w, what, lot, "carl", answer);
}

static void
chips_restrict(struct world *w, uint8_t what, const struct fixture_lot *lot, const size_t *chips, uint32_t n, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 }, run = { .max = 4096 };

    for (uint32_t i = 0; i < n; i++) {
        bm_buf_add_u8(&run, 1);
        bm_buf_add(&run, bm_private_public(lot->chips[chips[i]].root)->hash, BM_HASH);
    }
    bm_s_chips_build(&body, &(struct bm_s_chips){ .what = what,
                                                  .lot = bm_bytes_str(lot->name),
                                                  .by = bm_bytes_str("carl"),
                                                  .reason = bm_bytes_str("broken on the reel"),
                                                  .n = n,
                                                  .chips = bm_buf_bytes(&run) });
    fixture_ask(&w->f, BM_S_CHIPS, bm_buf_bytes(&body), true, answer);
}

static void
again(struct world *w)
{
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
}

static void
taken(const struct fixture_answer *answer, const char *kind, size_t leaves)
{
    assert_int_equal(answer->type, BM_S_ANSWER);
    assert_int_equal(answer->nleaves, leaves);
    if (leaves > 0)
        assert_non_null(strstr(answer->event, kind));
}

static void
a_lot_in_quarantine_or_withdrawn_issues_nothing(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct fixture_answer answer;

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, &answer);
    lot_restrict(w, BM_LOT_QUARANTINE, "L1", &answer);
    taken(&answer, "kind lot-quarantined", 1);
    lot_restrict(w, BM_LOT_QUARANTINE, "L1", &answer);
    taken(&answer, "", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, "is in quarantine", 1);
    again(w);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, "is in quarantine", 1);
    lot_restrict(w, BM_LOT_WITHDRAW, "L1", &answer);
    taken(&answer, "kind lot-withdrawn", 1);
    lot_restrict(w, BM_LOT_WITHDRAW, "L1", &answer);
    taken(&answer, "", 0);
    lot_restrict(w, BM_LOT_QUARANTINE, "L1", &answer); /* no way back */
    taken(&answer, "", 0);
    again(w);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, "lot L1, which this chip is in", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .key = key }, "was withdrawn", 1); /* a retry too */
    lot_restrict(w, BM_LOT_WITHDRAW, "L9", &answer);
    assert_refusal(&answer, "no lot of this name is pinned here", 0);
    lot_restrict(w, BM_LOT_WITHDRAW, "L 1", &answer);
    assert_refusal(&answer, "names of the usual form", 0);
    w->other.revision = 2;
    (void)snprintf(w->other.name, sizeof(w->other.name), "L1");
    fixture_lot_head(&w->f, &w->other);
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &w->other, &answer);
    assert_refusal(&answer, "no revision of it is taken any more", 1);
}

static void
chips_scrapped_or_withdrawn_get_nothing(void **state)
{
    struct world *w = *state;
    const size_t first[] = { 0 }, some[] = { 0, 1, 2 };
    struct fixture_answer answer;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    chips_restrict(w, BM_CHIPS_SCRAP, &w->lot, first, 1, &answer);
    taken(&answer, "kind chips-scrapped", 1);
    assert_non_null(strstr(answer.event, "\nchip "));
    chips_restrict(w, BM_CHIPS_SCRAP, &w->lot, first, 1, &answer);
    taken(&answer, "", 0);
    chips_restrict(w, BM_CHIPS_WITHDRAW, &w->lot, some, 3, &answer);
    taken(&answer, "kind chips-withdrawn", 1);
    assert_non_null(strstr(answer.event, "\ncount 2\n")); /* the first is scrapped, and stays so */
    for (int i = 0; i < 2; i++) {
        issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 0 }, "recorded as scrapped", 1);
        issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, "recalled it", 1);
        issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 3 + (size_t)i }, &answer);
        again(w);
    }
}

/* Nobody knows it yet: when its lot comes, it is held all the same. */
static void
a_chip_is_held_before_its_lot_is_pinned(void **state)
{
    struct world *w = *state;
    const size_t some[] = { 2, 3 };
    struct fixture_answer answer;

    chips_restrict(w, BM_CHIPS_WITHDRAW, &w->other, some, 2, &answer);
    taken(&answer, "kind chips-withdrawn", 1);
    again(w);
    fixture_pin(&w->f, &w->other);
    fixture_order(&w->f, "order-2", &w->other, 8);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other, .chip = 2, .order = "order-2" }, "recalled it", 1);
    issue_due(w, &(struct fixture_request){ .lot = &w->other, .chip = 1, .order = "order-2" }, &answer);
    again(w);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other, .chip = 3, .order = "order-2" }, "recalled it", 1);
}

/* ---- two persons ---- */

static void
propose(struct world *w, const struct fixture_statement *how, const struct bm_allow *allow, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_allow_note(&w->f, &note, how, allow);
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

static bm_time
in_seconds(bm_time seconds)
{
    bm_time now = 0;

    fixture_must(bm_env_system.now(bm_env_system.ctx, &now, &fail));
    return now + seconds;
}

static struct bm_allow
waiver_of(const char *check, bm_time until)
{
    struct bm_allow allow = { .act = BM_ALLOW_WAIVE, .vendor = "Example Silicon", .until = until, .reason = "labels collide, ticket 12" };

    (void)snprintf(allow.check, sizeof(allow.check), "%s", check);
    return allow;
}

static const struct bm_allow release_l1 = { .act = BM_ALLOW_RELEASE, .lot = "L1", .reason = "the other list was wrong" };

/* What only takes away wants no signature, but a name whose role may; else it is an event, and nothing happens. */
static void
restrictions_want_a_role(void **state)
{
    static const struct {
        const char *by, *words;
    } others[] = { { "petra", "petra is planner here and may not withdraw a lot or chips of it" },
                   { "mallory", "mallory is no operator of this site and may not withdraw a lot" } };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    struct fixture_answer issued, answer;
    struct world *w = *state;

    for (size_t i = 0; i < BM_COUNT(others); i++) {
        lot_restrict_by(w, BM_LOT_WITHDRAW, "L1", others[i].by, &answer);
        assert_refusal(&answer, others[i].words, 1);
        assert_non_null(strstr(answer.event, "\nwhat role\n"));
    }
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    bm_buf_add_lv16(&body, bm_bytes(issued.serial, issued.nserial));
    bm_buf_add_u8(&body, 1);
    bm_buf_add_lv16(&body, bm_bytes_str("carl"));
    bm_buf_add_lv16(&body, bm_bytes_str("stolen"));
    fixture_ask(&w->f, BM_S_REVOKE, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "carl is custodian here and may not revoke an identity", 1);
    confirm(w, &issued); /* it lives */
}

static void
one_person_waives_nothing(void **state)
{
    struct world *w = *state;
    const struct bm_allow allow = waiver_of("id-twice", in_seconds(3600));
    const uint8_t elsewhere[BM_HASH] = { 7 };
    const struct {
        struct fixture_statement how;
        const char *words;
    } attacks[] = {
        { { .by = CARL_CUSTODIAN, .proposal = 1 }, "nobody approves their own proposal" },
        { { .by = ANNA_ADMIN, .proposal = 1 }, "nobody approves their own proposal" },
        { { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = MALLORY }, "nobody approves their own proposal" },
        { { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = PETRA_PLANNER }, "petra is planner here and may not approve" },
        { { .by = PETRA_PLANNER, .proposal = 1, .approved = true, .second = ANNA_ADMIN }, "petra is planner here and may not sign" },
        { { .by = MALLORY, .proposal = 1, .approved = true, .second = ANNA_ADMIN }, "no operator of this site" },
        { { .by = MALLORY, .says_by = "carl", .proposal = 1, .approved = true, .second = ANNA_ADMIN }, "whose signature is not on it" },
        { { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN, .site = elsewhere }, "another site" },
        { { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN, .expires = in_seconds(-5) }, "expired at" },
        { { .by = CARL_CUSTODIAN, .approved = true, .second = ANNA_ADMIN }, "needs two persons" }, /* with a seq, as if it were one's */
        { { .by = ANNA_ADMIN }, "needs two persons" },
    };
    struct bm_pin_waived waived = { .check = "id-twice" };
    struct fixture_answer answer;

    for (size_t i = 0; i < BM_COUNT(attacks); i++) {
        propose(w, &attacks[i].how, &allow, &answer);
        assert_refusal(&answer, attacks[i].words, strstr(attacks[i].words, "petra is") != NULL); /* an operator who may not is an event */
    }
    memset(waived.proposal, 1, sizeof(waived.proposal));
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .waived = &waived }, &w->other, &answer);
    assert_refusal(&answer, "names a waiver of the check id-twice that nobody has given", 1);
}

static void
no_check_is_waived_that_nobody_may(void **state)
{
    static const char *const fatal[] = { "signature", "key", "chain", "key-twice", "other-lot", "unsigned", "everything" };
    struct world *w = *state;
    struct fixture_answer answer;

    for (size_t i = 0; i < BM_COUNT(fatal); i++) {
        const struct bm_allow allow = waiver_of(fatal[i], in_seconds(3600));

        propose(w, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN }, &allow,
                &answer);
        assert_refusal(&answer, "a check that nobody may waive", 0);
    }
}

static void
a_proposal_is_taken_once(void **state)
{
    struct world *w = *state;
    const struct fixture_statement both = { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN };
    const struct bm_allow allow = waiver_of("id-twice", in_seconds(3600)), other = waiver_of("roca", in_seconds(3600));
    struct fixture_answer answer;

    propose(w, &both, &allow, &answer);
    taken(&answer, "kind waived", 1);
    assert_non_null(strstr(answer.event, "by carl\nsecond anna\nvendor Example Silicon\n"));
    propose(w, &both, &allow, &answer);
    assert_refusal(&answer, "was taken before", 0);
    propose(w, &both, &other, &answer); /* its number for something else */
    assert_refusal(&answer, "was taken before", 0);
    again(w);
    propose(w, &both, &allow, &answer);
    assert_refusal(&answer, "was taken before", 0);
}

static void
pins_have_the_waivers_that_were_given(void **state)
{
    struct world *w = *state;
    const struct fixture_statement both = { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN };
    struct bm_pin_waived waived = { .check = "id-twice" };
    struct fixture_statement pin = { .by = CARL_CUSTODIAN, .waived = &waived };
    struct bm_allow allow = waiver_of("id-twice", in_seconds(3600));
    struct fixture_answer answer;

    propose(w, &both, &allow, &answer);
    taken(&answer, "kind waived", 1);
    again(w);
    memset(waived.proposal, 2, sizeof(waived.proposal));
    fixture_pin_ask(&w->f, &pin, &w->other, &answer);
    assert_refusal(&answer, "that nobody has given", 1);
    memset(waived.proposal, 1, sizeof(waived.proposal));
    pin.vendor = "Other Silicon";
    fixture_pin_ask(&w->f, &pin, &w->other, &answer);
    assert_refusal(&answer, "for lots of Example Silicon: not of id-twice for those of Other Silicon", 1);
    pin.vendor = NULL;
    (void)snprintf(waived.check, sizeof(waived.check), "roca");
    fixture_pin_ask(&w->f, &pin, &w->other, &answer);
    assert_refusal(&answer, "is of the check id-twice", 1);
    (void)snprintf(waived.check, sizeof(waived.check), "id-twice");
    fixture_pin_ask(&w->f, &pin, &w->other, &answer);
    taken(&answer, "kind lot-pinned", 1);
}

static void
a_waiver_ends(void **state)
{
    struct world *w = *state;
    struct fixture_statement both = { .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN };
    struct bm_pin_waived waived = { .check = "id-twice" };
    struct bm_allow allow = waiver_of("id-twice", in_seconds(-10));
    struct fixture_answer answer;

    propose(w, &both, &allow, &answer);
    assert_refusal(&answer, "this waiver ended at", 1);
    allow.until = in_seconds(5);
    propose(w, &both, &allow, &answer); /* what was refused was not taken */
    taken(&answer, "kind waived", 1);
    while (time(NULL) <= allow.until)
        (void)usleep(100000);
    memset(waived.proposal, 1, sizeof(waived.proposal));
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .waived = &waived }, &w->other, &answer);
    assert_refusal(&answer, "the waiver of the check id-twice for lots of Example Silicon ended at", 1);
}

static void
two_persons_release_a_lot(void **state)
{
    struct world *w = *state;
    struct fixture_statement both = { .by = ANNA_ADMIN, .proposal = 1, .approved = true, .second = CARL_CUSTODIAN };
    struct fixture_answer answer;

    propose(w, &both, &release_l1, &answer);
    assert_refusal(&answer, "is not in quarantine", 1);
    lot_restrict(w, BM_LOT_QUARANTINE, "L1", &answer);
    taken(&answer, "kind lot-quarantined", 1);
    propose(w, &(struct fixture_statement){ .by = ANNA_ADMIN, .proposal = 1 }, &release_l1, &answer);
    assert_refusal(&answer, "nobody approves their own proposal", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "is in quarantine", 1);
    propose(w, &both, &release_l1, &answer);
    taken(&answer, "kind lot-released", 1);
    again(w);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    lot_restrict(w, BM_LOT_QUARANTINE, "L1", &answer); /* anew: the old release does not lift it */
    propose(w, &both, &release_l1, &answer);
    assert_refusal(&answer, "was taken before", 0);
    lot_restrict(w, BM_LOT_WITHDRAW, "L1", &answer);
    both.proposal = 2;
    propose(w, &both, &release_l1, &answer);
    assert_refusal(&answer, "was withdrawn, which nobody undoes", 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(a_lot_in_quarantine_or_withdrawn_issues_nothing),
        ATTACK(chips_scrapped_or_withdrawn_get_nothing),
        ATTACK(a_chip_is_held_before_its_lot_is_pinned),
        ATTACK(restrictions_want_a_role),
        ATTACK(one_person_waives_nothing),
        ATTACK(no_check_is_waived_that_nobody_may),
        ATTACK(a_proposal_is_taken_once),
        ATTACK(pins_have_the_waivers_that_were_given),
        ATTACK(a_waiver_ends),
        ATTACK(two_persons_release_a_lot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
