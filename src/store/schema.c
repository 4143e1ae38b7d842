/* Tables, and every statement that writes or looks up one thing. */
#include "store/lite.h"

/* Chips stand in the lots' index files; here only those that were issued to or that may not be used. Rowid tables throughout: WITHOUT ROWID with
 * blobs is two to three times slower. */
const char *const lite_schema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL);"
    "INSERT OR IGNORE INTO meta VALUES('schema', 11);"
    "CREATE TABLE IF NOT EXISTS vendor(name TEXT PRIMARY KEY, format TEXT NOT NULL, body BLOB NOT NULL, added INTEGER NOT NULL,"
    " retired INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS lot(id INTEGER PRIMARY KEY, name TEXT NOT NULL, vendor TEXT NOT NULL, source TEXT NOT NULL,"
    " size INTEGER NOT NULL, root BLOB NOT NULL UNIQUE, state TEXT NOT NULL, received INTEGER NOT NULL, leaf INTEGER NOT NULL, reason TEXT,"
    " revision INTEGER NOT NULL DEFAULT 1, was TEXT);"
    "CREATE UNIQUE INDEX IF NOT EXISTS lot_name ON lot(name) WHERE state <> 'superseded';"
    "CREATE TABLE IF NOT EXISTS overlap(lot INTEGER NOT NULL REFERENCES lot(id), other INTEGER NOT NULL REFERENCES lot(id), UNIQUE(lot, "
    "other));"
    "CREATE TABLE IF NOT EXISTS halted(id INTEGER PRIMARY KEY, lot TEXT NOT NULL, state TEXT NOT NULL, reason TEXT);"
    "CREATE INDEX IF NOT EXISTS halted_lot ON halted(lot, state);"
    "CREATE TABLE IF NOT EXISTS halted_key(hash BLOB NOT NULL, halted INTEGER NOT NULL REFERENCES halted(id));"
    "CREATE INDEX IF NOT EXISTS halted_key_hash ON halted_key(hash);"
    "CREATE TABLE IF NOT EXISTS ord(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, quantity INTEGER NOT NULL, used INTEGER NOT NULL"
    " DEFAULT 0, valid_from INTEGER NOT NULL, valid_until INTEGER NOT NULL, state TEXT NOT NULL, leaf INTEGER NOT NULL, serials TEXT,"
    " units BLOB, reissues INTEGER NOT NULL DEFAULT 0, scraps INTEGER NOT NULL DEFAULT 0, repairs INTEGER NOT NULL DEFAULT 0,"
    " balance TEXT, balance_leaf INTEGER, product TEXT);"
    "CREATE TABLE IF NOT EXISTS counted(id INTEGER PRIMARY KEY, ord TEXT NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL, device TEXT,"
    " lot TEXT, operator TEXT, reason TEXT, time INTEGER NOT NULL, leaf INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS counted_ord ON counted(ord, what);"
    "CREATE TABLE IF NOT EXISTS order_station(ord TEXT NOT NULL, name TEXT NOT NULL, key BLOB NOT NULL, UNIQUE(ord, key));"
    /* Units by the station that they were made at, whether the order names it or not. */
    "CREATE TABLE IF NOT EXISTS made_at(ord TEXT NOT NULL, station TEXT NOT NULL, units INTEGER NOT NULL, UNIQUE(ord, station));"
    /* What the planner said of units that are not made yet; of an order with a pattern of serial numbers the one row that all have in common. */
    "CREATE TABLE IF NOT EXISTS unit(id INTEGER PRIMARY KEY, ord TEXT NOT NULL, row INTEGER NOT NULL, chip TEXT, serial TEXT, model TEXT,"
    " hardware TEXT, firmware TEXT, owner TEXT, region TEXT, support_until INTEGER);"
    "CREATE INDEX IF NOT EXISTS unit_chip ON unit(ord, chip);"
    "CREATE INDEX IF NOT EXISTS unit_serial ON unit(serial) WHERE serial IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS order_lot(ord TEXT NOT NULL, lot TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS order_lot_lot ON order_lot(lot);"
    "CREATE TABLE IF NOT EXISTS order_profile(ord TEXT NOT NULL, name TEXT NOT NULL, service TEXT NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS order_profile_ord ON order_profile(ord);"
    "CREATE TABLE IF NOT EXISTS device(id TEXT PRIMARY KEY, chip TEXT NOT NULL, root_kind TEXT NOT NULL, lot TEXT NOT NULL, ord TEXT NOT "
    "NULL,"
    " state TEXT NOT NULL, made INTEGER NOT NULL, vendor TEXT, station TEXT, row INTEGER, serial TEXT, model TEXT, hardware TEXT,"
    " firmware TEXT, owner TEXT, region TEXT, support_until INTEGER);"
    /* One for each filter of the list of devices (rows.c); what most sites leave empty costs nothing there. */
    "CREATE INDEX IF NOT EXISTS device_chip ON device(chip);"
    "CREATE INDEX IF NOT EXISTS device_lot ON device(lot);"
    "CREATE INDEX IF NOT EXISTS device_ord ON device(ord);"
    "CREATE INDEX IF NOT EXISTS device_state ON device(state);"
    "CREATE INDEX IF NOT EXISTS device_root ON device(root_kind);"
    "CREATE INDEX IF NOT EXISTS device_vendor ON device(vendor);"
    "CREATE INDEX IF NOT EXISTS device_station ON device(station) WHERE station IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS device_serial ON device(serial) WHERE serial IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS device_model ON device(model) WHERE model IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS device_hardware ON device(hardware) WHERE hardware IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS device_firmware ON device(firmware) WHERE firmware IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS device_owner ON device(owner) WHERE owner IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS device_region ON device(region) WHERE region IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS move(id INTEGER PRIMARY KEY, device TEXT NOT NULL, move TEXT NOT NULL, state TEXT NOT NULL, operator TEXT,"
    " second TEXT, owner TEXT, reason TEXT, time INTEGER NOT NULL, leaf INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS move_device ON move(device);"
    "CREATE TABLE IF NOT EXISTS support(id INTEGER PRIMARY KEY, device TEXT NOT NULL, profile TEXT NOT NULL, ticket TEXT NOT NULL,"
    " reason TEXT, operator TEXT, second TEXT, opened INTEGER NOT NULL, until INTEGER NOT NULL, leaf INTEGER NOT NULL, serial BLOB,"
    " closed INTEGER, closed_by TEXT, why TEXT);"
    "CREATE INDEX IF NOT EXISTS support_device ON support(device);"
    "CREATE INDEX IF NOT EXISTS support_until ON support(until) WHERE closed IS NULL;"
    "CREATE TABLE IF NOT EXISTS device_key(hash BLOB NOT NULL, device TEXT NOT NULL REFERENCES device(id));"
    "CREATE INDEX IF NOT EXISTS device_key_hash ON device_key(hash);"
    "CREATE INDEX IF NOT EXISTS device_key_device ON device_key(device);"
    "CREATE TABLE IF NOT EXISTS identity(id INTEGER PRIMARY KEY, device TEXT NOT NULL, service TEXT NOT NULL, profile TEXT NOT NULL,"
    " ord TEXT NOT NULL, serial BLOB NOT NULL UNIQUE, key BLOB NOT NULL, state TEXT NOT NULL, evidence_class TEXT NOT NULL, proven TEXT "
    "NOT NULL,"
    " issued INTEGER NOT NULL, not_after INTEGER NOT NULL, changed INTEGER NOT NULL, reason TEXT, leaf INTEGER NOT NULL, seen INTEGER,"
    " renews BLOB, retires INTEGER, certificate BLOB NOT NULL, evidence BLOB NOT NULL);" /* lists read no page of what is long */
    "CREATE INDEX IF NOT EXISTS identity_key ON identity(key);"
    "CREATE INDEX IF NOT EXISTS identity_device ON identity(device);"
    "CREATE INDEX IF NOT EXISTS identity_profile ON identity(profile);"
    "CREATE TABLE IF NOT EXISTS leaf(idx INTEGER PRIMARY KEY, kind INTEGER NOT NULL, time INTEGER NOT NULL, hash BLOB NOT NULL,"
    " salt BLOB NOT NULL, event BLOB NOT NULL, device TEXT, attachment BLOB);"
    "CREATE INDEX IF NOT EXISTS leaf_statement ON leaf(kind) WHERE kind = 2 OR kind = 21;" /* the last roles, the last policy */
    "CREATE TABLE IF NOT EXISTS tile(level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL, UNIQUE(level, n));"
    "CREATE TABLE IF NOT EXISTS proposal(id INTEGER PRIMARY KEY AUTOINCREMENT, number BLOB NOT NULL UNIQUE, act TEXT NOT NULL, vendor TEXT,"
    " chk TEXT, lot TEXT, reason TEXT, operator TEXT NOT NULL, until INTEGER, time INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " note BLOB NOT NULL, behind BLOB, state TEXT NOT NULL, second TEXT, leaf INTEGER, why TEXT);"
    "CREATE TABLE IF NOT EXISTS alarm(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT "
    "NULL,"
    " device TEXT, chip TEXT, lot TEXT, operator TEXT, leaf INTEGER, settled INTEGER, settled_by TEXT, note TEXT);"
    "CREATE INDEX IF NOT EXISTS alarm_chip ON alarm(chip) WHERE chip IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS alarm_device ON alarm(device) WHERE device IS NOT NULL;"
    "COMMIT;";

