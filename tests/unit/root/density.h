/* density.h - the chance that decoding fails, by calculation: density evolution of the decoder of root/polar.h as it is. */
#ifndef BM_TEST_DENSITY_H
#define BM_TEST_DENSITY_H

#include "root/polar.h"

/*
 * What is seen of a bit is right (+1), nothing (0) or wrong (-1), each bit on its own with the chances given. The decoder's sums are whole numbers, so
 * the distribution of each is computed, not bounded or sampled: for place i, ret_wrong[i] is the chance that its sum, all places before it being decided
 * rightly, is no more than 0. Decoding fails with at most the sum of these over the free places (union bound; a draw counts as failure, and it fails for
 * every word of the code as it does for the word of zeros, because the decoder treats both signs alike).
 */
void density_evolve(double ret_wrong[static BM_POLAR_N], double wrong, double nothing);

/* The union bound over the places that the code uses, where cells err independently: those enrolled as 0 with e0, as 1 with e1. */
double density_bound(double e0, double e1);

#endif
