#include "store/lite.h"

/* Version 2. Rowid tables throughout: WITHOUT ROWID with blobs is two to three times slower. */
const char *const lite_schema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL);"
    "INSERT OR IGNORE INTO meta VALUES('schema', 2);"
    "CREATE TABLE IF NOT EXISTS vendor(name TEXT PRIMARY KEY, format TEXT NOT NULL, body BLOB NOT NULL, added INTEGER NOT NULL,"
    " retired INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS lot(id INTEGER PRIMARY KEY, name TEXT NOT NULL, vendor TEXT NOT NULL, source TEXT NOT NULL,"
    " size INTEGER NOT NULL, root BLOB NOT NULL UNIQUE, state TEXT NOT NULL, received INTEGER NOT NULL, leaf INTEGER, reason TEXT,"
    " revision INTEGER NOT NULL DEFAULT 1, was TEXT);"
    "CREATE UNIQUE INDEX IF NOT EXISTS lot_name ON lot(name) WHERE state NOT IN ('arriving', 'superseded');"
    "CREATE TABLE IF NOT EXISTS lot_hashes(lot INTEGER NOT NULL REFERENCES lot(id), hashes BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS lot_hashes_lot ON lot_hashes(lot);"
    "CREATE TABLE IF NOT EXISTS chip(id INTEGER PRIMARY KEY, lot INTEGER NOT NULL REFERENCES lot(id), idx INTEGER NOT NULL,"
    " label TEXT NOT NULL, root_kind TEXT NOT NULL, leaf BLOB NOT NULL, reel TEXT, made TEXT, firmware TEXT, state TEXT, reason TEXT);"
    "CREATE INDEX IF NOT EXISTS chip_lot ON chip(lot, idx);"
    "CREATE INDEX IF NOT EXISTS chip_state ON chip(lot, state) WHERE state IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS chip_label ON chip(label);"
    "CREATE TABLE IF NOT EXISTS chip_key(hash BLOB NOT NULL, ski BLOB NOT NULL, chip INTEGER NOT NULL REFERENCES chip(id));"
    "CREATE INDEX IF NOT EXISTS chip_key_hash ON chip_key(hash);"
    "CREATE INDEX IF NOT EXISTS chip_key_ski ON chip_key(ski);"
    "CREATE INDEX IF NOT EXISTS chip_key_chip ON chip_key(chip);"
    "CREATE TABLE IF NOT EXISTS ord(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, quantity INTEGER NOT NULL, used INTEGER NOT NULL"
    " DEFAULT 0, valid_from INTEGER NOT NULL, valid_until INTEGER NOT NULL, state TEXT NOT NULL, leaf INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS order_lot(ord TEXT NOT NULL, lot TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS order_lot_lot ON order_lot(lot);"
    "CREATE TABLE IF NOT EXISTS order_profile(ord TEXT NOT NULL, name TEXT NOT NULL, service TEXT NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS order_profile_ord ON order_profile(ord);"
    "CREATE TABLE IF NOT EXISTS device(id TEXT PRIMARY KEY, chip INTEGER NOT NULL, lot TEXT NOT NULL, ord TEXT NOT NULL,"
    " state TEXT NOT NULL, made INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS device_chip ON device(chip);"
    "CREATE TABLE IF NOT EXISTS identity(id INTEGER PRIMARY KEY, device TEXT NOT NULL, service TEXT NOT NULL, profile TEXT NOT NULL,"
    " ord TEXT NOT NULL, serial BLOB NOT NULL UNIQUE, key BLOB NOT NULL, state TEXT NOT NULL, evidence_class TEXT NOT NULL,"
    " issued INTEGER NOT NULL, not_after INTEGER NOT NULL, changed INTEGER NOT NULL, reason TEXT, leaf INTEGER NOT NULL, seen INTEGER,"
    " certificate BLOB NOT NULL, evidence BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS identity_key ON identity(key);"
    "CREATE INDEX IF NOT EXISTS identity_device ON identity(device);"
    "CREATE TABLE IF NOT EXISTS leaf(idx INTEGER PRIMARY KEY, kind INTEGER NOT NULL, time INTEGER NOT NULL, hash BLOB NOT NULL,"
    " salt BLOB NOT NULL, event BLOB NOT NULL, device TEXT, attachment BLOB);"
    "CREATE TABLE IF NOT EXISTS tile(level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL, UNIQUE(level, n));"
    "CREATE TABLE IF NOT EXISTS proposal(id INTEGER PRIMARY KEY AUTOINCREMENT, number BLOB NOT NULL UNIQUE, act TEXT NOT NULL, vendor TEXT,"
    " chk TEXT, lot TEXT, reason TEXT, operator TEXT NOT NULL, until INTEGER, time INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " note BLOB NOT NULL, state TEXT NOT NULL, second TEXT, leaf INTEGER, why TEXT);"
    "CREATE TABLE IF NOT EXISTS alarm(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT "
    "NULL,"
    " device TEXT, chip TEXT, lot TEXT, operator TEXT, leaf INTEGER, settled INTEGER, settled_by TEXT, note TEXT);"
    "CREATE INDEX IF NOT EXISTS alarm_chip ON alarm(chip) WHERE chip IS NOT NULL;"
    "COMMIT;";

