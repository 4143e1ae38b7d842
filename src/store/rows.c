/* Lists for people and machines: SQLite writes the JSON, so that the field names stand beside the columns they come from (docs/formats/store.md). */
#include "store/lite.h"

#define TIME LITE_TIME
#define ANY(at, column) "(" at " IS NULL OR " column " = " at ")"
#define PAGE(key) " AND " key " > ?8 ORDER BY " key " LIMIT ?9"

/*
 * Parameters of every list: 1 name, 2 state, 3 lot, 4 order, 5 profile, 6 device, 7 after; a list without a column for one ignores it.
 * Then 8 the key after which this page begins, 9 how many rows. Columns: the row's JSON, its key.
 */
/* clang-format off */
static const struct {
    const char *what;
    const char *sql;
} lists[] = {
    { "vendor",
      "SELECT json_object('vendor', v.name, 'format', v.format, 'state', CASE v.retired WHEN 0 THEN 'active' ELSE 'retired' END,"
      " 'added', " TIME("v.added") "), v.rowid"
      " FROM vendor v WHERE " ANY("?1", "v.name") PAGE("v.rowid") },
    { "lot",
      "SELECT json_object('lot', l.name, 'vendor', l.vendor, 'chips', l.size, 'received', " TIME("l.received") ", 'state', l.state,"
      " 'source', l.source, 'root', lower(hex(l.root)), 'units', (SELECT count(*) FROM device d WHERE d.lot = l.name), 'leaf', l.leaf,"
      " 'scrapped', (SELECT count(*) FROM halted h WHERE h.lot = l.name AND h.state = 'scrapped'),"
      " 'withdrawn', (SELECT count(*) FROM halted h WHERE h.lot = l.name AND h.state = 'withdrawn'),"
      " 'ordered', (SELECT coalesce(sum(o.quantity), 0) FROM order_lot n JOIN ord o ON o.name = n.ord WHERE n.lot = l.name),"
      " 'left', (SELECT coalesce(sum(o.quantity - o.used), 0) FROM order_lot n JOIN ord o ON o.name = n.ord WHERE n.lot = l.name AND"
      " o.state = 'open'), 'reason', l.reason, 'revision', l.revision), l.id"
      " FROM lot l WHERE (?1 IS NULL OR (l.name = ?1 AND l.state <> 'superseded')) AND " ANY("?2", "l.state") PAGE("l.id") },
    { "order",
      "SELECT json_object('order', o.name, 'quantity', o.quantity, 'used', o.used, 'left', o.quantity - o.used,"
      " 'lots', (SELECT json_group_array(n.lot) FROM order_lot n WHERE n.ord = o.name),"
      " 'profiles', (SELECT json_group_array(p.name) FROM order_profile p WHERE p.ord = o.name), 'from', " TIME("o.valid_from") ","
      " 'until', CASE WHEN o.valid_until >= 253402300799 THEN NULL ELSE " TIME("o.valid_until") " END, 'state', o.state, 'leaf', o.leaf), o.id"
      " FROM ord o WHERE " ANY("?1", "o.name") " AND " ANY("?2", "o.state") PAGE("o.id") },
    { "profile",
      "SELECT json_object('profile', p.name, 'service', p.service, 'order', p.ord, 'text', CAST(p.text AS TEXT)), p.rowid"
      " FROM order_profile p WHERE " ANY("?1", "p.name") " AND " ANY("?4", "p.ord") PAGE("p.rowid") },
    { "device",
      "SELECT json_object('device', d.id, 'chip', d.chip, 'lot', d.lot, 'order', d.ord,"
      " 'profile', (SELECT group_concat(DISTINCT i.profile) FROM identity i WHERE i.device = d.id), 'state', d.state, 'root', d.root_kind,"
      " 'proven', (SELECT group_concat(DISTINCT i.proven) FROM identity i WHERE i.device = d.id AND i.state IN ('provisional', 'active')),"
      " 'made', " TIME("d.made") ", 'identities', (SELECT count(DISTINCT i.service) FROM identity i WHERE i.device = d.id AND i.state IN ('provisional',"
      " 'active')), 'renewed', (SELECT count(*) FROM identity i WHERE i.device = d.id AND i.renews IS NOT NULL AND i.seen IS NOT NULL)), d.rowid"
      " FROM device d WHERE " ANY("?1", "d.id") " AND " ANY("?2", "d.state") " AND " ANY("?3", "d.lot")
      " AND " ANY("?4", "d.ord") " AND (?5 IS NULL OR EXISTS(SELECT 1 FROM identity i WHERE i.device = d.id AND i.profile = ?5))"
      PAGE("d.rowid") },
    { "identity",
      "SELECT json_object('device', i.device, 'service', i.service, 'profile', i.profile, 'order', i.ord, 'serial', lower(hex(i.serial)),"
      " 'state', i.state, 'evidence', i.evidence_class, 'proven', i.proven, 'issued', " TIME("i.issued") ", 'not_after', " TIME("i.not_after") ","
      " 'key', lower(hex(i.key)), 'reason', i.reason, 'leaf', i.leaf, 'renews', lower(hex(i.renews)), 'retires', " TIME("i.retires") "), i.id"
      " FROM identity i WHERE " ANY("?6", "i.device") " AND " ANY("?2", "i.state") " AND " ANY("?4", "i.ord") " AND " ANY("?5", "i.profile")
      " AND " ANY("lower(?1)", "lower(hex(i.serial))") PAGE("i.id") },
    { "alarm",
      "SELECT json_object('alarm', a.id, 'time', " TIME("a.time") ", 'kind', a.kind, 'sentence', a.sentence, 'device', a.device,"
      " 'chip', a.chip, 'lot', a.lot, 'by', a.operator, 'leaf', a.leaf, 'state', CASE WHEN a.settled IS NULL THEN 'open' ELSE 'settled' END,"
      " 'settled_by', a.settled_by, 'note', a.note), a.id"
      " FROM alarm a WHERE a.id > ?7 AND (?1 IS NULL OR CAST(a.id AS TEXT) = ?1) AND (?2 IS NULL OR (?2 = 'open') = (a.settled IS NULL))"
      " AND " ANY("?3", "a.lot") " AND " ANY("?6", "a.device") PAGE("a.id") },
    { "proposal",
      "SELECT json_object('proposal', p.id, 'state', p.state, 'act', p.act, 'vendor', p.vendor, 'check', p.chk, 'lot', p.lot,"
      " 'until', " TIME("p.until") ", 'reason', p.reason, 'by', p.operator, 'time', " TIME("p.time") ", 'expires', " TIME("p.expires") ","
      " 'second', p.second, 'why', p.why, 'leaf', p.leaf, 'number', lower(hex(p.number)), 'note', CAST(p.note AS TEXT),"
      " 'head', CASE p.act WHEN 'pin' THEN CAST(substr(p.behind, 5) AS TEXT) END), p.id"
      " FROM proposal p WHERE (?1 IS NULL OR CAST(p.id AS TEXT) = ?1) AND " ANY("?2", "p.state") " AND " ANY("?3", "p.lot") PAGE("p.id") },
    /* The last statement of roles, without its length before and the count of profiles (none) behind. 2: BM_EVENT_ROLES_SET; the founding's has no
     * statement, but the roles' bare text. */
    { "roles",
      "SELECT json_object('leaf', e.idx, 'note', CAST(substr(e.attachment, 5, length(e.attachment) - 5) AS TEXT)), e.idx + 1 FROM leaf e"
      " WHERE e.kind = 2 AND substr(e.attachment, 1, 1) = x'00' AND e.idx >= ?8 ORDER BY e.idx DESC LIMIT min(?9, 1)" },
    /* The last policy, likewise. 21: BM_EVENT_POLICY_SET. */
    { "policy",
      "SELECT json_object('leaf', e.idx, 'note', CAST(substr(e.attachment, 5, length(e.attachment) - 5) AS TEXT)), e.idx + 1 FROM leaf e"
      " WHERE e.kind = 21 AND e.idx >= ?8 ORDER BY e.idx DESC LIMIT min(?9, 1)" },
    { "event",
      "SELECT json_object('index', e.idx, 'time', " TIME("e.time") ", 'event', CAST(e.event AS TEXT), 'salt', lower(hex(e.salt)),"
      " 'hash', lower(hex(e.hash))), e.idx + 1" /* keys begin above 0 */
      " FROM leaf e WHERE e.idx >= ?7 AND (?1 IS NULL OR CAST(e.idx AS TEXT) = ?1) AND " ANY("?6", "e.device")
      " AND e.idx >= ?8 ORDER BY e.idx LIMIT ?9" },
};
/* clang-format on */

