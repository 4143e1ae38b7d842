#include "registrar/holdings.h"

#include "record/site.h"
#include "wire/text.h"

#include <fcntl.h>
#include <stdlib.h>

/* ---- which lots there are ---- */

bool
bm_holding_superseded(const struct bm_holding *holding)
{
    return strcmp(holding->lot.state, "superseded") == 0;
}

static bool
serves(const struct bm_holding *holding)
{
    return strcmp(holding->lot.state, "pinned") == 0;
}

struct loading {
    struct bm_holdings *old, new;
    size_t cap;
};

static enum bm_rc
lot_load(void *ctx, const struct bm_store_lot *lot, struct bm_fail *fail)
{
    struct loading *loading = ctx;
    struct bm_holdings *new = &loading->new;
    struct bm_holding *known = bm_holdings_by_id(loading->old, lot->id);

    if (new->n == loading->cap) {
        size_t cap = loading->cap == 0 ? 64 : 2 * loading->cap;
        struct bm_holding *all = reallocarray(new->all, cap, sizeof(*all));

        if (all == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another lot");
        new->all = all;
        loading->cap = cap;
    }
    new->all[new->n++] = (struct bm_holding){ .lot = *lot, .index = known != NULL ? bm_take(known->index) : NULL };
    return BM_OK;
}

enum bm_rc
bm_holdings_load(struct bm_holdings *holdings, struct bm_store *store, struct bm_fail *fail)
{
    struct loading loading = { .old = holdings, .new = { .home = holdings->home } };
    enum bm_rc rc = bm_store_lots(store, lot_load, &loading, fail);

    bm_holdings_done(holdings);
    *holdings = loading.new;
    return rc;
}

void
bm_holdings_done(struct bm_holdings *holdings)
{
    for (size_t i = 0; i < holdings->n; i++)
        bm_index_done(&holdings->all[i].index);
    free(holdings->all);
    *holdings = (struct bm_holdings){ .home = holdings->home };
}

struct bm_holding *
bm_holdings_named(const struct bm_holdings *holdings, const char *name)
{
    for (size_t i = 0; i < holdings->n; i++)
        if (!bm_holding_superseded(&holdings->all[i]) && strcmp(holdings->all[i].lot.name, name) == 0)
            return &holdings->all[i];
    return NULL;
}

struct bm_holding *
bm_holdings_by_id(const struct bm_holdings *holdings, int64_t id)
{
    for (size_t i = 0; i < holdings->n; i++)
        if (holdings->all[i].lot.id == id)
            return &holdings->all[i];
    return NULL;
}

/* ---- their indexes ---- */

struct bm_index *
bm_holdings_index(const struct bm_holdings *holdings, const uint8_t root[static BM_HASH], uint64_t size)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_fd_done) int fd = -1;
    char hex[2 * BM_HASH + 1], name[sizeof(BM_PLACE_INDEX) + sizeof(hex)], path[BM_PATH];
    uint8_t is[BM_HASH];
    struct bm_fail unused;

    bm_hex(hex, bm_bytes(root, BM_HASH));
    (void)snprintf(name, sizeof(name), BM_PLACE_INDEX, hex);
    if (bm_path_join(path, holdings->home, name, &unused) != BM_OK ||
        (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1 || bm_index_open(&index, fd, &unused) != BM_OK)
        return NULL;
    bm_index_root(index, is);
    return bm_index_size(index) == size && memcmp(is, root, BM_HASH) == 0 ? bm_take(index) : NULL;
}

void
bm_holdings_close(struct bm_holdings *holdings, const uint8_t root[static BM_HASH])
{
    for (size_t i = 0; i < holdings->n; i++)
        if (memcmp(holdings->all[i].lot.root, root, BM_HASH) == 0)
            bm_index_done(&holdings->all[i].index);
}

bool
bm_holding_ready(const struct bm_holdings *holdings, struct bm_holding *holding)
{
    if (holding->index == NULL)
        holding->index = bm_holdings_index(holdings, holding->lot.root, holding->lot.size);
    return holding->index != NULL;
}

enum bm_rc
bm_holding_lost(const struct bm_holding *holding, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "the index of lot %s is missing or damaged: receive its file again with `birthmark lot receive`, which makes it anew",
                   holding->lot.name);
}

const char *
bm_holdings_blind(const struct bm_holdings *holdings)
{
    for (size_t i = 0; i < holdings->n; i++)
        if (!bm_holding_superseded(&holdings->all[i]) && !bm_holding_ready(holdings, &holdings->all[i]))
            return holdings->all[i].lot.name;
    return NULL;
}

/* ---- finding ---- */

typedef enum bm_rc find_fn(const struct bm_index *index, const uint8_t *hash, bool *ret_found, uint64_t *ret_i, struct bm_fail *fail);

/* A superseded list says nothing of today: whose chip stands in a later one too, be it in quarantine, is told of that. */
static unsigned
rank(const struct bm_holding *holding)
{
    return serves(holding) ? 2 : bm_holding_superseded(holding) ? 0 : 1;
}

/* Is a lot that came later to be preferred? */
static enum bm_rc
is_better(struct bm_store *store, const struct bm_holding *than, const struct bm_holding *later, bool *ret_better, struct bm_fail *fail)
{
    bool first, second;
    enum bm_rc rc;

    *ret_better = rank(later) > rank(than);
    if (rank(later) != rank(than))
        return BM_OK;
    if ((rc = bm_store_lot_ordered(store, than->lot.name, &first, fail)) != BM_OK ||
        (rc = bm_store_lot_ordered(store, later->lot.name, &second, fail)) != BM_OK)
        return rc;
    *ret_better = second && !first;
    return BM_OK;
}

static enum bm_rc
chip_find(const struct bm_holdings *holdings, struct bm_store *store, find_fn *by, const uint8_t *hash, struct bm_found_chip *ret_chip,
          struct bm_fail *fail)
{
    struct bm_fail damage = { .rc = BM_OK };
    enum bm_rc rc;

    *ret_chip = (struct bm_found_chip){ .found = false };
    for (size_t i = 0; i < holdings->n; i++) {
        struct bm_found_chip here = { .found = false, .holding = &holdings->all[i] };
        bool better = true;

        if (!bm_holding_ready(holdings, here.holding))
            continue;
        if (by(here.holding->index, hash, &here.found, &here.index, &damage) != BM_OK ||
            (here.found && bm_index_leaf(here.holding->index, here.index, &here.leaf, &damage) != BM_OK)) {
            bm_index_done(&here.holding->index);
            continue;
        }
        if (here.found && ret_chip->found && (rc = is_better(store, ret_chip->holding, here.holding, &better, fail)) != BM_OK)
            return rc;
        if (here.found && better)
            *ret_chip = here;
    }
    return BM_OK;
}

enum bm_rc
bm_holdings_find_key(const struct bm_holdings *holdings, struct bm_store *store, const uint8_t hash[static BM_HASH],
                     struct bm_found_chip *ret_chip, struct bm_fail *fail)
{
    return chip_find(holdings, store, bm_index_find_key, hash, ret_chip, fail);
}

enum bm_rc
bm_holdings_find_ski(const struct bm_holdings *holdings, struct bm_store *store, const uint8_t ski[static 20],
                     struct bm_found_chip *ret_chip, struct bm_fail *fail)
{
    return chip_find(holdings, store, bm_index_find_ski, ski, ret_chip, fail);
}
