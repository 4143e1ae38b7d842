/* store.h - what the registrar keeps: the only words that the rest of the program may say to a database. */
#ifndef BM_STORE_H
#define BM_STORE_H

#include "base/bytes.h"
#include "base/env.h"
#include "base/limits.h"

/*
 * One database, one writer (the registrar). Durable when bm_store_commit() returns: SQLite in WAL mode with synchronous=FULL. Errors: BM_EBUSY when the
 * disk is full or the file is away; BM_EBUG when the database contradicts itself. Strings are UTF-8; times are seconds since 1970.
 */
struct bm_store;

/* Makes the schema in a new file. BM_EBUG: the file is damaged, no database, or of another release's schema. */
bm_must_use enum bm_rc bm_store_open(struct bm_store **ret_store, const char *path, struct bm_fail *fail);
void bm_store_close(struct bm_store *store); /* accepts NULL; rolls back what is open */
void bm_store_done(struct bm_store **store);

bm_must_use enum bm_rc bm_store_begin(struct bm_store *store, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_commit(struct bm_store *store, struct bm_fail *fail);
void bm_store_rollback(struct bm_store *store); /* nothing to do after a commit */

/* Vendors: body is what `vendor add` sent, kept as it came (proc/control_messages.h). Again under the same name: replaces. */
bm_must_use enum bm_rc bm_store_vendor_put(struct bm_store *store, const char *name, const char *format, struct bm_bytes body, bm_time now,
                                           struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_vendor_get(struct bm_store *store, const char *name, struct bm_buf *body,
                                           struct bm_fail *fail); /* BM_EPOLICY: not known */
bm_must_use enum bm_rc bm_store_vendor_retire(struct bm_store *store, const char *name, struct bm_fail *fail);

/* Lots: arriving (chips come in), then pinned by the signer's word. */
struct bm_store_lot {
    int64_t id;
    char name[BM_MAX_NAME + 1];
    uint8_t root[BM_HASH];
    uint64_t size;
};
bm_must_use enum bm_rc bm_store_lot_arrive(struct bm_store *store, const char *name, uint64_t revision, const char *vendor,
                                           const char *source, uint64_t size, const uint8_t root[static BM_HASH], bm_time now,
                                           int64_t *ret_id, struct bm_fail *fail);
struct bm_store_key {
    uint8_t hash[BM_HASH];
    uint8_t ski[20];
};
struct bm_store_entry {
    uint64_t index;
    const char *label, *root_kind;
    const char *reel, *date, *firmware; /* the leaf's labels of these names; NULL: it has none */
    struct bm_bytes leaf;
};
bm_must_use enum bm_rc bm_store_chip_add(struct bm_store *store, int64_t lot, const struct bm_store_entry *entry,
                                         const struct bm_store_key *keys, size_t nkeys, struct bm_fail *fail);
/* Leaf hashes, 32 bytes each, in order: what the lot's tree is rebuilt from. */
bm_must_use enum bm_rc bm_store_lot_hashes_put(struct bm_store *store, int64_t lot, struct bm_bytes hashes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_lot_hashes(struct bm_store *store, int64_t lot, struct bm_buf *hashes, struct bm_fail *fail);
/* The arriving lot with this root becomes pinned; BM_EBUG when there is none. */
bm_must_use enum bm_rc bm_store_lot_pinned(struct bm_store *store, const uint8_t root[static BM_HASH], bm_time now, uint64_t leaf,
                                           struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_lot_drop(struct bm_store *store, int64_t lot, struct bm_fail *fail); /* one lot and its chips */
bm_must_use enum bm_rc bm_store_lot_drop_arriving(struct bm_store *store, struct bm_fail *fail);     /* at start: what no pin followed */
bm_must_use enum bm_rc bm_store_lot_named(struct bm_store *store, const char *name, bool *ret_known, struct bm_fail *fail);

/* Of a lot that came in: pinned, quarantined, withdrawn, superseded. BM_EBUG: there is no such lot. */
bm_must_use enum bm_rc bm_store_lot_state(struct bm_store *store, const char *name, const char *state, const char *reason,
                                          struct bm_fail *fail);
/* A higher revision is about to take its place (bm_store_lot_pinned()), in the state that this one was in. */
bm_must_use enum bm_rc bm_store_lot_superseded(struct bm_store *store, const char *name, struct bm_fail *fail);
/* A verified lot that contradicts another: its name and head are kept, in quarantine; none of its chips. Again: the reason is the newer one. */
struct bm_store_held {
    const char *name, *vendor, *source, *reason;
    uint64_t size;
    const uint8_t *root;
};
bm_must_use enum bm_rc bm_store_lot_held(struct bm_store *store, const struct bm_store_held *held, bm_time now, struct bm_fail *fail);
/* The leaf at a place of a lot that was pinned; appended. */
bm_must_use enum bm_rc bm_store_chip_at(struct bm_store *store, const char *lot, uint64_t index, bool *ret_found, struct bm_buf *leaf,
                                        struct bm_fail *fail);
/* A lot of another name that lists this root key, and the chip's id there; or that lists this id for the same vendor, and the leaf. Only lots that were
 * pinned and not superseded. */
bm_must_use enum bm_rc bm_store_chip_elsewhere(struct bm_store *store, const uint8_t hash[static BM_HASH], const char *lot, bool *ret_found,
                                               char ret_lot[static BM_MAX_NAME + 1], char ret_id[static BM_MAX_NAME + 1],
                                               struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_id_elsewhere(struct bm_store *store, const char *id, const char *vendor, const char *lot, bool *ret_found,
                                             char ret_lot[static BM_MAX_NAME + 1], struct bm_buf *leaf, struct bm_fail *fail);
/* Every chip with this root key, whichever lot it stands in: scrapped, withdrawn. */
bm_must_use enum bm_rc bm_store_chip_state(struct bm_store *store, const uint8_t hash[static BM_HASH], const char *state,
                                           const char *reason, struct bm_fail *fail);

/* A chip by a root key, of lots that were pinned once: those that serve come first, then those that an open order names, then the earliest. */
struct bm_store_chip {
    struct bm_store_lot lot;
    int64_t id;
    uint64_t index;
    uint8_t key[BM_HASH]; /* the key by which it was found */
};
bm_must_use enum bm_rc bm_store_chip_by_key(struct bm_store *store, const uint8_t hash[static BM_HASH], bool *ret_found,
                                            struct bm_store_chip *ret_chip, struct bm_buf *leaf, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_chip_by_ski(struct bm_store *store, const uint8_t ski[static 20], bool *ret_found,
                                            struct bm_store_chip *ret_chip, struct bm_buf *leaf, struct bm_fail *fail);

/* The chip with this key in the lot of this name: where the signer's event says that it stands. */
bm_must_use enum bm_rc bm_store_chip_of_lot(struct bm_store *store, const uint8_t hash[static BM_HASH], const char *lot, bool *ret_found,
                                            int64_t *ret_chip, struct bm_fail *fail);

/* Proposals: statements with one signature that wait for a second; "" where a text does not apply. */
struct bm_store_proposal {
    const uint8_t *number; /* 16 bytes */
    const char *act, *vendor, *check, *lot, *reason, *by;
    bm_time until, time, expires; /* until: 0 = none */
    struct bm_bytes note;
};
bm_must_use enum bm_rc bm_store_proposal_put(struct bm_store *store, const struct bm_store_proposal *proposal, uint64_t *ret_id,
                                             struct bm_fail *fail);
/* Taken by the signer, whether it was known here or not. */
bm_must_use enum bm_rc bm_store_proposal_approved(struct bm_store *store, const struct bm_store_proposal *proposal, const char *second,
                                                  uint64_t leaf, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_proposal_reject(struct bm_store *store, uint64_t id, const char *by, const char *reason,
                                                struct bm_fail *fail); /* BM_EPOLICY: it is not open */

/* Orders, as the signer accepted them. */
struct bm_store_profile {
    char name[BM_MAX_NAME + 1];
    char service[BM_MAX_NAME + 1];
    struct bm_bytes text;
};
bm_must_use enum bm_rc bm_store_order_put(struct bm_store *store, const char *name, uint64_t quantity, bm_time from, bm_time until,
                                          const char (*lots)[BM_MAX_NAME + 1], size_t nlots, const struct bm_store_profile *profiles,
                                          size_t nprofiles, uint64_t leaf, struct bm_fail *fail);
/* What could serve this request: the order that the unit belongs to when it has one with such a profile; otherwise the lot's open orders, those whose
 * dates fit before the others, then those with units left, then the oldest. Whether it may is the signer's word, so that its refusal says why.
 * label: a profile's name, or a service's; "" asks for orders with a single profile. */
struct bm_store_choice {
    char order[BM_MAX_NAME + 1];
    char profile[BM_MAX_NAME + 1];
    char service[BM_MAX_NAME + 1];
};
bm_must_use enum bm_rc bm_store_choose(struct bm_store *store, const char *lot, int64_t chip, const char *label, bm_time now,
                                       bool *ret_found, struct bm_store_choice *ret_choice, struct bm_fail *fail);

/* Devices and identities. */
struct bm_store_identity {
    const char *device, *service, *profile, *order, *evidence_class, *lot;
    int64_t chip;
    struct bm_bytes serial;
    const uint8_t *key; /* hash of the operational key's SPKI */
    bm_time issued, not_after;
    struct bm_bytes certificate, evidence;
    uint64_t leaf;
};
/* The device's first identity makes the device and counts in its order. */
bm_must_use enum bm_rc bm_store_identity_put(struct bm_store *store, const struct bm_store_identity *identity, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_identity_state(struct bm_store *store, struct bm_bytes serial, const char *state, bm_time now,
                                               const char *reason, struct bm_fail *fail); /* provisional, active, replaced, revoked */
struct bm_store_found {
    bool found;
    uint8_t serial[BM_MAX_SERIAL];
    size_t nserial;
    char device[BM_MAX_NAME + 1];
    char state[16];
};
/* The live identity with this operational key, or the identity with this serial; appends its certificate. */
bm_must_use enum bm_rc bm_store_identity_by_key(struct bm_store *store, const uint8_t hash[static BM_HASH],
                                                struct bm_store_found *ret_found, struct bm_buf *certificate, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_identity_by_serial(struct bm_store *store, struct bm_bytes serial, struct bm_store_found *ret_found,
                                                   struct bm_buf *certificate, struct bm_fail *fail);

/* The ledger's leaves and full tiles (256 hashes); the newest checkpoint. */
struct bm_store_leaf {
    uint64_t index;
    uint8_t kind;
    bm_time time;
    const uint8_t *hash; /* RFC 6962 leaf hash */
    const uint8_t *salt;
    struct bm_bytes event;
    const char *device; /* "" = none */
    struct bm_bytes attachment;
};
bm_must_use enum bm_rc bm_store_leaf_add(struct bm_store *store, const struct bm_store_leaf *leaf, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_leaf_count(struct bm_store *store, uint64_t *ret_n, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_leaf_hashes(struct bm_store *store, uint64_t first, size_t most, struct bm_buf *hashes,
                                            struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_leaf_get(struct bm_store *store, uint64_t index, uint8_t *ret_kind, uint8_t ret_salt[static 32],
                                         struct bm_buf *event, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_tile_put(struct bm_store *store, unsigned level, uint64_t n, struct bm_bytes hashes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_tile_get(struct bm_store *store, unsigned level, uint64_t n, struct bm_buf *hashes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_checkpoint_put(struct bm_store *store, struct bm_bytes note, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_checkpoint_get(struct bm_store *store, struct bm_buf *note, struct bm_fail *fail);

/* Alarms: what somebody should look at. */
struct bm_store_alarm {
    bm_time time;
    const char *kind; /* "unknown-chip", "clone", "quota", "lot", "enrol", "statement" ... */
    const char *sentence;
    const char *device, *chip, *lot, *by; /* "" = none */
    bool has_leaf;
    uint64_t leaf;
};
bm_must_use enum bm_rc bm_store_alarm_add(struct bm_store *store, const struct bm_store_alarm *alarm, uint64_t *ret_id,
                                          struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_alarm_settle(struct bm_store *store, uint64_t id, const char *by, const char *note, bm_time now,
                                             struct bm_fail *fail);

/*
 * Rows for people and machines: one JSON object text a row, with the field names that --json promises (docs/formats/store.md). `what`: vendor lot chip
 * order profile device identity alarm event proposal roles (the last statement of them). Filters are NULL for "any"; a list without such a column ignores it. BM_EINPUT: nothing by that name.
 * A page at a time, so that a list of a million rows holds up nobody: give the same page again while `more`.
 */
struct bm_store_filter {
    const char *name; /* one lot, order, device, alarm ... */
    const char *state, *lot, *order, *profile, *device;
    uint64_t after; /* alarms: only those above; events: only those from this index on */
};
struct bm_store_page {
    size_t most;  /* rows at once, 1 or more */
    int64_t from; /* 0 at first; where the next page begins */
    bool more;    /* this one was full: another may follow */
};
bm_must_use enum bm_rc bm_store_rows(struct bm_store *store, const char *what, const struct bm_store_filter *filter,
                                     struct bm_store_page *page, enum bm_rc (*row)(void *ctx, const char *json, struct bm_fail *fail),
                                     void *ctx, struct bm_fail *fail);

#endif
