#include "ledger/ledger.h"

#define TILE 256 /* C2SP tlog-tiles: hashes in a full tile, 8 levels of the tree */

static void
leaf_hash(uint8_t ret[static BM_HASH], const struct bm_event *event, const uint8_t salt[static BM_SALT], struct bm_bytes text)
{
    uint8_t entry[BM_ENTRY];

    bm_entry_build(entry, event->kind, salt, text);
    bm_tree_leaf(ret, bm_bytes(entry, sizeof(entry)));
}

/* The head of `n` hashes, a power of two, that lie one after the other. */
static void
fold(uint8_t ret[static BM_HASH], const uint8_t *hashes, size_t n)
{
    uint8_t level[TILE][BM_HASH];

    memcpy(level, hashes, n * BM_HASH);
    for (; n > 1; n /= 2)
        for (size_t i = 0; i < n / 2; i++)
            bm_tree_node(level[i], level[2 * i], level[2 * i + 1]);
    memcpy(ret, level[0], BM_HASH);
}

/* Hashes first .. first + n of a tile's level: of leaves straight from them, above from the full tiles below. */
static enum bm_rc
level_hashes(struct bm_ledger *ledger, unsigned level, uint64_t first, size_t n, struct bm_buf *hashes, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (level == 0)
        return bm_store_leaf_hashes(ledger->store, first, n, hashes, fail);
    for (size_t i = 0; i < n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf below = { .max = TILE * BM_HASH };
        uint8_t *at;

        if ((rc = bm_store_tile_get(ledger->store, level - 1, first + i, &below, fail)) != BM_OK)
            return rc;
        if (below.n != TILE * BM_HASH)
            return bm_fail(fail, BM_EBUG, NULL, "the store holds a tile of the ledger with %zu bytes: restore it", below.n);
        if ((at = bm_buf_grow(hashes, BM_HASH)) != NULL)
            fold(at, below.p, TILE);
    }
    return bm_buf_check(hashes, "a level of the ledger", fail);
}

static enum bm_rc
source_node(void *ctx, unsigned level, uint64_t index, uint8_t ret[static BM_HASH], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf hashes = { .max = TILE * BM_HASH };
    struct bm_ledger *ledger = ctx;
    size_t width = (size_t)1 << level % 8;
    enum bm_rc rc;

    if ((rc = level_hashes(ledger, level / 8, index * width, width, &hashes, fail)) != BM_OK)
        return rc;
    if (hashes.n != width * BM_HASH)
        return bm_fail(fail, BM_EBUG, NULL, "the store misses leaves of the ledger: restore it");
    fold(ret, hashes.p, width);
    return BM_OK;
}

struct bm_tree_source
bm_ledger_source(struct bm_ledger *ledger)
{
    return (struct bm_tree_source){ .node = source_node, .ctx = ledger };
}

enum bm_rc
bm_ledger_open(struct bm_ledger *ret_ledger, struct bm_store *store, struct bm_fail *fail)
{
    struct bm_ledger ledger = { .store = store };
    uint64_t at = 0;
    enum bm_rc rc;

    if ((rc = bm_store_leaf_count(store, &ledger.frontier.size, fail)) != BM_OK)
        return rc;
    for (int bit = 63; bit >= 0; bit--) {
        if ((ledger.frontier.size >> bit & 1) == 0)
            continue;
        if ((rc = source_node(&ledger, (unsigned)bit, at >> bit, ledger.frontier.hash[bit], fail)) != BM_OK)
            return rc;
        at += (uint64_t)1 << bit;
    }
    *ret_ledger = ledger;
    return BM_OK;
}

