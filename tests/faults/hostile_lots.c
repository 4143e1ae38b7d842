/* hostile_lots.c - a hostile registrar's lots: not as they were signed, or with chips that are counted already. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>

enum lot_attack {
    OMIT,
    TRUNCATE,
    EXTRA,
    CHANGE,
    TWICE
};

/* Streams "L2" wrongly; the answer that ended it. */
static void
lot_stream(struct world *w, enum lot_attack attack, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY },
                                          leaf = { .max = BM_MAX_LEAF };
    const struct fixture_lot *lot = &w->other;
    size_t n = attack == OMIT || attack == TRUNCATE ? lot->n - 1 : attack == EXTRA ? lot->n + 1 : lot->n;

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, lot);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&lot->head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), false, answer);
    assert_int_equal(answer->type, BM_S_ANSWER);
    bm_buf_reset(&body);
    bm_buf_add_u32(&body, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        size_t which = attack == OMIT && i >= 2 ? i + 1 : attack == TWICE && i == 5 ? 4 : i;
        const struct bm_buf *from = which < lot->n ? &lot->chips[which].leaf : &w->lot.chips[0].leaf;

        bm_buf_reset(&leaf);
        bm_buf_add_bytes(&leaf, bm_buf_bytes(from));
        if (attack == CHANGE && i == 3) /* the last digit of the label, "soft-3": still a leaf, still the same keys */
            ((uint8_t *)memmem(leaf.p, leaf.n, "soft-3", 6))[5] = '9';
        bm_buf_add_lv16(&body, bm_buf_bytes(&leaf));
    }
    fixture_ask(&w->f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, answer);
    if (answer->type != BM_S_REFUSED)
        fixture_ask(&w->f, BM_S_LOT_END, bm_bytes(NULL, 0), true, answer);
}

static void
lots_that_are_not_the_signed_ones_are_refused(void **state)
{
    static const struct {
        enum lot_attack attack;
        const char *words;
    } attacks[] = { { OMIT, "7 of its 8 chips came" },
                    { TRUNCATE, "7 of its 8 chips came" },
                    { EXTRA, "more chips than the 8 of its pin" },
                    { CHANGE, "its tree has another head" },
                    { TWICE, "one root key for two chips" } };
    struct world *w = *state;
    struct fixture_answer answer;

    for (size_t i = 0; i < BM_COUNT(attacks); i++) {
        lot_stream(w, attacks[i].attack, &answer);
        assert_refusal(&answer, attacks[i].words, 1);
        fixture_ask(&w->f, BM_S_LOT_END, bm_bytes(NULL, 0), true, &answer);
        assert_refusal(&answer, "no lot is being received", 0);
        issue_refused(w, &(struct fixture_request){ .lot = &w->other }, "in no received lot", 0);
    }
    fixture_pin(&w->f, &w->other); /* and the signed one is taken */
}

static void
pins_are_checked_before_the_first_leaf(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct fixture_answer answer;

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &w->other);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&w->other.head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "may not sign", 1);

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &w->other);
    bm_buf_reset(&body);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&w->lot.head)); /* another lot's head */
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "something else than the chipmaker's head", 1);

    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &w->lot);
    bm_buf_reset(&body);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&w->lot.head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "pinned already", 1);

    bm_buf_reset(&body);
    bm_buf_add_u32(&body, 0);
    fixture_ask(&w->f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "no lot is being received", 0);
}

/* Makes a lot of one chip that has the root keys of chips of L1. */
static void
lot_of_keys(struct world *w, struct fixture_lot *lot, const char *name, uint64_t revision, const size_t *chips, size_t n)
{
    struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .id = "soft-0", .nkeys = n };

    fixture_lot_make(&w->f, lot, name, 1);
    for (size_t i = 0; i < n; i++)
        leaf.keys[i] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(w->lot.chips[chips[i]].root) };
    bm_buf_reset(&lot->chips[0].leaf);
    fixture_must(bm_leaf_build(&lot->chips[0].leaf, &leaf, &fail));
    lot->revision = revision;
    fixture_lot_head(&w->f, lot);
}

/* Of two that were used, at the leaf; of two that are only listed, before it counts: either way both stay what they are. */
static void
a_leaf_over_two_units_refuses_the_lot(void **state)
{
    struct world *w = *state;
    const struct fixture_statement carl = { .by = CARL_CUSTODIAN };
    const size_t two[] = { 0, 1 };
    struct fixture_answer answer;
    struct fixture_lot lot;

    lot_of_keys(w, &lot, "L3", 1, two, 2);
    fixture_pin_ask(&w->f, &carl, &lot, &answer);
    assert_refusal(&answer, "stands in lot L1 too", 1);
    for (size_t i = 0; i < 2; i++)
        issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = two[i] }, &answer);
    fixture_pin_ask(&w->f, &carl, &lot, &answer);
    assert_refusal(&answer, "root keys of two chips", 1);
    fixture_lot_done(&lot);
}

/* One of the lists is wrong: the lot that is pinned stays, the other is refused, and says which one it contradicts. */
static void
a_chip_in_a_second_lot_refuses_that_lot(void **state)
{
    struct world *w = *state;
    const struct fixture_statement carl = { .by = CARL_CUSTODIAN };
    const size_t one[] = { 0 };
    struct fixture_answer answer;
    struct fixture_lot lot;

    lot_of_keys(w, &lot, "L3", 1, one, 1);
    fixture_pin_ask(&w->f, &carl, &lot, &answer);
    assert_refusal(&answer, "stands in lot L1 too, and a chip is in one lot", 1);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    fixture_pin_ask(&w->f, &carl, &lot, &answer);
    assert_refusal(&answer, "stands in lot L1 too", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &lot, .voice = &w->lot.chips[0] }, "in no received lot", 0);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    fixture_lot_done(&lot);
}

