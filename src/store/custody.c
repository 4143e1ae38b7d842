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

enum bm_rc
bm_store_lot_held(struct bm_store *store, const struct bm_store_held *held, bm_time now, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_text(store, Q_LOT_HELD, 1, held->name);
    lite_text(store, Q_LOT_HELD, 2, held->vendor);
    lite_text(store, Q_LOT_HELD, 3, held->source);
    lite_int(store, Q_LOT_HELD, 4, (int64_t)held->size);
    lite_blob(store, Q_LOT_HELD, 5, bm_bytes(held->root, BM_HASH));
    lite_int(store, Q_LOT_HELD, 6, now);
    lite_text(store, Q_LOT_HELD, 7, held->reason);
    rc = run_met(store, Q_LOT_HELD, &met, "lot held", fail);
    if ((rc == BM_OK && !met) || (rc != BM_OK && sqlite3_errcode(store->db) == SQLITE_CONSTRAINT))
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s, or another with the very same chips, was received before: see `birthmark lot list`",
                       held->name);
    return rc;
}

enum bm_rc
bm_store_chip_at(struct bm_store *store, const char *lot, uint64_t index, bool *ret_found, struct bm_buf *leaf, struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_text(store, Q_CHIP_AT, 1, lot);
    lite_int(store, Q_CHIP_AT, 2, (int64_t)index);
    if ((rc = lite_step(store, Q_CHIP_AT, ret_found, "chip", fail)) != BM_OK)
        return rc;
    if (*ret_found)
        bm_buf_add_bytes(leaf, lite_column_blob(store, Q_CHIP_AT, 0));
    lite_reset(store, Q_CHIP_AT);
    return bm_buf_check(leaf, "the chip's leaf", fail);
}

enum bm_rc
bm_store_chip_elsewhere(struct bm_store *store, const uint8_t hash[static BM_HASH], const char *lot, bool *ret_found,
                        char ret_lot[static BM_MAX_NAME + 1], char ret_id[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_blob(store, Q_CHIP_ELSEWHERE, 1, bm_bytes(hash, BM_HASH));
    lite_text(store, Q_CHIP_ELSEWHERE, 2, lot);
    if ((rc = lite_step(store, Q_CHIP_ELSEWHERE, ret_found, "chip", fail)) != BM_OK)
        return rc;
    if (*ret_found) {
        lite_column_text(store, Q_CHIP_ELSEWHERE, 0, ret_lot, BM_MAX_NAME + 1);
        lite_column_text(store, Q_CHIP_ELSEWHERE, 1, ret_id, BM_MAX_NAME + 1);
    }
    lite_reset(store, Q_CHIP_ELSEWHERE);
    return BM_OK;
}

enum bm_rc
bm_store_id_elsewhere(struct bm_store *store, const char *id, const char *vendor, const char *lot, bool *ret_found,
                      char ret_lot[static BM_MAX_NAME + 1], struct bm_buf *leaf, struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_text(store, Q_ID_ELSEWHERE, 1, id);
    lite_text(store, Q_ID_ELSEWHERE, 2, vendor);
    lite_text(store, Q_ID_ELSEWHERE, 3, lot);
    if ((rc = lite_step(store, Q_ID_ELSEWHERE, ret_found, "chip", fail)) != BM_OK)
        return rc;
    if (*ret_found) {
        lite_column_text(store, Q_ID_ELSEWHERE, 0, ret_lot, BM_MAX_NAME + 1);
        bm_buf_add_bytes(leaf, lite_column_blob(store, Q_ID_ELSEWHERE, 1));
    }
    lite_reset(store, Q_ID_ELSEWHERE);
    return bm_buf_check(leaf, "the chip's leaf", fail);
}

enum bm_rc
bm_store_chip_state(struct bm_store *store, const uint8_t hash[static BM_HASH], const char *state, const char *reason, struct bm_fail *fail)
{
    lite_blob(store, Q_CHIP_STATE, 1, bm_bytes(hash, BM_HASH));
    lite_text(store, Q_CHIP_STATE, 2, state);
    lite_text(store, Q_CHIP_STATE, 3, reason);
    return lite_run(store, Q_CHIP_STATE, "chip's state", fail);
}
