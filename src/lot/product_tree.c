#include "lot/product_tree.h"

#include <stdlib.h>

mpz_t *
bm_numbers_new(size_t n)
{
    mpz_t *numbers = calloc(n, sizeof(*numbers));

    for (size_t i = 0; numbers != NULL && i < n; i++)
        mpz_init(numbers[i]);
    return numbers;
}

void
bm_numbers_free(mpz_t *numbers, size_t n)
{
    for (size_t i = 0; numbers != NULL && i < n; i++)
        mpz_clear(numbers[i]);
    free(numbers);
}

void
bm_product_tree_done(struct bm_product_tree *tree)
{
    for (size_t i = 0; i < tree->nlevels; i++)
        bm_numbers_free(tree->level[i].v, tree->level[i].n);
    tree->nlevels = 0;
}

mpz_t *
bm_product_tree_top(const struct bm_product_tree *tree)
{
    return &tree->level[tree->nlevels - 1].v[0];
}

static enum bm_rc
level_add(struct bm_product_tree *tree, size_t n, struct bm_fail *fail)
{
    struct bm_product_level *level = &tree->level[tree->nlevels];

    if (tree->nlevels == BM_PRODUCT_TREE_LEVELS)
        return bm_fail(fail, BM_EBUG, NULL, "a product tree has too many numbers");
    if ((level->v = bm_numbers_new(n)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to look for shared factors");
    level->n = n;
    tree->nlevels++;
    return BM_OK;
}

enum bm_rc
bm_product_tree_new(struct bm_product_tree *ret_tree, const struct bm_bytes *numbers, size_t n, struct bm_fail *fail)
{
    bm_cleanup(bm_product_tree_done) struct bm_product_tree tree = { .nlevels = 0 };
    enum bm_rc rc = level_add(&tree, n, fail);

    for (size_t i = 0; rc == BM_OK && i < n; i++)
        bm_number_take(tree.level[0].v[i], numbers[i]);
    while (rc == BM_OK && tree.level[tree.nlevels - 1].n > 1) {
        const struct bm_product_level *below = &tree.level[tree.nlevels - 1];
        mpz_t *v;

        if ((rc = level_add(&tree, (below->n + 1) / 2, fail)) != BM_OK)
            break;
        v = tree.level[tree.nlevels - 1].v;
        for (size_t i = 0; i < below->n / 2; i++)
            mpz_mul(v[i], below->v[2 * i], below->v[2 * i + 1]);
        if (below->n % 2 != 0)
            mpz_set(v[below->n / 2], below->v[below->n - 1]);
    }
    if (rc != BM_OK)
        return rc;
    *ret_tree = tree;
    tree.nlevels = 0;
    return BM_OK;
}

/*
 * The sum over all numbers n of (product / n), like the derivative of a product: modulo n all terms but n's own vanish. So one remainder tree gives the
 * product of the *others* modulo each n, and the numbers in it stay half as long as where the squares of n are divided by.
 */
static void
sum_up(const struct bm_product_tree *tree, mpz_t *sum)
{
    mpz_t left, right;

    mpz_init(left);
    mpz_init(right);
    for (size_t i = 0; i < tree->level[0].n; i++)
        mpz_set_ui(sum[i], 1);
    for (size_t l = 0; l + 1 < tree->nlevels; l++) {
        const struct bm_product_level *level = &tree->level[l];

        for (size_t i = 0; i < level->n / 2; i++) {
            mpz_mul(left, sum[2 * i], level->v[2 * i + 1]);
            mpz_mul(right, sum[2 * i + 1], level->v[2 * i]);
            mpz_add(sum[i], left, right);
        }
        if (level->n % 2 != 0)
            mpz_set(sum[level->n / 2], sum[level->n - 1]);
    }
    mpz_clear(left);
    mpz_clear(right);
}

void
bm_product_tree_gcds(const struct bm_product_tree *tree, const mpz_t others, mpz_t *ret_gcd)
{
    sum_up(tree, ret_gcd);
    mpz_mul(ret_gcd[0], ret_gcd[0], others);
    for (size_t l = tree->nlevels; l-- > 0;) /* in place: from the far end, so that what is above is still there */
        for (size_t i = tree->level[l].n; i-- > 0;)
            mpz_mod(ret_gcd[i], ret_gcd[l + 1 == tree->nlevels ? i : i / 2], tree->level[l].v[i]);
    for (size_t i = 0; i < tree->level[0].n; i++)
        mpz_gcd(ret_gcd[i], ret_gcd[i], tree->level[0].v[i]);
}
