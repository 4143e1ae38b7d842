/* sram_sim.h - a simulated SRAM array: what its cells say at power-up, by chip, temperature, age and chance. */
#ifndef BM_SRAM_SIM_H
#define BM_SRAM_SIM_H

#include "root/extractor.h"

/*
 * A cell is two inverters that fight at power-up. Its mismatch m is fixed by manufacture, N(mu, 1) over the cells of a chip, where mu makes the array's
 * bias; noise n is new at every start; the cell says 1 when m + n > 0. So most cells are steady and a few are coins: each has an error rate of its own
 * (R. Maes, "An Accurate Probabilistic Reliability Model for Silicon PUFs", 2013). Temperature moves each cell by a slope of its own (the same, heterogeneous
 * extension) and noise with the root of absolute temperature; age weakens the side that a cell has been holding, with the sixth root of time
 * (NBTI; R. Maes, V. van der Leest, "Countering the Effects of Silicon Aging on SRAM PUFs", 2014). The constants in sram_sim.c give bit errors, against the
 * values at enrolment, of 3.5 % (25 C, new), 9 % (-20 to 85 C; J. Guajardo et al., "FPGA Intrinsic PUFs and Their Use for IP Protection", 2007, saw less than
 * 12 %), and 15 % at -40 C after 20 years, the most that is claimed here. The test root-puf-array prints what they give.
 */
struct bm_sram_weather {
    double celsius;
    double years; /* of service */
    double noise; /* 1: a clean supply */
};
#define BM_SRAM_ROOM ((struct bm_sram_weather){ .celsius = 25, .noise = 1 })
#define BM_SRAM_WORST ((struct bm_sram_weather){ .celsius = -40, .years = 20, .noise = 1 })

/* xoshiro256** (D. Blackman, S. Vigna, 2018): chance for a simulation, never for keys. */
struct bm_chance {
    uint64_t s[4];
};
struct bm_chance bm_chance(const uint8_t seed[static BM_HASH]);
uint64_t bm_chance_next(struct bm_chance *chance);

struct bm_sram {
    uint32_t one[BM_PUF_CELLS]; /* each cell's chance of starting as 1, of 2^32 */
};

/* The chip of this seed in this weather. ones: the share of ones over its cells; 0: the seed decides, 0.40 to 0.60 as arrays are published. */
void bm_sram_make(struct bm_sram *ret, struct bm_bytes seed, double ones, struct bm_sram_weather weather);
void bm_sram_start(const struct bm_sram *sram, struct bm_chance *chance, uint8_t ret_cells[static BM_PUF_BYTES]);

/* From BM_PUF_CELSIUS, BM_PUF_YEARS and BM_PUF_NOISE, room temperature and new without them. BM_EINPUT when one is no number in its range. */
bm_must_use enum bm_rc bm_sram_weather(struct bm_sram_weather *ret, struct bm_fail *fail);

#endif
