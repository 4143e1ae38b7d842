/* The list of chips: their entries from the lots' indexes, and beside each what the records say of it. */
#include "registrar/registrar.h"

#include "lot/leaf_skim.h"

#define LOT_SHIFT 24 /* a page begins at a lot's number and a place in it */
#define OTHERS 16    /* lots with chips in common that are looked into */

_Static_assert(BM_MAX_LOT_CHIPS < 1 << LOT_SHIFT, "a place in a lot must fit");

struct chips {
    struct bm_registrar *r;
    const struct bm_store_filter *filter;
    bm_store_row *row;
    void *ctx;
    const struct bm_holding *others[OTHERS]; /* of the lot that is listed now */
    size_t nothers;
};

/* Lots that list a chip of this one too, and were not superseded. */
static enum bm_rc
others_find(struct chips *chips, const struct bm_holding *holding, struct bm_fail *fail)
{
    int64_t ids[OTHERS];
    size_t n;
    enum bm_rc rc;

    chips->nothers = 0;
    if ((rc = bm_store_overlaps(chips->r->store, holding->lot.id, ids, OTHERS, &n, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct bm_holding *other = bm_holdings_by_id(&chips->r->holdings, ids[i]);

        if (other != NULL && !bm_holding_superseded(other) && bm_holding_ready(&chips->r->holdings, other))
            chips->others[chips->nothers++] = other;
    }
    return BM_OK;
}

static const char *
other_of(const struct chips *chips, const uint8_t (*names)[BM_HASH], size_t n)
{
    struct bm_fail damage;
    uint64_t at;
    bool found;

    for (size_t i = 0; i < chips->nothers; i++)
        for (size_t k = 0; k < n; k++)
            if (bm_index_find_key(chips->others[i]->index, names[k], &found, &at, &damage) == BM_OK && found)
                return chips->others[i]->lot.name;
    return NULL;
}

/* A label as text; NULL when the chip has none of this name. */
static const char *
label(char ret[static BM_MAX_ID + 1], const struct bm_leaf_skim *skim, const char *name)
{
    struct bm_bytes value = bm_leaf_skim_label(skim, name);

    bm_view_copy(ret, BM_MAX_ID + 1, value);
    return value.n > 0 ? ret : NULL;
}

static enum bm_rc
chip_row(struct chips *chips, const struct bm_holding *holding, uint64_t i, struct bm_fail *fail)
{
    char id[BM_MAX_ID + 1], reel[BM_MAX_ID + 1], date[BM_MAX_ID + 1], firmware[BM_MAX_ID + 1];
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH];
    struct bm_leaf_skim skim;
    struct bm_bytes der;
    struct bm_store_chip chip;
    bool given;

    if (bm_index_leaf(holding->index, i, &der, fail) != BM_OK || bm_leaf_skim(&skim, der, fail) != BM_OK)
        return bm_holding_lost(holding, fail);
    bm_view_copy(id, sizeof(id), skim.id);
    chip = (struct bm_store_chip){ .label = id,
                                   .lot = holding->lot.name,
                                   .root_kind = bm_root_kind_word(skim.root),
                                   .id_source = bm_label_source_word(skim.id_source),
                                   .reel = label(reel, &skim, BM_LABEL_REEL),
                                   .date = label(date, &skim, BM_LABEL_DATE),
                                   .firmware = label(firmware, &skim, BM_LABEL_FIRMWARE),
                                   .withdrawn = strcmp(holding->lot.state, "withdrawn") == 0 ? holding->lot.state : NULL,
                                   .index = i,
                                   .names = (const uint8_t(*)[BM_HASH])names,
                                   .nnames = bm_leaf_skim_names(&skim, names) };
    chip.other = other_of(chips, chip.names, chip.nnames);
    return bm_store_chip_row(chips->r->store, &chip, chips->filter->state, chips->row, chips->ctx, &given, fail);
}

/* The chips of one lot from a place on, `*left` of them at most. */
static enum bm_rc
lot_rows(struct chips *chips, struct bm_holding *holding, uint64_t *at, size_t *left, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (!bm_holding_ready(&chips->r->holdings, holding))
        return bm_holding_lost(holding, fail);
    if ((rc = others_find(chips, holding, fail)) != BM_OK)
        return rc;
    for (; *at<holding->lot.size && * left> 0; ++*at, --*left)
        if ((rc = chip_row(chips, holding, *at, fail)) != BM_OK)
            return rc;
    return BM_OK;
}

/* The chip of this id, where the lot has one. */
static enum bm_rc
id_row(struct chips *chips, struct bm_holding *holding, struct bm_fail *fail)
{
    size_t one = 1;
    uint64_t at;
    bool found;
    enum bm_rc rc;

    if (!bm_holding_ready(&chips->r->holdings, holding))
        return BM_OK;
    if ((rc = bm_index_find_id(holding->index, chips->filter->name, &found, &at, fail)) != BM_OK || !found)
        return rc == BM_EBUG ? BM_OK : rc;
    return lot_rows(chips, holding, &at, &one, fail);
}

static bool
is_wanted(const struct bm_holding *holding, const struct bm_store_filter *filter)
{
    return !bm_holding_superseded(holding) && (filter->lot == NULL || strcmp(filter->lot, holding->lot.name) == 0);
}

enum bm_rc
bm_chips_rows(struct bm_registrar *r, const struct bm_store_filter *filter, struct bm_store_page *page, bm_store_row *row, void *ctx,
              struct bm_fail *fail)
{
    struct chips chips = { .r = r, .filter = filter, .row = row, .ctx = ctx };
    const int64_t first = page->from >> LOT_SHIFT;
    uint64_t at = (uint64_t)page->from & ((1u << LOT_SHIFT) - 1);
    size_t left = page->most;
    enum bm_rc rc;

    for (size_t i = 0; i < r->holdings.n && left > 0; i++) {
        struct bm_holding *holding = &r->holdings.all[i];

        if (holding->lot.id < first || !is_wanted(holding, filter))
            continue;
        at = holding->lot.id == first ? at : 0;
        rc = filter->name != NULL ? id_row(&chips, holding, fail) : lot_rows(&chips, holding, &at, &left, fail);
        if (rc != BM_OK)
            return rc;
        page->from = (holding->lot.id << LOT_SHIFT) + (int64_t)at;
    }
    page->more = left == 0;
    return BM_OK;
}
