/* factors.c - moduli that share a prime: the same one twice, then batch GCD (factor_blocks.h), then who with whom. */
#include "lot/factor_blocks.h"
#include "lot/screen.h"

#include <stdlib.h>

#define LOCATED 100 /* so many are told with whom they share: a report shows ten */

struct bm_factors {
    struct bm_factor_item *items;
    size_t n, cap;
    size_t block_bytes;
    struct bm_factor_blocks blocks;
    void (*found)(void *ctx, uint64_t place, uint64_t other);
    void *ctx;
};

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
    factors->block_bytes = BM_FACTOR_BLOCK;
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
    bm_factor_blocks_done(&(*factors)->blocks);
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
        struct bm_factor_item *items = reallocarray(factors->items, cap, sizeof(*items));

        if (items == NULL)
            return no_memory(fail);
        factors->items = items;
        factors->cap = cap;
    }
    factors->items[factors->n++] = (struct bm_factor_item){ .modulus = modulus, .place = place, .is_new = is_new };
    return BM_OK;
}

/* ---- the same modulus twice ---- */

static int
moduli_compare(const struct bm_factor_item *a, const struct bm_factor_item *b)
{
    if (a->modulus.n != b->modulus.n)
        return a->modulus.n < b->modulus.n ? -1 : 1;
    return memcmp(a->modulus.p, b->modulus.p, a->modulus.n);
}

static int
items_compare(const void *one, const void *two)
{
    const struct bm_factor_item *a = one, *b = two;
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
        const struct bm_factor_item *item = &factors->items[i];
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

static int
new_first(const void *one, const void *two)
{
    const struct bm_factor_item *a = one, *b = two;

    if (a->is_new != b->is_new)
        return a->is_new ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* ---- with whom ---- */

static bool
shares(const struct bm_factors *factors, size_t item, const mpz_t factor)
{
    bool answer;
    mpz_t n;

    mpz_init(n);
    bm_number_take(n, factors->blocks.moduli[item]);
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
    for (size_t j = factors->blocks.nnew; j < factors->blocks.nblocks && !found; j++) {
        const struct bm_factor_block *block = &factors->blocks.blocks[j];

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
    const struct bm_factor_shared *shared = &factors->blocks.shared[at];
    size_t other = shared->item;
    bool found = at >= LOCATED;

    for (size_t i = 0; i < factors->blocks.nshared && !found; i++)
        if (i != at && (found = shares(factors, factors->blocks.shared[i].item, shared->factor)))
            other = factors->blocks.shared[i].item;
    if (!found && !old_find(factors, shared->factor, &other))
        other = shared->item;
    factors->found(factors->ctx, factors->items[shared->item].place, factors->items[other].place);
}

enum bm_rc
bm_factors_find(struct bm_factors *factors, void (*found)(void *ctx, uint64_t place, uint64_t other),
                void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx, struct bm_fail *fail)
{
    enum bm_rc rc;

    factors->found = found;
    factors->ctx = ctx;
    bm_factor_blocks_done(&factors->blocks);
    twins_tell(factors);
    if (factors->n == 0)
        return BM_OK;
    qsort(factors->items, factors->n, sizeof(*factors->items), new_first);
    factors->blocks = (struct bm_factor_blocks){
        .items = factors->items, .n = factors->n, .block_bytes = factors->block_bytes, .progress = progress, .ctx = ctx
    };
    if ((rc = bm_factor_blocks_compare(&factors->blocks, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < factors->blocks.nshared; i++)
        shared_tell(factors, i);
    return BM_OK;
}
