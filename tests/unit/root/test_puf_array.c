/* test_puf_array.c - the simulated array as published ones are, and millions of starts of the extractor on it: none wrong, none failed. */
#include "../testing.h"

#include "density.h"
#include "root/sram_sim.h"

#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

static struct bm_sram sram, worn;
static const struct bm_sram_weather weathers[] = {
    { .celsius = 25, .noise = 1 },
    { .celsius = -20, .noise = 1 },
    { .celsius = 85, .noise = 1 },
    { .celsius = 25, .years = 20, .noise = 1 },
    { .celsius = 85, .years = 20, .noise = 1 },
    { .celsius = -40, .years = 20, .noise = 1 },
};

static struct bm_bytes
chip(char ret[static 32], unsigned number)
{
    return bm_bytes(ret, (size_t)snprintf(ret, 32, "chip %u", number));
}

/* Bit errors of this chip: against what a cell says at enrolment most of the time; by what was enrolled. Exact, not sampled. */
struct errors {
    double wrong[2], cells[2];
};

static void
errors_add(struct errors *errors, const struct bm_sram *made, const struct bm_sram *later)
{
    for (size_t i = 0; i < BM_PUF_CELLS; i++) {
        bool one = made->one[i] > UINT32_MAX / 2;
        double says = (double)later->one[i] / UINT32_MAX;

        errors->cells[one]++;
        errors->wrong[one] += one ? 1 - says : says;
    }
}

static void
errors_measure(struct errors *ret, struct bm_sram_weather weather, double ones, unsigned chips)
{
    char seed[32];

    *ret = (struct errors){ .cells = { 0 } };
    for (unsigned i = 0; i < chips; i++) {
        bm_sram_make(&sram, chip(seed, i), ones, BM_SRAM_ROOM);
        bm_sram_make(&worn, chip(seed, i), ones, weather);
        errors_add(ret, &sram, &worn);
    }
}

static void
bit_errors_are_those_that_are_claimed(void **state)
{
    double most = 0;

    (void)state;
    print_message("celsius years   bit errors   of cells enrolled 0, 1   decoding fails, at most\n");
    for (size_t i = 0; i < BM_COUNT(weathers); i++) {
        struct errors e;
        double mean;

        errors_measure(&e, weathers[i], 0, 24);
        mean = (e.wrong[0] + e.wrong[1]) / (e.cells[0] + e.cells[1]);
        most = mean > most ? mean : most;
        print_message("%7.0f %5.0f   %8.1f %%   %9.1f %%  %6.1f %%   %.2g\n", weathers[i].celsius, weathers[i].years, 100 * mean,
                      100 * e.wrong[0] / e.cells[0], 100 * e.wrong[1] / e.cells[1],
                      density_bound(e.wrong[0] / e.cells[0], e.wrong[1] / e.cells[1]));
    }
    assert_true(most > .145 && most < .155);
}

static void
a_biased_array_fails_no_more_often(void **state)
{
    static const double ones[] = { .3, .4, .5, .6, .7 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(ones); i++) {
        struct errors e;
        double bound;

        errors_measure(&e, BM_SRAM_WORST, ones[i], 8);
        bound = density_bound(e.wrong[0] / e.cells[0], e.wrong[1] / e.cells[1]);
        print_message("%.0f %% ones at the worst: cells enrolled 0 err in %.1f %%, 1 in %.1f %%: fails at most %.2g\n", 100 * ones[i],
                      100 * e.wrong[0] / e.cells[0], 100 * e.wrong[1] / e.cells[1], bound);
        assert_true(fabs(e.cells[1] / (e.cells[0] + e.cells[1]) - ones[i]) < .02);
        assert_true(bound < 1e-6);
    }
}

/* Skewed cells: most never err, a few err as often as not, and chips have nothing in common. */
static void
cells_are_skewed_and_chips_strangers(void **state)
{
    unsigned steady = 0, coins = 0, unlike = 0;

    (void)state;
    bm_sram_make(&sram, bm_bytes_str("a"), .5, BM_SRAM_ROOM);
    bm_sram_make(&worn, bm_bytes_str("b"), .5, BM_SRAM_ROOM);
    for (size_t i = 0; i < BM_PUF_CELLS; i++) {
        double says = (double)sram.one[i] / UINT32_MAX;

        steady += says < 1e-4 || says > 1 - 1e-4;
        coins += says > .2 && says < .8;
        unlike += (sram.one[i] > UINT32_MAX / 2) != (worn.one[i] > UINT32_MAX / 2);
    }
    assert_true(steady > BM_PUF_CELLS * 6 / 10 && steady < BM_PUF_CELLS * 8 / 10);
    assert_true(coins > BM_PUF_CELLS / 30 && coins < BM_PUF_CELLS / 8);
    assert_true(unlike > BM_PUF_CELLS * 48 / 100 && unlike < BM_PUF_CELLS * 52 / 100);
}

/* What von Neumann promises: of the chosen pairs' bits half are ones, whatever the bias; neighbours are independent. */
static void
enrolled_bits_are_unbiased(void **state)
{
    static const double ones[] = { .3, .5, .7 };
    char seed[32];

    (void)state;
    for (size_t k = 0; k < BM_COUNT(ones); k++) {
        double n = 0, set = 0, same = 0;

        for (unsigned c = 0; c < 40; c++) {
            int last = -1;

            bm_sram_make(&sram, chip(seed, c), ones[k], BM_SRAM_ROOM);
            for (size_t i = 0; i < BM_PUF_CELLS; i += 2) {
                bool first = sram.one[i] > UINT32_MAX / 2, second = sram.one[i + 1] > UINT32_MAX / 2;

                if (first == second)
                    continue;
                n++;
                set += first;
                same += last == first;
                last = first;
            }
        }
        assert_true(fabs(set / n - .5) < 5 * .5 / sqrt(n));
        assert_true(fabs(same / n - .5) < 5 * .5 / sqrt(n));
    }
}

