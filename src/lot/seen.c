#include "lot/seen.h"

#include "base/large.h"

#include <endian.h>

#define FIRST_ROWS 1024

/* By the first bits, of what is a hash already: so rows stay in their order when there are twice as many, and that runs through memory once. */
static size_t
row_first(size_t nrows, const uint8_t *hash)
{
    uint64_t front;

    memcpy(&front, hash, sizeof(front));
    return (size_t)(be64toh(front) >> (64 - __builtin_ctzll(nrows)));
}

/* The row that has this hash, or the empty one where it belongs. There always is an empty one: a third is kept free. */
static struct bm_seen_row *
row_find(struct bm_seen_row *rows, size_t nrows, const uint8_t *hash)
{
    size_t at = row_first(nrows, hash);

    for (; rows[at].place1 != 0; at = (at + 1) & (nrows - 1))
        if (memcmp(rows[at].hash, hash, sizeof(rows[at].hash)) == 0)
            break;
    return &rows[at];
}

static enum bm_rc
rows_double(struct bm_seen *seen, struct bm_fail *fail)
{
    size_t nrows = seen->nrows == 0 ? FIRST_ROWS : seen->nrows * 2;
    struct bm_seen_row *rows = bm_large_new(nrows, sizeof(*rows));

    if (rows == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to look for keys that are there twice");
    for (size_t i = 0; i < seen->nrows; i++)
        if (seen->rows[i].place1 != 0)
            *row_find(rows, nrows, seen->rows[i].hash) = seen->rows[i];
    bm_large_free(seen->rows, seen->nrows, sizeof(*rows));
    seen->rows = rows;
    seen->nrows = nrows;
    return BM_OK;
}

enum bm_rc
bm_seen_add(struct bm_seen *seen, const uint8_t hash[static BM_HASH], uint32_t place, bool *ret_before, uint32_t *ret_place,
            struct bm_fail *fail)
{
    struct bm_seen_row *row;
    enum bm_rc rc;

    if (seen->nused >= seen->nrows / 3 * 2 && (rc = rows_double(seen, fail)) != BM_OK)
        return rc;
    row = row_find(seen->rows, seen->nrows, hash);
    *ret_before = row->place1 != 0;
    if (*ret_before) {
        *ret_place = row->place1 - 1;
        return BM_OK;
    }
    memcpy(row->hash, hash, sizeof(row->hash));
    row->place1 = place + 1;
    seen->nused++;
    return BM_OK;
}

void
bm_seen_soon(const struct bm_seen *seen, const uint8_t hash[static BM_HASH])
{
    const struct bm_seen_row *row;

    if (seen->nrows == 0)
        return;
    row = &seen->rows[row_first(seen->nrows, hash)];
    __builtin_prefetch(row, 1);
    __builtin_prefetch(row + 1, 1);
}

void
bm_seen_done(struct bm_seen *seen)
{
    bm_large_free(seen->rows, seen->nrows, sizeof(*seen->rows));
    *seen = (struct bm_seen){ .nused = 0 };
}