/* The label of a request is a profile's name or its service's; without one, the order must allow a single profile. */
#define LABEL_FITS "(p.name = ?2 OR p.service = ?2 OR (?2 = '' AND (SELECT count(*) FROM order_profile c WHERE c.ord = p.ord) = 1))"
#define PROPOSAL_INSERT                                                                                                                  \
    "INSERT INTO proposal(id, number, act, vendor, chk, lot, reason, operator, until, time, expires, note, state, second, leaf) VALUES(" \
    "(SELECT coalesce(max(id), 0) + 1 FROM proposal), ?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9, ?10, ?11, "
#define CHIP_COLUMNS                                                                                                                      \
    "SELECT l.id, l.name, l.root, l.size, c.id, c.idx, c.leaf, k.hash FROM chip_key k JOIN chip c ON c.id = k.chip JOIN lot l ON l.id = " \
    "c.lot "                                                                                                                              \
    "WHERE l.leaf IS NOT NULL AND "
/* A chip may stand in two lots, one of which superseded the other: the one that can be served counts. Those that were withdrawn or are in quarantine are
 * found too: why nothing is issued from them is the signer's word. */
#define ORDERED_FIRST                                                                                                                      \
    " ORDER BY l.state = 'pinned' DESC, EXISTS(SELECT 1 FROM order_lot n JOIN ord o ON o.name = n.ord WHERE n.lot = l.name AND o.state = " \
    "'open') DESC, l.id LIMIT "                                                                                                            \
    "1"