/* The label of a request is a profile's name or its service's; without one, the order must allow a single profile. */
#define LABEL_FITS "(p.name = ?2 OR p.service = ?2 OR (?2 = '' AND (SELECT count(*) FROM order_profile c WHERE c.ord = p.ord) = 1))"
#define PROPOSAL_INSERT                                                                                                                   \
    "INSERT INTO proposal(id, number, act, vendor, chk, lot, reason, operator, until, time, expires, note, behind, state, second, leaf) " \
    "VALUES("                                                                                                                             \
    "(SELECT coalesce(max(id), 0) + 1 FROM proposal), ?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9, ?10, ?11, ?14, "
/* A chip is known by any of its root keys. */
#define CHIP_NAMES "(?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
#define CHIP_LISTED "(VALUES (?10), (?11), (?12), (?13), (?14), (?15), (?16), (?17)) WHERE column1 IS NOT NULL"
/* Of a row with a model, and ?2: not both told and different. */
#define SAME_PRODUCT "(model IS NULL OR ?2 = '' OR model = ?2)"
#define CHIP_STATE \
    "CASE WHEN h.state IS NOT NULL THEN h.state WHEN ?19 IS NOT NULL THEN ?19 WHEN d.id IS NULL THEN 'unused' ELSE 'issued' END"

