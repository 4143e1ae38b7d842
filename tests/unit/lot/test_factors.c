/* test_factors.c - shared primes: what batch GCD tells is what comparing each with each tells, whatever the blocks. */
#include "kit.h"

#include "lot/screen.h"

#include <gmp.h>

#define MOST 130
#define OCTETS 64

/* Primes of 256 bits and moduli of two of them; the place of a modulus is its number here. */
struct pool {
    gmp_randstate_t random;
    mpz_t prime[2 * MOST + 2];
    uint8_t octets[MOST][OCTETS];
    mpz_t n[MOST];
    bool is_new[MOST];
    size_t count;
};
static struct pool pool;

static int
pool_open(void **state)
{
    (void)state;
    gmp_randinit_default(pool.random);
    for (size_t i = 0; i < BM_COUNT(pool.prime); i++) {
        mpz_init(pool.prime[i]);
        mpz_urandomb(pool.prime[i], pool.random, 256);
        mpz_setbit(pool.prime[i], 255);
        mpz_setbit(pool.prime[i], 254);
        mpz_nextprime(pool.prime[i], pool.prime[i]);
    }
    for (size_t i = 0; i < MOST; i++)
        mpz_init(pool.n[i]);
    return 0;
}

static int
pool_close(void **state)
{
    (void)state;
    for (size_t i = 0; i < BM_COUNT(pool.prime); i++)
        mpz_clear(pool.prime[i]);
    for (size_t i = 0; i < MOST; i++)
        mpz_clear(pool.n[i]);
    gmp_randclear(pool.random);
    return 0;
}

static void
modulus_add(size_t p, size_t q, bool is_new)
{
    size_t i = pool.count++;

    mpz_mul(pool.n[i], pool.prime[p], pool.prime[q]);
    memset(pool.octets[i], 0, OCTETS);
    assert_int_equal(mpz_sizeinbase(pool.n[i], 256), OCTETS);
    (void)mpz_export(pool.octets[i], NULL, 1, 1, 1, 0, pool.n[i]);
    pool.is_new[i] = is_new;
}

/* ---- what is told ---- */

static struct {
    size_t calls;
    bool place[MOST];
    uint64_t other[MOST];
    uint64_t done;
} told;

static bool
share(size_t i, size_t j)
{
    bool answer;
    mpz_t g;

    mpz_init(g);
    mpz_gcd(g, pool.n[i], pool.n[j]);
    answer = mpz_cmp_ui(g, 1) != 0;
    mpz_clear(g);
    return answer;
}

static void
found(void *ctx, uint64_t place, uint64_t other)
{
    (void)ctx;
    assert_true(place < pool.count && other < pool.count);
    assert_true(place != other || told.calls >= 100);
    assert_true(pool.is_new[place]);
    assert_true(share(place, other));
    told.calls++;
    told.place[place] = true;
    told.other[place] = other;
}

static void
progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    assert_true(done >= told.done && done <= total);
    told.done = done;
}

static void
pool_ask(size_t block)
{
    bm_cleanup(bm_factors_done) struct bm_factors *factors = NULL;

    memset(&told, 0, sizeof(told));
    assert_ok(bm_factors_new(&factors, &kit_fail));
    if (block > 0)
        bm_factors_block(factors, block);
    for (size_t i = 0; i < pool.count; i++)
        assert_ok(bm_factors_add(factors, bm_bytes(pool.octets[i], OCTETS), i, pool.is_new[i], &kit_fail));
    assert_ok(bm_factors_find(factors, found, progress, NULL, &kit_fail));
    /* each with each says the same */
    for (size_t i = 0; i < pool.count; i++) {
        bool want = false;

        for (size_t j = 0; j < pool.count && pool.is_new[i]; j++)
            want |= j != i && share(i, j);
        assert_int_equal(told.place[i], want);
    }
}

static void
nothing_is_told_where_nothing_is_shared(void **state)
{
    static const size_t counts[] = { 0, 1, 2, 3, 17, MOST };

    (void)state;
    for (size_t c = 0; c < BM_COUNT(counts); c++) {
        pool.count = 0;
        for (size_t i = 0; i < counts[c]; i++)
            modulus_add(2 * i, 2 * i + 1, i % 3 != 0);
        pool_ask(0);
        assert_int_equal(told.calls, 0);
        pool_ask(5 * OCTETS);
        assert_int_equal(told.calls, 0);
    }
}

static void
a_shared_prime_is_told_with_both_places(void **state)
{
    (void)state;
    pool.count = 0;
    modulus_add(0, 1, true);
    modulus_add(2, 3, true);
    modulus_add(4, 1, true);
    pool_ask(0);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.other[0], 2);
    assert_int_equal(told.other[2], 0);
}

