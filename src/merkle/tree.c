#include "merkle/tree.h"

#include "digest/digest.h"

/* req: RFC6962 2.1 leaves and nodes are hashed behind different octets, so that neither can pass for the other */
void
bm_tree_leaf(uint8_t ret[static BM_HASH], struct bm_bytes entry)
{
    const struct bm_bytes pieces[] = { bm_bytes("\x00", 1), entry };

    bm_sha256_pieces(ret, pieces, BM_COUNT(pieces));
}

void
bm_tree_node(uint8_t ret[static BM_HASH], const uint8_t left[static BM_HASH], const uint8_t right[static BM_HASH])
{
    uint8_t node[1 + 2 * BM_HASH] = { 1 };

    memcpy(node + 1, left, BM_HASH);
    memcpy(node + 1 + BM_HASH, right, BM_HASH);
    bm_sha256(ret, bm_bytes(node, sizeof(node)));
}

void
bm_tree_empty(uint8_t ret[static BM_HASH])
{
    bm_sha256_pieces(ret, NULL, 0);
}

void
bm_tree_init(struct bm_tree *ret, uint64_t max)
{
    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < BM_TREE_LEVELS; i++)
        ret->level[i].max = (size_t)(max >> i) * BM_HASH;
}

void
bm_tree_done(struct bm_tree *tree)
{
    for (size_t i = 0; i < BM_TREE_LEVELS; i++)
        bm_buf_done(&tree->level[i]);
    tree->size = 0;
}

/* The pair that the last append completed on a level, or NULL. */
static const uint8_t *
last_pair(const struct bm_buf *level)
{
    return level->n % (2 * BM_HASH) == 0 ? level->p + level->n - 2 * BM_HASH : NULL;
}

/* Takes back what an append left on the levels when there is no memory for the whole of it. */
static void
shrink(struct bm_tree *tree)
{
    for (size_t i = 0; i < BM_TREE_LEVELS; i++) {
        tree->level[i].n = (size_t)(tree->size >> i) * BM_HASH;
        tree->level[i].bad = tree->level[i].nomem = false;
    }
}

enum bm_rc
bm_tree_append(struct bm_tree *tree, const uint8_t leaf_hash[static BM_HASH], struct bm_fail *fail)
{
    size_t at = 0;
    uint8_t hash[BM_HASH];
    const uint8_t *pair;

    if (tree->level[0].n == tree->level[0].max)
        return bm_fail(fail, BM_EINPUT, NULL, "there are more than %zu leaves", tree->level[0].max / BM_HASH);
    memcpy(hash, leaf_hash, BM_HASH);
    do {
        bm_buf_add(&tree->level[at], hash, BM_HASH);
        if (tree->level[at].bad) {
            shrink(tree);
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a tree of %llu leaves", (unsigned long long)tree->size + 1);
        }
        if ((pair = last_pair(&tree->level[at])) == NULL)
            break;
        bm_tree_node(hash, pair, pair + BM_HASH);
    } while (++at < BM_TREE_LEVELS);
    tree->size++;
    return BM_OK;
}

static enum bm_rc
tree_node(void *ctx, unsigned level, uint64_t index, uint8_t ret[static BM_HASH], struct bm_fail *fail)
{
    const struct bm_tree *tree = ctx;

    if (level >= BM_TREE_LEVELS || index >= tree->size >> level)
        return bm_fail(fail, BM_EBUG, NULL, "node %u/%llu is not in a tree of %llu leaves", level, (unsigned long long)index,
                       (unsigned long long)tree->size);
    memcpy(ret, tree->level[level].p + index * BM_HASH, BM_HASH);
    return BM_OK;
}

struct bm_tree_source
bm_tree_source(struct bm_tree *tree)
{
    return (struct bm_tree_source){ .node = tree_node, .ctx = tree };
}

void
bm_tree_root(const struct bm_tree *tree, uint8_t ret[static BM_HASH])
{
    bool some = false;

    bm_tree_empty(ret);
    for (size_t i = 0; i < BM_TREE_LEVELS; i++) {
        if ((tree->size >> i & 1) == 0)
            continue;
        /* where a level's count is odd, its last hash is the subtree that no pair has taken up */
        if (some)
            bm_tree_node(ret, tree->level[i].p + tree->level[i].n - BM_HASH, ret);
        else
            memcpy(ret, tree->level[i].p + tree->level[i].n - BM_HASH, BM_HASH);
        some = true;
    }
}