static void
bind(sqlite3_stmt *q, const struct bm_store_filter *filter, const struct bm_store_page *page)
{
    const char *const texts[] = { filter->name, filter->state, filter->lot, filter->order, filter->profile, filter->device };

    for (int i = 0; i < (int)BM_COUNT(texts); i++)
        (void)sqlite3_bind_text(q, i + 1, texts[i], -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(q, 7, (int64_t)filter->after);
    (void)sqlite3_bind_int64(q, 8, page->from);
    (void)sqlite3_bind_int64(q, 9, (int64_t)page->most);
}

static void
statement_done(sqlite3_stmt **q)
{
    (void)sqlite3_finalize(*q);
}

static enum bm_rc
rows_give(struct bm_store *store, sqlite3_stmt *q, const char *what, struct bm_store_page *page, bm_store_row *row, void *ctx,
          struct bm_fail *fail)
{
    size_t n = 0;
    enum bm_rc rc;
    int r;

    while ((r = sqlite3_step(q)) == SQLITE_ROW) {
        const unsigned char *json = sqlite3_column_text(q, 0);

        if (json == NULL)
            return lite_fail(store, what, fail);
        if ((rc = row(ctx, (const char *)json, fail)) != BM_OK)
            return rc;
        page->from = sqlite3_column_int64(q, 1);
        n++;
    }
    page->more = n == page->most;
    return r == SQLITE_DONE ? BM_OK : lite_fail(store, what, fail);
}

enum bm_rc
bm_store_rows(struct bm_store *store, const char *what, const struct bm_store_filter *filter, struct bm_store_page *page, bm_store_row *row,
              void *ctx, struct bm_fail *fail)
{
    bm_cleanup(statement_done) sqlite3_stmt *q = NULL;
    const char *sql = NULL;

    for (size_t i = 0; i < BM_COUNT(lists); i++)
        if (strcmp(lists[i].what, what) == 0)
            sql = lists[i].sql;
    if (sql == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "there is no list of the name %s", what);
    if (sqlite3_prepare_v2(store->db, sql, -1, &q, NULL) != SQLITE_OK)
        return lite_fail(store, what, fail);
    bind(q, filter, page);
    return rows_give(store, q, what, page, row, ctx, fail);
}
