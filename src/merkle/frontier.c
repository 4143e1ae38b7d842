/* frontier.c - the right edge of a growing tree. */
#include "merkle/tree.h"

/*
 *  size 7 = 111b:        [ 4 leaves ]  [ 2 ]  [1]
 *                           hash[2]  hash[1] hash[0]
 *  one more leaf carries through all of them, as in binary counting, and leaves hash[3] alone.
 */
void
bm_frontier_append(struct bm_frontier *frontier, const uint8_t leaf_hash[static BM_HASH])
{
    uint8_t carry[BM_HASH];
    unsigned level = 0;

    memcpy(carry, leaf_hash, BM_HASH);
    for (; (frontier->size >> level & 1) != 0; level++)
        bm_tree_node(carry, frontier->hash[level], carry);
    memcpy(frontier->hash[level], carry, BM_HASH);
    frontier->size++;
}

void
bm_frontier_root(const struct bm_frontier *frontier, uint8_t ret[static BM_HASH])
{
    uint64_t left = frontier->size;
    unsigned level;

    if (left == 0) {
        bm_tree_empty(ret);
        return;
    }
    level = (unsigned)__builtin_ctzll(left);
    memcpy(ret, frontier->hash[level], BM_HASH);
    for (left &= left - 1; left != 0; left &= left - 1)
        bm_tree_node(ret, frontier->hash[__builtin_ctzll(left)], ret);
}
