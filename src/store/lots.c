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

enum bm_rc
bm_store_lot_arrive(struct bm_store *store, const char *name, uint64_t revision, const char *vendor, const char *source, uint64_t size,
                    const uint8_t root[static BM_HASH], bm_time now, int64_t *ret_id, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met = false;

    lite_text(store, Q_LOT_ARRIVE, 1, name);
    lite_text(store, Q_LOT_ARRIVE, 2, vendor);
    lite_text(store, Q_LOT_ARRIVE, 3, source);
    lite_int(store, Q_LOT_ARRIVE, 4, (int64_t)size);
    lite_blob(store, Q_LOT_ARRIVE, 5, bm_bytes(root, BM_HASH));
    lite_int(store, Q_LOT_ARRIVE, 6, now);
    lite_int(store, Q_LOT_ARRIVE, 7, (int64_t)revision);
    rc = run_met(store, Q_LOT_ARRIVE, &met, "lot", fail);
    if ((rc == BM_OK && !met) || (rc != BM_OK && sqlite3_errcode(store->db) == SQLITE_CONSTRAINT))
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s, or another with the very same chips, was received before: see `birthmark lot list`",
                       name);
    if (rc == BM_OK)
        *ret_id = sqlite3_last_insert_rowid(store->db);
    return rc;
}

enum bm_rc
bm_store_chip_add(struct bm_store *store, int64_t lot, const struct bm_store_entry *entry, const struct bm_store_key *keys, size_t nkeys,
                  struct bm_fail *fail)
{
    enum bm_rc rc;
    int64_t chip;