/* ---- starts by the million ---- */

struct count {
    unsigned long starts, failed, wrong, like;
};

static struct bm_chance chance;

static enum bm_rc
array_start(void *ctx, uint8_t ret_cells[static BM_PUF_BYTES], struct bm_fail *fail)
{
    (void)fail;
    bm_sram_start(ctx, &chance, ret_cells);
    return BM_OK;
}

/* Failed: other bits than were enrolled. Wrong: other bits, and the tag holds for them all the same. */
static void
chip_start(struct count *count, unsigned number, struct bm_sram_weather weather, unsigned starts)
{
    uint8_t enrolled[BM_PUF_BITS], bits[BM_PUF_BITS], cells[BM_PUF_BYTES];
    const struct bm_puf_array array = { .start = array_start, .ctx = &sram };
    struct bm_puf_helper helper;
    struct bm_secret secret, other;
    char seed[32];

    chance = bm_chance((const uint8_t[BM_HASH]){ 1, (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16) });
    bm_sram_make(&sram, chip(seed, number), 0, BM_SRAM_ROOM);
    bm_sram_make(&worn, chip(seed, number), 0, weather);
    assert_ok(bm_extractor_enrol(&helper, &secret, &array, &bm_env_system, &kit_fail));
    bm_sram_start(&sram, &chance, cells);
    (void)bm_extractor_decode(enrolled, &helper, cells);
    bm_extractor_secret(&other, helper.salt, enrolled);
    assert_memory_equal(other.b, secret.b, secret.n);
    for (unsigned i = 0; i < starts; i++, count->starts++) {
        bm_sram_start(&worn, &chance, cells);
        count->like += bm_extractor_decode(bits, &helper, cells);
        if (memcmp(bits, enrolled, sizeof(bits)) == 0)
            continue;
        count->failed++;
        bm_extractor_secret(&other, helper.salt, bits);
        count->wrong += bm_extractor_tag_ok(&helper, &other);
    }
}

#define STARTS 1000 /* of each chip */

static void
chips_share(struct count *count, unsigned chips, unsigned share, unsigned shares, struct bm_sram_weather weather)
{
    for (unsigned i = share; i < chips; i += shares)
        chip_start(count, i, weather, STARTS);
}

/* Divided among processes. */
static struct count
chips_start(unsigned chips, struct bm_sram_weather weather)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned shares = cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
    struct count *counts = mmap(NULL, 64 * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), all = { 0 };
    pid_t pids[64];

    assert_true(counts != MAP_FAILED);
    for (unsigned i = 0; i < shares; i++) {
        if ((pids[i] = fork()) == 0) {
            chips_share(counts + i, chips, i, shares, weather);
            _exit(0);
        }
        assert_true(pids[i] > 0);
    }
    for (unsigned i = 0; i < shares; i++) {
        int status;

        assert_true(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        all.starts += counts[i].starts;
        all.failed += counts[i].failed;
        all.wrong += counts[i].wrong;
        all.like += counts[i].like;
    }
    assert_int_equal(munmap(counts, 64 * sizeof(*counts)), 0);
    return all;
}

/* At -40 C after 20 years; 3,100 chips in ./check --long, fewer under sanitizers, which are ten times slower. */
static void
no_start_at_the_worst_fails_or_gives_another_secret(void **state)
{
    const unsigned chips = getenv("BM_LONG") != NULL ? LONG_CHIPS : 24;
    struct count count = chips_start(chips, BM_SRAM_WORST);

    (void)state;
    print_message("%lu starts of %u chips at -40 C after 20 years: %lu failed, %lu wrong; %.1f %% of the chosen pairs said nothing\n",
                  count.starts, chips, count.failed, count.wrong, 100. * (double)count.like / (double)count.starts / BM_POLAR_N);
    assert_int_equal(count.starts, chips * STARTS);
    assert_int_equal(count.wrong, 0);
    assert_int_equal(count.failed, 0); /* one in a thousand million is calculated */
}

/* Where starts do fail, each is noticed. */
static void
failed_starts_are_never_taken_for_good(void **state)
{
    const struct bm_sram_weather harsh = { .celsius = -40, .years = 20, .noise = 6 };
    struct count count = chips_start(getenv("BM_LONG") != NULL ? 100 : 6, harsh);

    (void)state;
    print_message("%lu starts of chips with a bad supply: %lu failed, %lu wrong\n", count.starts, count.failed, count.wrong);
    assert_true(count.failed > count.starts / 100);
    assert_int_equal(count.wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bit_errors_are_those_that_are_claimed),
        cmocka_unit_test(a_biased_array_fails_no_more_often),
        cmocka_unit_test(cells_are_skewed_and_chips_strangers),
        cmocka_unit_test(enrolled_bits_are_unbiased),
        cmocka_unit_test(no_start_at_the_worst_fails_or_gives_another_secret),
        cmocka_unit_test(failed_starts_are_never_taken_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
