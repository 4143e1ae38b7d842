/* Vendors, lots and their chips. */
#include "store/lite.h"

enum bm_rc
bm_store_vendor_put(struct bm_store *store, const char *name, const char *format, struct bm_bytes body, bm_time now, struct bm_fail *fail)
{
    lite_text(store, Q_VENDOR_PUT, 1, name);
    lite_text(store, Q_VENDOR_PUT, 2, format);
    lite_blob(store, Q_VENDOR_PUT, 3, body);
    lite_int(store, Q_VENDOR_PUT, 4, now);
    return lite_run(store, Q_VENDOR_PUT, "vendor", fail);
}

enum bm_rc
bm_store_vendor_get(struct bm_store *store, const char *name, struct bm_buf *body, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    lite_text(store, Q_VENDOR_GET, 1, name);
    if ((rc = lite_step(store, Q_VENDOR_GET, &row, "vendor", fail)) != BM_OK)
        return rc;
    if (row)
        bm_buf_add_bytes(body, lite_column_blob(store, Q_VENDOR_GET, 0));
    lite_reset(store, Q_VENDOR_GET);
    if (!row)
        return bm_fail(fail, BM_EPOLICY, NULL, "no vendor is known by the name %s: add it first with `birthmark vendor add`", name);
    return bm_buf_check(body, "the vendor's record", fail);
}

/* Runs a statement with RETURNING, which tells whether it met a row. */
static enum bm_rc
run_met(struct bm_store *store, enum lite_sql q, bool *ret_met, const char *what, struct bm_fail *fail)
{
    enum bm_rc rc = lite_step(store, q, ret_met, what, fail);

    if (rc == BM_OK)
        lite_reset(store, q);
    return rc;
}

enum bm_rc
bm_store_vendor_retire(struct bm_store *store, const char *name, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_text(store, Q_VENDOR_RETIRE, 1, name);
    if ((rc = run_met(store, Q_VENDOR_RETIRE, &met, "vendor", fail)) != BM_OK)
        return rc;
    return met ? BM_OK : bm_fail(fail, BM_EPOLICY, NULL, "no vendor is known by the name %s: see `birthmark vendor list`", name);
}

/* The lot's columns, as both statements have them: name, vendor, source, size, root. */
static void
lot_bind(struct bm_store *store, enum lite_sql q, const struct bm_store_lot *lot)
{
    lite_text(store, q, 1, lot->name);
    lite_text(store, q, 2, lot->vendor);
    lite_text(store, q, 3, lot->source);
    lite_int(store, q, 4, (int64_t)lot->size);
    lite_blob(store, q, 5, bm_bytes(lot->root, BM_HASH));
}

enum bm_rc
bm_store_lot_taken(struct bm_store *store, const char *name, uint64_t revision, const uint8_t root[static BM_HASH], bool *ret_taken,
                   struct bm_fail *fail)
{
    lite_text(store, Q_LOT_TAKEN, 1, name);
    lite_int(store, Q_LOT_TAKEN, 2, (int64_t)revision);
    lite_blob(store, Q_LOT_TAKEN, 3, bm_bytes(root, BM_HASH));
    return run_met(store, Q_LOT_TAKEN, ret_taken, "lot", fail);
}

enum bm_rc
bm_store_lot_pinned(struct bm_store *store, const struct bm_store_lot *lot, bm_time now, uint64_t leaf, int64_t *ret_id,
                    struct bm_fail *fail)
{
    enum bm_rc rc;

    lot_bind(store, Q_LOT_PINNED, lot);
    lite_int(store, Q_LOT_PINNED, 6, now);
    lite_int(store, Q_LOT_PINNED, 7, (int64_t)lot->revision);
    lite_int(store, Q_LOT_PINNED, 8, (int64_t)leaf);
    if ((rc = lite_run(store, Q_LOT_PINNED, "lot pinned", fail)) == BM_OK)
        *ret_id = sqlite3_last_insert_rowid(store->db);
    return rc;
}

enum bm_rc
bm_store_lots(struct bm_store *store, enum bm_rc (*lot)(void *ctx, const struct bm_store_lot *lot, struct bm_fail *fail), void *ctx,
              struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row = true;

    while ((rc = lite_step(store, Q_LOTS, &row, "lots", fail)) == BM_OK && row) {
        struct bm_store_lot one = { .id = lite_column_int(store, Q_LOTS, 0),
                                    .size = (uint64_t)lite_column_int(store, Q_LOTS, 4),
                                    .revision = (uint64_t)lite_column_int(store, Q_LOTS, 7) };

        lite_column_text(store, Q_LOTS, 1, one.name, sizeof(one.name));
        lite_column_text(store, Q_LOTS, 2, one.vendor, sizeof(one.vendor));
        lite_column_text(store, Q_LOTS, 3, one.source, sizeof(one.source));
        lite_column_copy(store, Q_LOTS, 5, one.root, BM_HASH);
        lite_column_text(store, Q_LOTS, 6, one.state, sizeof(one.state));
        if ((rc = lot(ctx, &one, fail)) != BM_OK)
            break;
    }
    lite_reset(store, Q_LOTS);
    return rc;
}

enum bm_rc
bm_store_lot_ordered(struct bm_store *store, const char *name, bool *ret_ordered, struct bm_fail *fail)
{
    lite_text(store, Q_LOT_ORDERED, 1, name);
    return run_met(store, Q_LOT_ORDERED, ret_ordered, "lot", fail);
}

enum bm_rc
bm_store_overlap_put(struct bm_store *store, int64_t lot, int64_t other, struct bm_fail *fail)
{
    lite_int(store, Q_OVERLAP_PUT, 1, lot);
    lite_int(store, Q_OVERLAP_PUT, 2, other);
    return lite_run(store, Q_OVERLAP_PUT, "lots with a chip in common", fail);
}

enum bm_rc
bm_store_overlaps(struct bm_store *store, int64_t lot, int64_t *ret_others, size_t most, size_t *ret_n, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row = true;

    *ret_n = 0;
    lite_int(store, Q_OVERLAPS, 1, lot);
    while ((rc = lite_step(store, Q_OVERLAPS, &row, "lots with a chip in common", fail)) == BM_OK && row && *ret_n < most)
        ret_others[(*ret_n)++] = lite_column_int(store, Q_OVERLAPS, 0);
    lite_reset(store, Q_OVERLAPS);
    return rc;
}
