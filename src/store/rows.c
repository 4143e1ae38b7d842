/* Lists for people and machines: SQLite writes the JSON, so that the field names stand beside the columns they come from (docs/formats/store.md). */
#include "store/rows.h"

#include "store/lite.h"

#define TIME LITE_TIME
#define AFTER(k) .begin = k " > ?8", .key = k, .order = k " LIMIT ?9"

/* A suspended device's certificates are on hold. */
#define IDENTITY_STATE                                                                                                                  \
    "CASE WHEN i.state IN ('provisional', 'active', 'renewed') AND (SELECT d.state FROM device d WHERE d.id = i.device) = 'suspended' " \
    "THEN"                                                                                                                              \
    " 'suspended' ELSE i.state END"

/* Of what an officer allowed for a repair. "ended" by itself, whether the signer has been asked since or not. */
#define SUPPORT_STATE                                                                                                                 \
    "CASE WHEN s.closed <= s.until THEN 'closed' WHEN s.closed IS NOT NULL OR s.until < CAST(strftime('%s', 'now') AS INTEGER) THEN " \
    "'ended'"                                                                                                                         \
    " WHEN s.serial IS NULL THEN 'open' ELSE 'used' END"

/* clang-format off */
/* The first one given leads: only its index is used, and of a list that is told by windows only its index matters. */
static const struct rows_cond vendor_conds[] = { { ROWS_NAME, "v.name = ?1", true }, { 0 } },
    lot_conds[] = { { ROWS_NAME, "(l.name = ?1 AND l.state <> 'superseded')", true }, { ROWS_STATE, "l.state = ?2", false }, { 0 } },
    order_conds[] = { { ROWS_NAME, "o.name = ?1", true }, { ROWS_STATE, "o.state = ?2", false }, { 0 } },
    counted_conds[] = { { ROWS_ORDER, "c.ord = ?4", true }, { 0 } },
    profile_conds[] = { { ROWS_ORDER, "p.ord = ?4", true }, { ROWS_NAME, "p.name = ?1", false }, { 0 } },
    device_conds[] = {
        { ROWS_NAME, "(d.id = ?1 OR d.serial = ?1)", true },
        { ROWS_BEGINS, "d.rowid IN (SELECT * FROM (SELECT rowid FROM device WHERE id >= ?20 AND id < ?20 || char(1114111) LIMIT 1000)"
                       " UNION SELECT * FROM (SELECT rowid FROM device WHERE serial >= ?20 AND serial < ?20 || char(1114111) LIMIT 1000)"
                       " UNION SELECT * FROM (SELECT rowid FROM device WHERE chip >= ?20 AND chip < ?20 || char(1114111) LIMIT 1000))", true },
        { ROWS_SERIAL, "d.serial = ?10", true }, { ROWS_CHIP, "d.chip = ?19", true }, { ROWS_ORDER, "d.ord = ?4", true },
        { ROWS_LOT, "d.lot = ?3", true }, { ROWS_OWNER, "d.owner = ?14", true }, { ROWS_STATION, "d.station = ?17", true },
        { ROWS_MODEL, "d.model = ?11", true }, { ROWS_HARDWARE, "d.hardware = ?12", true }, { ROWS_FIRMWARE, "d.firmware = ?13", true },
        { ROWS_REGION, "d.region = ?15", true }, { ROWS_VENDOR, "d.vendor = ?16", true }, { ROWS_STATE, "d.state = ?2", true },
        { ROWS_ROOT, "d.root_kind = ?18", true },
        { ROWS_SUPPORT, "d.rowid IN (SELECT o.rowid FROM support s JOIN device o ON o.id = s.device WHERE s.id = (SELECT max(n.id) FROM support n"
                        " WHERE n.device = s.device) AND " SUPPORT_STATE " = ?23)", true },
        { ROWS_PROFILE, "EXISTS(SELECT 1 FROM identity i WHERE i.device = d.id AND i.profile = ?5)", false }, { 0 } },
    /* Told by their identities: a device stands where its first one of the profile does. */
    of_profile_conds[] = { { ROWS_PROFILE, "i.profile = ?5 AND NOT EXISTS(SELECT 1 FROM identity e WHERE e.device = i.device AND"
                                           " +e.profile = ?5 AND e.id < i.id)", true }, { 0 } },
    export_conds[] = { { ROWS_ORDER, "d.ord = ?4", true }, { 0 } },
    identity_conds[] = { { ROWS_BYTES, "i.serial = ?22", true }, { ROWS_DEVICE, "i.device = ?6", true }, { ROWS_PROFILE, "i.profile = ?5", true },
                         { ROWS_STATE, IDENTITY_STATE " = ?2", false }, { ROWS_ORDER, "i.ord = ?4", false }, { 0 } },
    support_conds[] = { { ROWS_DEVICE, "s.device = ?6", true }, { ROWS_STATE, SUPPORT_STATE " = ?2", false }, { 0 } },
    move_conds[] = { { ROWS_DEVICE, "m.device = ?6", true }, { 0 } },
    alarm_conds[] = { { ROWS_NAME, "a.id = CAST(?1 AS INTEGER) AND CAST(a.id AS TEXT) = ?1", true }, { ROWS_DEVICE, "a.device = ?6", true },
                      { ROWS_STATE, "(?2 = 'open') = (a.settled IS NULL)", false }, { ROWS_LOT, "a.lot = ?3", false }, { 0 } },
    proposal_conds[] = { { ROWS_NAME, "p.id = CAST(?1 AS INTEGER) AND CAST(p.id AS TEXT) = ?1", true }, { ROWS_STATE, "p.state = ?2", false },
                         { ROWS_LOT, "p.lot = ?3", false }, { 0 } },
    event_conds[] = { { ROWS_NAME, "e.idx = CAST(?1 AS INTEGER) AND CAST(e.idx AS TEXT) = ?1", true }, { ROWS_DEVICE, "e.device = ?6", false }, { 0 } },
    no_conds[] = { { 0 } };

