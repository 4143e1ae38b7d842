#include "registrar/trees.h"

#include "record/site.h"
#include "wire/text.h"

#include <fcntl.h>

/* The lot's index, opened; NULL when there is none, it is damaged, or it is of another tree: then the store's hashes serve. */
static struct bm_index *
index_open(const char *home, const struct bm_store_lot *lot)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_fd_done) int fd = -1;
    char hex[2 * BM_HASH + 1], name[sizeof(BM_PLACE_INDEX) + sizeof(hex)], path[BM_PATH];
    uint8_t root[BM_HASH];
    struct bm_fail unused;

    bm_hex(hex, bm_bytes(lot->root, BM_HASH));
    (void)snprintf(name, sizeof(name), BM_PLACE_INDEX, hex);
    if (home == NULL || bm_path_join(path, home, name, &unused) != BM_OK || (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1 ||
        bm_index_open(&index, fd, &unused) != BM_OK)
        return NULL;
    bm_index_root(index, root);
    return bm_index_size(index) == lot->size && memcmp(root, lot->root, BM_HASH) == 0 ? bm_take(index) : NULL;
}

/* Builds the lot's tree from its stored leaf hashes, and believes it only when it has the pinned head. */
static enum bm_rc
tree_load(struct bm_tree *tree, struct bm_store *store, const struct bm_store_lot *lot, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf hashes = { .max = lot->size * BM_HASH };
    uint8_t root[BM_HASH];
    enum bm_rc rc;

    bm_tree_init(tree, lot->size);
    if ((rc = bm_store_lot_hashes(store, lot->id, &hashes, fail)) != BM_OK)
        return rc;
    for (size_t at = 0; at + BM_HASH <= hashes.n; at += BM_HASH)
        if ((rc = bm_tree_append(tree, hashes.p + at, fail)) != BM_OK)
            return rc;
    bm_tree_root(tree, root);
    if (tree->size != lot->size || memcmp(root, lot->root, sizeof(root)) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "the store's chips of lot %s do not give the tree head that was pinned: restore the store",
                       lot->name);
    return BM_OK;
}

/* The lot's slot, or the one that was not used for longest. */
static struct bm_trees_slot *
slot_pick(struct bm_trees *trees, int64_t lot)
{
    struct bm_trees_slot *oldest = &trees->slot[0];

    for (size_t i = 0; i < BM_TREES; i++) {
        if (trees->slot[i].lot == lot)
            return &trees->slot[i];
        if (trees->slot[i].used < oldest->used)
            oldest = &trees->slot[i];
    }
    return oldest;
}

static void
slot_empty(struct bm_trees_slot *slot)
{
    bm_index_done(&slot->index);
    bm_tree_done(&slot->tree);
    slot->lot = 0;
}

enum bm_rc
bm_trees_prove(struct bm_trees *trees, struct bm_store *store, const struct bm_store_lot *lot, uint64_t index, struct bm_proof *ret_proof,
               struct bm_fail *fail)
{
    struct bm_trees_slot *slot = slot_pick(trees, lot->id);
    struct bm_tree_source source;
    enum bm_rc rc;

    if (slot->lot != lot->id) {
        slot_empty(slot);
        slot->index = index_open(trees->home, lot);
        if (slot->index == NULL && (rc = tree_load(&slot->tree, store, lot, fail)) != BM_OK)
            return rc;
        slot->lot = lot->id;
    }
    slot->used = ++trees->clock;
    if (slot->index != NULL)
        return bm_index_prove(slot->index, index, ret_proof, fail);
    source = bm_tree_source(&slot->tree);
    return bm_inclusion_make(ret_proof, &source, index, lot->size, fail);
}

void
bm_trees_done(struct bm_trees *trees)
{
    for (size_t i = 0; i < BM_TREES; i++)
        slot_empty(&trees->slot[i]);
}
