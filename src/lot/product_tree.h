/* product_tree.h - a block of numbers multiplied two by two up to one product, and a remainder brought down again to each of them (GMP). */
#ifndef BM_PRODUCT_TREE_H
#define BM_PRODUCT_TREE_H

#include "base/bytes.h"

#include <gmp.h>

#define BM_PRODUCT_TREE_LEVELS 32

/* Zeroed is empty. level[0] are the numbers, the last level is their product alone. */
struct bm_product_tree {
    struct bm_product_level {
        mpz_t *v;
        size_t n;
    } level[BM_PRODUCT_TREE_LEVELS];
    size_t nlevels;
};
/* Big-endian magnitudes, 1 to 2^31 of them. */
bm_must_use enum bm_rc bm_product_tree_new(struct bm_product_tree *ret_tree, const struct bm_bytes *numbers, size_t n,
                                           struct bm_fail *fail);
void bm_product_tree_done(struct bm_product_tree *tree); /* for bm_cleanup() */
mpz_t *bm_product_tree_top(const struct bm_product_tree *tree);

/*
 * For each number n of the tree: gcd(n, product of the other numbers of the tree and of `others`), where `others` may be reduced modulo the tree's
 * product. 1 for a number that shares nothing. ret_gcd has room for as many as the tree has numbers, initialised.
 */
void bm_product_tree_gcds(const struct bm_product_tree *tree, const mpz_t others, mpz_t *ret_gcd);

/* n of them, each 0; NULL without memory. */
mpz_t *bm_numbers_new(size_t n);
void bm_numbers_free(mpz_t *numbers, size_t n); /* accepts NULL */
static inline void
bm_number_take(mpz_t ret, struct bm_bytes magnitude)
{
    mpz_import(ret, magnitude.n, 1, 1, 1, 0, magnitude.p);
}

#endif
