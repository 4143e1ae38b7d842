/* factors.c - moduli that share a prime: batch GCD (Bernstein), block against block, then who with whom. */
#include "lot/product_tree.h"
#include "lot/screen.h"

#include <stdlib.h>

#define BLOCK_BYTES ((size_t)4 << 20) /* of moduli: 16,384 of 2048 bits; a tree and its remainders are some 30 times that */
#define LOCATED 100                   /* so many are told with whom they share: a report shows ten */

struct item {
    struct bm_bytes modulus;
    uint64_t place;
    bool is_new;
};

struct block {
    size_t first, n;
    bool is_new;
    mpz_t product;
};

struct bm_factors {
    struct item *items;
    size_t n, cap;
    size_t block_bytes;
    struct block *blocks;
    size_t nblocks, nnew;    /* those with new moduli come first */
    struct bm_bytes *moduli; /* of the items, for the trees */
    struct shared {
        size_t item;
        mpz_t factor;
    } * shared;
    size_t nshared, shared_cap;
    void (*found)(void *ctx, uint64_t place, uint64_t other);
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

static void
work_drop(struct bm_factors *factors)
{
    for (size_t i = 0; i < factors->nblocks; i++)
        mpz_clear(factors->blocks[i].product);
    for (size_t i = 0; i < factors->nshared; i++)
        mpz_clear(factors->shared[i].factor);
    free(factors->blocks);
    free(factors->shared);
    free(factors->moduli);
    factors->blocks = NULL;
    factors->shared = NULL;
    factors->moduli = NULL;
    factors->nblocks = factors->nnew = factors->nshared = factors->shared_cap = 0;
}

static enum bm_rc
no_memory(struct bm_fail *fail)
{
    return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to look for shared factors");
}

enum bm_rc
bm_factors_new(struct bm_factors **ret_factors, struct bm_fail *fail)
{
    struct bm_factors *factors = calloc(1, sizeof(*factors));

    if (factors == NULL)
        return no_memory(fail);
    factors->block_bytes = BLOCK_BYTES;
    *ret_factors = factors;
    return BM_OK;
}

void
bm_factors_block(struct bm_factors *factors, size_t bytes)
{
    factors->block_bytes = bytes;
}

void
bm_factors_done(struct bm_factors **factors)
{
    if (*factors == NULL)
        return;
    work_drop(*factors);
    free((*factors)->items);
    free(*factors);
    *factors = NULL;
}

enum bm_rc
bm_factors_add(struct bm_factors *factors, struct bm_bytes modulus, uint64_t place, bool is_new, struct bm_fail *fail)
{
    while (modulus.n > 0 && modulus.p[0] == 0)
        modulus = bm_bytes(modulus.p + 1, modulus.n - 1);
    if (modulus.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a modulus is 0");
    if (factors->n == factors->cap) {
        size_t cap = factors->cap == 0 ? 1024 : 2 * factors->cap;
        struct item *items = reallocarray(factors->items, cap, sizeof(*items));

        if (items == NULL)
            return no_memory(fail);
        factors->items = items;
        factors->cap = cap;
    }
    factors->items[factors->n++] = (struct item){ .modulus = modulus, .place = place, .is_new = is_new };
    return BM_OK;
}

/* ---- the same modulus twice ---- */

static int
moduli_compare(const struct item *a, const struct item *b)
{
    if (a->modulus.n != b->modulus.n)
        return a->modulus.n < b->modulus.n ? -1 : 1;
    return memcmp(a->modulus.p, b->modulus.p, a->modulus.n);
}

static int
items_compare(const void *one, const void *two)
{
    const struct item *a = one, *b = two;
    int order = moduli_compare(a, b);

    if (order != 0)
        return order;
    if (a->is_new != b->is_new)
        return a->is_new ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Tells those that are there more than once, and leaves one of each: the new one, where there is one. */
static void
twins_tell(struct bm_factors *factors)
{
    size_t kept = 0;

    if (factors->n > 0)
        qsort(factors->items, factors->n, sizeof(*factors->items), items_compare);
    for (size_t i = 0, first = 0; i < factors->n; i++) {
        const struct item *item = &factors->items[i];
        bool same = i > 0 && moduli_compare(&factors->items[first], item) == 0;

        if (same) {
            /* neighbours, so that two which differ in something else than the modulus meet */
            if (i == first + 1 && factors->items[first].is_new)
                factors->found(factors->ctx, factors->items[first].place, item->place);
            if (item->is_new)
                factors->found(factors->ctx, item->place, factors->items[i - 1].place);
            continue;
        }
        first = i;
    }
    for (size_t i = 0; i < factors->n; i++)
        if (kept == 0 || moduli_compare(&factors->items[kept - 1], &factors->items[i]) != 0)
            factors->items[kept++] = factors->items[i];
    factors->n = kept;
}

/* ---- blocks ---- */

static int
new_first(const void *one, const void *two)
{
    const struct item *a = one, *b = two;

    if (a->is_new != b->is_new)
        return a->is_new ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static enum bm_rc
blocks_cut(struct bm_factors *factors, struct bm_fail *fail)
{
    size_t bytes = 0;

    qsort(factors->items, factors->n, sizeof(*factors->items), new_first);
    factors->moduli = calloc(factors->n, sizeof(*factors->moduli));
    factors->blocks = calloc(factors->n, sizeof(*factors->blocks));
    if (factors->moduli == NULL || factors->blocks == NULL)
        return no_memory(fail);
    for (size_t i = 0; i < factors->n; i++) {
        const struct item *item = &factors->items[i];

        factors->moduli[i] = item->modulus;
        if (i == 0 || item->is_new != factors->items[i - 1].is_new || bytes + item->modulus.n > factors->block_bytes) {
            factors->blocks[factors->nblocks] = (struct block){ .first = i, .is_new = item->is_new };
            mpz_init(factors->blocks[factors->nblocks++].product);
            factors->nnew += item->is_new;
            bytes = 0;
        }
        factors->blocks[factors->nblocks - 1].n++;
        bytes += item->modulus.n;
    }
    return BM_OK;
}

static enum bm_rc
tree_of(struct bm_product_tree *ret_tree, const struct bm_factors *factors, const struct block *block, struct bm_fail *fail)
{
    return bm_product_tree_new(ret_tree, factors->moduli + block->first, block->n, fail);
}

static enum bm_rc
products_make(struct bm_factors *factors, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (factors->nblocks == 1)
        return BM_OK; /* nobody asks for it */
    for (size_t i = 0; i < factors->nblocks; i++) {
        bm_cleanup(bm_product_tree_done) struct bm_product_tree tree = { .nlevels = 0 };

        if ((rc = tree_of(&tree, factors, &factors->blocks[i], fail)) != BM_OK)
            return rc;
        mpz_swap(factors->blocks[i].product, *bm_product_tree_top(&tree));
    }
    return BM_OK;
}

static enum bm_rc
shared_keep(struct bm_factors *factors, size_t item, const mpz_t factor, struct bm_fail *fail)
{
    if (factors->nshared == factors->shared_cap) {
        size_t cap = factors->shared_cap == 0 ? 64 : 2 * factors->shared_cap;
        struct shared *shared = reallocarray(factors->shared, cap, sizeof(*shared));

        if (shared == NULL)
            return no_memory(fail);
        factors->shared = shared;
        factors->shared_cap = cap;
    }
    factors->shared[factors->nshared].item = item;
    mpz_init_set(factors->shared[factors->nshared++].factor, factor);
    return BM_OK;
}

/* All other blocks, modulo this one's product. */
static void
others_multiply(mpz_t ret, struct bm_factors *factors, size_t at, const mpz_t product)
{
    mpz_t part;

    mpz_init(part);
    mpz_set_ui(ret, 1);
    for (size_t j = 0; j < factors->nblocks; j++) {
        if (j != at) {
            mpz_mod(part, factors->blocks[j].product, product);
            mpz_mul(ret, ret, part);
            mpz_mod(ret, ret, product);
        }
        if (factors->progress != NULL)
            factors->progress(factors->ctx, at * factors->nblocks + j + 1, factors->nnew * factors->nblocks + 1);
    }
    mpz_clear(part);
}

static enum bm_rc
block_compare(struct bm_factors *factors, size_t at, struct bm_fail *fail)
{
    bm_cleanup(bm_product_tree_done) struct bm_product_tree tree = { .nlevels = 0 };
    const struct block *block = &factors->blocks[at];
    mpz_t *gcds = NULL;
    mpz_t others;
    enum bm_rc rc;

    if ((rc = tree_of(&tree, factors, block, fail)) != BM_OK)
        return rc;
    if ((gcds = bm_numbers_new(block->n)) == NULL)
        return no_memory(fail);
    mpz_init(others);
    others_multiply(others, factors, at, *bm_product_tree_top(&tree));
    bm_product_tree_gcds(&tree, others, gcds);
    for (size_t i = 0; i < block->n && rc == BM_OK; i++)
        if (mpz_cmp_ui(gcds[i], 1) != 0)
            rc = shared_keep(factors, block->first + i, gcds[i], fail);
    mpz_clear(others);
    bm_numbers_free(gcds, block->n);
    return rc;
}

/* ---- with whom ---- */

static bool
shares(const struct bm_factors *factors, size_t item, const mpz_t factor)
{
    bool answer;
    mpz_t n;

    mpz_init(n);
    bm_number_take(n, factors->moduli[item]);
    mpz_gcd(n, n, factor);
    answer = mpz_cmp_ui(n, 1) != 0;
    mpz_clear(n);
    return answer;
}

/* An old one: its block's product tells whether it is worth looking in. */
static bool
old_find(const struct bm_factors *factors, const mpz_t factor, size_t *ret_item)
{
    bool found = false;
    mpz_t left;

    mpz_init(left);
    for (size_t j = factors->nnew; j < factors->nblocks && !found; j++) {
        const struct block *block = &factors->blocks[j];

        mpz_mod(left, block->product, factor);
        mpz_gcd(left, left, factor);
        if (mpz_cmp_ui(left, 1) == 0)
            continue;
        for (*ret_item = block->first; *ret_item < block->first + block->n && !found; ++*ret_item)
            found = shares(factors, *ret_item, factor);
        *ret_item -= found;
    }
    mpz_clear(left);
    return found;
}

static void
shared_tell(const struct bm_factors *factors, size_t at)
{
    const struct shared *shared = &factors->shared[at];
    size_t other = shared->item;
    bool found = at >= LOCATED;

    for (size_t i = 0; i < factors->nshared && !found; i++)
        if (i != at && (found = shares(factors, factors->shared[i].item, shared->factor)))
            other = factors->shared[i].item;
    if (!found && !old_find(factors, shared->factor, &other))
        other = shared->item;
    factors->found(factors->ctx, factors->items[shared->item].place, factors->items[other].place);
}

enum bm_rc
bm_factors_find(struct bm_factors *factors, void (*found)(void *ctx, uint64_t place, uint64_t other),
                void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    work_drop(factors);
    factors->found = found;
    factors->progress = progress;
    factors->ctx = ctx;
    twins_tell(factors);
    if (factors->n == 0)
        return BM_OK;
    if ((rc = blocks_cut(factors, fail)) != BM_OK || (factors->nnew > 0 && (rc = products_make(factors, fail)) != BM_OK))
        return rc;
    for (size_t i = 0; i < factors->nnew; i++)
        if ((rc = block_compare(factors, i, fail)) != BM_OK)
            return rc;
    for (size_t i = 0; i < factors->nshared; i++)
        shared_tell(factors, i);
    return BM_OK;
}
