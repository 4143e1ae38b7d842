/* walk.h - what every format has to do with each chip of a lot: look for doubles, tell the sink. */
#ifndef BM_WALK_H
#define BM_WALK_H

#include "lot/lot.h"
#include "lot/seen.h"

struct bm_walk {
    const struct bm_lot_sink *sink;
    enum bm_leaf_kind kind; /* of the whole lot */
    uint64_t size;          /* chips so far */
    struct bm_seen keys, ids;
};

/* The next chip. Refuses one of another kind, or with a root key (kind id: with an id) that an earlier chip of the lot has. */
bm_must_use enum bm_rc bm_walk_chip(struct bm_walk *walk, const struct bm_leaf *leaf, struct bm_bytes der, struct bm_fail *fail);
/* Something strange about the chip that is walked next. */
void bm_walk_odd(const struct bm_walk *walk, const char *fmt, ...) bm_printf(2, 3);
void bm_walk_done(struct bm_walk *walk); /* for bm_cleanup() */

/* "NAME FINGERPRINT" for people, cut to what the result holds. */
void bm_lot_signer_print(struct bm_lot_result *ret, const char *name, const uint8_t fingerprint[static BM_HASH]);

#endif
