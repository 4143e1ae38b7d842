/* The ledger's leaves and tiles, the checkpoint, the alarms. */
#include "store/lite.h"

enum bm_rc
bm_store_leaf_add(struct bm_store *store, const struct bm_store_leaf *leaf, struct bm_fail *fail)
{
    lite_int(store, Q_LEAF_ADD, 1, (int64_t)leaf->index);
    lite_int(store, Q_LEAF_ADD, 2, leaf->kind);
    lite_int(store, Q_LEAF_ADD, 3, leaf->time);
    lite_blob(store, Q_LEAF_ADD, 4, bm_bytes(leaf->hash, BM_HASH));
    lite_blob(store, Q_LEAF_ADD, 5, bm_bytes(leaf->salt, 32));
    lite_blob(store, Q_LEAF_ADD, 6, leaf->event);
    lite_text(store, Q_LEAF_ADD, 7, leaf->device[0] == 0 ? NULL : leaf->device);
    lite_blob(store, Q_LEAF_ADD, 8, leaf->attachment);
    return lite_run(store, Q_LEAF_ADD, "ledger leaf", fail);
}

enum bm_rc
bm_store_leaf_count(struct bm_store *store, uint64_t *ret_n, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    if ((rc = lite_step(store, Q_LEAF_COUNT, &row, "ledger size", fail)) != BM_OK)
        return rc;
    *ret_n = row ? (uint64_t)lite_column_int(store, Q_LEAF_COUNT, 0) : 0;
    lite_reset(store, Q_LEAF_COUNT);
    return BM_OK;
}

enum bm_rc
bm_store_leaf_hashes(struct bm_store *store, uint64_t first, size_t most, struct bm_buf *hashes, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row = true;

    lite_int(store, Q_LEAF_HASHES, 1, (int64_t)first);
    lite_int(store, Q_LEAF_HASHES, 2, (int64_t)most);
    while (row) {
        if ((rc = lite_step(store, Q_LEAF_HASHES, &row, "ledger hashes", fail)) != BM_OK)
            return rc;
        if (row)
            bm_buf_add_bytes(hashes, lite_column_blob(store, Q_LEAF_HASHES, 0));
    }
    lite_reset(store, Q_LEAF_HASHES);
    return bm_buf_check(hashes, "the ledger's hashes", fail);
}

enum bm_rc
bm_store_leaf_get(struct bm_store *store, uint64_t index, uint8_t *ret_kind, uint8_t ret_salt[static 32], struct bm_buf *event,
                  struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    lite_int(store, Q_LEAF_GET, 1, (int64_t)index);
    if ((rc = lite_step(store, Q_LEAF_GET, &row, "ledger leaf", fail)) != BM_OK)
        return rc;
    if (row) {
        *ret_kind = (uint8_t)lite_column_int(store, Q_LEAF_GET, 0);
        lite_column_copy(store, Q_LEAF_GET, 1, ret_salt, 32);
        bm_buf_add_bytes(event, lite_column_blob(store, Q_LEAF_GET, 2));
    }
    lite_reset(store, Q_LEAF_GET);
    if (!row)
        return bm_fail(fail, BM_EPOLICY, NULL, "the ledger has no leaf %llu", (unsigned long long)index);
    return bm_buf_check(event, "the event", fail);
}

enum bm_rc
bm_store_tile_put(struct bm_store *store, unsigned level, uint64_t n, struct bm_bytes hashes, struct bm_fail *fail)
{
    lite_int(store, Q_TILE_PUT, 1, level);
    lite_int(store, Q_TILE_PUT, 2, (int64_t)n);
    lite_blob(store, Q_TILE_PUT, 3, hashes);
    return lite_run(store, Q_TILE_PUT, "tile", fail);
}

enum bm_rc
bm_store_tile_get(struct bm_store *store, unsigned level, uint64_t n, struct bm_buf *hashes, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    lite_int(store, Q_TILE_GET, 1, level);
    lite_int(store, Q_TILE_GET, 2, (int64_t)n);
    if ((rc = lite_step(store, Q_TILE_GET, &row, "tile", fail)) != BM_OK)
        return rc;
    if (row)
        bm_buf_add_bytes(hashes, lite_column_blob(store, Q_TILE_GET, 0));
    lite_reset(store, Q_TILE_GET);
    if (!row)
        return bm_fail(fail, BM_EBUG, NULL, "the store misses tile %u/%llu of the ledger: restore it", level, (unsigned long long)n);
    return bm_buf_check(hashes, "the tile", fail);
}

enum bm_rc
bm_store_checkpoint_put(struct bm_store *store, struct bm_bytes note, struct bm_fail *fail)
{
    lite_blob(store, Q_CHECKPOINT_PUT, 1, note);
    return lite_run(store, Q_CHECKPOINT_PUT, "checkpoint", fail);
}

enum bm_rc
bm_store_checkpoint_get(struct bm_store *store, struct bm_buf *note, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    if ((rc = lite_step(store, Q_CHECKPOINT_GET, &row, "checkpoint", fail)) != BM_OK)
        return rc;
    if (row)
        bm_buf_add_bytes(note, lite_column_blob(store, Q_CHECKPOINT_GET, 0));
    lite_reset(store, Q_CHECKPOINT_GET);
    if (!row)
        return bm_fail(fail, BM_EPOLICY, NULL, "the ledger has no checkpoint yet");
    return bm_buf_check(note, "the checkpoint", fail);
}

static const char *
text_or_null(const char *s)
{
    return s == NULL || s[0] == 0 ? NULL : s;
}

enum bm_rc
bm_store_alarm_add(struct bm_store *store, const struct bm_store_alarm *alarm, uint64_t *ret_id, struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_int(store, Q_ALARM_ADD, 1, alarm->time);
    lite_text(store, Q_ALARM_ADD, 2, alarm->kind);
    lite_text(store, Q_ALARM_ADD, 3, alarm->sentence);
    lite_text(store, Q_ALARM_ADD, 4, text_or_null(alarm->device));
    lite_text(store, Q_ALARM_ADD, 5, text_or_null(alarm->chip));
    lite_text(store, Q_ALARM_ADD, 6, text_or_null(alarm->lot));
    lite_text(store, Q_ALARM_ADD, 7, text_or_null(alarm->by));
    if (alarm->has_leaf)
        lite_int(store, Q_ALARM_ADD, 8, (int64_t)alarm->leaf);
    if ((rc = lite_run(store, Q_ALARM_ADD, "alarm", fail)) == BM_OK)
        *ret_id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return rc;
}

enum bm_rc
bm_store_alarm_settle(struct bm_store *store, uint64_t id, const char *by, const char *note, bm_time now, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_int(store, Q_ALARM_SETTLE, 1, (int64_t)id);
    lite_int(store, Q_ALARM_SETTLE, 2, now);
    lite_text(store, Q_ALARM_SETTLE, 3, by);
    lite_text(store, Q_ALARM_SETTLE, 4, note);
    if ((rc = lite_step(store, Q_ALARM_SETTLE, &met, "alarm", fail)) != BM_OK)
        return rc;
    lite_reset(store, Q_ALARM_SETTLE);
    return met ? BM_OK
               : bm_fail(fail, BM_EPOLICY, NULL, "no open alarm has the number %llu: see `birthmark alarm list`", (unsigned long long)id);
}
