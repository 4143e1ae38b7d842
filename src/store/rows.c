/* Lists for people and machines: SQLite writes the JSON, so that the field names stand beside the columns they come from. */
#include "store/lite.h"

#define TIME(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column ", 'unixepoch')"
#define ANY(at, column) "(" at " IS NULL OR " column " = " at ")"

/* Parameters of every list: 1 name, 2 state, 3 lot, 4 order, 5 profile, 6 device, 7 after. A list without a column for one ignores it. */
static const struct {
    const char *what;
    const char *sql;
} lists[] = {
    { "vendor",
      "SELECT json_object('vendor', name, 'format', format, 'state', CASE retired WHEN 0 THEN 'active' ELSE 'retired' END, 'added', " TIME(
          "added") ") FROM vendor WHERE " ANY("?1", "name") " ORDER BY name" },
    { "lot", "SELECT json_object('lot', l.name, 'vendor', l.vendor, 'chips', l.size, 'received', " TIME(
                 "l.received") ", 'state', l.state, 'source', l.source, 'root', lower(hex(l.root)), 'units', (SELECT count(*) FROM device d"
                               " WHERE d.lot = l.name), 'leaf', l.leaf) FROM lot l WHERE " ANY("?1", "l.name") " AND " ANY(
                                   "?2", "l.state") " AND l.state <> 'arriving' ORDER BY l.id" },
    { "chip",
      "SELECT json_object('chip', c.label, 'lot', l.name, 'index', c.idx, 'root', c.root_kind, 'keys', (SELECT json_group_array(lower("
      "hex(k.hash))) FROM chip_key k WHERE k.chip = c.id), 'device', (SELECT d.id FROM device d WHERE d.chip = c.id)) FROM chip c"
      " JOIN lot l ON l.id = c.lot WHERE " ANY("?3", "l.name") " AND " ANY("?1", "c.label") " ORDER BY c.id" },
    { "order",
      "SELECT json_object('order', o.name, 'quantity', o.quantity, 'used', o.used, 'left', o.quantity - o.used, 'lots', (SELECT "
      "json_group_array(l.lot) FROM order_lot l WHERE l.ord = o.name), 'profiles', (SELECT json_group_array(p.name) FROM order_profile p"
      " WHERE p.ord = o.name), 'from', " TIME("o.valid_from") ", 'until', CASE WHEN o.valid_until >= 253402300799 THEN NULL ELSE " TIME(
          "o.valid_until") " END, 'state', o.state, 'leaf', o.leaf) FROM ord o WHERE " ANY("?1",
                                                                                           "o.name") " AND " ANY("?2",
                                                                                                                 "o.state") " ORDER BY "
                                                                                                                            "o.id" },
    { "device",
      "SELECT json_object('device', d.id, 'chip', c.label, 'lot', d.lot, 'order', d.ord, 'profile', (SELECT group_concat(DISTINCT "
      "i.profile)"
      " FROM identity i WHERE i.device = d.id), 'state', d.state, 'root', c.root_kind, 'made', " TIME(
          "d.made") ", 'identities', (SELECT count(*) FROM identity i WHERE i.device = d.id AND i.state IN ('provisional', 'active')))"
                    " FROM device d LEFT JOIN chip c ON c.id = d.chip WHERE " ANY("?1", "d.id") " AND " ANY("?2", "d.state") " AND " ANY(
                        "?3", "d.lot") " AND " ANY("?4", "d.ord") " AND (?5 IS NULL OR EXISTS(SELECT 1 FROM identity i WHERE i.device ="
                                                                  " d.id AND i.profile = ?5)) ORDER BY d.made, d.id" },
    { "identity",
      "SELECT json_object('device', i.device, 'service', i.service, 'profile', i.profile, 'order', i.ord, 'serial', lower(hex(i.serial)),"
      " 'state', i.state, 'evidence', i.evidence_class, 'issued', " TIME("i.issued") ", 'not_after', " TIME(
          "i.not_after") ", 'key', lower(hex(i.key)), 'reason', i.reason, 'leaf', i.leaf) FROM identity "
                         "i WHERE " ANY("?6", "i.device") " AND " ANY("?2", "i.state") " AND " ANY("?1", "lower(hex("
                                                                                                         "i.serial)"
                                                                                                         ")") " ORDE"
                                                                                                              "R BY "
                                                                                                              "i."
                                                                                                              "id" },
    { "alarm",
      "SELECT json_object('alarm', id, 'time', " TIME(
          "time") ", 'kind', kind, 'sentence', sentence, 'device', device, 'chip', chip, 'lot', lot,"
                  " 'by', operator, 'leaf', leaf, 'state', CASE WHEN settled IS NULL THEN 'open' ELSE 'settled' END, 'settled_by', "
                  "settled_by,"
                  " 'note', note) FROM alarm WHERE id > ?7 AND (?1 IS NULL OR id = CAST(?1 AS INTEGER)) AND (?2 IS NULL OR (?2 = 'open') ="
                  " (settled IS NULL)) ORDER BY id" },
    { "event", "SELECT json_object('index', idx, 'time', " TIME(
                   "time") ", 'event', CAST(event AS TEXT), 'salt', lower(hex(salt)), 'hash',"
                           " lower(hex(hash))) FROM leaf WHERE idx >= ?7 AND (?1 IS NULL OR idx = CAST(?1 AS INTEGER)) AND " ANY(
                               "?6", "device") " ORDER BY idx" },
};

static void
bind(sqlite3_stmt *q, const struct bm_store_filter *filter)
{
    const char *const texts[] = { filter->name, filter->state, filter->lot, filter->order, filter->profile, filter->device };
    int most = sqlite3_bind_parameter_count(q);

    for (int i = 0; i < (int)BM_COUNT(texts) && i < most; i++)
        (void)sqlite3_bind_text(q, i + 1, texts[i], -1, SQLITE_STATIC);
    if (most >= 7)
        (void)sqlite3_bind_int64(q, 7, (int64_t)filter->after);
}

static void
statement_done(sqlite3_stmt **q)
{
    (void)sqlite3_finalize(*q);
}

enum bm_rc
bm_store_rows(struct bm_store *store, const char *what, const struct bm_store_filter *filter,
              enum bm_rc (*row)(void *ctx, const char *json, struct bm_fail *fail), void *ctx, struct bm_fail *fail)
{
    bm_cleanup(statement_done) sqlite3_stmt *q = NULL;
    const char *sql = NULL;
    enum bm_rc rc;
    int r;

    for (size_t i = 0; i < BM_COUNT(lists); i++)
        if (strcmp(lists[i].what, what) == 0)
            sql = lists[i].sql;
    if (sql == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "there is no list of the name %s", what);
    if (sqlite3_prepare_v2(store->db, sql, -1, &q, NULL) != SQLITE_OK)
        return lite_fail(store, what, fail);
    bind(q, filter);
    while ((r = sqlite3_step(q)) == SQLITE_ROW) {
        const unsigned char *json = sqlite3_column_text(q, 0);

        if (json == NULL)
            return lite_fail(store, what, fail);
        if ((rc = row(ctx, (const char *)json, fail)) != BM_OK)
            return rc;
    }
    return r == SQLITE_DONE ? BM_OK : lite_fail(store, what, fail);
}
