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
    assert_refusal(&answer, "may not sign", 0);

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
lot_of_keys(struct world *w, struct fixture_lot *lot, const char *name, const size_t *chips, size_t n)
{
    struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .id = "soft-0", .nkeys = n };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    const struct bm_note_signer *signers[] = { &w->f.chipmaker };
    struct bm_lot_head head = { .kind = BM_LEAF_KEYS, .size = 1, .vendor = "Example Silicon" };

    fixture_lot_make(&w->f, lot, name, 1);
    for (size_t i = 0; i < n; i++)
        leaf.keys[i] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(w->lot.chips[chips[i]].root) };
    bm_buf_reset(&lot->chips[0].leaf);
    fixture_must(bm_leaf_build(&lot->chips[0].leaf, &leaf, &fail));
    bm_tree_leaf(lot->root, bm_buf_bytes(&lot->chips[0].leaf));
    bm_tree_done(&lot->tree);
    bm_tree_init(&lot->tree, 1);
    fixture_must(bm_tree_append(&lot->tree, lot->root, &fail));
    (void)snprintf(head.lot, sizeof(head.lot), "%s", name);
    memcpy(head.root, lot->root, BM_HASH);
    bm_lot_head_build(&text, &head);
    bm_buf_reset(&lot->head);
    fixture_must(bm_note_build(&lot->head, bm_buf_bytes(&text), signers, 1, &fail));
}

static void
a_leaf_over_two_units_refuses_the_lot(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const size_t two[] = { 0, 1 };
    struct fixture_answer answer;
    struct fixture_lot lot;

    lot_of_keys(w, &lot, "L3", two, 2);
    fixture_pin_note(&w->f, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, &lot);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&lot.head));
    fixture_ask(&w->f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    bm_buf_reset(&body);
    bm_buf_add_u32(&body, 1);
    bm_buf_add_lv16(&body, bm_buf_bytes(&lot.chips[0].leaf));
    fixture_ask(&w->f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "root keys of two chips", 1);
    fixture_lot_done(&lot);
}

/* The same chip in a second lot, under a second order: the same unit, no fresh slot. */
static void
a_second_lot_hands_out_no_fresh_slot(void **state)
{
    struct world *w = *state;
    const size_t one[] = { 0 };
    struct fixture_answer issued;
    struct fixture_lot lot;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    confirm(w, &issued);
    lot_of_keys(w, &lot, "L3", one, 1);
    fixture_pin(&w->f, &lot);
    fixture_order(&w->f, "order-3", &lot, 1);
    issue_refused(w, &(struct fixture_request){ .lot = &lot, .voice = &w->lot.chips[0], .order = "order-3" }, "counted under another order",
                  1);
    fixture_lot_done(&lot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(lots_that_are_not_the_signed_ones_are_refused),
        ATTACK(pins_are_checked_before_the_first_leaf),
        ATTACK(a_leaf_over_two_units_refuses_the_lot),
        ATTACK(a_second_lot_hands_out_no_fresh_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
