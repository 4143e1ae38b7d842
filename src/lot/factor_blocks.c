#include "lot/factor_blocks.h"

#include <stdlib.h>

void
bm_factor_blocks_done(struct bm_factor_blocks *all)
{
    for (size_t i = 0; i < all->nblocks; i++)
        mpz_clear(all->blocks[i].product);
    for (size_t i = 0; i < all->nshared; i++)
        mpz_clear(all->shared[i].factor);
    free(all->blocks);
    free(all->shared);
    free(all->moduli);
    *all = (struct bm_factor_blocks){ .n = 0 };
}

static enum bm_rc
no_memory(struct bm_fail *fail)
{
    return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to look for shared factors");
}

/* Of what is old only the product modulo the new ones is asked for: blocks much larger than all new ones together have more levels and answer no more. */
static size_t
old_block_bytes(const struct bm_factor_blocks *all)
{
    size_t bytes = 0;

    for (size_t i = 0; i < all->n && all->items[i].is_new && bytes < all->block_bytes; i++)
        bytes += 2 * all->items[i].modulus.n;
    bytes = bytes > BM_FACTOR_BLOCK_OLD ? bytes : BM_FACTOR_BLOCK_OLD;
    return bytes < all->block_bytes ? bytes : all->block_bytes;
}

static enum bm_rc
blocks_cut(struct bm_factor_blocks *all, struct bm_fail *fail)
{
    size_t bytes = 0, old_bytes = old_block_bytes(all);

    all->moduli = calloc(all->n, sizeof(*all->moduli));
    all->blocks = calloc(all->n, sizeof(*all->blocks));
    if (all->moduli == NULL || all->blocks == NULL)
        return no_memory(fail);
    for (size_t i = 0; i < all->n; i++) {
        const struct bm_factor_item *item = &all->items[i];

        all->moduli[i] = item->modulus;
        if (i == 0 || item->is_new != all->items[i - 1].is_new || bytes + item->modulus.n > (item->is_new ? all->block_bytes : old_bytes)) {
            all->blocks[all->nblocks] = (struct bm_factor_block){ .first = i, .is_new = item->is_new };
            mpz_init(all->blocks[all->nblocks++].product);
            all->nnew += item->is_new;
            bytes = 0;
        }
        all->blocks[all->nblocks - 1].n++;
        bytes += item->modulus.n;
    }
    return BM_OK;
}

static enum bm_rc
tree_of(struct bm_product_tree *ret_tree, const struct bm_factor_blocks *all, const struct bm_factor_block *block, struct bm_fail *fail)
{
    return bm_product_tree_new(ret_tree, all->moduli + block->first, block->n, fail);
}

static enum bm_rc
products_make(struct bm_factor_blocks *all, struct bm_fail *fail)
{
    enum bm_rc rc;

    /* that of the one block of new ones nobody asks for: its tree is made when it is compared */
    for (size_t i = all->nnew == 1 ? 1 : 0; i < all->nblocks; i++) {
        bm_cleanup(bm_product_tree_done) struct bm_product_tree tree = { .nlevels = 0 };

        if ((rc = tree_of(&tree, all, &all->blocks[i], fail)) != BM_OK)
            return rc;
        mpz_swap(all->blocks[i].product, *bm_product_tree_top(&tree));
    }
    return BM_OK;
}

static enum bm_rc
shared_keep(struct bm_factor_blocks *all, size_t item, const mpz_t factor, struct bm_fail *fail)
{
    if (all->nshared == all->shared_cap) {
        size_t cap = all->shared_cap == 0 ? 64 : 2 * all->shared_cap;
        struct bm_factor_shared *shared = reallocarray(all->shared, cap, sizeof(*shared));

        if (shared == NULL)
            return no_memory(fail);
        all->shared = shared;
        all->shared_cap = cap;
    }
    all->shared[all->nshared].item = item;
    mpz_init_set(all->shared[all->nshared++].factor, factor);
    return BM_OK;
}

/* All other blocks, modulo this one's product. */
static void
others_multiply(mpz_t ret, struct bm_factor_blocks *all, size_t at, const mpz_t product)
{
    mpz_t part;

    mpz_init(part);
    mpz_set_ui(ret, 1);
    for (size_t j = 0; j < all->nblocks; j++) {
        if (j != at) {
            mpz_mod(part, all->blocks[j].product, product);
            mpz_mul(ret, ret, part);
            mpz_mod(ret, ret, product);
        }
        if (all->progress != NULL)
            all->progress(all->ctx, at * all->nblocks + j + 1, all->nnew * all->nblocks + 1);
    }
    mpz_clear(part);
}

static enum bm_rc
block_compare(struct bm_factor_blocks *all, size_t at, struct bm_fail *fail)
{
    bm_cleanup(bm_product_tree_done) struct bm_product_tree tree = { .nlevels = 0 };
    const struct bm_factor_block *block = &all->blocks[at];
    mpz_t *gcds = NULL;
    mpz_t others;
    enum bm_rc rc;

    if ((rc = tree_of(&tree, all, block, fail)) != BM_OK)
        return rc;
    if ((gcds = bm_numbers_new(block->n)) == NULL)
        return no_memory(fail);
    mpz_init(others);
    others_multiply(others, all, at, *bm_product_tree_top(&tree));
    bm_product_tree_gcds(&tree, others, gcds);
    for (size_t i = 0; i < block->n && rc == BM_OK; i++)
        if (mpz_cmp_ui(gcds[i], 1) != 0)
            rc = shared_keep(all, block->first + i, gcds[i], fail);
    mpz_clear(others);
    bm_numbers_free(gcds, block->n);
    return rc;
}

enum bm_rc
bm_factor_blocks_compare(struct bm_factor_blocks *all, struct bm_fail *fail)
{
    enum bm_rc rc = blocks_cut(all, fail);

    if (rc != BM_OK || all->nnew == 0)
        return rc;
    rc = products_make(all, fail);
    for (size_t i = 0; i < all->nnew && rc == BM_OK; i++)
        rc = block_compare(all, i, fail);
    return rc;
}
