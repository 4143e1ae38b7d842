/* test_may_issue_say.c - the sentences of the decision: whole, saying what to do, whatever the names. */
#include "may_issue_kit.h"

static void
says_what_to_do_in_whole_sentences(void **cmocka)
{
    struct bm_claim claim = good_claim();
    struct bm_state state = good_state();
    enum bm_decision decision;
    struct bm_fail fail = { 0 };

    (void)cmocka;
    state.used = 12;
    assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), BM_EPOLICY);
    assert_string_equal(fail.text, "order demo-1 is full: 12 of 12 units are made (root key 9f3c\xe2\x80\xa6"
                                   "41). Ask the planner to open another order for lot EX-001.");
    state.lot_pinned = false;
    assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), BM_EPOLICY);
    assert_string_equal(fail.text, "this chip is in no received lot (root key 9f3c\xe2\x80\xa6"
                                   "41). Ask the custodian to receive its lot, or check the board's chip against its reel label.");
    state.last_signed = state.now + 1;
    assert_int_equal(bm_may_issue(&decision, &claim, &state, &fail), BM_EBUSY);
    assert_string_equal(fail.text,
                        "the signer's clock says 2026-11-23T21:34:19Z, which is before its last signature (2026-11-23T21:34:20Z) or before "
                        "2024: set the clock, then ask again");
}

static void
fits_names_of_every_length_and_none_at_all(void **cmocka)
{
    static const char longest[] = "a234567890123456789012345678901234567890123456789012345678901234";

    (void)cmocka;
    for (unsigned tail = 0; tail < TAILS; tail++)
        for (unsigned names = 0; names < 2; names++) {
            struct bm_claim claim = good_claim();
            struct bm_state state = good_state();
            struct bm_profile wide = profile;
            enum bm_decision decision;
            struct bm_fail fail = { 0 };

            memcpy(wide.service, longest, sizeof(longest));
            memcpy(wide.name, longest, sizeof(longest));
            tail_set(&state, tail);
            state.profile = &wide;
            state.device = state.lot = state.order = names ? longest : NULL;
            if (bm_may_issue(&decision, &claim, &state, &fail) != BM_OK)
                assert_true(strlen(fail.text) > 60 && strchr(fail.text, '{') == NULL && strchr(fail.text, '?') == NULL);
        }
}

static void
what_a_profile_requires_is_named_where_it_is_missing(void **state)
{
    struct bm_profile strict = profile;
    struct bm_claim claim = good_claim();
    struct bm_state s = good_state();
    enum bm_decision decision;
    struct bm_fail fail;

    (void)state;
    strict.require = BM_PROVEN_TPM_FIXED | BM_PROVEN_EK_CERTIFIED;
    s.profile = &strict;
    claim.shown.proven = BM_PROVEN_TPM_ACTIVATED | BM_PROVEN_TPM_FIXED;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_EPOLICY);
    assert_non_null(strstr(fail.text, "profile gateway-1 requires evidence of ek-certified, which"));
    claim.shown.proven |= BM_PROVEN_EK_CERTIFIED;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_OK);
    assert_int_equal(decision, BM_DECISION_UNIT);
}

static void
what_comes_over_tls_alone_is_capped_by_the_order(void **state)
{
    struct bm_profile open = profile;
    struct bm_claim claim = good_claim();
    struct bm_state s = good_state();
    enum bm_decision decision;
    struct bm_fail fail;

    (void)state;
    claim.evidence = BM_EV_TLS_FRONT;
    claim.tls_front = true;
    s.tls_front = 2;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_EPOLICY);
    assert_non_null(strstr(fail.text, "does not take tls-front evidence"));
    open.evidence |= BM_EV_TLS_FRONT;
    s.profile = &open;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_OK);
    s.tls_front_used = 2;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_EPOLICY);
    assert_non_null(strstr(fail.text, "lets 2 certificates be had over TLS alone, and 2 were"));
    /* a retry gives nothing new */
    s.unit = BM_UNIT_ACTIVE;
    s.unit_in_order = true;
    s.identity = BM_IDENTITY_PROVISIONAL;
    s.same_key = true;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_OK);
    assert_int_equal(decision, BM_DECISION_SAME);
    s.same_key = false; /* a replacement does */
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_EPOLICY);
    /* software over TLS alone: the profile must take both */
    claim.evidence = BM_EV_SOFTWARE;
    s = good_state();
    s.tls_front = 2;
    open.evidence = BM_EV_SOFTWARE;
    s.profile = &open;
    assert_int_equal(bm_may_issue(&decision, &claim, &s, &fail), BM_EPOLICY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_to_do_in_whole_sentences),
        cmocka_unit_test(what_a_profile_requires_is_named_where_it_is_missing),
        cmocka_unit_test(what_comes_over_tls_alone_is_capped_by_the_order),
        cmocka_unit_test(fits_names_of_every_length_and_none_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
