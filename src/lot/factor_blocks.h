/* factor_blocks.h - moduli divided into blocks, and which of the new ones share a prime with any other: batch GCD (Bernstein), block against block. */
#ifndef BM_FACTOR_BLOCKS_H
#define BM_FACTOR_BLOCKS_H

#include "lot/product_tree.h"

#define BM_FACTOR_BLOCK ((size_t)4 << 20)      /* bytes of moduli: 16,384 of 2048 bits; a tree and its remainders are some 30 times that */
#define BM_FACTOR_BLOCK_OLD ((size_t)64 << 10) /* at least, of those received before */

struct bm_factor_item {
    struct bm_bytes modulus;
    uint64_t place;
    bool is_new;
};

/* Zeroed is empty. */
struct bm_factor_blocks {
    const struct bm_factor_item *items; /* those that are new first, none twice */
    size_t n;
    size_t block_bytes;
    struct bm_factor_block {
        size_t first, n;
        bool is_new;
        mpz_t product; /* 0 where only one block has new ones and this is it */
    } * blocks;
    size_t nblocks, nnew;    /* those with new moduli come first */
    struct bm_bytes *moduli; /* of the items, for the trees */
    struct bm_factor_shared {
        size_t item;
        mpz_t factor;
    } * shared;
    size_t nshared, shared_cap;
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* may be NULL */
    void *ctx;
};
/* Fills blocks and shared: every new item that has a factor in common with another item. items, n, block_bytes and progress are given. */
bm_must_use enum bm_rc bm_factor_blocks_compare(struct bm_factor_blocks *blocks, struct bm_fail *fail);
void bm_factor_blocks_done(struct bm_factor_blocks *blocks);

#endif
