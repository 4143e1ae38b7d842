/* test_puf_code.c - the PUF's code by calculation: its places are the best, its failure at 15 % bit errors, its entropy; and the decoder by trial. */
#include "../testing.h"

#include "density.h"
#include "root/sram_sim.h"

#include <math.h>

static double wrong[BM_POLAR_N];

static int
by_chance(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Not place by place: the last digits of a double may differ from machine to machine. */
static void
the_free_places_are_the_best(void **state)
{
    double used = 0, best = 0;
    unsigned n = 0;

    (void)state;
    density_evolve(wrong, .15 * .15, 2 * .15 * .85);
    for (unsigned i = 0; i < BM_POLAR_N; i++) {
        n += bm_polar_free(i);
        used += bm_polar_free(i) ? wrong[i] : 0;
    }
    assert_int_equal(n, BM_POLAR_K);
    qsort(wrong, BM_POLAR_N, sizeof(*wrong), by_chance);
    for (unsigned i = 0; i < BM_POLAR_K; i++)
        best += wrong[i];
    assert_true(used <= best * 1.000001);
}

static void
failure_is_less_than_one_in_a_million_by_calculation(void **state)
{
    static const double errors[] = { .05, .10, .12, .15, .16, .17, .18, .20, .22 };

    (void)state;
    print_message("bit errors   of pairs: right nothing  wrong    decoding fails, one start, at most\n");
    for (size_t i = 0; i < BM_COUNT(errors); i++) {
        double e = errors[i];

        print_message("%9.0f %%   %15.4f %7.4f %6.4f    %.2g\n", 100 * e, (1 - e) * (1 - e), 2 * e * (1 - e), e * e, density_bound(e, e));
    }
    assert_true(density_bound(.15, .15) < 1e-6);
    assert_true(density_bound(.15, .15) < 1e-10); /* what docs/puf.md says */
    assert_true(density_bound(.17, .17) < 1e-6);
    /* 65 % ones, 15 % of all cells err, and the rarer value more often, as a shifted threshold has it */
    assert_true(density_bound(.2429, .10) < 1e-6);
}

/* -log2 of the likelier order's chance, over all pairs, less what the offset tells. */
static double
entropy(double likelier)
{
    return -log2(likelier) * BM_POLAR_N - (BM_POLAR_N - BM_POLAR_K);
}

static void
what_the_helper_data_leaves(void **state)
{
    (void)state;
    print_message("the likelier order of a pair   min-entropy left of the secret, bits\n");
    for (double p = .5; p < .576; p += .015)
        print_message("%28.3f   %.0f\n", p, entropy(p));
    assert_true(entropy(.5) == BM_POLAR_K);
    assert_true(entropy(.545) > 256);
    assert_true(entropy(.568) > 128);
}

static struct bm_chance chance;

/* A word seen through a channel that gives the bit, nothing, or its opposite. */
static bool
decoded(double error)
{
    static uint8_t message[BM_POLAR_K], word[BM_POLAR_N], found[BM_POLAR_N];
    static int16_t seen[BM_POLAR_N];
    uint64_t limit = (uint64_t)(error * 0x1p32);

    for (unsigned i = 0; i < BM_POLAR_K; i++)
        message[i] = (uint8_t)(bm_chance_next(&chance) >> 63);
    bm_polar_encode(word, message);
    for (unsigned i = 0; i < BM_POLAR_N; i++) {
        uint64_t drawn = bm_chance_next(&chance);
        int flips = ((drawn & UINT32_MAX) < limit) + (drawn >> 32 < limit);

        seen[i] = (int16_t)((1 - flips) * (word[i] ? -1 : 1));
    }
    bm_polar_decode(found, seen);
    return memcmp(found, word, sizeof(word)) == 0;
}

/* Where failures can be counted, they are no more than calculated, and not far fewer: calculation and code speak of the same thing. */
static void
the_decoder_fails_as_calculated(void **state)
{
    const unsigned trials = getenv("BM_LONG") != NULL ? 40000 : 4000;
    static const double errors[] = { .15, .19, .20, .21 };

    (void)state;
    chance = bm_chance((const uint8_t[BM_HASH]){ 7 });
    for (size_t i = 0; i < BM_COUNT(errors); i++) {
        double bound = density_bound(errors[i], errors[i]) * trials;
        unsigned failed = 0;

        for (unsigned j = 0; j < trials; j++)
            failed += !decoded(errors[i]);
        print_message("bit errors %.0f %%: %u of %u words not decoded, at most %.1f calculated\n", 100 * errors[i], failed, trials, bound);
        assert_true(failed <= bound + 5 * sqrt(bound));
        assert_true(bound < 10 || failed > bound / 10);
    }
}

static void
words_without_errors_come_back(void **state)
{
    (void)state;
    chance = bm_chance((const uint8_t[BM_HASH]){ 8 });
    for (int i = 0; i < 20; i++)
        assert_true(decoded(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_free_places_are_the_best),    cmocka_unit_test(failure_is_less_than_one_in_a_million_by_calculation),
        cmocka_unit_test(what_the_helper_data_leaves),     cmocka_unit_test(words_without_errors_come_back),
        cmocka_unit_test(the_decoder_fails_as_calculated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
