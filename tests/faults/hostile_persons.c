/* hostile_persons.c - a registrar or a database that was stolen approves nothing: where two persons are wanted the signer itself looks for both. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>

#define BOTH(n)                                                                      \
    {                                                                                \
        .by = PETRA_PLANNER, .proposal = (n), .approved = true, .second = ANNA_ADMIN \
    }

static void
statement_send(struct world *w, const struct bm_buf *note, const char *const *profiles, size_t n, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_statement_body(&body, note, profiles, n);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

static void
policy_send(struct world *w, const struct fixture_statement *how, unsigned two, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };

    fixture_policy_note(&w->f, &note, how, two);
    statement_send(w, &note, NULL, 0, answer);
}

static void
raise_send(struct world *w, const struct fixture_statement *how, uint64_t quantity, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct bm_raise raise = { .order = "order-1", .quantity = quantity };

    fixture_raise_note(&w->f, &note, how, &raise);
    statement_send(w, &note, NULL, 0, answer);
}

/* From here on pins, orders and more units take two. */
static void
policy_stands(struct world *w)
{
    const struct fixture_statement two = { .by = ANNA_ADMIN, .proposal = 200, .approved = true, .second = CARL_CUSTODIAN };
    struct fixture_answer answer;

    policy_send(w, &two, 1u << BM_ACT_PIN | 1u << BM_ACT_ORDER | 1u << BM_ACT_RAISE, &answer);
    if (answer.type != BM_S_ANSWER)
        fixture_unanswered(&w->f, "policy", &answer);
}

static void
nobody_makes_a_policy_alone(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;

    policy_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN }, 1u << BM_ACT_ORDER, &answer);
    assert_refusal(&answer, "to say what takes two persons takes two persons at this site", 1);
    policy_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN, .proposal = 1 }, 1u << BM_ACT_ORDER, &answer);
    assert_refusal(&answer, "nobody approves their own proposal", 0);
    policy_send(w, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .proposal = 1, .approved = true, .second = ANNA_ADMIN },
                1u << BM_ACT_ORDER, &answer);
    assert_refusal(&answer, "carl is custodian here and may not sign this policy", 1);
    policy_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN, .proposal = 1, .approved = true, .second = MALLORY }, 0, &answer);
    assert_refusal(&answer, "nobody approves their own proposal", 0);
    /* an act that one of these operators alone may do could never be done again */
    policy_send(w, &(struct fixture_statement){ .by = ANNA_ADMIN, .proposal = 1, .approved = true, .second = PETRA_PLANNER },
                1u << BM_ACT_RESUME, &answer);
    assert_refusal(&answer, "fewer than two of these operators may", 1);
}

static void
nobody_does_alone_what_takes_two(void **state)
{
    const struct fixture_statement attacks[] = {
        { .by = PETRA_PLANNER },                                                            /* as one person's */
        { .by = PETRA_PLANNER, .approved = true, .second = ANNA_ADMIN },                    /* two signatures, in one person's place */
        { .by = PETRA_PLANNER, .proposal = 1 },                                             /* the proposal itself, as approved */
        { .by = PETRA_PLANNER, .proposal = 1, .approved = true, .second = MALLORY },        /* approved by a key of the thief's */
        { .by = PETRA_PLANNER, .proposal = 1, .approved = true, .second = CARL_CUSTODIAN }, /* by one who may not */
        { .by = MALLORY, .proposal = 1, .approved = true, .second = ANNA_ADMIN },           /* proposed by the thief */
        { .by = PETRA_PLANNER, .proposal = 1, .approved = true, .second = ANNA_ADMIN, .expires = 1700000000 },
    };
    static const struct {
        const char *words;
        size_t leaves;
    } refused[BM_COUNT(attacks)] = { { "takes two persons at this site", 1 },
                                     { "takes two persons at this site", 1 },
                                     { "nobody approves their own proposal", 0 },
                                     { "nobody approves their own proposal", 0 },
                                     { "carl is custodian here and may not approve", 1 },
                                     { "no operator of this site", 0 },
                                     { "expired at", 0 } };
    struct world *w = *state;
    struct fixture_answer answer;

    policy_stands(w);
    for (size_t i = 0; i < BM_COUNT(attacks); i++) {
        raise_send(w, &attacks[i], 1000, &answer);
        assert_refusal(&answer, refused[i].words, refused[i].leaves);
    }
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &w->other, &answer);
    assert_refusal(&answer, "to receive a lot takes two persons at this site", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other }, "in no received lot", 0);
}

