/* trees.h - the trees of the lots that are in use: an inclusion proof is made for every request. */
#ifndef BM_TREES_H
#define BM_TREES_H

#include "base/file.h"
#include "custody/index.h"
#include "store/store.h"

#define BM_TREES 4 /* lots in use at once on a line; mapped, or without an index 64 bytes a chip each */

struct bm_trees {
    const char *home; /* its lots/ROOT.index are read; NULL: none. What it names must stay */
    struct bm_trees_slot {
        int64_t lot; /* 0 = empty */
        uint64_t used;
        struct bm_index *index; /* or, for a lot that has no good one: */
        struct bm_tree tree;
    } slot[BM_TREES];
    uint64_t clock;
};

bm_must_use enum bm_rc bm_trees_prove(struct bm_trees *trees, struct bm_store *store, const struct bm_store_lot *lot, uint64_t index,
                                      struct bm_proof *ret_proof, struct bm_fail *fail);
void bm_trees_done(struct bm_trees *trees);

#endif
