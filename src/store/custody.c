/* What became of lots and chips after they came in. */
#include "store/lite.h"

static enum bm_rc
run_met(struct bm_store *store, enum lite_sql q, bool *ret_met, const char *what, struct bm_fail *fail)
{
    enum bm_rc rc = lite_step(store, q, ret_met, what, fail);

    if (rc == BM_OK)
        lite_reset(store, q);
    return rc;
}

enum bm_rc
bm_store_lot_state(struct bm_store *store, const char *name, const char *state, const char *reason, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_text(store, Q_LOT_STATE, 1, name);
    lite_text(store, Q_LOT_STATE, 2, state);
    lite_text(store, Q_LOT_STATE, 3, reason);
    if ((rc = run_met(store, Q_LOT_STATE, &met, "lot's state", fail)) != BM_OK)
        return rc;
    return met ? BM_OK
               : bm_fail(fail, BM_EBUG, NULL, "the signer speaks of lot %s, which the store does not hold: restore the store", name);
}

enum bm_rc
bm_store_lot_superseded(struct bm_store *store, const char *name, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_text(store, Q_LOT_SUPERSEDED, 1, name);
    if ((rc = run_met(store, Q_LOT_SUPERSEDED, &met, "lot superseded", fail)) != BM_OK)
        return rc;
    return met ? BM_OK
               : bm_fail(fail, BM_EBUG, NULL, "the signer speaks of lot %s, which the store does not hold: restore the store", name);
}

/* ---- chips that may not be used ---- */

/* The record of the chip that has one of these names; 0 when none. */
static enum bm_rc
halted_find(struct bm_store *store, const uint8_t (*names)[BM_HASH], size_t n, int64_t *ret_id, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;
    bool row = false;

    *ret_id = 0;
    for (size_t i = 0; i < n && !row; i++) {
        lite_blob(store, Q_HALTED_FIND, 1, bm_bytes(names[i], BM_HASH));
        if ((rc = lite_step(store, Q_HALTED_FIND, &row, "chip's state", fail)) != BM_OK)
            return rc;
        if (row)
            *ret_id = lite_column_int(store, Q_HALTED_FIND, 0);
        lite_reset(store, Q_HALTED_FIND);
    }
    return BM_OK;
}

enum bm_rc
bm_store_chip_halt(struct bm_store *store, const char *lot, const uint8_t (*names)[BM_HASH], size_t n, const char *state,
                   const char *reason, struct bm_fail *fail)
{
    enum bm_rc rc;
    int64_t id;

    if ((rc = halted_find(store, names, n, &id, fail)) != BM_OK)
        return rc;
    if (id != 0) {
        lite_int(store, Q_HALTED_SET, 1, id);
        lite_text(store, Q_HALTED_SET, 2, state);
        lite_text(store, Q_HALTED_SET, 3, reason);
        return lite_run(store, Q_HALTED_SET, "chip's state", fail);
    }
    lite_text(store, Q_HALTED_ADD, 1, lot);
    lite_text(store, Q_HALTED_ADD, 2, state);
    lite_text(store, Q_HALTED_ADD, 3, reason);
    if ((rc = lite_run(store, Q_HALTED_ADD, "chip's state", fail)) != BM_OK)
        return rc;
    id = sqlite3_last_insert_rowid(store->db);
    for (size_t i = 0; i < n; i++) {
        lite_blob(store, Q_HALTED_KEY, 1, bm_bytes(names[i], BM_HASH));
        lite_int(store, Q_HALTED_KEY, 2, id);
        if ((rc = lite_run(store, Q_HALTED_KEY, "chip's state", fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* ---- a chip as lists show it ---- */

static void
chip_bind(struct bm_store *store, const struct bm_store_chip *chip, const char *state)
{
    lite_text(store, Q_CHIP_ROW, 1, chip->label);
    lite_text(store, Q_CHIP_ROW, 2, chip->lot);
    lite_int(store, Q_CHIP_ROW, 3, (int64_t)chip->index);
    lite_text(store, Q_CHIP_ROW, 4, chip->root_kind);
    lite_text(store, Q_CHIP_ROW, 6, chip->reel);
    lite_text(store, Q_CHIP_ROW, 7, chip->date);
    lite_text(store, Q_CHIP_ROW, 8, chip->firmware);
    lite_text(store, Q_CHIP_ROW, 9, chip->other);
    for (size_t i = 0; i < BM_MAX_CHIP_KEYS; i++)
        lite_blob(store, Q_CHIP_ROW, 10 + (int)i, i < chip->nnames ? bm_bytes(chip->names[i], BM_HASH) : bm_bytes(NULL, 0));
    lite_text(store, Q_CHIP_ROW, 5, state);
    lite_text(store, Q_CHIP_ROW, 10 + BM_MAX_CHIP_KEYS, chip->id_source);
    lite_text(store, Q_CHIP_ROW, 11 + BM_MAX_CHIP_KEYS, chip->withdrawn);
}

enum bm_rc
bm_store_chip_row(struct bm_store *store, const struct bm_store_chip *chip, const char *state, bm_store_row *row, void *ctx,
                  bool *ret_given, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    chip_bind(store, chip, state);
    if ((rc = lite_step(store, Q_CHIP_ROW, ret_given, "chip", fail)) != BM_OK)
        return rc;
    if (*ret_given)
        bm_buf_add_bytes(&json, lite_column_blob(store, Q_CHIP_ROW, 0));
    lite_reset(store, Q_CHIP_ROW);
    bm_buf_add_u8(&json, 0);
    if ((rc = bm_buf_check(&json, "the chip's row", fail)) != BM_OK || !*ret_given)
        return rc;
    return row(ctx, (const char *)json.p, fail);
}
