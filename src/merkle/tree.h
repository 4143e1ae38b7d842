/*
 * tree.h - the Merkle tree of RFC 6962 2.1 with SHA-256: hashes, frontier, proofs.
 *
 * A leaf hash is SHA-256(00 || entry), a node SHA-256(01 || left || right); the root of no leaves is SHA-256 of nothing. Indexes count from 0.
 */
#ifndef BM_TREE_H
#define BM_TREE_H

#include "wire/rd.h"
#include "base/limits.h"

#define BM_TREE_SIZE_MAX INT64_MAX /* leaves; what JSON, SQLite and our parsers hold */

void bm_tree_leaf(uint8_t ret[static BM_HASH], struct bm_bytes entry);
void bm_tree_node(uint8_t ret[static BM_HASH], const uint8_t left[static BM_HASH], const uint8_t right[static BM_HASH]);
void bm_tree_empty(uint8_t ret[static BM_HASH]); /* the root of no leaves */

/* ---- frontier: what one must keep to append and to know the root. Zeroed is the empty tree. ---- */

struct bm_frontier {
    uint64_t size;             /* leaves */
    uint8_t hash[64][BM_HASH]; /* hash[i]: the complete subtree of 2^i leaves, where bit i of size is set; anything elsewhere */
};

void bm_frontier_append(struct bm_frontier *frontier, const uint8_t leaf_hash[static BM_HASH]);
void bm_frontier_root(const struct bm_frontier *frontier, uint8_t ret[static BM_HASH]);

/* ---- proofs, deepest hash first ---- */

struct bm_proof {
    size_t n;
    uint8_t hash[BM_MAX_PROOF][BM_HASH];
};

/* The leaf stands at this index of the tree of this size and root. BM_EINPUT when the proof does not show it. */
bm_must_use enum bm_rc bm_inclusion_check(const struct bm_proof *proof, uint64_t index, uint64_t size,
                                          const uint8_t leaf_hash[static BM_HASH], const uint8_t root[static BM_HASH],
                                          struct bm_fail *fail);

/*
 * The tree of size1 leaves is the beginning of the tree of size2 leaves. BM_EINPUT when the proof does not show it, and when size1 is 0:
 * every tree begins with the empty one, so such a proof shows nothing, and a caller that means it says so itself.
 */
bm_must_use enum bm_rc bm_consistency_check(const struct bm_proof *proof, uint64_t size1, uint64_t size2,
                                            const uint8_t root1[static BM_HASH], const uint8_t root2[static BM_HASH], struct bm_fail *fail);

/*
 * The same for a part of a tree: the leaves from start to end (not included), where start is a multiple of the smallest power of two that is
 * at least end - start, so that the part is a tree of its own (draft-ietf-plants-merkle-tree-certs, Subtrees). BM_EINPUT for other bounds.
 * A part without leaves has the empty root and an empty proof, and shows nothing of root.
 */
bm_must_use enum bm_rc bm_subtree_inclusion_check(const struct bm_proof *proof, uint64_t index, uint64_t start, uint64_t end,
                                                  const uint8_t leaf_hash[static BM_HASH], const uint8_t subtree_root[static BM_HASH],
                                                  struct bm_fail *fail);
bm_must_use enum bm_rc bm_subtree_consistency_check(const struct bm_proof *proof, uint64_t start, uint64_t end, uint64_t size,
                                                    const uint8_t subtree_root[static BM_HASH], const uint8_t root[static BM_HASH],
                                                    struct bm_fail *fail);

/* Where the hashes of complete subtrees come from: level 0 = leaf hashes; node (level, index) covers leaves index * 2^level and on. */
struct bm_tree_source {
    bm_must_use enum bm_rc (*node)(void *ctx, unsigned level, uint64_t index, uint8_t ret[static BM_HASH], struct bm_fail *fail);
    void *ctx;
};

/* BM_EINPUT when index >= size, or size1 > size2; else what the source said. Only nodes inside the first `size` leaves are asked for. */
bm_must_use enum bm_rc bm_inclusion_make(struct bm_proof *ret, const struct bm_tree_source *source, uint64_t index, uint64_t size,
                                         struct bm_fail *fail);
bm_must_use enum bm_rc bm_consistency_make(struct bm_proof *ret, const struct bm_tree_source *source, uint64_t size1, uint64_t size2,
                                           struct bm_fail *fail);
/* The root of the first `size` leaves. */
bm_must_use enum bm_rc bm_root_make(uint8_t ret[static BM_HASH], const struct bm_tree_source *source, uint64_t size, struct bm_fail *fail);

/* u8 count (at most 64), then the hashes. */
#define BM_PROOF_BYTES (1 + BM_MAX_PROOF * BM_HASH) /* at most */
void bm_proof_build(struct bm_buf *buf, const struct bm_proof *proof);
/* Takes a proof off a cursor; poisons it when there is none. For a proof that ends its message: check bm_rd_end() after. */
void bm_proof_take(struct bm_rd *rd, struct bm_proof *ret);
bm_must_use enum bm_rc bm_proof_parse(struct bm_proof *ret, struct bm_bytes bytes, struct bm_fail *fail);

/* ---- a whole tree in memory: 64 bytes a leaf ---- */

#define BM_TREE_LEVELS 33
struct bm_tree {
    uint64_t size;
    struct bm_buf level[BM_TREE_LEVELS]; /* the hashes of the complete subtrees of each level, one after the other */
};

/* Up to max leaves, at most 2^32. */
void bm_tree_init(struct bm_tree *ret, uint64_t max);
void bm_tree_done(struct bm_tree *tree); /* for bm_cleanup() too; a zeroed one is fine */
/* BM_EINPUT past max. */
bm_must_use enum bm_rc bm_tree_append(struct bm_tree *tree, const uint8_t leaf_hash[static BM_HASH], struct bm_fail *fail);
void bm_tree_root(const struct bm_tree *tree, uint8_t ret[static BM_HASH]);
struct bm_tree_source bm_tree_source(struct bm_tree *tree); /* borrows the tree */

#endif
