/* test_may_issue_rights.c - a right withdrawn never turns a no of the decision into a yes. */
#include "may_issue_kit.h"

static void
right_withdraw(struct bm_state *s, unsigned which)
{
    switch (which) {
    case 0:
        s->lot_pinned = false;
        break;
    case 1:
        s->lot_withdrawn = true;
        break;
    case 2:
        s->order_known = false;
        break;
    case 3:
        s->order_closed = true;
        break;
    case 4:
        s->order_has_lot = false;
        break;
    case 5:
        s->order_has_profile = false;
        break;
    case 6:
        s->order_until = s->now - 1;
        break;
    case 7:
        s->order_from = s->now + 1;
        break;
    case 8:
        s->quantity = 0;
        break;
    case 9:
        s->unit_in_order = false;
        break;
    case 10:
        s->reissue_allowed = false;
        break;
    case 11:
        s->key_known = true;
        break;
    case 12:
        s->replaced = 1000;
        break;
    case 13:
        s->unit = BM_UNIT_REVOKED;
        break;
    case 14:
        s->unit = BM_UNIT_WITHDRAWN;
        break;
    case 15:
        s->lot_quarantined = true;
        break;
    case 16:
        s->lot_superseded = true;
        break;
    default:
        s->last_signed = s->now + 1;
    }
}
#define RIGHTS 18u

static bool
allowed(const struct bm_claim *claim, const struct bm_state *state)
{
    struct bm_fail fail = { 0 };
    enum bm_decision decision;

    return bm_may_issue(&decision, claim, state, &fail) == BM_OK;
}

static void
withdrawing_a_right_never_turns_no_into_yes(void **cmocka)
{
    unsigned lost[RIGHTS] = { 0 };

    (void)cmocka;
    for (unsigned broken = 0; broken <= RIGHTS; broken++)
        for (unsigned tail = 0; tail < TAILS; tail++) {
            struct bm_claim claim = good_claim();
            struct bm_state state = good_state();
            bool before;

            tail_set(&state, tail);
            if (broken < RIGHTS)
                right_withdraw(&state, broken);
            before = allowed(&claim, &state);
            for (unsigned i = 0; i < RIGHTS; i++) {
                struct bm_state less = state;
                bool after;

                right_withdraw(&less, i);
                after = allowed(&claim, &less);
                assert_true(before || !after);
                lost[i] += before && !after;
            }
        }
    for (unsigned i = 0; i < RIGHTS; i++)
        assert_true(lost[i] > 0); /* and each is a right: somebody misses it */
}

/* What a renewal has beside the rights of its chip and order; what it does not need is in the oracle. */
static void
renewal_right_withdraw(struct bm_state *s, unsigned which)
{
    static const unsigned shared[] = { 0, 1, 2, 5, 9, 11, 12, 13, 14, 15, 16, 17 };

    if (which < BM_COUNT(shared))
        right_withdraw(s, shared[which]);
    else if (which == BM_COUNT(shared))
        s->speaker = BM_SPEAKER_STRANGER;
    else if (which == BM_COUNT(shared) + 1)
        s->speaker = BM_SPEAKER_PAST;
    else if (which == BM_COUNT(shared) + 2)
        s->speaker = BM_SPEAKER_REVOKED;
    else
        s->not_after = 0;
}
#define RENEWAL_RIGHTS 16u

static void
withdrawing_a_right_of_a_renewal_never_turns_no_into_yes(void **cmocka)
{
    unsigned lost[RENEWAL_RIGHTS] = { 0 };

    (void)cmocka;
    for (unsigned tail = 0; tail < TAILS; tail++)
        for (unsigned speaker = 0; speaker < SPEAKERS; speaker++) {
            struct bm_claim claim = good_claim();
            struct bm_state state = good_state();
            bool before;

            claim.renews = true;
            tail_set(&state, tail);
            speaker_set(&state, speaker);
            before = allowed(&claim, &state);
            for (unsigned i = 0; i < RENEWAL_RIGHTS; i++) {
                struct bm_state less = state;
                bool after;

                renewal_right_withdraw(&less, i);
                after = allowed(&claim, &less);
                assert_true(before || !after);
                lost[i] += before && !after;
            }
        }
    for (unsigned i = 0; i < RENEWAL_RIGHTS; i++)
        assert_true(lost[i] > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(withdrawing_a_right_never_turns_no_into_yes),
        cmocka_unit_test(withdrawing_a_right_of_a_renewal_never_turns_no_into_yes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