/* The second signature moved to other words, the words changed under both, both handed in again: none of it counts. */
static void
an_approval_is_of_these_bytes_once(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, mixed = { .max = BM_MAX_NOTE };
    struct bm_raise raise = { .order = "order-1", .quantity = QUANTITY + 1 };
    const uint8_t *signatures, *other;
    struct fixture_answer answer;

    policy_stands(w);
    fixture_raise_note(&w->f, &note, &(struct fixture_statement)BOTH(1), &raise);
    memcpy((uint8_t *)memmem(note.p, note.n, "quantity 5", 10), "quantity 9", 10);
    statement_send(w, &note, NULL, 0, &answer);
    assert_refusal(&answer, "it was changed after it was signed", 0);
    memcpy((uint8_t *)memmem(note.p, note.n, "quantity 9", 10), "quantity 5", 10);
    signatures = memmem(note.p, note.n, "\n\n", 2);
    raise.quantity = 1000;
    fixture_raise_note(&w->f, &mixed, &(struct fixture_statement){ .by = PETRA_PLANNER, .proposal = 1 }, &raise);
    other = memmem(note.p, note.n, "\xe2\x80\x94 anna", 8);
    assert_true(signatures != NULL && other != NULL && other > signatures);
    bm_buf_add(&mixed, other, (size_t)(note.p + note.n - other));
    statement_send(w, &mixed, NULL, 0, &answer);
    assert_refusal(&answer, "the signature of anna on this raise does not verify", 0);

    statement_send(w, &note, NULL, 0, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_non_null(strstr(answer.event, "\nby petra\nsecond anna\n"));
    statement_send(w, &note, NULL, 0, &answer);
    assert_refusal(&answer, "taken before", 0);
}

static void
revoke(struct world *w, enum fixture_person who)
{
    static const enum bm_role is[] = {
        [ANNA_ADMIN] = BM_ROLE_OFFICER, [CARL_CUSTODIAN] = BM_ROLE_CUSTODIAN, [PETRA_PLANNER] = BM_ROLE_PLANNER
    };
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct bm_roles *roles = calloc(1, sizeof(*roles)), *was = calloc(1, sizeof(*was));
    struct fixture_answer answer;

    assert_true(roles != NULL && was != NULL);
    for (enum fixture_person i = ANNA_ADMIN; i < MALLORY; i++) {
        struct bm_operator *left = &roles->operators[roles->noperators], *old = &was->operators[was->noperators++];

        (void)snprintf(old->name, sizeof(old->name), "%s", w->f.people[i].key.name);
        old->role = is[i];
        old->key = w->f.people[i].key;
        if (i == who)
            continue;
        (void)snprintf(left->name, sizeof(left->name), "%s", w->f.people[i].key.name);
        left->role = is[i];
        left->key = w->f.people[i].key;
        roles->noperators++;
    }
    bm_roles_digest(was, roles->base);
    fixture_roles_note(&w->f, &note, &(struct fixture_statement){ .by = ANNA_ADMIN }, roles);
    free(roles);
    free(was);
    statement_send(w, &note, NULL, 0, &answer);
    if (answer.type != BM_S_ANSWER)
        fixture_unanswered(&w->f, "roles", &answer);
    w->f.seq++;
}

/* Both signed while both were operators. What counts is who they are when it is taken: the proposer was revoked in between, or who approved was. */
static void
who_was_revoked_in_between_counts_for_nothing(void **state)
{
    const struct fixture_statement both = BOTH(7), turned = { .by = ANNA_ADMIN, .proposal = 8, .approved = true, .second = PETRA_PLANNER };
    const struct bm_raise raise = { .order = "order-1", .quantity = QUANTITY + 1 };
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf proposed = { .max = BM_MAX_NOTE }, approved = { .max = BM_MAX_NOTE };
    struct fixture_answer answer;

    fixture_raise_note(&w->f, &proposed, &both, &raise);
    fixture_raise_note(&w->f, &approved, &turned, &raise);
    revoke(w, PETRA_PLANNER);
    for (int again = 0; again < 2; again++) {
        statement_send(w, &proposed, NULL, 0, &answer);
        assert_refusal(&answer, "no operator of this site", 0);
        statement_send(w, &approved, NULL, 0, &answer);
        assert_refusal(&answer, "nobody approves their own proposal", 0);
        assert_int_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
}

/* Signed far away, where nobody knows the next place: once, in time, by whose role may, and only what may be signed so. */
static void
one_person_elsewhere_counts_once(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;

    raise_send(w, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .proposal = 9 }, QUANTITY + 1, &answer);
    assert_refusal(&answer, "carl is custodian here and may not sign this raise", 1);
    raise_send(w, &(struct fixture_statement){ .by = MALLORY, .proposal = 9 }, QUANTITY + 1, &answer);
    assert_refusal(&answer, "no operator of this site", 0);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .proposal = 9, .expires = 1700000000 }, QUANTITY + 1, &answer);
    assert_refusal(&answer, "expired at", 0);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .proposal = 9 }, QUANTITY + 1, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_null(strstr(answer.event, "\nsecond "));
    for (int again = 0; again < 2; again++) {
        raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .proposal = 9 }, QUANTITY + 2, &answer);
        assert_refusal(&answer, "taken before", 0);
        assert_int_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .proposal = 10 }, &w->other, &answer);
    assert_refusal(&answer, "nobody approves their own proposal", 0);
    policy_stands(w);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER, .proposal = 11 }, QUANTITY + 2, &answer);
    assert_refusal(&answer, "nobody approves their own proposal", 0);
}

