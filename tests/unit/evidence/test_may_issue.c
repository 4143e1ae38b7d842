/* test_may_issue.c - the decision against an oracle written apart from it, over every combination of what it may be told. */
#include "may_issue_kit.h"

/* ---- the oracle: what a careful reader of ARCHITECTURE 3 and 4 would answer, with a word that the sentence must hold ---- */

struct answer {
    enum bm_rc rc;
    enum bm_decision decision;
    const char *word;
};

static struct answer
no(const char *word)
{
    return (struct answer){ BM_EPOLICY, BM_DECISION_NO, word };
}

static struct answer
yes(enum bm_decision decision)
{
    return (struct answer){ BM_OK, decision, NULL };
}

static struct answer
oracle_identity(const struct bm_state *s)
{
    bool live = s->identity == BM_IDENTITY_PROVISIONAL || s->identity == BM_IDENTITY_CONFIRMED || s->identity == BM_IDENTITY_RENEWING;

    if (live && s->same_key)
        return yes(BM_DECISION_SAME);
    if (s->key_known)
        return no("two devices may not share a key");
    if (s->identity == BM_IDENTITY_NONE)
        return yes(BM_DECISION_IDENTITY);
    if (s->identity == BM_IDENTITY_PROVISIONAL && s->replaced < 3)
        return yes(BM_DECISION_REPLACE);
    if (s->reissue_allowed)
        return yes(BM_DECISION_REISSUE);
    return no("birthmark identity reissue u-17 mqtt --reason");
}

/* What the signing key is worth: the current one renews, the one before only until its renewal is confirmed. */
static struct answer
oracle_renewal(const struct bm_state *s)
{
    bool expired = s->now > s->not_after + 14 * 86400;

    if (s->speaker == BM_SPEAKER_STRANGER)
        return s->identity == BM_IDENTITY_NONE ? no("has no identity for service mqtt to renew") : no("is not the key of device u-17");
    if (s->identity == BM_IDENTITY_NONE || (s->identity == BM_IDENTITY_REVOKED && s->speaker == BM_SPEAKER_LIVE))
        return no("contradict");
    if (s->speaker == BM_SPEAKER_REVOKED)
        return no("of the key that signs this renewal was revoked");
    if (s->speaker == BM_SPEAKER_LIVE && s->identity != BM_IDENTITY_CONFIRMED)
        return no("was never confirmed");
    if (s->speaker == BM_SPEAKER_PAST ||
        (s->speaker == BM_SPEAKER_PREVIOUS && (s->identity == BM_IDENTITY_PROVISIONAL || s->identity == BM_IDENTITY_REVOKED)))
        return no("two hold it");
    if (!s->unit_in_order)
        return no("another order");
    if (s->speaker == BM_SPEAKER_PREVIOUS && s->identity == BM_IDENTITY_CONFIRMED)
        return s->same_key ? yes(BM_DECISION_SAME) : no("two hold it");
    if (expired)
        return no("lets none be renewed so long after");
    if (s->speaker == BM_SPEAKER_PREVIOUS && s->same_key)
        return yes(BM_DECISION_SAME);
    if (s->speaker == BM_SPEAKER_PREVIOUS && s->replaced >= 3 && !s->key_known)
        return no("confirmed none");
    if (s->key_known)
        return no("two devices may not share a key");
    return yes(s->speaker == BM_SPEAKER_LIVE ? BM_DECISION_RENEW : BM_DECISION_REPLACE);
}

static struct answer
oracle_unit(const struct bm_claim *c, const struct bm_state *s)
{
    if (s->unit == BM_UNIT_SUSPENDED)
        return no("is suspended");
    if (s->unit == BM_UNIT_REVOKED)
        return no("is revoked");
    if (s->unit == BM_UNIT_SCRAPPED)
        return no("scrapped");
    if (s->unit == BM_UNIT_WITHDRAWN)
        return no("recalled it");
    if (s->unit == BM_UNIT_RETIRED)
        return no("taken out of its device");
    if (s->unit == BM_UNIT_DECOMMISSIONED)
        return no("is decommissioned");
    if (c->renews && s->unit == BM_UNIT_ACTIVE)
        return oracle_renewal(s);
    if (c->renews && s->identity == BM_IDENTITY_NONE)
        return no("has no identity for service mqtt to renew");
    if (s->unit == BM_UNIT_ACTIVE)
        return s->unit_in_order ? oracle_identity(s) : no("another order");
    if (s->identity != BM_IDENTITY_NONE)
        return no("contradict");
    if (s->key_known)
        return no("two devices may not share a key");
    return s->used < s->quantity ? yes(BM_DECISION_UNIT) : no("is full: 12 of 12 units");
}

