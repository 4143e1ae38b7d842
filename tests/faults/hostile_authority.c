/* hostile_authority.c - statements and orders of a registrar that is taken over: forged, changed, replayed, or not for this lot, profile or time. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>

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
    order_refused(w, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &order, NULL, "may not sign",
                  1); /* an operator who may not: that is an event */
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

/* An order for one unit with two profiles: the unit's second service is no second unit, and comes from the CA that its profile names. */
static void
another_service_is_no_other_unit(void **state)
{
    static const char idevid[] =
        "birthmark/profile/v1\nname idv\nversion 1\nservice idevid\nca idevid\ndays never\nevidence software\nkey P-256\n"
        "hardware-module yes\n";
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const char *profiles[] = { fixture_profile("bench-1"), idevid };
    char lots[1][BM_MAX_NAME + 1];
    struct fixture_answer answer;
    struct bm_order order;

    fixture_activate(&w->f, idevid);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(statements_forged_are_refused),
        ATTACK(statements_changed_or_replayed_are_refused),
        ATTACK(orders_that_do_not_hold_together_are_refused),
        ATTACK(orders_bind_lot_profile_and_time),
        ATTACK(another_service_is_no_other_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