#define COUNTED(what) \
" '" what "', (SELECT coalesce(sum(c.n), 0) FROM counted c WHERE c.ord = o.name AND c.what = '" what "'), '" what "_most', o." what ","

#define DEVICE_COLUMNS \
"json_object('device', d.id, 'chip', d.chip, 'lot', d.lot, 'order', d.ord," \
      " 'profile', (SELECT group_concat(DISTINCT i.profile) FROM identity i WHERE i.device = d.id), 'state', d.state, 'root', d.root_kind," \
      " 'proven', (SELECT group_concat(DISTINCT i.proven) FROM identity i WHERE i.device = d.id AND i.state IN ('provisional', 'active'))," \
      " 'made', " TIME("d.made") ", 'identities', (SELECT count(DISTINCT i.service) FROM identity i WHERE i.device = d.id AND i.state IN ('provisional'," \
      " 'active')), 'renewed', (SELECT count(*) FROM identity i WHERE i.device = d.id AND i.renews IS NOT NULL AND i.seen IS NOT NULL)," \
      " 'serial', d.serial, 'model', d.model, 'hardware', d.hardware, 'firmware', d.firmware, 'owner', d.owner, 'region', d.region," \
      " 'support_until', date(d.support_until, 'unixepoch'), 'vendor', d.vendor, 'station', d.station, 'row', d.row, 'support', (SELECT " SUPPORT_STATE " FROM support s WHERE s.device = d.id" \
      " ORDER BY s.id DESC LIMIT 1))"