static void
an_old_one_is_compared_with_new_ones_only(void **state)
{
    (void)state;
    pool.count = 0;
    modulus_add(0, 1, false);
    modulus_add(0, 2, false); /* shares with the first, and was told when it came */
    modulus_add(3, 4, true);
    pool_ask(0);
    assert_int_equal(told.calls, 0);
    modulus_add(5, 2, true);
    pool_ask(OCTETS);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.other[3], 1);
}

/* Both primes of the first are somebody else's: the gcd is the modulus itself. */
static void
both_primes_shared_is_told(void **state)
{
    (void)state;
    pool.count = 0;
    modulus_add(0, 1, true);
    modulus_add(0, 2, true);
    modulus_add(1, 3, false);
    pool_ask(0);
    assert_int_equal(told.calls, 2);
}

static void
one_modulus_twice_is_told_and_hides_nothing(void **state)
{
    (void)state;
    pool.count = 0;
    modulus_add(0, 1, false);
    modulus_add(0, 1, true); /* the same as before */
    modulus_add(2, 3, true);
    modulus_add(2, 3, true); /* twice in one lot */
    modulus_add(1, 4, true); /* shares a prime with the first two */
    modulus_add(5, 6, false);
    modulus_add(5, 6, false); /* old twins are nobody's business now */
    pool_ask(0);
    assert_true(told.place[1] && told.place[2] && told.place[3] && told.place[4]);
    assert_int_equal(told.other[4], 1);
    /* 1 with 0, and with 4; 2 with 3; 3 with 2; 4 with 1 */
    assert_int_equal(told.calls, 5);
}

static void
past_a_hundred_it_is_not_looked_for_with_whom(void **state)
{
    (void)state;
    pool.count = 0;
    for (size_t i = 1; i <= MOST; i++)
        modulus_add(0, i, true);
    pool_ask(20 * OCTETS);
    assert_int_equal(told.calls, MOST);
    assert_int_equal(told.other[MOST - 1], MOST - 1);
    assert_int_equal(told.other[99], 0);
}

static void
whatever_is_planted_is_found_in_blocks_of_any_size(void **state)
{
    static const size_t blocks[] = { 1, OCTETS, 3 * OCTETS, 10 * OCTETS, 1 << 20 };

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        unsigned long npool = 8 + 6 * round; /* few primes: nearly all share; many: few do */

        pool.count = 0;
        for (size_t i = 0; i < MOST; i++) {
            unsigned long p = gmp_urandomm_ui(pool.random, npool), q = gmp_urandomm_ui(pool.random, npool);

            modulus_add(p, q == p ? (q + 1) % npool : q, gmp_urandomm_ui(pool.random, 2) != 0);
        }
        pool_ask(blocks[round % BM_COUNT(blocks)]);
    }
}

static void
leading_zeros_do_not_matter_and_zero_is_no_modulus(void **state)
{
    bm_cleanup(bm_factors_done) struct bm_factors *factors = NULL;
    uint8_t padded[OCTETS + 1] = { 0 };

    (void)state;
    pool.count = 0;
    modulus_add(0, 1, true);
    modulus_add(0, 1, true);
    memcpy(padded + 1, pool.octets[0], OCTETS);
    memset(&told, 0, sizeof(told));
    assert_ok(bm_factors_new(&factors, &kit_fail));
    assert_ok(bm_factors_add(factors, bm_bytes(padded, sizeof(padded)), 0, true, &kit_fail));
    assert_ok(bm_factors_add(factors, bm_bytes(pool.octets[1], OCTETS), 1, true, &kit_fail));
    assert_refused(BM_EINPUT, bm_factors_add(factors, bm_bytes(padded, 1), 2, true, &kit_fail), "a modulus is 0");
    assert_ok(bm_factors_find(factors, found, NULL, NULL, &kit_fail));
    assert_int_equal(told.calls, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_where_nothing_is_shared),
        cmocka_unit_test(a_shared_prime_is_told_with_both_places),
        cmocka_unit_test(an_old_one_is_compared_with_new_ones_only),
        cmocka_unit_test(both_primes_shared_is_told),
        cmocka_unit_test(one_modulus_twice_is_told_and_hides_nothing),
        cmocka_unit_test(past_a_hundred_it_is_not_looked_for_with_whom),
        cmocka_unit_test(whatever_is_planted_is_found_in_blocks_of_any_size),
        cmocka_unit_test(leading_zeros_do_not_matter_and_zero_is_no_modulus),
    };

    return cmocka_run_group_tests(tests, pool_open, pool_close);
}
