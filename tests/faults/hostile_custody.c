/* hostile_custody.c - lots and chips that may not be used: nothing is issued from them, whatever the registrar says afterwards. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>

static void
lot_restrict(struct world *w, uint8_t what, const char *lot, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };

    bm_s_lot_state_build(
        &body, &(struct bm_s_lot_state){
                   .what = what, .lot = bm_bytes_str(lot), .by = bm_bytes_str("carl"), .reason = bm_bytes_str("recalled by the maker") });
    fixture_ask(&w->f, BM_S_LOT_STATE, bm_buf_bytes(&body), true, answer);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(a_lot_in_quarantine_or_withdrawn_issues_nothing),
        ATTACK(chips_scrapped_or_withdrawn_get_nothing),
        ATTACK(a_chip_is_held_before_its_lot_is_pinned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