static struct answer
oracle(const struct bm_claim *c, const struct bm_state *s)
{
    const bool later = c->renews || s->reissue_allowed || s->by_allow; /* its unit was made under the order long ago */

    if (s->now < 1704067200 || s->now < s->last_signed || s->now > s->last_signed + 400 * 86400)
        return (struct answer){ BM_EBUSY, BM_DECISION_NO, "clock" };
    if (!s->lot_pinned)
        return no("no received lot (root key 9f3c\xe2\x80\xa6"
                  "41)");
    if (s->lot_withdrawn)
        return no("lot EX-001, which this chip is in (root key 9f3c\xe2\x80\xa6"
                  "41), was withdrawn");
    if (s->lot_quarantined)
        return no("is in quarantine");
    if (s->lot_superseded)
        return no("was superseded by a later revision");
    if (c->test && !s->test)
        return no("is of a test hierarchy");
    if (!s->order_known)
        return no("there is no order demo-1");
    if (!later && s->order_closed)
        return no("order demo-1 is closed");
    if (!later && s->now < s->order_from)
        return no("begins at");
    if (!later && s->now > s->order_until)
        return no("ended at");
    if (!later && !s->order_has_lot)
        return no("is not for lot EX-001");
    if (!later && !s->order_station)
        return no("is made at its own stations");
    if (!s->order_has_profile)
        return no("does not allow profile gateway-1");
    if (c->evidence == BM_EV_SOFTWARE)
        return no("does not take software evidence");
    if (c->key.alg != BM_KEY_P256)
        return no("does not take P-384 keys");
    if (s->unit_other_root)
        return no("by another root key");
    return oracle_unit(c, s);
}

/* ---- the combinations ---- */

#define HEADS (5u * 4 * 1024 * 2 * 2 * 2 * 2)
static void
head_set(struct bm_claim *claim, struct bm_state *state, unsigned n)
{
    static const bm_time nows[] = { LAST, LAST + 10, LAST - 1, LAST + 400 * 86400, LAST + 400 * 86400 + 1 };

    state->now = nows[digit(&n, 5)];
    switch (digit(&n, 4)) {
    case 0:
        state->order_from = state->order_until = state->now; /* both ends belong to it */
        break;
    case 1:
        state->order_from = state->now + 1;
        state->order_until = BM_TIME_NEVER;
        break;
    case 2:
        state->order_from = 0;
        state->order_until = state->now - 1;
        break;
    default:
        state->order_from = 0;
        state->order_until = BM_TIME_NEVER;
    }
    state->lot_pinned = digit(&n, 2);
    state->lot_withdrawn = digit(&n, 2);
    state->lot_quarantined = digit(&n, 2);
    state->lot_superseded = digit(&n, 2);
    state->order_known = digit(&n, 2);
    state->order_closed = digit(&n, 2);
    state->order_has_lot = digit(&n, 2);
    state->order_has_profile = digit(&n, 2);
    claim->evidence = digit(&n, 2) ? BM_EV_SOFTWARE : BM_EV_TPM_ACTIVATED;
    claim->key.alg = digit(&n, 2) ? BM_KEY_P384 : BM_KEY_P256;
    state->unit_other_root = digit(&n, 2);
    claim->renews = digit(&n, 2);
    state->order_station = digit(&n, 2);
    state->by_allow = digit(&n, 2);
}

