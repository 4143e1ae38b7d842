/* bench_factors.c - RSA moduli compared a second by batch GCD, beside comparing each with each, and how the time grows. */
#include "lot/screen.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define OCTETS 256 /* 2048 bits */
#define MOST 16384
#define PAIRS 20000
#define REEL 200

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
must(bool holds)
{
    if (!holds) {
        (void)fprintf(stderr, "bench_factors: it does not find what was planted\n");
        exit(1);
    }
}

static void
modulus_export(uint8_t *octets, const mpz_t n)
{
    size_t length = (mpz_sizeinbase(n, 2) + 7) / 8;

    memset(octets, 0, OCTETS);
    (void)mpz_export(octets + OCTETS - length, NULL, 1, 1, 1, 0, n);
}

/* Of 32 primes of 64 bits, for speed: what GCD costs hangs on the length alone. No two of half a million such primes are the same, but for luck. */
static void
moduli_make(uint8_t *octets, mpz_t *n, size_t count)
{
    gmp_randstate_t random;
    mpz_t p;

    gmp_randinit_default(random);
    mpz_init(p);
    for (size_t i = 0; i < count; i++) {
        mpz_set_ui(n[i], 1);
        for (unsigned k = 0; k < 32; k++) {
            mpz_urandomb(p, random, 63);
            mpz_setbit(p, 63);
            mpz_nextprime(p, p);
            mpz_mul(n[i], n[i], p);
        }
        modulus_export(octets + i * OCTETS, n[i]);
    }
    mpz_clear(p);
    gmp_randclear(random);
}

/* Two that have one prime of 64 bits in common. */
static void
pair_plant(uint8_t *octets, mpz_t *n)
{
    mpz_t p;

    mpz_init(p);
    mpz_ui_pow_ui(p, 2, 63);
    mpz_nextprime(p, p);
    for (size_t i = 7; i <= 900; i += 893) {
        mpz_fdiv_q_2exp(n[i], n[i], 64);
        mpz_nextprime(n[i], n[i]);
        mpz_mul(n[i], n[i], p);
        modulus_export(octets + i * OCTETS, n[i]);
    }
    mpz_clear(p);
}

static size_t nfound;

static void
found(void *ctx, uint64_t place, uint64_t other)
{
    (void)ctx;
    must(place != other);
    nfound++;
}

/* `old` of them were received earlier. */
static double
batch_time(const uint8_t *octets, size_t count, size_t old)
{
    bm_cleanup(bm_factors_done) struct bm_factors *factors = NULL;
    double from = seconds();
    struct bm_fail fail;

    must(bm_factors_new(&factors, &fail) == BM_OK);
    for (size_t i = 0; i < count; i++)
        must(bm_factors_add(factors, bm_bytes(octets + i * OCTETS, OCTETS), i, i < count - old, &fail) == BM_OK);
    nfound = 0;
    must(bm_factors_find(factors, found, NULL, NULL, &fail) == BM_OK);
    must(nfound == (count - old > 900 ? 2 : 1)); /* the pair that is planted among the first 1024, each of it told where it is new */
    return seconds() - from;
}

/* One comparison of two, on average. */
static double
gcd_time(mpz_t *n)
{
    double from = seconds();
    mpz_t g;

    mpz_init(g);
    for (size_t i = 0; i < PAIRS; i++)
        mpz_gcd(g, n[i % MOST], n[(i * 7 + 1) % MOST]);
    mpz_clear(g);
    return (seconds() - from) / PAIRS;
}

static double
log2_of(size_t n)
{
    double bits = 0;

    for (; n > 1; n /= 2)
        bits++;
    return bits;
}

/* A product tree of n numbers has log n levels, each of a multiplication that costs n log n: the theory says n (log n)^2, and not n log n. */
static void
growth_print(double grown, double n, double logs)
{
    (void)printf(
        "factors-growth %.2f times ratio %.2f against %.2f times, n (log n)^2 from 1024 to 16384 (n log n: %.2f times, ratio %.2f)\n",
        grown, grown / (n * logs * logs), n * logs * logs, n * logs, grown / (n * logs));
}

/* A reel received after many others: what is old is compared with what is new, and not once more with itself. */
static void
receipt_print(const uint8_t *octets, double all)
{
    double one = batch_time(octets, MOST, MOST - REEL);

    (void)printf("factors-receipt %.2f s ratio %.2f against %.2f s, all compared with all (%d new ones, %d received before)\n", one,
                 one / all, all, REEL, MOST - REEL);
}

int
main(void)
{
    static const size_t counts[] = { 1024, 4096, MOST };
    uint8_t *octets = calloc(MOST, OCTETS);
    mpz_t *n = calloc(MOST, sizeof(*n));
    double times[3], each;
    struct rusage usage;

    if (octets == NULL || n == NULL)
        return 1;
    for (size_t i = 0; i < MOST; i++)
        mpz_init(n[i]);
    moduli_make(octets, n, MOST);
    pair_plant(octets, n);
    each = gcd_time(n);
    for (size_t i = 0; i < BM_COUNT(counts); i++) {
        size_t m = counts[i];
        double pairwise = each * (double)m * (double)(m - 1) / 2;

        times[i] = batch_time(octets, m, 0);
        (void)printf("factors-%zu %.0f moduli/s ratio %.1f against %.3f moduli/s compared each with each (%d pairs timed)\n", m,
                     (double)m / times[i], pairwise / times[i], (double)m / pairwise, PAIRS);
    }
    growth_print(times[2] / times[0], (double)counts[2] / (double)counts[0], log2_of(counts[2]) / log2_of(counts[0]));
    receipt_print(octets, times[2]);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("factors-memory %.0f MiB ratio %.1f against %.0f MiB, the moduli compared\n", (double)usage.ru_maxrss / 1024,
                 (double)usage.ru_maxrss * 1024 / ((double)MOST * OCTETS), (double)MOST * OCTETS / (1 << 20));
    for (size_t i = 0; i < MOST; i++)
        mpz_clear(n[i]);
    free(n);
    free(octets);
    return 0;
}
