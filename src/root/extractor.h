/* extractor.h - the fuzzy extractor: one secret from start-up values that are never twice the same, by helper data that says nothing of it. */
#ifndef BM_EXTRACTOR_H
#define BM_EXTRACTOR_H

#include "base/env.h"
#include "base/secret.h"
#include "digest/digest.h"
#include "root/polar.h"

/*
 * Cells are taken in pairs. At enrolment the first 2048 pairs of two unlike cells are chosen (which they are is the mask), and each gives one bit: 10 is 1,
 * 01 is 0 (J. von Neumann, 1951): whatever the array's bias, both are equally likely, and the mask says nothing of them. At a later start a chosen pair
 * says its bit, or its opposite, or nothing (00, 11): at 15 % bit errors 72 %, 2 % and 26 % of the pairs. Code-offset (Y. Dodis et al., 2004): the offset
 * is the bits against a word of the code (polar.h) drawn at random; it takes 2048 - 512 bits of their entropy, which is all of 2048, and leaves 512, of which
 * the secret is 256.
 * Figures, with what they rest on: docs/puf.md. Bytes of the helper data: docs/formats/puf-helper.md.
 */
#define BM_PUF_PAIRS 8192
#define BM_PUF_CELLS ((size_t)2 * BM_PUF_PAIRS)
#define BM_PUF_BYTES (BM_PUF_CELLS / 8)
#define BM_PUF_MASK (BM_PUF_PAIRS / 8)
#define BM_PUF_BITS (BM_POLAR_N / 8) /* bytes of the chosen pairs' bits */

/* Public. */
struct bm_puf_helper {
    uint8_t salt[BM_HASH];
    uint8_t mask[BM_PUF_MASK];   /* pair i: bit 7 - i % 8 of byte i / 8; exactly 2048 are set */
    uint8_t offset[BM_PUF_BITS]; /* the same order */
    uint8_t tag[BM_HASH];        /* HMAC-SHA-256 over all bytes before it, with a key from the secret */
};
#define BM_PUF_HELPER (8 + BM_HASH + BM_PUF_MASK + BM_PUF_BITS + BM_HASH)
/* BM_EINPUT: another size, version or number of pairs. The tag is bm_extractor_open()'s. */
bm_must_use enum bm_rc bm_puf_helper_parse(struct bm_puf_helper *ret, struct bm_bytes bytes, struct bm_fail *fail);
void bm_puf_helper_build(uint8_t ret[static BM_PUF_HELPER], const struct bm_puf_helper *helper);

/* An array that can be powered up: its cells as they start, cell i in bit i % 8 of byte i / 8; pair i is cells 2i and 2i + 1. */
struct bm_puf_array {
    bm_must_use enum bm_rc (*start)(void *ctx, uint8_t ret_cells[static BM_PUF_BYTES], struct bm_fail *fail);
    void *ctx;
};
#define BM_PUF_VOTES 9  /* starts whose majority is enrolled */
#define BM_PUF_STARTS 8 /* tries of one reconstruction */

/* Once in a chip's life: two sets of helper data for one array would together say more than one. BM_EPOLICY: too few pairs of unlike cells. */
bm_must_use enum bm_rc bm_extractor_enrol(struct bm_puf_helper *ret, struct bm_secret *ret_secret, const struct bm_puf_array *array,
                                          const struct bm_env *env, struct bm_fail *fail);

/*
 * The same secret again: 32 bytes. BM_EBUSY: too noisy, try again later. BM_EPOLICY: the helper data was altered, or is another chip's. Which of the three
 * is told by how many chosen pairs were of like cells in the quietest start, and by nothing that the decoder found: which pairs are unlike is public
 * already, so whoever alters helper data and watches what is said learns nothing of the bits.
 */
bm_must_use enum bm_rc bm_extractor_open(struct bm_secret *ret_secret, const struct bm_puf_helper *helper, const struct bm_puf_array *array,
                                         struct bm_fail *fail);

/* The parts, for whoever measures them: the bits of the chosen pairs as decoded from one start; how many chosen pairs were of like cells; the secret that
 * bits give; is the tag that secret's? */
unsigned bm_extractor_decode(uint8_t ret_bits[static BM_PUF_BITS], const struct bm_puf_helper *helper,
                             const uint8_t cells[static BM_PUF_BYTES]);
void bm_extractor_secret(struct bm_secret *ret_secret, const uint8_t salt[static BM_HASH], const uint8_t bits[static BM_PUF_BITS]);
bool bm_extractor_tag_ok(const struct bm_puf_helper *helper, const struct bm_secret *secret);

/* HKDF-Expand (RFC 5869) of the secret, for what the label says; at most 64 bytes. */
void bm_extractor_expand(uint8_t *ret, size_t n, const struct bm_secret *secret, const char *label);

#endif
