/* index_sort.c - a table of the index put in order: the records of hashes, dealt out by their first bits, lie where they belong but for a few places. */
#include "custody/index_inside.h"

#include <endian.h>
#include <stdlib.h>

#define MOST_BITS 16
#define FEW 16 /* records: as many as a deal is to leave together; more are somebody's choice, and sorted in n log n */

struct record {
    uint64_t half[BM_INDEX_RECORD / sizeof(uint64_t)]; /* big endian, as in the file */
};

/* As memcmp() of the whole record, place included: of several the first stands first. */
static int
order(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    const size_t i = x->half[0] == y->half[0];

    return x->half[i] == y->half[i] ? 0 : be64toh(x->half[i]) < be64toh(y->half[i]) ? -1 : 1;
}

static void
few_sort(struct record *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct record one = p[i];
        size_t at = i;

        for (; at > 0 && order(&p[at - 1], &one) > 0; at--)
            p[at] = p[at - 1];
        p[at] = one;
    }
}

static unsigned
bits_choose(size_t n)
{
    unsigned bits = 0;

    while (bits < MOST_BITS && n >> bits > FEW)
        bits++;
    return bits;
}

static size_t
pile_of(const struct record *record, unsigned bits)
{
    return (size_t)(be64toh(record->half[0]) >> 1 >> (63 - bits));
}

/* at: one number a pile and one more, zeros. Then: where each pile ends in ret. */
static void
deal(struct record *ret, const struct record *p, size_t n, unsigned bits, size_t *at)
{
    const size_t piles = (size_t)1 << bits;

    for (size_t i = 0; i < n; i++)
        at[pile_of(&p[i], bits) + 1]++;
    for (size_t pile = 0; pile < piles; pile++)
        at[pile + 1] += at[pile];
    for (size_t i = 0; i < n; i++)
        ret[at[pile_of(&p[i], bits)]++] = p[i];
}

enum bm_rc
bm_index_sort(uint8_t **records, size_t n, struct bm_fail *fail)
{
    const unsigned bits = bits_choose(n);
    const size_t piles = (size_t)1 << bits;
    size_t *at = calloc(piles + 1, sizeof(*at)), from = 0;
    struct record *sorted = calloc(n + 1, sizeof(*sorted));

    if (at == NULL || sorted == NULL) {
        free(at);
        free(sorted);
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to sort the index of a lot of so many chips");
    }
    if (n > 0)
        deal(sorted, (const struct record *)(const void *)*records, n, bits, at);
    for (size_t pile = 0; pile < piles; from = at[pile++]) {
        if (at[pile] - from <= 4 * FEW)
            few_sort(sorted + from, at[pile] - from);
        else
            qsort(sorted + from, at[pile] - from, sizeof(*sorted), order);
    }
    free(at);
    free(*records);
    *records = (uint8_t *)sorted;
    return BM_OK;
}
