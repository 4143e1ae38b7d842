/* leaf_inside.h - what reading and writing a chip's entry share (leaf.h). */
#ifndef BM_LEAF_INSIDE_H
#define BM_LEAF_INSIDE_H

#include "lot/leaf.h"

#define BM_LEAF_VERSION 2
#define BM_LEAF_BINDING 0xa0 /* [0] constructed */

/* A list without keys has none, and nothing else does: the binding to a key is made later, and only once. */
bool bm_leaf_keys_fit(const struct bm_leaf *leaf);
/* 1 to BM_MAX_ID bytes of text without control characters. */
bool bm_leaf_label_ok(struct bm_bytes value);

#endif
