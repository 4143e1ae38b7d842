/* index_inside.h - an open index as the files of this room see it. */
#ifndef BM_INDEX_INSIDE_H
#define BM_INDEX_INSIDE_H

#include "custody/index.h"
#include "custody/index_layout.h"
#include "lot/leaf_skim.h"

struct bm_index {
    uint8_t *p; /* the whole file, mapped to be read */
    struct bm_index_layout at;
};

/* Row of a table; row < at.records[table]. */
const uint8_t *bm_index_record(const struct bm_index *index, enum bm_index_table table, uint64_t row);
/* The place that a record names. BM_EBUG when the lot has no such chip. */
bm_must_use enum bm_rc bm_index_place(const struct bm_index *index, const uint8_t *record, uint64_t *ret_i, struct bm_fail *fail);
/* The first row that is not before this prefix. */
uint64_t bm_index_first(const struct bm_index *index, enum bm_index_table table, const uint8_t prefix[static BM_INDEX_PREFIX]);
/* The names of a chip; BM_EBUG when its leaf is none. */
bm_must_use enum bm_rc bm_index_skim(const struct bm_index *index, uint64_t i, struct bm_leaf_skim *ret_skim, struct bm_fail *fail);
/* A table of `n` records, whose memory is the writer's and may become another: ascending as memcmp() of whole records says. */
bm_must_use enum bm_rc bm_index_sort(uint8_t **records, size_t n, struct bm_fail *fail);

#endif
