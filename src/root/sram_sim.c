#include "root/sram_sim.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* In units of the spread of the cells' mismatch. */
#define NOISE 0.11   /* at 25 C */
#define SLOPE 0.0045 /* spread of the cells' slopes, for each kelvin away from 25 C */
#define AGE 0.14     /* spread of what ten years take from the side that a cell holds */
#define ROOM 25.0
#define KELVIN 273.15

static uint64_t
rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

struct bm_chance
bm_chance(const uint8_t seed[static BM_HASH])
{
    struct bm_chance chance;

    memcpy(chance.s, seed, sizeof(chance.s));
    chance.s[0] |= 1; /* all zeros would stay so */
    return chance;
}

uint64_t
bm_chance_next(struct bm_chance *chance)
{
    uint64_t *s = chance->s, next = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return next;
}

/* In (0, 1). */
static double
uniform(struct bm_chance *chance)
{
    return ((double)(bm_chance_next(chance) >> 12) + 0.5) / 0x1p52;
}

/* Two of N(0, 1), by Box and Muller. */
static void
normal(struct bm_chance *chance, double ret[static 2])
{
    double r = sqrt(-2 * log(uniform(chance))), angle = 2 * M_PI * uniform(chance);

    ret[0] = r * cos(angle);
    ret[1] = r * sin(angle);
}

/* The mu that gives this share of ones: the normal distribution's quantile, by halving. */
static double
mean_of(double ones)
{
    double low = -4, high = 4;

    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;

        if (0.5 * erfc(-middle * M_SQRT1_2) < ones)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A cell's chance to start as 1, of 2^32. Four numbers are drawn for each cell in every weather, so that the chip stays the same chip. */
static uint32_t
cell(struct bm_chance *chance, double mu, const struct bm_sram_weather *weather)
{
    double made[2], moved[2], at, sigma = NOISE * weather->noise * sqrt((weather->celsius + KELVIN) / (ROOM + KELVIN));

    normal(chance, made);
    normal(chance, moved);
    made[0] += mu;
    at = made[0] + made[1] * SLOPE * fabs(weather->celsius - ROOM) -
         copysign(fabs(moved[0]) * AGE * pow(weather->years / 10, 1.0 / 6), made[0]);
    return (uint32_t)(0.5 * erfc(-at / sigma * M_SQRT1_2) * (double)UINT32_MAX);
}

void
bm_sram_make(struct bm_sram *ret, struct bm_bytes seed, double ones, struct bm_sram_weather weather)
{
    uint8_t hash[BM_HASH];
    struct bm_chance chance;
    double mu;

    bm_sha256_pieces(hash, (const struct bm_bytes[]){ bm_bytes_str("birthmark/sram/v1\n"), seed }, 2);
    chance = bm_chance(hash);
    mu = 0.4 + 0.2 * uniform(&chance);
    mu = mean_of(ones > 0 ? ones : mu);
    for (size_t i = 0; i < BM_PUF_CELLS; i++)
        ret->one[i] = cell(&chance, mu, &weather);
}

void
bm_sram_start(const struct bm_sram *sram, struct bm_chance *chance, uint8_t ret_cells[static BM_PUF_BYTES])
{
    for (size_t i = 0; i < BM_PUF_BYTES; i++) {
        const uint32_t *one = sram->one + 8 * i;
        unsigned byte = 0;

        for (unsigned j = 0; j < 8; j += 2) {
            uint64_t drawn = bm_chance_next(chance);

            byte |= (unsigned)((uint32_t)drawn < one[j]) << j | (unsigned)((uint32_t)(drawn >> 32) < one[j + 1]) << (j + 1);
        }
        ret_cells[i] = (uint8_t)byte;
    }
}

static enum bm_rc
number(double *ret, const char *name, double low, double high, struct bm_fail *fail)
{
    const char *text = getenv(name);
    char *end = NULL;
    double v;

    if (text == NULL)
        return BM_OK;
    v = strtod(text, &end);
    if (end == text || *end != '\0' || !(v >= low && v <= high))
        return bm_fail(fail, BM_EINPUT, NULL, "%s must be a number from %g to %g", name, low, high);
    *ret = v;
    return BM_OK;
}

enum bm_rc
bm_sram_weather(struct bm_sram_weather *ret, struct bm_fail *fail)
{
    struct bm_sram_weather weather = BM_SRAM_ROOM;
    enum bm_rc rc;

    if ((rc = number(&weather.celsius, "BM_PUF_CELSIUS", -60, 150, fail)) != BM_OK ||
        (rc = number(&weather.years, "BM_PUF_YEARS", 0, 100, fail)) != BM_OK ||
        (rc = number(&weather.noise, "BM_PUF_NOISE", 0, 100, fail)) != BM_OK)
        return rc;
    *ret = weather;
    return BM_OK;
}
