#include "station/tally.h"

#include "digest/digest.h"

#include <stdlib.h>

void
bm_tally_done(struct bm_tally *tally)
{
    free(tally->units);
    *tally = (struct bm_tally){ .n = 0 };
}

static struct bm_tally_unit *
unit_find(const struct bm_tally *tally, const uint8_t key[static BM_HASH])
{
    for (size_t i = 0; i < tally->n; i++)
        if (tally->units[i].named && memcmp(tally->units[i].key, key, BM_HASH) == 0)
            return &tally->units[i];
    return NULL;
}

enum bm_rc
bm_tally_add(struct bm_tally *tally, const char *keys, enum bm_rc rc, size_t *ret_number, struct bm_fail *fail)
{
    struct bm_tally_unit one = { .named = keys[0] != 0, .first = rc == BM_OK }, *unit = NULL;

    bm_sha256(one.key, bm_bytes_str(keys));
    if (one.named)
        unit = unit_find(tally, one.key);
    if (unit == NULL) {
        struct bm_tally_unit *more = reallocarray(tally->units, tally->n + 1, sizeof(*more));

        if (more == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another unit");
        tally->units = more;
        unit = &more[tally->n++];
        *unit = one;
    }
    unit->done = rc == BM_OK;
    unit->refused = rc != BM_OK && bm_rc_exit(rc) == 1;
    *ret_number = (size_t)(unit - tally->units) + 1;
    return BM_OK;
}

struct bm_tally_sum
bm_tally_sum(const struct bm_tally *tally, int64_t now)
{
    struct bm_tally_sum sum = { .units = tally->n };
    size_t first = 0;

    for (size_t i = 0; i < tally->n; i++) {
        sum.done += tally->units[i].done;
        sum.away += !tally->units[i].done && !tally->units[i].refused;
        first += tally->units[i].first;
    }
    if (sum.units > 0) {
        sum.yield = 100 * (double)sum.done / (double)sum.units;
        sum.first = 100 * (double)first / (double)sum.units;
        sum.takt = (double)(now - tally->began) / 1000 / (double)sum.units;
    }
    return sum;
}