const struct rows_list rows_lists[] = {
    { .what = "vendor", .from = "vendor v", AFTER("v.rowid"), .conds = vendor_conds,
      .columns = "json_object('vendor', v.name, 'format', v.format, 'state', CASE v.retired WHEN 0 THEN 'active' ELSE 'retired' END,"
      " 'added', " TIME("v.added") ")" },
    { .what = "lot", .from = "lot l", AFTER("l.id"), .conds = lot_conds,
      .columns = "json_object('lot', l.name, 'vendor', l.vendor, 'chips', l.size, 'received', " TIME("l.received") ", 'state', l.state,"
      " 'source', l.source, 'root', lower(hex(l.root)), 'units', (SELECT count(*) FROM device d WHERE d.lot = l.name), 'leaf', l.leaf,"
      " 'scrapped', (SELECT count(*) FROM halted h WHERE h.lot = l.name AND h.state = 'scrapped'),"
      " 'withdrawn', (SELECT count(*) FROM halted h WHERE h.lot = l.name AND h.state = 'withdrawn'),"
      " 'ordered', (SELECT coalesce(sum(o.quantity), 0) FROM order_lot n JOIN ord o ON o.name = n.ord WHERE n.lot = l.name),"
      " 'left', (SELECT coalesce(sum(o.quantity - o.used), 0) FROM order_lot n JOIN ord o ON o.name = n.ord WHERE n.lot = l.name AND"
      " o.state = 'open'), 'reason', l.reason, 'revision', l.revision)" },
    { .what = "order", .from = "ord o", AFTER("o.id"), .conds = order_conds,
      .columns = "json_object('order', o.name, 'product', o.product, 'quantity', o.quantity, 'used', o.used, 'left', o.quantity - o.used,"
      " 'lots', (SELECT json_group_array(n.lot) FROM order_lot n WHERE n.ord = o.name),"
      " 'profiles', (SELECT json_group_array(p.name) FROM order_profile p WHERE p.ord = o.name), 'from', " TIME("o.valid_from") ","
      " 'until', CASE WHEN o.valid_until >= 253402300799 THEN NULL ELSE " TIME("o.valid_until") " END, 'state', o.state, 'leaf', o.leaf, 'serials', o.serials,"
      " 'units', CASE WHEN o.units IS NOT NULL THEN lower(hex(o.units)) END, 'rows_left', (SELECT count(*) FROM unit u WHERE u.ord = o.name),"
      " 'stations', (SELECT json_group_object(s.name, coalesce(m.units, 0)) FROM (SELECT name FROM order_station WHERE ord = o.name"
      " UNION SELECT station FROM made_at WHERE ord = o.name ORDER BY 1) s LEFT JOIN made_at m ON m.ord = o.name AND m.station = s.name),"
      COUNTED("reissues") COUNTED("scraps") COUNTED("repairs") " 'balance', o.balance, 'balance_leaf', o.balance_leaf)" },
    { .what = "counted", .from = "counted c", AFTER("c.id"), .conds = counted_conds,
      .columns = "json_object('time', " TIME("c.time") ", 'what', c.what, 'n', c.n, 'device', c.device, 'lot', c.lot, 'by', c.operator,"
      " 'reason', c.reason, 'leaf', c.leaf)" },
    { .what = "station", .from = "(SELECT min(rowid) id, station, sum(units) units FROM made_at GROUP BY station) s", AFTER("s.id"),
      .conds = no_conds, .columns = "json_object('station', s.station, 'units', s.units)" },
    { .what = "profile", .from = "order_profile p", AFTER("p.rowid"), .conds = profile_conds,
      .columns = "json_object('profile', p.name, 'service', p.service, 'order', p.ord, 'text', CAST(p.text AS TEXT))" },
    { .what = "device", .from = "device d", AFTER("d.rowid"), .conds = device_conds, .window = true,
      .columns = DEVICE_COLUMNS },
    { .what = "device of a profile", .from = "identity i CROSS JOIN device d ON d.id = i.device", AFTER("i.id"), .conds = of_profile_conds,
      .columns = DEVICE_COLUMNS },
    /* Devices in use with their newest confirmed certificate: what others register. */
    { .what = "export", .from = "device d CROSS JOIN identity i ON i.id = (SELECT max(e.id) FROM identity e WHERE e.device = d.id AND e.state ="
      " 'active' AND (?5 IS NULL OR e.profile = ?5)) AND d.state <> 'suspended'", AFTER("d.rowid"), .conds = export_conds, .window = true,
      .columns = "json_object('device', d.id, 'serial', d.serial, 'service', i.service, 'profile', i.profile, 'certificate',"
      " lower(hex(i.certificate)), 'services', (SELECT count(DISTINCT e.service) FROM identity e WHERE e.device = d.id AND e.state = 'active'))" },
    { .what = "identity", .from = "identity i", AFTER("i.id"), .conds = identity_conds, .window = true,
      .columns = "json_object('device', i.device, 'service', i.service, 'profile', i.profile, 'order', i.ord, 'serial', lower(hex(i.serial)),"
      " 'state', " IDENTITY_STATE ", 'evidence', i.evidence_class, 'proven', i.proven, 'issued', " TIME("i.issued") ", 'not_after', " TIME("i.not_after") ","
      " 'key', lower(hex(i.key)), 'reason', i.reason, 'leaf', i.leaf, 'renews', lower(hex(i.renews)), 'retires', " TIME("i.retires") ")" },
    { .what = "move", .from = "move m", AFTER("m.id"), .conds = move_conds,
      .columns = "json_object('device', m.device, 'time', " TIME("m.time") ", 'move', m.move, 'state', m.state, 'by', m.operator, 'second', m.second,"
      " 'owner', m.owner, 'reason', m.reason, 'leaf', m.leaf)" },
    { .what = "support", .from = "support s", AFTER("s.id"), .conds = support_conds, .window = true,
      .columns = "json_object('device', s.device, 'state', " SUPPORT_STATE ", 'ticket', s.ticket, 'profile', s.profile, 'opened', " TIME("s.opened") ","
      " 'until', " TIME("s.until") ", 'by', s.operator, 'second', s.second, 'reason', s.reason, 'serial', lower(hex(s.serial)), 'closed', " TIME("s.closed") ","
      " 'closed_by', s.closed_by, 'why', s.why, 'leaf', s.leaf)" },
    { .what = "alarm", .from = "alarm a", .begin = "a.id > max(?7, ?8)", .key = "a.id", .order = "a.id LIMIT ?9", .conds = alarm_conds, .window = true,
      .columns = "json_object('alarm', a.id, 'time', " TIME("a.time") ", 'kind', a.kind, 'sentence', a.sentence, 'device', a.device,"
      " 'chip', a.chip, 'lot', a.lot, 'by', a.operator, 'leaf', a.leaf, 'state', CASE WHEN a.settled IS NULL THEN 'open' ELSE 'settled' END,"
      " 'settled_by', a.settled_by, 'note', a.note)" },
    { .what = "proposal", .from = "proposal p", AFTER("p.id"), .conds = proposal_conds,
      .columns = "json_object('proposal', p.id, 'state', p.state, 'act', p.act, 'vendor', p.vendor, 'check', p.chk, 'lot', p.lot,"
      " 'until', " TIME("p.until") ", 'reason', p.reason, 'by', p.operator, 'time', " TIME("p.time") ", 'expires', " TIME("p.expires") ","
      " 'second', p.second, 'why', p.why, 'leaf', p.leaf, 'number', lower(hex(p.number)), 'note', CAST(p.note AS TEXT),"
      " 'head', CASE p.act WHEN 'pin' THEN CAST(substr(p.behind, 5) AS TEXT) END)" },
    /* The last statement of roles, without its length before and the count of profiles (none) behind. 2: BM_EVENT_ROLES_SET; the founding's has no
     * statement, but the roles' bare text. */
    { .what = "roles", .from = "leaf e", .begin = "e.kind = 2 AND substr(e.attachment, 1, 1) = x'00' AND e.idx >= ?8", .key = "e.idx + 1",
      .order = "e.idx DESC LIMIT min(?9, 1)", .conds = no_conds,
      .columns = "json_object('leaf', e.idx, 'note', CAST(substr(e.attachment, 5, length(e.attachment) - 5) AS TEXT))" },
    /* The last policy, likewise. 21: BM_EVENT_POLICY_SET. */
    { .what = "policy", .from = "leaf e", .begin = "e.kind = 21 AND e.idx >= ?8", .key = "e.idx + 1", .order = "e.idx DESC LIMIT min(?9, 1)",
      .conds = no_conds,
      .columns = "json_object('leaf', e.idx, 'note', CAST(substr(e.attachment, 5, length(e.attachment) - 5) AS TEXT))" },
    { .what = "event", .from = "leaf e", .begin = "e.idx >= max(?7, ?8)", .key = "e.idx + 1" /* keys begin above 0 */,
      .order = "e.idx LIMIT ?9", .conds = event_conds,
      .columns = "json_object('index', e.idx, 'time', " TIME("e.time") ", 'event', CAST(e.event AS TEXT), 'salt', lower(hex(e.salt)),"
      " 'hash', lower(hex(e.hash)))" },
};
/* clang-format on */
const size_t rows_nlists = BM_COUNT(rows_lists);