static bool
decide(const struct bm_claim *claim, const struct bm_state *state)
{
    const enum bm_decision untouched = (enum bm_decision)99;
    struct answer want = oracle(claim, state);
    enum bm_decision decision = untouched;
    struct bm_fail fail = { 0 };
    enum bm_rc rc = bm_may_issue(&decision, claim, state, &fail);

    assert_int_equal(rc, want.rc);
    assert_int_equal(decision, rc == BM_OK ? want.decision : untouched);
    if (rc != BM_OK && strstr(fail.text, want.word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fail.text, want.word);
    assert_true(rc != BM_EPOLICY || strstr(fail.text, "two hold it") == NULL || bm_is_fork(claim, state));
    assert_true(rc != BM_OK || !bm_is_fork(claim, state));
    return rc == BM_OK;
}

static void
answers_as_the_oracle_for_every_clock_lot_order_and_profile(void **cmocka)
{
    unsigned yeses[2] = { 0 };

    (void)cmocka;
    for (unsigned head = 0; head < HEADS; head++)
        for (unsigned tail = 0; tail < 40; tail++) {
            struct bm_claim claim = good_claim();
            struct bm_state state = good_state();

            state.unit_in_order = true;
            tail_set(&state, tail + 8 * 5 * 4); /* unit_in_order's digit is 1; unit and identity take every value */
            head_set(&claim, &state, head);
            state.speaker = BM_SPEAKER_LIVE;
            state.not_after = state.now;
            yeses[claim.renews] += decide(&claim, &state);
        }
    /* three good clocks, two good windows, all else good, three tails that say yes; by an allow every window, open or closed, any lot, at any station */
    assert_int_equal(yeses[0], 3 * 2 * 3 + 3 * 4 * 2 * 2 * 2 * 3);
    assert_int_equal(yeses[1], 2 * 3 * 4 * 2 * 2 *
                                   2); /* every window, open or closed, with the lot or without, at any station: a confirmed identity */
}

/* Whatever is asked for. */
static void
nothing_of_a_test_counts_in_production(void **cmocka)
{
    (void)cmocka;
    for (unsigned i = 0; i < 8; i++) {
        struct bm_claim claim = good_claim();
        struct bm_state state = good_state();

        claim.test = (i & 1) != 0;
        state.test = (i & 2) != 0;
        state.reissue_allowed = (i & 4) != 0;
        assert_int_equal(decide(&claim, &state), !claim.test || state.test);
    }
}

/* Whatever is asked for: a renewal, or what an operator allowed, is not bound to a station, but no station speaks for it that is none. */
static void
a_station_is_one_of_the_site_and_means_this_order(void **cmocka)
{
    static const struct {
        bool stationed, known, later;
        const char *order, *says;
    } cases[] = {
        { .known = true },
        { .known = true, .stationed = true, .order = "demo-1" },
        { .known = true,
          .stationed = true,
          .order = "demo-2",
          .says = "station line-1 asked for a unit of order demo-2, and it would be counted" },
        { .stationed = true, .order = "demo-1", .says = "a station that is none of this site's, or is none any more" },
        { .known = true, .later = true },
        { .known = true, .later = true, .stationed = true, .order = "demo-2", .says = "under order demo-1" },
        { .later = true, .stationed = true, .order = "demo-1", .says = "none any more" },
    };

    (void)cmocka;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct bm_claim claim = good_claim();
        struct bm_state state = good_state();
        enum bm_decision decision = BM_DECISION_NO;
        struct bm_fail fail = { 0 };

        claim.stationed = cases[i].stationed;
        if (cases[i].order != NULL)
            memcpy(claim.station_order, cases[i].order, strlen(cases[i].order) + 1);
        state.station_known = cases[i].known;
        state.station = cases[i].known && cases[i].stationed ? "line-1" : NULL;
        state.by_allow = cases[i].later;
        assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), cases[i].says == NULL ? BM_OK : BM_EPOLICY);
        if (cases[i].says != NULL && strstr(fail.text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", fail.text, cases[i].says);
    }
}

static void
answers_as_the_oracle_for_every_unit_identity_and_quota(void **cmocka)
{
    unsigned yeses = 0;

    (void)cmocka;
    for (unsigned tail = 0; tail < TAILS; tail++) {
        struct bm_claim claim = good_claim();
        struct bm_state state = good_state();

        tail_set(&state, tail);
        yeses += decide(&claim, &state);
    }
    assert_true(yeses > 0 && yeses < TAILS / 2);
}

