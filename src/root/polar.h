/* polar.h - the error-correcting code of the PUF: polar, 2048 bits of which 512 are free, decoded in one course that depends on no secret. */
#ifndef BM_POLAR_H
#define BM_POLAR_H

#include "base/base.h"

/*
 * E. Arikan, "Channel Polarization", 2009. Chosen for the channel that the extractor makes of cells with 15 % errors (extractor.h): the 512 places
 * that density evolution of this very decoder finds best there. tests/unit/root/test_puf_code.c computes them again, and the chance that decoding fails.
 */
#define BM_POLAR_LOG 11
#define BM_POLAR_N (1u << BM_POLAR_LOG)
#define BM_POLAR_K 512

bool bm_polar_free(unsigned place); /* does this place carry a bit of the message? */

/* message: one bit a byte; ret_word too, BM_POLAR_N of them. */
void bm_polar_encode(uint8_t ret_word[static BM_POLAR_N], const uint8_t message[static BM_POLAR_K]);

/* The word that successive cancellation finds: always some word of the code. seen: +1 for a 0 seen, -1 for a 1, 0 where nothing can be told.
 * The same instructions run and the same memory is touched whatever was seen. */
void bm_polar_decode(uint8_t ret_word[static BM_POLAR_N], const int16_t seen[static BM_POLAR_N]);

#endif
