/* holdings.h - the lots that are here, each with its index: whose key this is, where its chip stands, the proof that it does. */
#ifndef BM_HOLDINGS_H
#define BM_HOLDINGS_H

#include "base/file.h"
#include "custody/index.h"
#include "store/store.h"

struct bm_holding {
    struct bm_store_lot lot;
    struct bm_index *index; /* NULL: not opened yet, away or damaged; tried again when somebody asks */
};
struct bm_holdings {
    const char *home;       /* its lots/ROOT.index are read. What it names must stay */
    struct bm_holding *all; /* the earliest first; views into it end with the next bm_holdings_load() */
    size_t n;
};
/* Anew from the store, after lots changed; what is open stays so. */
bm_must_use enum bm_rc bm_holdings_load(struct bm_holdings *holdings, struct bm_store *store, struct bm_fail *fail);
void bm_holdings_done(struct bm_holdings *holdings);

/* The index HOME/lots/ROOT.index of such a lot; NULL when there is none, it is damaged, or it is another's. The caller's to close. */
struct bm_index *bm_holdings_index(const struct bm_holdings *holdings, const uint8_t root[static BM_HASH], uint64_t size);
/* Has it an index to look into? Opens it. */
bool bm_holding_ready(const struct bm_holdings *holdings, struct bm_holding *holding);
/* BM_EPOLICY, with the sentence for a lot that cannot be looked into. */
enum bm_rc bm_holding_lost(const struct bm_holding *holding, struct bm_fail *fail);
/* Has a list of a higher revision taken its place? */
bool bm_holding_superseded(const struct bm_holding *holding);
/* Its file changed: what is open of the lot with this root is closed, views into it end. */
void bm_holdings_close(struct bm_holdings *holdings, const uint8_t root[static BM_HASH]);
/* Of this name and not superseded; or of this number. NULL: none. */
struct bm_holding *bm_holdings_named(const struct bm_holdings *holdings, const char *name);
struct bm_holding *bm_holdings_by_id(const struct bm_holdings *holdings, int64_t id);
/* The first lot that is not superseded and has no index to look into; NULL when all have. */
const char *bm_holdings_blind(const struct bm_holdings *holdings);

/* A chip where it stands. */
struct bm_found_chip {
    bool found;
    struct bm_holding *holding;
    uint64_t index;
    struct bm_bytes leaf; /* view into the index */
};
/* By a root key (kind id: by what stands for its id), or by its identifier. Of several lots that list it: one that serves before one that does not, one that
 * was superseded last, then one that an open order names, then the earliest. Why nothing is issued from another is the signer's word. A damaged index counts as none. */
bm_must_use enum bm_rc bm_holdings_find_key(const struct bm_holdings *holdings, struct bm_store *store, const uint8_t hash[static BM_HASH],
                                            struct bm_found_chip *ret_chip, struct bm_fail *fail);
bm_must_use enum bm_rc bm_holdings_find_ski(const struct bm_holdings *holdings, struct bm_store *store, const uint8_t ski[static 20],
                                            struct bm_found_chip *ret_chip, struct bm_fail *fail);

#endif
