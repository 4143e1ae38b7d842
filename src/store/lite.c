#include "store/lite.h"

#include <stdlib.h>

static const struct {
    int code;
    enum bm_rc rc;
    const char *sentence;
} troubles[] = {
    { SQLITE_FULL, BM_EBUSY, "the disk is full: free some space, then start again" },
    { SQLITE_BUSY, BM_EBUSY, "another process holds the database" },
    { SQLITE_LOCKED, BM_EBUSY, "another process holds the database" },
    { SQLITE_CANTOPEN, BM_EBUSY, "the database cannot be opened: look at the directory's owner and permissions" },
    { SQLITE_PERM, BM_EBUSY, "the database may not be opened: look at its owner and permissions" },
    { SQLITE_READONLY, BM_EBUSY, "the database may not be written: look at its owner and permissions" },
    { SQLITE_IOERR, BM_EBUSY, "the disk fails to read or write the database" },
    { SQLITE_NOMEM, BM_ENOMEM, "there is no memory" },
    { SQLITE_CORRUPT, BM_EBUG, "the database is damaged: restore it" },
    { SQLITE_NOTADB, BM_EBUG, "the file is no database: restore it" },
};

enum bm_rc
lite_fail(struct bm_store *store, const char *what, struct bm_fail *fail)
{
    int code = sqlite3_errcode(store->db) & 0xff;

    for (size_t i = 0; i < BM_COUNT(troubles); i++)
        if (troubles[i].code == code)
            return bm_fail(fail, troubles[i].rc, NULL, "the store: %s (%s)", troubles[i].sentence, what);
    return bm_fail(fail, BM_EBUG, NULL, "the store: %s: %s", what, sqlite3_errmsg(store->db));
}

static enum bm_rc
exec(struct bm_store *store, const char *sql, struct bm_fail *fail)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? BM_OK : lite_fail(store, "opening it", fail);
}

static enum bm_rc
prepare_all(struct bm_store *store, struct bm_fail *fail)
{
    for (size_t i = 0; i < Q__N; i++)
        if (sqlite3_prepare_v3(store->db, lite_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &store->q[i], NULL) != SQLITE_OK)
            return lite_fail(store, "tables", fail);
    return BM_OK;
}

/* Before the schema is looked at, which another release's store does not fit. A new one has no table yet. */
static enum bm_rc
version_check(struct bm_store *store, struct bm_fail *fail)
{
    sqlite3_stmt *query = NULL;
    int64_t version = LITE_VERSION;

    if (sqlite3_prepare_v2(store->db, "SELECT value FROM meta WHERE key = 'schema'", -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        version = sqlite3_column_int64(query, 0);
    (void)sqlite3_finalize(query);
    return version == LITE_VERSION
               ? BM_OK
               : bm_fail(fail, BM_EBUG, NULL,
                         "the store is of version %lld and this release reads version %d: run the release that wrote it, or move it away: "
                         "all but the vendors is made again from the signer's journal and the lots",
                         (long long)version, LITE_VERSION);
}

enum bm_rc
bm_store_open(struct bm_store **ret_store, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_store_done) struct bm_store *store = calloc(1, sizeof(*store));
    enum bm_rc rc;

    if (store == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the store");
    /* One thread, nobody who asks how much memory is used: no locks. Both only count before the first use; later calls change nothing. */
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return lite_fail(store, path, fail);
    /* One process owns the file for as long as it runs: EXCLUSIVE saves the shared-memory file and a lock a commit. */
    if ((rc = exec(store,
                   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                   "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384; PRAGMA trusted_schema=OFF; PRAGMA "
                   "wal_autocheckpoint=16000;",
                   fail)) != BM_OK ||
        (rc = version_check(store, fail)) != BM_OK || (rc = exec(store, lite_schema, fail)) != BM_OK ||
        (rc = prepare_all(store, fail)) != BM_OK)
        return rc;
    *ret_store = bm_take(store);
    return BM_OK;
}

void
bm_store_close(struct bm_store *store)
{
    if (store == NULL)
        return;
    bm_store_rollback(store);
    for (size_t i = 0; i < Q__N; i++)
        (void)sqlite3_finalize(store->q[i]);
    (void)sqlite3_close(store->db);
    free(store);
}

void
bm_store_done(struct bm_store **store)
{
    bm_store_close(*store);
    *store = NULL;
}

enum bm_rc
bm_store_begin(struct bm_store *store, struct bm_fail *fail)
{
    return lite_run(store, Q_BEGIN, "begin", fail);
}

enum bm_rc
bm_store_commit(struct bm_store *store, struct bm_fail *fail)
{
    return lite_run(store, Q_COMMIT, "commit", fail);
}

void
bm_store_rollback(struct bm_store *store)
{
    struct bm_fail ignored;

    if (store->db != NULL && store->q[Q_ROLLBACK] != NULL && !sqlite3_get_autocommit(store->db))
        (void)!lite_run(store, Q_ROLLBACK, "rollback", &ignored);
}

/* A failed bind leaves NULL, which the schema's NOT NULL refuses: no check is needed at every call. */
void
lite_int(struct bm_store *store, enum lite_sql q, int at, int64_t v)
{
    (void)sqlite3_bind_int64(store->q[q], at, v);
}

void
lite_text(struct bm_store *store, enum lite_sql q, int at, const char *s)
{
    (void)sqlite3_bind_text(store->q[q], at, s, -1, SQLITE_STATIC);
}

void
lite_blob(struct bm_store *store, enum lite_sql q, int at, struct bm_bytes v)
{
    (void)sqlite3_bind_blob64(store->q[q], at, v.n == 0 ? NULL : v.p, v.n, SQLITE_STATIC);
}

enum bm_rc
lite_step(struct bm_store *store, enum lite_sql q, bool *ret_row, const char *what, struct bm_fail *fail)
{
    int r = sqlite3_step(store->q[q]);

    if (r != SQLITE_ROW && r != SQLITE_DONE) {
        enum bm_rc rc = lite_fail(store, what, fail);

        lite_reset(store, q);
        return rc;
    }
    *ret_row = r == SQLITE_ROW;
    return BM_OK;
}

void
lite_reset(struct bm_store *store, enum lite_sql q)
{
    (void)sqlite3_reset(store->q[q]);
    (void)sqlite3_clear_bindings(store->q[q]);
}

enum bm_rc
lite_run(struct bm_store *store, enum lite_sql q, const char *what, struct bm_fail *fail)
{
    bool row;
    enum bm_rc rc = lite_step(store, q, &row, what, fail);

    if (rc == BM_OK)
        lite_reset(store, q);
    return rc;
}

int64_t
lite_column_int(struct bm_store *store, enum lite_sql q, int at)
{
    return sqlite3_column_int64(store->q[q], at);
}

void
lite_column_text(struct bm_store *store, enum lite_sql q, int at, char *ret, size_t n)
{
    const unsigned char *s = sqlite3_column_text(store->q[q], at);

    (void)snprintf(ret, n, "%s", s == NULL ? "" : (const char *)s);
}

struct bm_bytes
lite_column_blob(struct bm_store *store, enum lite_sql q, int at)
{
    const void *p = sqlite3_column_blob(store->q[q], at);

    return bm_bytes(p, p == NULL ? 0 : (size_t)sqlite3_column_bytes(store->q[q], at));
}

void
lite_column_copy(struct bm_store *store, enum lite_sql q, int at, uint8_t *ret, size_t n)
{
    struct bm_bytes v = lite_column_blob(store, q, at);

    if (v.n == n)
        memcpy(ret, v.p, n);
    else
        memset(ret, 0, n);
}