const char *const lite_sql[Q__N] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_VENDOR_PUT] = "INSERT INTO vendor(name, format, body, added) VALUES(?1, ?2, ?3, ?4)"
                     " ON CONFLICT(name) DO UPDATE SET format = ?2, body = ?3, added = ?4, retired = 0",
    [Q_VENDOR_GET] = "SELECT body FROM vendor WHERE name = ?1 AND retired = 0",
    [Q_VENDOR_RETIRE] = "UPDATE vendor SET retired = 1 WHERE name = ?1 RETURNING name",
    [Q_LOT_TAKEN] = "SELECT 1 FROM lot WHERE (name = ?1 AND revision >= ?2) OR root = ?3 LIMIT 1",
    [Q_LOT_PINNED] =
        "INSERT INTO lot(name, vendor, source, size, root, state, received, revision, leaf) SELECT ?1, ?2, ?3, ?4, ?5,"
        " coalesce((SELECT o.was FROM lot o WHERE o.name = ?1 AND o.state = 'superseded' ORDER BY o.id DESC LIMIT 1), 'pinned'),"
        " ?6, ?7, ?8",
    [Q_LOT_SUPERSEDED] = "UPDATE lot SET was = state, state = 'superseded' WHERE name = ?1 AND state <> 'superseded' RETURNING id",
    [Q_LOT_STATE] = "UPDATE lot SET state = ?2, reason = ?3 WHERE name = ?1 AND state <> 'superseded' RETURNING id",
    [Q_LOT_ORDERED] = "SELECT 1 FROM order_lot n JOIN ord o ON o.name = n.ord WHERE n.lot = ?1 AND o.state = 'open' LIMIT 1",
    [Q_LOTS] = "SELECT id, name, vendor, source, size, root, state, revision FROM lot ORDER BY id",
    [Q_OVERLAP_PUT] = "INSERT OR IGNORE INTO overlap(lot, other) VALUES(?1, ?2), (?2, ?1)",
    [Q_OVERLAPS] = "SELECT other FROM overlap WHERE lot = ?1",
    [Q_HALTED_FIND] = "SELECT halted FROM halted_key WHERE hash = ?1 LIMIT 1",
    [Q_HALTED_ADD] = "INSERT INTO halted(lot, state, reason) VALUES(?1, ?2, ?3)",
    [Q_HALTED_SET] = "UPDATE halted SET state = ?2, reason = ?3 WHERE id = ?1 AND state <> 'scrapped'",
    [Q_HALTED_KEY] = "INSERT INTO halted_key(hash, halted) VALUES(?1, ?2)",
    /* What the records say of a chip whose own entry is given: 1 id, 2 lot, 3 place, 4 root, 5 the state that is wanted, 6 reel,
     * 7 date, 8 firmware, 9 the other lot that lists it, 10 to 17 names, 18 where the id was read, 19 the state that all of its lot is in. */
    [Q_CHIP_ROW] =
        "SELECT json_object('chip', ?1, 'id_source', ?18, 'lot', ?2, 'index', ?3, 'root', ?4, 'keys', (SELECT "
        "json_group_array(lower(hex(column1))) "
        "FROM " CHIP_LISTED "), 'device', d.id,"
        " 'reel', ?6, 'date', ?7, 'firmware', ?8, 'state', " CHIP_STATE ", 'reason', h.reason,"
        " 'seen', (SELECT " LITE_TIME(
            "min(i.seen)") " FROM identity i WHERE i.device = d.id),"
                           " 'reissued', (SELECT count(*) FROM identity i WHERE i.device = d.id AND i.state = 'replaced'),"
                           " 'twice', coalesce('also in lot ' || ?9, (SELECT 'refused as a clone: alarm ' || w.id FROM alarm w WHERE "
                           "w.kind = 'clone'"
                           " AND w.chip IN (SELECT lower(hex(column1)) FROM " CHIP_LISTED ") LIMIT 1)),"
                           " 'identities', (SELECT json_group_array(json_object('service', i.service, 'state', i.state, 'serial', "
                           "lower(hex(i.serial))))"
                           " FROM identity i WHERE i.device = d.id))"
                           " FROM (SELECT 1) LEFT JOIN device d ON d.id = (SELECT k.device FROM device_key k WHERE k.hash IN " CHIP_NAMES
                           " LIMIT 1)"
                           " LEFT JOIN halted h ON h.id = (SELECT k.halted FROM halted_key k WHERE k.hash IN " CHIP_NAMES " LIMIT 1)"
                           " WHERE ?5 IS NULL OR ?5 = " CHIP_STATE,
    [Q_PROPOSAL_PUT] = PROPOSAL_INSERT "'open', NULL, NULL)",
    [Q_PROPOSAL_APPROVED] =
        PROPOSAL_INSERT "'approved', ?12, ?13)"
                        " ON CONFLICT(number) DO UPDATE SET state = 'approved', note = ?11, behind = NULL, second = ?12, leaf = ?13",
    [Q_PROPOSAL_REJECT] = "UPDATE proposal SET state = 'rejected', second = ?2, why = ?3 WHERE id = ?1 AND state = 'open' RETURNING id",
    [Q_PROPOSAL_BEHIND] = "SELECT behind FROM proposal WHERE id = ?1 AND state = 'open'",
    [Q_ORDER_RAISE] = "UPDATE ord SET quantity = max(quantity, ?2), reissues = max(reissues, ?3), scraps = max(scraps, ?4),"
                      " repairs = max(repairs, ?5) WHERE name = ?1",
    [Q_ORDER_CLOSE] = "UPDATE ord SET state = 'closed', balance = ?2, balance_leaf = ?3 WHERE name = ?1",
    [Q_COUNTED_ADD] = "INSERT INTO counted(ord, what, n, device, lot, operator, reason, time, leaf) VALUES(?1, ?2, ?3, nullif(?4, ''),"
                      " nullif(?5, ''), nullif(?6, ''), nullif(?7, ''), ?8, ?9)",
    [Q_ORDER_PUT] = "INSERT INTO ord(name, quantity, valid_from, valid_until, state, leaf) VALUES(?1, ?2, ?3, ?4, 'open', ?5)"
                    " ON CONFLICT(name) DO UPDATE SET quantity = ?2, valid_from = ?3, valid_until = ?4",
    [Q_ORDER_LOT_DROP] = "DELETE FROM order_lot WHERE ord = ?1",
    [Q_ORDER_LOT_PUT] = "INSERT INTO order_lot(ord, lot) VALUES(?1, ?2)",
    [Q_ORDER_PROFILE_DROP] = "DELETE FROM order_profile WHERE ord = ?1",
    [Q_ORDER_PROFILE_PUT] = "INSERT INTO order_profile(ord, name, service, text) VALUES(?1, ?2, ?3, ?4)",
    [Q_CHOOSE_UNIT] =
        "SELECT p.ord, p.name, p.service FROM device_key k JOIN device d ON d.id = k.device JOIN order_profile p ON p.ord = d.ord"
        " WHERE k.hash = ?1 AND " LABEL_FITS " ORDER BY p.name = ?2 DESC, p.name = (SELECT i.profile FROM identity i WHERE i.device = d.id"
        " AND i.service = p.service ORDER BY i.id DESC LIMIT 1) DESC, p.rowid LIMIT 1",
    [Q_CHOOSE_NAMED] =
        "SELECT p.ord, p.name, p.service FROM order_profile p WHERE p.ord = ?1 AND " LABEL_FITS
        " ORDER BY p.name = ?2 DESC, p.name = (SELECT"
        " i.profile FROM device_key k JOIN identity i ON i.device = k.device AND i.service = p.service WHERE k.hash = ?3 ORDER BY i.id DESC"
        " LIMIT 1) DESC, p.rowid LIMIT 1",
    [Q_CHOOSE_OPEN] =
        "SELECT o.name, p.name, p.service FROM order_lot l JOIN ord o ON o.name = l.ord JOIN order_profile p ON p.ord = o.name"
        " WHERE l.lot = ?1 AND o.state = 'open' AND " LABEL_FITS " ORDER BY ?3 BETWEEN o.valid_from AND o.valid_until DESC,"
        " o.used < o.quantity DESC, o.id, p.name = ?2 DESC, p.rowid LIMIT 1",
    [Q_ORDER_SAYS] = "UPDATE ord SET serials = ?2, units = ?3, product = ?4 WHERE name = ?1",
    [Q_ORDER_STATION_PUT] = "INSERT OR REPLACE INTO order_station(ord, name, key) VALUES(?1, ?2, ?3)",
    [Q_ORDER_STATION_GET] = "SELECT name FROM order_station WHERE ord = ?1 AND key = ?2",
    [Q_MADE_AT] = "INSERT INTO made_at(ord, station, units) VALUES(?1, ?2, 1) ON CONFLICT(ord, station) DO UPDATE SET units = units + 1",
    [Q_ORDER_SERIALS] = "SELECT serials, used + 1 FROM ord WHERE name = ?1",
    [Q_UNIT_PUT] = "INSERT INTO unit(ord, row, chip, serial, model, hardware, firmware, owner, region, support_until) VALUES(?1, ?2,"
                   " nullif(?3, ''), nullif(?4, ''), nullif(?5, ''), nullif(?6, ''), nullif(?7, ''), nullif(?8, ''), nullif(?9, ''),"
                   " nullif(?10, 0))",
    [Q_UNIT_OTHER] = "SELECT ord FROM (SELECT ord, model FROM unit WHERE serial = ?1 UNION ALL SELECT ord, model FROM device WHERE serial ="
                     " ?1) WHERE " SAME_PRODUCT " LIMIT 1",
    [Q_SERIALS_BEGIN] =
        "SELECT serial, ord FROM (SELECT serial, ord, model FROM unit WHERE serial >= ?1 AND serial < ?1 || char(1114111)"
        " UNION ALL SELECT serial, ord, model FROM device WHERE serial >= ?1 AND serial < ?1 || char(1114111)) WHERE " SAME_PRODUCT,
    [Q_PATTERNS] = "SELECT o.name, o.serials, o.quantity, (SELECT u.model FROM unit u WHERE u.ord = o.name AND u.chip IS NULL LIMIT 1)"
                   " FROM ord o WHERE o.serials IS NOT NULL AND o.state = 'open'",
    [Q_SERIAL_TWIN] =
        "SELECT d.serial, t.id FROM device d JOIN device t ON t.serial = d.serial AND t.id <> d.id AND (t.model IS NULL OR"
        " d.model IS NULL OR t.model = d.model) WHERE d.id = ?1 AND (SELECT count(*) FROM identity i WHERE i.device = d.id) = 1 LIMIT 1",
    [Q_UNIT_NAMED] = "SELECT id FROM unit WHERE ord = ?1 AND chip = ?2 ORDER BY id LIMIT 1",
    [Q_UNIT_NEXT] = "SELECT id FROM unit WHERE ord = ?1 AND chip IS NULL ORDER BY id LIMIT 1",
    [Q_UNIT_SETTLE] = "UPDATE device SET row = u.row, serial = coalesce(device.serial, u.serial), model = u.model, hardware = u.hardware,"
                      " firmware = u.firmware, owner = u.owner, region = u.region, support_until = u.support_until"
                      " FROM unit u WHERE u.id = ?2 AND device.id = ?1",
    [Q_UNIT_TAKEN] = "DELETE FROM unit WHERE id = ?1",
    [Q_DEVICE_PUT] = "INSERT INTO device(id, chip, root_kind, lot, ord, state, made, vendor, station, serial) VALUES(?1, ?2, ?3, ?4, ?5,"
                     " 'provisioned', ?6, (SELECT l.vendor FROM lot l WHERE l.name = ?4 ORDER BY l.id DESC LIMIT 1), nullif(?7, ''),"
                     " nullif(?8, ''))"
                     " ON CONFLICT(id) DO NOTHING RETURNING id",
    [Q_DEVICE_MOVE] = "UPDATE device SET state = ?2, owner = coalesce(?3, owner) WHERE id = ?1 RETURNING id",
    [Q_DEVICE_OF] = "SELECT d.id, d.state FROM identity i JOIN device d ON d.id = i.device WHERE i.serial = ?1",
    [Q_DEVICE_LOT] = "SELECT lot FROM device WHERE id = ?1",
    [Q_DEVICE_NAMES] = "SELECT hash FROM device_key WHERE device = ?1 ORDER BY rowid LIMIT 8",
    [Q_DEVICE_UNCHIP] = "DELETE FROM device_key WHERE device = ?1",
    [Q_DEVICE_CHIP] = "UPDATE device SET chip = ?2, root_kind = ?3, lot = ?4, vendor = (SELECT l.vendor FROM lot l WHERE l.name = ?4"
                      " ORDER BY l.id DESC LIMIT 1) WHERE id = ?1",
    [Q_MOVE_ADD] = "INSERT INTO move(device, move, state, operator, second, owner, reason, time, leaf) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                   "?8, ?9)",
    [Q_LIVE_NEXT] = "SELECT id, service, serial, certificate FROM identity WHERE device = ?1 AND id > ?2 AND state IN ('provisional', "
                    "'active', 'renewed') ORDER BY id LIMIT 1",
    [Q_SUPPORT_PUT] = "INSERT INTO support(device, profile, ticket, reason, operator, second, opened, until, leaf) VALUES(?1, ?2, ?3,"
                      " nullif(?4, ''), nullif(?5, ''), nullif(?6, ''), ?7, ?8, ?9)",
    [Q_SUPPORT_USED] = "UPDATE support SET serial = ?2 WHERE id = (SELECT max(id) FROM support WHERE device = ?1) AND closed IS NULL",
    [Q_SUPPORT_CLOSE] = "UPDATE support SET closed = ?2, closed_by = nullif(?3, ''), why = ?4 WHERE id = (SELECT max(id) FROM support WHERE"
                        " device = ?1) AND closed IS NULL",
    [Q_SUPPORT_CHOOSE] = "SELECT d.ord, s.profile, 'support' FROM device_key k JOIN device d ON d.id = k.device JOIN support s ON s.id ="
                         " (SELECT max(id) FROM support WHERE device = d.id) WHERE k.hash = ?1 AND ?2 IN ('support', s.profile) LIMIT 1",
    [Q_SUPPORT_ENDED] = "SELECT device FROM support WHERE closed IS NULL AND until < ?1 ORDER BY until LIMIT 1",
    [Q_DEVICE_KEY] = "INSERT INTO device_key(hash, device) VALUES(?1, ?2)",
    [Q_ORDER_USED] = "UPDATE ord SET used = used + 1 WHERE name = ?1",
    [Q_IDENTITY_PUT] =
        "INSERT INTO identity(device, service, profile, ord, serial, key, state, evidence_class, issued, not_after, changed, leaf,"
        " certificate, evidence, proven, renews)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 'provisional', ?7, ?8, ?9, ?8, ?10, ?11, ?12, ?13, nullif(?14, x''))",
    [Q_IDENTITY_STATE] = "UPDATE identity SET state = ?2, changed = ?3, reason = ?4,"
                         " seen = CASE WHEN ?2 = 'active' THEN coalesce(seen, ?3) ELSE seen END WHERE serial = ?1 RETURNING id",
    [Q_IDENTITY_RENEWS] = "SELECT renews FROM identity WHERE serial = ?1 AND renews IS NOT NULL",
    [Q_IDENTITY_RENEWED] = "UPDATE identity SET state = 'renewed', retires = ?2, changed = ?3 WHERE serial = ?1 AND state = 'active'",
    [Q_IDENTITY_ENDED] = "UPDATE identity SET state = 'replaced', changed = ?2, reason = ?3, retires = NULL WHERE serial = ?1"
                         " AND state IN ('active', 'renewed')",
    [Q_IDENTITY_BY_KEY] = "SELECT i.serial, i.device, CASE d.state WHEN 'suspended' THEN d.state ELSE i.state END, i.certificate FROM"
                          " identity i JOIN device d ON d.id = i.device WHERE i.key = ?1 ORDER BY i.id DESC LIMIT 1",
    [Q_IDENTITY_BY_SERIAL] = "SELECT serial, device, state, certificate FROM identity WHERE serial = ?1",
    [Q_LEAF_ADD] = "INSERT INTO leaf(idx, kind, time, hash, salt, event, device, attachment) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [Q_LEAF_COUNT] = "SELECT coalesce(max(idx) + 1, 0) FROM leaf",
    [Q_LEAF_HASHES] = "SELECT hash FROM leaf WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
    [Q_LEAF_GET] = "SELECT kind, salt, event FROM leaf WHERE idx = ?1",
    [Q_TILE_PUT] = "INSERT OR REPLACE INTO tile(level, n, hashes) VALUES(?1, ?2, ?3)",
    [Q_TILE_GET] = "SELECT hashes FROM tile WHERE level = ?1 AND n = ?2",
    [Q_CHECKPOINT_PUT] = "INSERT OR REPLACE INTO meta(key, value) VALUES('checkpoint', ?1)",
    [Q_CHECKPOINT_GET] = "SELECT value FROM meta WHERE key = 'checkpoint'",
    [Q_ALARM_ADD] = "INSERT INTO alarm(time, kind, sentence, device, chip, lot, operator, leaf) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [Q_ALARM_SETTLE] = "UPDATE alarm SET settled = ?2, settled_by = ?3, note = ?4 WHERE id = ?1 AND settled IS NULL RETURNING id",
};