/* A signer that wakes on its journal wants the same two, and has taken the same numbers. */
static void
two_persons_outlive_the_process(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;

    policy_stands(w);
    raise_send(w, &(struct fixture_statement)BOTH(3), QUANTITY + 1, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .proposal = 4, .approved = true, .second = ANNA_ADMIN },
                    &w->other, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    raise_send(w, &(struct fixture_statement)BOTH(3), QUANTITY + 2, &answer);
    assert_refusal(&answer, "taken before", 0);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER }, QUANTITY + 2, &answer);
    assert_refusal(&answer, "takes two persons at this site", 1);
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .proposal = 4, .approved = true, .second = ANNA_ADMIN },
                    &w->other, &answer);
    assert_refusal(&answer, "taken before", 0);
}

/* What was raised is given, and no more; what is closed gives nothing, however much is left, in the next process too. */
static void
quantity_follows_the_order(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    struct fixture_answer answer;

    for (size_t i = 0; i < QUANTITY; i++)
        issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = i }, &answer);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = QUANTITY }, "is full", 1);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER }, QUANTITY, &answer);
    assert_refusal(&answer, "is for 4 units already", 1);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER }, QUANTITY + 2, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = QUANTITY }, &answer);

    bm_s_order_close_build(
        &body, &(struct bm_s_order_close){ .order = bm_bytes_str("order-1"), .by = bm_bytes_str("carl"), .reason = bm_bytes_str("done") });
    fixture_ask(&w->f, BM_S_ORDER_CLOSE, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "carl is custodian here and may not close an order", 1);
    bm_buf_reset(&body);
    bm_s_order_close_build(
        &body, &(struct bm_s_order_close){ .order = bm_bytes_str("order-1"), .by = bm_bytes_str("petra"), .reason = bm_bytes_str("done") });
    fixture_ask(&w->f, BM_S_ORDER_CLOSE, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 1);
    assert_non_null(strstr(answer.event, "\ncount 5\n"));
    fixture_ask(&w->f, BM_S_ORDER_CLOSE, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.nleaves, 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = QUANTITY + 1 }, "is closed", 1);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = QUANTITY + 1 }, "is closed", 1);
    raise_send(w, &(struct fixture_statement){ .by = PETRA_PLANNER }, 1000, &answer);
    assert_refusal(&answer, "is closed, which nobody undoes", 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(nobody_makes_a_policy_alone),        ATTACK(nobody_does_alone_what_takes_two),
        ATTACK(an_approval_is_of_these_bytes_once), ATTACK(two_persons_outlive_the_process),
        ATTACK(quantity_follows_the_order),         ATTACK(who_was_revoked_in_between_counts_for_nothing),
        ATTACK(one_person_elsewhere_counts_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