const char *const lite_sql[Q__N] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_VERSION] = "SELECT value FROM meta WHERE key = 'schema'",
    [Q_VENDOR_PUT] = "INSERT INTO vendor(name, format, body, added) VALUES(?1, ?2, ?3, ?4)"
                     " ON CONFLICT(name) DO UPDATE SET format = ?2, body = ?3, added = ?4, retired = 0",
    [Q_VENDOR_GET] = "SELECT body FROM vendor WHERE name = ?1 AND retired = 0",
    [Q_VENDOR_RETIRE] = "UPDATE vendor SET retired = 1 WHERE name = ?1 RETURNING name",
    [Q_LOT_ARRIVE] =
        "INSERT INTO lot(name, vendor, source, size, root, state, received, revision)"
        " SELECT ?1, ?2, ?3, ?4, ?5, 'arriving', ?6, ?7 WHERE NOT EXISTS"
        "(SELECT 1 FROM lot o WHERE o.name = ?1 AND (o.state = 'arriving' OR (o.leaf IS NOT NULL AND o.revision >= ?7))) RETURNING id",
    [Q_LOT_UNHELD] = "DELETE FROM lot WHERE leaf IS NULL AND state = 'quarantined' AND name = (SELECT name FROM lot WHERE root = ?1)",
    [Q_LOT_PINNED] = "UPDATE lot SET received = ?2, leaf = ?3, state = coalesce((SELECT o.was FROM lot o WHERE o.name = lot.name AND"
                     " o.state = 'superseded' ORDER BY o.id DESC LIMIT 1), 'pinned') WHERE root = ?1 RETURNING id",
    [Q_LOT_SUPERSEDED] = "UPDATE lot SET was = state, state = 'superseded' WHERE name = ?1 AND leaf IS NOT NULL AND state <> 'superseded'"
                         " RETURNING id",
    [Q_LOT_STATE] = "UPDATE lot SET state = ?2, reason = ?3 WHERE name = ?1 AND leaf IS NOT NULL AND state <> 'superseded' RETURNING id",
    [Q_LOT_HELD] = "INSERT INTO lot(name, vendor, source, size, root, state, received, reason)"
                   " VALUES(?1, ?2, ?3, ?4, ?5, 'quarantined', ?6, ?7)"
                   " ON CONFLICT(root) DO UPDATE SET reason = ?7 WHERE leaf IS NULL AND name = ?1 RETURNING id",
    [Q_CHIP_AT] = "SELECT c.leaf FROM chip c JOIN lot l ON l.id = c.lot WHERE l.name = ?1 AND c.idx = ?2 AND l.leaf IS NOT NULL AND"
                  " l.state <> 'superseded'",
    [Q_CHIP_ELSEWHERE] = "SELECT l.name, c.label FROM chip_key k JOIN chip c ON c.id = k.chip JOIN lot l ON l.id = c.lot"
                         " WHERE k.hash = ?1 AND l.name <> ?2 AND l.leaf IS NOT NULL AND l.state <> 'superseded' LIMIT 1",
    [Q_ID_ELSEWHERE] = "SELECT l.name, c.leaf FROM chip c JOIN lot l ON l.id = c.lot WHERE c.label = ?1 AND l.vendor = ?2 AND l.name <> ?3"
                       " AND l.leaf IS NOT NULL AND l.state <> 'superseded' LIMIT 1",
    [Q_CHIP_STATE] = "UPDATE chip SET state = ?2, reason = ?3 WHERE id IN (SELECT k.chip FROM chip_key k WHERE k.hash = ?1)",
    [Q_LOT_KNOWN] = "SELECT 1 FROM lot WHERE name = ?1",
    [Q_LOT_DROP_KEYS] = "DELETE FROM chip_key WHERE chip IN (SELECT id FROM chip WHERE lot = ?1)",
    [Q_LOT_DROP_CHIPS] = "DELETE FROM chip WHERE lot = ?1",
    [Q_LOT_DROP_HASHES] = "DELETE FROM lot_hashes WHERE lot = ?1",
    [Q_LOT_DROP] = "DELETE FROM lot WHERE id = ?1",
    [Q_LOT_ARRIVING] = "SELECT id FROM lot WHERE state = 'arriving' LIMIT 1",
    [Q_CHIP_ADD] = "INSERT INTO chip(lot, idx, label, root_kind, leaf, reel, made, firmware) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [Q_CHIP_KEY_ADD] = "INSERT INTO chip_key(hash, ski, chip) VALUES(?1, ?2, ?3)",
    [Q_LOT_HASHES_PUT] = "INSERT INTO lot_hashes(lot, hashes) VALUES(?1, ?2)",
    [Q_LOT_HASHES] = "SELECT hashes FROM lot_hashes WHERE lot = ?1 ORDER BY rowid",
    [Q_CHIP_BY_KEY] = CHIP_COLUMNS "k.hash = ?1" ORDERED_FIRST,
    [Q_CHIP_BY_SKI] = CHIP_COLUMNS "k.ski = ?1" ORDERED_FIRST,
    [Q_CHIP_OF_LOT] =
        "SELECT c.id FROM chip_key k JOIN chip c ON c.id = k.chip JOIN lot l ON l.id = c.lot WHERE k.hash = ?1 AND l.name = ?2"
        " ORDER BY l.id DESC LIMIT 1",
    [Q_PROPOSAL_PUT] = PROPOSAL_INSERT "'open', NULL, NULL)",
    [Q_PROPOSAL_APPROVED] = PROPOSAL_INSERT "'approved', ?12, ?13)"
                                            " ON CONFLICT(number) DO UPDATE SET state = 'approved', note = ?11, second = ?12, leaf = ?13",
    [Q_PROPOSAL_REJECT] = "UPDATE proposal SET state = 'rejected', second = ?2, why = ?3 WHERE id = ?1 AND state = 'open' RETURNING id",
    [Q_ORDER_PUT] = "INSERT INTO ord(name, quantity, valid_from, valid_until, state, leaf) VALUES(?1, ?2, ?3, ?4, 'open', ?5)"
                    " ON CONFLICT(name) DO UPDATE SET quantity = ?2, valid_from = ?3, valid_until = ?4",
    [Q_ORDER_LOT_DROP] = "DELETE FROM order_lot WHERE ord = ?1",
    [Q_ORDER_LOT_PUT] = "INSERT INTO order_lot(ord, lot) VALUES(?1, ?2)",
    [Q_ORDER_PROFILE_DROP] = "DELETE FROM order_profile WHERE ord = ?1",
    [Q_ORDER_PROFILE_PUT] = "INSERT INTO order_profile(ord, name, service, text) VALUES(?1, ?2, ?3, ?4)",
    [Q_CHOOSE_UNIT] = "SELECT p.ord, p.name, p.service FROM device d JOIN order_profile p ON p.ord = d.ord WHERE d.chip IN"
                      " (SELECT b.chip FROM chip_key a JOIN chip_key b ON b.hash = a.hash WHERE a.chip = ?1) AND " LABEL_FITS
                      " ORDER BY p.name = ?2 DESC, p.rowid LIMIT 1",
    [Q_CHOOSE_OPEN] =
        "SELECT o.name, p.name, p.service FROM order_lot l JOIN ord o ON o.name = l.ord JOIN order_profile p ON p.ord = o.name"
        " WHERE l.lot = ?1 AND o.state = 'open' AND " LABEL_FITS " ORDER BY ?3 BETWEEN o.valid_from AND o.valid_until DESC,"
        " o.used < o.quantity DESC, o.id, p.name = ?2 DESC, p.rowid LIMIT 1",
    [Q_DEVICE_PUT] = "INSERT INTO device(id, chip, lot, ord, state, made) VALUES(?1, ?2, ?3, ?4, 'provisioned', ?5)"
                     " ON CONFLICT(id) DO NOTHING RETURNING id",
    [Q_ORDER_USED] = "UPDATE ord SET used = used + 1 WHERE name = ?1",
    [Q_IDENTITY_PUT] =
        "INSERT INTO identity(device, service, profile, ord, serial, key, state, evidence_class, issued, not_after, changed, leaf,"
        " certificate, evidence) VALUES(?1, ?2, ?3, ?4, ?5, ?6, 'provisional', ?7, ?8, ?9, ?8, ?10, ?11, ?12)",
    [Q_IDENTITY_STATE] = "UPDATE identity SET state = ?2, changed = ?3, reason = ?4,"
                         " seen = CASE WHEN ?2 = 'active' THEN coalesce(seen, ?3) ELSE seen END WHERE serial = ?1 RETURNING id",
    [Q_IDENTITY_BY_KEY] = "SELECT serial, device, state, certificate FROM identity WHERE key = ?1 ORDER BY id DESC LIMIT 1",
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
