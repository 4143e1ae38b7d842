/* lite.h - the SQLite engine's inside: prepared statements, binding and stepping. Only files of this room include it. */
#ifndef BM_LITE_H
#define BM_LITE_H

#include "store/store.h"

#include <sqlite3.h>

/* Every statement that writes or looks up one thing, prepared once at open. Lists are prepared when asked for: they are no hot path. */
enum lite_sql {
    Q_BEGIN,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_VENDOR_PUT,
    Q_VENDOR_GET,
    Q_VENDOR_RETIRE,
    Q_LOT_TAKEN,
    Q_LOT_PINNED,
    Q_LOT_SUPERSEDED,
    Q_LOT_STATE,
    Q_LOT_ORDERED,
    Q_LOTS,
    Q_OVERLAP_PUT,
    Q_OVERLAPS,
    Q_HALTED_FIND,
    Q_HALTED_ADD,
    Q_HALTED_SET,
    Q_HALTED_KEY,
    Q_CHIP_ROW,
    Q_PROPOSAL_PUT,
    Q_PROPOSAL_APPROVED,
    Q_PROPOSAL_REJECT,
    Q_PROPOSAL_BEHIND,
    Q_ORDER_RAISE,
    Q_ORDER_CLOSE,
    Q_COUNTED_ADD,
    Q_ORDER_PUT,
    Q_ORDER_LOT_DROP,
    Q_ORDER_LOT_PUT,
    Q_ORDER_PROFILE_DROP,
    Q_ORDER_PROFILE_PUT,
    Q_CHOOSE_UNIT,
    Q_CHOOSE_NAMED,
    Q_CHOOSE_OPEN,
    Q_ORDER_SAYS,
    Q_ORDER_STATION_PUT,
    Q_ORDER_STATION_GET,
    Q_MADE_AT,
    Q_ORDER_SERIALS,
    Q_UNIT_PUT,
    Q_UNIT_OTHER,
    Q_SERIALS_BEGIN,
    Q_PATTERNS,
    Q_SERIAL_TWIN,
    Q_UNIT_NAMED,
    Q_UNIT_NEXT,
    Q_UNIT_SETTLE,
    Q_UNIT_TAKEN,
    Q_DEVICE_PUT,
    Q_DEVICE_KEY,
    Q_DEVICE_MOVE,
    Q_DEVICE_OF,
    Q_DEVICE_LOT,
    Q_DEVICE_NAMES,
    Q_DEVICE_UNCHIP,
    Q_DEVICE_CHIP,
    Q_MOVE_ADD,
    Q_LIVE_NEXT,
    Q_SUPPORT_PUT,
    Q_SUPPORT_USED,
    Q_SUPPORT_CLOSE,
    Q_SUPPORT_CHOOSE,
    Q_SUPPORT_ENDED,
    Q_ORDER_USED,
    Q_IDENTITY_PUT,
    Q_IDENTITY_STATE,
    Q_IDENTITY_RENEWS,
    Q_IDENTITY_RENEWED,
    Q_IDENTITY_ENDED,
    Q_IDENTITY_BY_KEY,
    Q_IDENTITY_BY_SERIAL,
    Q_LEAF_ADD,
    Q_LEAF_COUNT,
    Q_LEAF_HASHES,
    Q_LEAF_GET,
    Q_TILE_PUT,
    Q_TILE_GET,
    Q_CHECKPOINT_PUT,
    Q_CHECKPOINT_GET,
    Q_ALARM_ADD,
    Q_ALARM_SETTLE,
    Q__N
};

struct bm_store {
    sqlite3 *db;
    sqlite3_stmt *q[Q__N];
};

#define LITE_VERSION 11
#define LITE_TIME(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column ", 'unixepoch')" /* as rows show times */
extern const char *const lite_schema;                                               /* makes what is not there, in one transaction */
extern const char *const lite_sql[Q__N];

/* rows_page.c: the list's statement for these filters, with a NUL behind it: what a test has explained to it. */
bm_must_use enum bm_rc lite_list_sql(struct bm_buf *sql, struct bm_store *store, const char *what, const struct bm_store_filter *filter,
                                     struct bm_fail *fail);

/* units.c: the device that this identity makes gets what the planner said of it. */
bm_must_use enum bm_rc lite_unit_settle(struct bm_store *store, const struct bm_store_identity *identity, struct bm_fail *fail);

/* The sentence for what SQLite says; BM_EBUSY for full disks, locks and I/O, BM_EBUG for the rest. */
bm_must_use enum bm_rc lite_fail(struct bm_store *store, const char *what, struct bm_fail *fail);

/* Binding: by position from 1; NULL texts and empty blobs bind as NULL. Views must live until the statement is reset. */
void lite_int(struct bm_store *store, enum lite_sql q, int at, int64_t v);
void lite_text(struct bm_store *store, enum lite_sql q, int at, const char *s);
void lite_blob(struct bm_store *store, enum lite_sql q, int at, struct bm_bytes v);

/* Runs a statement that gives no rows. */
bm_must_use enum bm_rc lite_run(struct bm_store *store, enum lite_sql q, const char *what, struct bm_fail *fail);
/* Steps: *ret_row says whether a row stands ready for lite_column_*; the caller ends with lite_reset(). */
bm_must_use enum bm_rc lite_step(struct bm_store *store, enum lite_sql q, bool *ret_row, const char *what, struct bm_fail *fail);
void lite_reset(struct bm_store *store, enum lite_sql q);

int64_t lite_column_int(struct bm_store *store, enum lite_sql q, int at);
void lite_column_text(struct bm_store *store, enum lite_sql q, int at, char *ret, size_t n); /* cut to fit */
struct bm_bytes lite_column_blob(struct bm_store *store, enum lite_sql q, int at);
void lite_column_copy(struct bm_store *store, enum lite_sql q, int at, uint8_t *ret, size_t n); /* zeroes when of another length */

#endif