static void
answers_as_the_oracle_for_every_renewal(void **cmocka)
{
    unsigned yeses[BM_DECISION__N] = { 0 };

    (void)cmocka;
    for (unsigned tail = 0; tail < TAILS; tail++)
        for (unsigned speaker = 0; speaker < SPEAKERS; speaker++) {
            struct bm_claim claim = good_claim();
            struct bm_state state = good_state();
            enum bm_decision decision = BM_DECISION_NO;
            struct bm_fail fail = { 0 };

            claim.renews = true;
            tail_set(&state, tail);
            speaker_set(&state, speaker);
            if (decide(&claim, &state) && bm_may_issue(&decision, &claim, &state, &fail) == BM_OK)
                yeses[decision]++;
        }
    assert_true(yeses[BM_DECISION_RENEW] > 0 && yeses[BM_DECISION_REPLACE] > 0 && yeses[BM_DECISION_SAME] > 0);
    assert_int_equal(yeses[BM_DECISION_UNIT] + yeses[BM_DECISION_IDENTITY] + yeses[BM_DECISION_REISSUE], 0);
}

static void
puts_the_clock_before_everything_even_at_the_ends_of_time(void **cmocka)
{
    static const bm_time ends[][2] = { { INT64_MAX, INT64_MIN }, { INT64_MAX, 0 }, { INT64_MIN, 0 }, { 0, 0 }, { BM_CLOCK_FLOOR - 1, 0 } };

    (void)cmocka;
    for (size_t i = 0; i < BM_COUNT(ends); i++) {
        struct bm_claim claim = good_claim();
        struct bm_state state = { .now = ends[i][0], .last_signed = ends[i][1] };
        enum bm_decision decision;
        struct bm_fail fail = { 0 };

        assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), BM_EBUSY);
    }
}

/* ---- for one repair ---- */

static struct answer
oracle_support(const struct bm_claim *c, const struct bm_state *s)
{
    if (s->unit != BM_UNIT_ACTIVE)
        return no("");
    if (c->renews)
        return no("never renewed");
    if (s->support == BM_SUPPORT_OVER)
        return no("is over");
    if (s->support == BM_SUPPORT_USED && !s->same_key)
        return no("used already");
    if (!s->unit_in_order)
        return no("another order");
    if (s->support == BM_SUPPORT_USED)
        return yes(BM_DECISION_SAME);
    return s->key_known ? no("another identity") : yes(BM_DECISION_SUPPORT);
}

/* Whatever state its other identities and its order are in. */
static void
answers_as_the_oracle_for_every_support(void **cmocka)
{
    (void)cmocka;
    for (unsigned i = 0; i < BM_UNIT__N * BM_IDENTITY__N * 3 * 64; i++) {
        struct bm_claim claim = good_claim();
        struct bm_state state = good_state();
        enum bm_decision decision = BM_DECISION_NO;
        struct bm_fail fail = { 0 };
        const unsigned bits = i / (BM_UNIT__N * BM_IDENTITY__N * 3);
        struct answer want;

        state.unit = (enum bm_unit_state)(i % BM_UNIT__N);
        state.identity = (enum bm_identity_state)(i / BM_UNIT__N % BM_IDENTITY__N);
        state.support = (enum bm_support)(BM_SUPPORT_OPEN + i / BM_UNIT__N / BM_IDENTITY__N % 3);
        claim.renews = (bits & 1u << 0) != 0;
        state.unit_in_order = (bits & 1u << 1) != 0;
        state.same_key = (bits & 1u << 2) != 0;
        state.key_known = (bits & 1u << 3) != 0;
        state.reissue_allowed = (bits & 1u << 4) != 0;
        state.order_closed = (bits & 1u << 5) != 0; /* its officer's word stands for the order's dates and quota */
        state.order_until = 0;
        state.order_has_lot = state.order_station = false;
        state.used = state.quantity;
        state.speaker = BM_SPEAKER_PAST;
        want = oracle_support(&claim, &state);
        assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), want.rc);
        assert_int_equal(decision, want.decision);
        if (want.word != NULL && strstr(fail.text, want.word) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", fail.text, want.word);
        assert_false(bm_is_fork(&claim, &state));
        state.order_has_profile = false;
        assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), BM_EPOLICY);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_oracle_for_every_clock_lot_order_and_profile),
        cmocka_unit_test(answers_as_the_oracle_for_every_unit_identity_and_quota),
        cmocka_unit_test(nothing_of_a_test_counts_in_production),
        cmocka_unit_test(a_station_is_one_of_the_site_and_means_this_order),
        cmocka_unit_test(answers_as_the_oracle_for_every_renewal),
        cmocka_unit_test(puts_the_clock_before_everything_even_at_the_ends_of_time),
        cmocka_unit_test(answers_as_the_oracle_for_every_support),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
