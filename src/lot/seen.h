/* seen.h - a set of SHA-256 values, each with the place where it was first met: finds what is there twice in a lot of a million chips. */
#ifndef BM_SEEN_H
#define BM_SEEN_H

#include "base/bytes.h"
#include "base/limits.h"

/* Zeroed is empty. Open addressing; 16 bytes of the hash are kept: a chance hit among 8 million is one in 10^25. */
struct bm_seen {
    struct bm_seen_row {
        uint8_t hash[16];
        uint32_t place1; /* place + 1; 0 = an empty row */
    } * rows;
    size_t nrows; /* a power of two */
    size_t nused;
};

/* Remembers hash at place (below 2^32 - 1). When it was there: *ret_before is true and *ret_place where; nothing changes. */
bm_must_use enum bm_rc bm_seen_add(struct bm_seen *seen, const uint8_t hash[static BM_HASH], uint32_t place, bool *ret_before,
                                   uint32_t *ret_place, struct bm_fail *fail);
/* It will be added soon: what memory is needed for that is fetched meanwhile. */
void bm_seen_soon(const struct bm_seen *seen, const uint8_t hash[static BM_HASH]);
void bm_seen_done(struct bm_seen *seen); /* for bm_cleanup() */

#endif