/* Said to contradict another, it is pinned and serves nobody; nor does it take the chip from the lot that had it; after a restart alike. */
static void
a_lot_in_conflict_is_pinned_in_quarantine(void **state)
{
    struct world *w = *state;
    const size_t one[] = { 0 }, other[] = { 1 };
    struct fixture_answer answer;
    struct fixture_lot lot, third;

    lot_of_keys(w, &lot, "L3", 1, one, 1);
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .held = "chip soft-0 stands in lot L1 too" }, &lot, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 2);
    assert_non_null(strstr(answer.event, "kind lot-pinned"));
    assert_non_null(strstr(w->f.last_event, "kind lot-quarantined"));
    assert_non_null(strstr(w->f.last_event, "reason chip soft-0 stands in lot L1 too\n"));
    fixture_order(&w->f, "order-3", &lot, 1);
    for (int again = 0; again < 2; again++) {
        issue_refused(w, &(struct fixture_request){ .lot = &lot, .voice = &w->lot.chips[0], .order = "order-3" }, "is in quarantine", 1);
        lot_of_keys(w, &third, "L4", 1, other, 1);
        fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &third, &answer);
        assert_refusal(&answer, "stands in lot L1 too, and a chip is in one lot", 1);
        fixture_lot_done(&third);
        assert_int_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer); /* nobody put L1 into quarantine here: it serves on */
    fixture_lot_done(&lot);
}

/* The same chip in a later revision, under a second order: the same unit, no fresh slot; and the older tree shows nothing any more. */
static void
a_later_revision_hands_out_no_fresh_slot(void **state)
{
    struct world *w = *state;
    const size_t one[] = { 0 };
    struct fixture_answer issued;
    struct fixture_lot lot;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    confirm(w, &issued);
    lot_of_keys(w, &lot, "L1", 2, one, 1);
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &lot, &issued);
    assert_int_equal(issued.type, BM_S_ANSWER);
    assert_int_equal(issued.nleaves, 2);
    assert_non_null(strstr(issued.event, "kind lot-superseded"));
    assert_non_null(strstr(issued.event, "reason revision 1\n"));
    assert_non_null(strstr(w->f.last_event, "kind lot-pinned"));
    fixture_order(&w->f, "order-3", &lot, 1);
    issue_refused(w, &(struct fixture_request){ .lot = &lot, .voice = &w->lot.chips[0], .order = "order-3" }, "counted under another order",
                  1);
    issue_refused(w, &(struct fixture_request){ .lot = &lot, .voice = &w->lot.chips[0] }, "may be a copy", 1); /* its order goes on */
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, "superseded by a later revision", 1);
    fixture_lot_done(&lot);
}

/* A chip that a later revision leaves out may stand in another lot: the list was wrong about it. */
static void
a_chip_left_out_may_move(void **state)
{
    struct world *w = *state;
    const size_t zero[] = { 0 }, one[] = { 1 };
    struct fixture_answer answer;
    struct fixture_lot less, moved;

    lot_of_keys(w, &less, "L1", 2, zero, 1);
    fixture_pin(&w->f, &less);
    lot_of_keys(w, &moved, "L3", 1, one, 1);
    fixture_pin(&w->f, &moved);
    fixture_order(&w->f, "order-3", &moved, 1);
    issue_due(w, &(struct fixture_request){ .lot = &moved, .voice = &w->lot.chips[1], .order = "order-3" }, &answer);
    fixture_lot_done(&less);
    fixture_lot_done(&moved);
}

static void
revisions_go_up_only(void **state)
{
    struct world *w = *state;
    const struct fixture_statement carl = { .by = CARL_CUSTODIAN };
    const size_t zero[] = { 0 }, one[] = { 1 };
    struct fixture_answer answer;
    struct fixture_lot lot, other;

    lot_of_keys(w, &lot, "L1", 3, zero, 1);
    lot_of_keys(w, &other, "L1", 2, one, 1);
    fixture_pin_ask(&w->f, &(struct fixture_statement){ .by = CARL_CUSTODIAN, .vendor = "Other Silicon" }, &lot, &answer);
    assert_refusal(&answer, "is pinned already, from Example Silicon", 1);
    fixture_pin(&w->f, &lot);
    fixture_pin_ask(&w->f, &carl, &other, &answer);
    assert_refusal(&answer, "with revision 3 and this list has revision 2", 1);
    other.revision = 3;
    fixture_lot_head(&w->f, &other);
    fixture_pin_ask(&w->f, &carl, &other, &answer);
    assert_refusal(&answer, "with revision 3 and this list has revision 3", 1);
    fixture_pin_ask(&w->f, &carl, &w->lot, &answer); /* the first revision again */
    assert_refusal(&answer, "pinned already", 1);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    fixture_pin_ask(&w->f, &carl, &other, &answer);
    assert_refusal(&answer, "with revision 3 and this list has revision 3", 1);
    other.revision = 4; /* says the pin; the chipmaker's head still says 3 */
    fixture_pin_ask(&w->f, &carl, &other, &answer);
    assert_refusal(&answer, "something else than the chipmaker's head", 1);
    fixture_lot_done(&lot);
    fixture_lot_done(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(lots_that_are_not_the_signed_ones_are_refused),
        ATTACK(pins_are_checked_before_the_first_leaf),
        ATTACK(a_leaf_over_two_units_refuses_the_lot),
        ATTACK(a_chip_in_a_second_lot_refuses_that_lot),
        ATTACK(a_lot_in_conflict_is_pinned_in_quarantine),
        ATTACK(a_later_revision_hands_out_no_fresh_slot),
        ATTACK(a_chip_left_out_may_move),
        ATTACK(revisions_go_up_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
