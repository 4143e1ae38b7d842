/* test_life.c - the table of moves in a device's life: what is legal, and that an empty cell refuses. */
#include "kit.h"

#include "record/life.h"

/* proves: ARCHITECTURE 9 one table of legal moves; an empty cell is a refusal */
static void
every_cell_is_as_the_design_has_it(void **state)
{
    /* rows: states from designed on; columns: moves from receive on. '=' stays, '<' back to what it was, '.' refused, else the first letter of the state;
     * 'v' revoked, 'p' repaired, 't' transferred, 'x' decommissioned, 'r' provisioned */
    static const char table[BM_LIFE__N][BM_MOVE__N + 1] = {
        [BM_LIFE_DESIGNED] = "m.........",       [BM_LIFE_MANUFACTURED] = ".r........", [BM_LIFE_PROVISIONED] = ".=o.s.vptx",
        [BM_LIFE_ONBOARDED] = ".==as.vptx",      [BM_LIFE_ACTIVE] = ".===s.vptx",       [BM_LIFE_SUSPENDED] = ".....<vp.x",
        [BM_LIFE_REVOKED] = ".......p.x",        [BM_LIFE_REPAIRED] = ".=o.s.v=tx",     [BM_LIFE_TRANSFERRED] = ".=o=s.vp=x",
        [BM_LIFE_DECOMMISSIONED] = "..........",
    };
    static const struct {
        char letter;
        enum bm_life life;
    } letters[] = { { 'm', BM_LIFE_MANUFACTURED }, { 'r', BM_LIFE_PROVISIONED }, { 'o', BM_LIFE_ONBOARDED },
                    { 'a', BM_LIFE_ACTIVE },       { 's', BM_LIFE_SUSPENDED },   { 'v', BM_LIFE_REVOKED },
                    { 'p', BM_LIFE_REPAIRED },     { 't', BM_LIFE_TRANSFERRED }, { 'x', BM_LIFE_DECOMMISSIONED } };

    (void)state;
    for (unsigned from = BM_LIFE_DESIGNED; from < BM_LIFE__N; from++)
        for (unsigned move = BM_MOVE_RECEIVE; move < BM_MOVE__N; move++) {
            const char cell = table[from][move - 1];
            enum bm_life want = cell == '=' ? (enum bm_life)from : BM_LIFE_ONBOARDED, to = BM_LIFE__N;

            for (size_t i = 0; i < BM_COUNT(letters); i++)
                if (letters[i].letter == cell)
                    want = letters[i].life;
            if (cell == '.') {
                assert_int_equal(bm_life_move(&to, (enum bm_life)from, BM_LIFE_ONBOARDED, (enum bm_move)move, &kit_fail), BM_EPOLICY);
                assert_int_equal(to, BM_LIFE__N);
                continue;
            }
            assert_ok(bm_life_move(&to, (enum bm_life)from, BM_LIFE_ONBOARDED, (enum bm_move)move, &kit_fail));
            assert_int_equal(to, want);
        }
}

static void
what_is_no_state_or_move_is_refused(void **state)
{
    enum bm_life life;
    enum bm_move move;

    (void)state;
    assert_int_equal(bm_life_move(&life, (enum bm_life)0, BM_LIFE_ACTIVE, BM_MOVE_ISSUE, &kit_fail), BM_EPOLICY);
    assert_int_equal(bm_life_move(&life, BM_LIFE__N, BM_LIFE_ACTIVE, BM_MOVE_ISSUE, &kit_fail), BM_EPOLICY);
    assert_int_equal(bm_life_move(&life, BM_LIFE_ACTIVE, BM_LIFE_ACTIVE, (enum bm_move)0, &kit_fail), BM_EPOLICY);
    assert_int_equal(bm_life_move(&life, BM_LIFE_ACTIVE, BM_LIFE_ACTIVE, BM_MOVE__N, &kit_fail), BM_EPOLICY);
    for (unsigned i = BM_LIFE_DESIGNED; i < BM_LIFE__N; i++) {
        assert_ok(bm_life_parse(&life, bm_bytes_str(bm_life_word((enum bm_life)i)), &kit_fail));
        assert_int_equal(life, i);
    }
    for (unsigned i = BM_MOVE_RECEIVE; i < BM_MOVE__N; i++) {
        assert_ok(bm_move_parse(&move, bm_bytes_str(bm_move_word((enum bm_move)i)), &kit_fail));
        assert_int_equal(move, i);
    }
    assert_int_equal(bm_life_parse(&life, bm_bytes_str(""), &kit_fail), BM_EINPUT);
    assert_int_equal(bm_life_parse(&life, bm_bytes_str("alive"), &kit_fail), BM_EINPUT);
    assert_int_equal(bm_move_parse(&move, bm_bytes_str("steal"), &kit_fail), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_as_the_design_has_it),
        cmocka_unit_test(what_is_no_state_or_move_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