    lite_int(store, Q_CHIP_ADD, 1, lot);
    lite_int(store, Q_CHIP_ADD, 2, (int64_t)entry->index);
    lite_text(store, Q_CHIP_ADD, 3, entry->label);
    lite_text(store, Q_CHIP_ADD, 4, entry->root_kind);
    lite_blob(store, Q_CHIP_ADD, 5, entry->leaf);
    lite_text(store, Q_CHIP_ADD, 6, entry->reel);
    lite_text(store, Q_CHIP_ADD, 7, entry->date);
    lite_text(store, Q_CHIP_ADD, 8, entry->firmware);
    if ((rc = lite_run(store, Q_CHIP_ADD, "chip", fail)) != BM_OK)
        return rc;
    chip = sqlite3_last_insert_rowid(store->db);
    for (size_t i = 0; i < nkeys; i++) {
        lite_blob(store, Q_CHIP_KEY_ADD, 1, bm_bytes(keys[i].hash, sizeof(keys[i].hash)));
        lite_blob(store, Q_CHIP_KEY_ADD, 2, bm_bytes(keys[i].ski, sizeof(keys[i].ski)));
        lite_int(store, Q_CHIP_KEY_ADD, 3, chip);
        if ((rc = lite_run(store, Q_CHIP_KEY_ADD, "chip key", fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

enum bm_rc
bm_store_lot_hashes_put(struct bm_store *store, int64_t lot, struct bm_bytes hashes, struct bm_fail *fail)
{
    lite_int(store, Q_LOT_HASHES_PUT, 1, lot);
    lite_blob(store, Q_LOT_HASHES_PUT, 2, hashes);
    return lite_run(store, Q_LOT_HASHES_PUT, "lot hashes", fail);
}

enum bm_rc
bm_store_lot_hashes(struct bm_store *store, int64_t lot, struct bm_buf *hashes, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row = true;

    lite_int(store, Q_LOT_HASHES, 1, lot);
    while (row) {
        if ((rc = lite_step(store, Q_LOT_HASHES, &row, "lot hashes", fail)) != BM_OK)
            return rc;
        if (row)
            bm_buf_add_bytes(hashes, lite_column_blob(store, Q_LOT_HASHES, 0));
    }
    lite_reset(store, Q_LOT_HASHES);
    return bm_buf_check(hashes, "the lot's hashes", fail);
}

enum bm_rc
bm_store_lot_pinned(struct bm_store *store, const uint8_t root[static BM_HASH], bm_time now, uint64_t leaf, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_blob(store, Q_LOT_UNHELD, 1, bm_bytes(root, BM_HASH));
    if ((rc = lite_run(store, Q_LOT_UNHELD, "lot held", fail)) != BM_OK)
        return rc;
    lite_blob(store, Q_LOT_PINNED, 1, bm_bytes(root, BM_HASH));
    lite_int(store, Q_LOT_PINNED, 2, now);
    lite_int(store, Q_LOT_PINNED, 3, (int64_t)leaf);
    if ((rc = run_met(store, Q_LOT_PINNED, &met, "lot pinned", fail)) != BM_OK)
        return rc;
    return met ? BM_OK : bm_fail(fail, BM_EBUG, NULL, "the signer pinned a lot whose chips the store does not hold: restore the store");
}

enum bm_rc
bm_store_lot_drop(struct bm_store *store, int64_t lot, struct bm_fail *fail)
{
    static const enum lite_sql steps[] = { Q_LOT_DROP_KEYS, Q_LOT_DROP_CHIPS, Q_LOT_DROP_HASHES, Q_LOT_DROP };
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; i < BM_COUNT(steps) && rc == BM_OK; i++) {
        lite_int(store, steps[i], 1, lot);
        rc = lite_run(store, steps[i], "lot drop", fail);
    }
    return rc;
}

enum bm_rc
bm_store_lot_drop_arriving(struct bm_store *store, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    for (;;) {
        int64_t lot;

        if ((rc = lite_step(store, Q_LOT_ARRIVING, &row, "lots", fail)) != BM_OK)
            return rc;
        lot = row ? lite_column_int(store, Q_LOT_ARRIVING, 0) : 0;
        lite_reset(store, Q_LOT_ARRIVING);
        if (!row)
            return BM_OK;
        if ((rc = bm_store_lot_drop(store, lot, fail)) != BM_OK)
            return rc;
    }
}

enum bm_rc
bm_store_lot_named(struct bm_store *store, const char *name, bool *ret_known, struct bm_fail *fail)
{
    lite_text(store, Q_LOT_KNOWN, 1, name);
    return run_met(store, Q_LOT_KNOWN, ret_known, "lot", fail);
}

static enum bm_rc
chip_found(struct bm_store *store, enum lite_sql q, bool *ret_found, struct bm_store_chip *ret_chip, struct bm_buf *leaf,
           struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    if ((rc = lite_step(store, q, &row, "chip", fail)) != BM_OK)
        return rc;
    if (row) {
        ret_chip->lot.id = lite_column_int(store, q, 0);
        lite_column_text(store, q, 1, ret_chip->lot.name, sizeof(ret_chip->lot.name));
        lite_column_copy(store, q, 2, ret_chip->lot.root, BM_HASH);
        ret_chip->lot.size = (uint64_t)lite_column_int(store, q, 3);
        ret_chip->id = lite_column_int(store, q, 4);
        ret_chip->index = (uint64_t)lite_column_int(store, q, 5);
        bm_buf_add_bytes(leaf, lite_column_blob(store, q, 6));
        lite_column_copy(store, q, 7, ret_chip->key, BM_HASH);
    }
    lite_reset(store, q);
    *ret_found = row;
    return bm_buf_check(leaf, "the chip's leaf", fail);
}

enum bm_rc
bm_store_chip_by_key(struct bm_store *store, const uint8_t hash[static BM_HASH], bool *ret_found, struct bm_store_chip *ret_chip,
                     struct bm_buf *leaf, struct bm_fail *fail)
{
    lite_blob(store, Q_CHIP_BY_KEY, 1, bm_bytes(hash, BM_HASH));
    return chip_found(store, Q_CHIP_BY_KEY, ret_found, ret_chip, leaf, fail);
}

enum bm_rc
bm_store_chip_by_ski(struct bm_store *store, const uint8_t ski[static 20], bool *ret_found, struct bm_store_chip *ret_chip,
                     struct bm_buf *leaf, struct bm_fail *fail)
{
    lite_blob(store, Q_CHIP_BY_SKI, 1, bm_bytes(ski, 20));
    return chip_found(store, Q_CHIP_BY_SKI, ret_found, ret_chip, leaf, fail);
}

enum bm_rc
bm_store_chip_of_lot(struct bm_store *store, const uint8_t hash[static BM_HASH], const char *lot, bool *ret_found, int64_t *ret_chip,
                     struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_blob(store, Q_CHIP_OF_LOT, 1, bm_bytes(hash, BM_HASH));
    lite_text(store, Q_CHIP_OF_LOT, 2, lot);
    if ((rc = lite_step(store, Q_CHIP_OF_LOT, ret_found, "chip", fail)) != BM_OK)
        return rc;
    if (*ret_found)
        *ret_chip = lite_column_int(store, Q_CHIP_OF_LOT, 0);
    lite_reset(store, Q_CHIP_OF_LOT);
    return BM_OK;
}