/* Writes every tile that the newest leaf filled: one of leaves at 256, one above it at 65,536, and so on. */
static enum bm_rc
tiles_fill(struct bm_ledger *ledger, struct bm_fail *fail)
{
    uint64_t size = ledger->frontier.size;
    enum bm_rc rc;

    for (unsigned level = 0; size > 0 && size % TILE == 0; level++) {
        bm_cleanup(bm_buf_done) struct bm_buf hashes = { .max = TILE * BM_HASH };

        size /= TILE;
        if ((rc = level_hashes(ledger, level, (size - 1) * TILE, TILE, &hashes, fail)) != BM_OK ||
            (rc = bm_store_tile_put(ledger->store, level, size - 1, bm_buf_bytes(&hashes), fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

enum bm_rc
bm_ledger_append(struct bm_ledger *ledger, uint64_t index, const struct bm_event *event, const uint8_t salt[static BM_SALT],
                 struct bm_bytes text, struct bm_bytes attachment, struct bm_fail *fail)
{
    char device[BM_MAX_NAME + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    if (index != ledger->frontier.size)
        return bm_fail(fail, BM_EBUG, NULL, "the signer gave ledger leaf %llu and the store waits for leaf %llu", (unsigned long long)index,
                       (unsigned long long)ledger->frontier.size);
    leaf_hash(hash, event, salt, text);
    (void)snprintf(device, sizeof(device), "%.*s", (int)event->device.n, event->device.n == 0 ? "" : (const char *)event->device.p);
    if ((rc = bm_store_leaf_add(ledger->store,
                                &(struct bm_store_leaf){ .index = index,
                                                         .kind = (uint8_t)event->kind,
                                                         .time = event->time,
                                                         .hash = hash,
                                                         .salt = salt,
                                                         .event = text,
                                                         .device = device,
                                                         .attachment = attachment },
                                fail)) != BM_OK)
        return rc;
    bm_frontier_append(&ledger->frontier, hash);
    return tiles_fill(ledger, fail);
}

static enum bm_rc
agrees(const struct bm_frontier *frontier, const struct bm_checkpoint *checkpoint, enum bm_rc otherwise, struct bm_fail *fail)
{
    uint8_t root[BM_HASH];

    if (checkpoint->size != frontier->size)
        return bm_fail(fail, otherwise, "RFC 6962 2.1",
                       "the checkpoint speaks of %llu leaves and %llu are here: leaves are missing or were added",
                       (unsigned long long)checkpoint->size, (unsigned long long)frontier->size);
    bm_frontier_root(frontier, root);
    if (memcmp(root, checkpoint->root, sizeof(root)) != 0)
        return bm_fail(fail, otherwise, "RFC 6962 2.1",
                       "the leaves do not give the tree head that the checkpoint signs: somebody changed the ledger");
    return BM_OK;
}

enum bm_rc
bm_ledger_checkpoint(struct bm_ledger *ledger, struct bm_bytes note, struct bm_fail *fail)
{
    struct bm_checkpoint checkpoint;
    struct bm_note parts;
    enum bm_rc rc;

    /* The signature is for strangers; what matters here is that signer and store hold the same leaves. */
    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_checkpoint_parse(&checkpoint, parts.text, fail)) != BM_OK ||
        (rc = agrees(&ledger->frontier, &checkpoint, BM_EBUG, fail)) != BM_OK)
        return rc;
    return bm_store_checkpoint_put(ledger->store, note, fail);
}

enum bm_rc
bm_ledger_check_leaf(struct bm_ledger_check *check, uint64_t index, const uint8_t salt[static BM_SALT], struct bm_bytes text,
                     struct bm_fail *fail)
{
    struct bm_event event;
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    if (index != check->frontier.size)
        return bm_fail(fail, BM_EPOLICY, NULL, "leaf %llu comes where leaf %llu belongs: the ledger was cut or re-ordered",
                       (unsigned long long)index, (unsigned long long)check->frontier.size);
    if ((rc = bm_event_parse(&event, text, fail)) != BM_OK) {
        bm_fail_prefix(fail, "leaf %llu", (unsigned long long)index);
        return rc;
    }
    leaf_hash(hash, &event, salt, text);
    bm_frontier_append(&check->frontier, hash);
    return BM_OK;
}

enum bm_rc
bm_ledger_check_close(const struct bm_ledger_check *check, struct bm_bytes note, const struct bm_note_key *key, const char *origin,
                      struct bm_fail *fail)
{
    struct bm_checkpoint checkpoint;
    enum bm_rc rc;

    if ((rc = bm_checkpoint_open(&checkpoint, note, key, origin, fail)) != BM_OK)
        return rc;
    return agrees(&check->frontier, &checkpoint, BM_EPOLICY, fail);
}
