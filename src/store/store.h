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

/* Lots that the signer pinned; their chips stand in index files (custody/index.h). */
struct bm_store_lot {
    int64_t id;
    char name[BM_MAX_NAME + 1];
    char vendor[BM_MAX_NAME + 1];
    char source[16]; /* bm_lot_source_word() */
    char state[16];  /* pinned, quarantined, withdrawn, superseded */
    uint8_t root[BM_HASH];
    uint64_t size, revision;
};
/* Is the name taken, by this or a later revision, or the root? */
bm_must_use enum bm_rc bm_store_lot_taken(struct bm_store *store, const char *name, uint64_t revision, const uint8_t root[static BM_HASH],
                                          bool *ret_taken, struct bm_fail *fail);
/* A new one, in the state that the revision before it was in; else pinned. lot->id and lot->state are not looked at. */
bm_must_use enum bm_rc bm_store_lot_pinned(struct bm_store *store, const struct bm_store_lot *lot, bm_time now, uint64_t leaf,
                                           int64_t *ret_id, struct bm_fail *fail);
/* All of them, the earliest first. The callback says nothing to the store. */
bm_must_use enum bm_rc bm_store_lots(struct bm_store *store,
                                     enum bm_rc (*lot)(void *ctx, const struct bm_store_lot *lot, struct bm_fail *fail), void *ctx,
                                     struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_lot_ordered(struct bm_store *store, const char *name, bool *ret_ordered,
                                            struct bm_fail *fail); /* does an open order name it? */
/* Of a lot: pinned, quarantined, withdrawn. BM_EBUG: there is no such lot. */
bm_must_use enum bm_rc bm_store_lot_state(struct bm_store *store, const char *name, const char *state, const char *reason,
                                          struct bm_fail *fail);
/* A higher revision is about to take its place (bm_store_lot_pinned()), in the state that this one was in. */
bm_must_use enum bm_rc bm_store_lot_superseded(struct bm_store *store, const char *name, struct bm_fail *fail);
/* Two lots list a chip in common; and which do with this one. */
bm_must_use enum bm_rc bm_store_overlap_put(struct bm_store *store, int64_t lot, int64_t other, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_overlaps(struct bm_store *store, int64_t lot, int64_t *ret_others, size_t most, size_t *ret_n,
                                         struct bm_fail *fail);

/* A chip as its lot's index has it; NULL where a text does not apply. */
struct bm_store_chip {
    const char *label, *lot, *root_kind;
    const char *id_source; /* where the label was read: bm_label_source_word() */
    const char *reel, *date, *firmware;
    const char *other;     /* a lot that lists it too */
    const char *withdrawn; /* "withdrawn" where all of its lot is */
    uint64_t index;
    const uint8_t (*names)[BM_HASH]; /* bm_leaf_skim_names() */
    size_t nnames;                   /* 1 to BM_MAX_CHIP_KEYS */
};
/* The chip with any of these names may not be used any more: scrapped (for good), withdrawn. */
bm_must_use enum bm_rc bm_store_chip_halt(struct bm_store *store, const char *lot, const uint8_t (*names)[BM_HASH], size_t n,
                                          const char *state, const char *reason, struct bm_fail *fail);
/* One JSON object text. */
typedef enum bm_rc bm_store_row(void *ctx, const char *json, struct bm_fail *fail);
/* The row of the list "chip": its entry and what the records say of it. *ret_given: false when it is not in this state (NULL: any). */
bm_must_use enum bm_rc bm_store_chip_row(struct bm_store *store, const struct bm_store_chip *chip, const char *state, bm_store_row *row,
                                         void *ctx, bool *ret_given, struct bm_fail *fail);

/* Proposals: statements with one signature that wait for a second; "" where a text does not apply. */
struct bm_store_proposal {
    const uint8_t *number; /* 16 bytes */
    const char *act, *vendor, *check, *lot, *reason, *by;
    bm_time until, time, expires; /* until: 0 = none */
    struct bm_bytes note;
    struct bm_bytes behind; /* what goes to the signer behind the note: an order's profiles, a lot's head note */
};
bm_must_use enum bm_rc bm_store_proposal_put(struct bm_store *store, const struct bm_store_proposal *proposal, uint64_t *ret_id,
                                             struct bm_fail *fail);
/* Taken by the signer, whether it was known here or not. */
bm_must_use enum bm_rc bm_store_proposal_approved(struct bm_store *store, const struct bm_store_proposal *proposal, const char *second,
                                                  uint64_t leaf, struct bm_fail *fail);
/* Appends it; BM_EPOLICY: no open proposal has this number. */
bm_must_use enum bm_rc bm_store_proposal_behind(struct bm_store *store, uint64_t id, struct bm_buf *buf, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_proposal_reject(struct bm_store *store, uint64_t id, const char *by, const char *reason,
                                                struct bm_fail *fail); /* BM_EPOLICY: it is not open */

/* Orders, as the signer accepted them. */
struct bm_store_limits {
    uint64_t quantity, reissues, scraps, repairs;
};
/* To these, where they are higher than before. */
bm_must_use enum bm_rc bm_store_order_raise(struct bm_store *store, const char *name, const struct bm_store_limits *limits,
                                            struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_order_close(struct bm_store *store, const char *name, const char *balance, uint64_t leaf,
                                            struct bm_fail *fail);
/* So many re-issues, scraps or repairs. */
struct bm_store_counted {
    const char *order, *what, *device, *lot, *by, *reason; /* "" = not told */
    uint64_t n, leaf;
    bm_time time;
};
bm_must_use enum bm_rc bm_store_counted_add(struct bm_store *store, const struct bm_store_counted *counted, struct bm_fail *fail);
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
/* Of the order that a station names: whether that is open, the signer says. */
bm_must_use enum bm_rc bm_store_choose_of(struct bm_store *store, const char *order, const uint8_t key[static BM_HASH], const char *label,
                                          bool *ret_found, struct bm_store_choice *ret_choice, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_choose(struct bm_store *store, const char *lot, const uint8_t key[static BM_HASH], const char *label,
                                       bm_time now, bool *ret_found, struct bm_store_choice *ret_choice, struct bm_fail *fail);

/* What the planner says of the order's units: the pattern of their serial numbers ("" = none), and the hash of the file that the rows come from (NULL =
 * none). Rows are taken as the units are made: the one that names the unit's chip, else the next that names none. Where there is a pattern the one row is
 * what all units have in common, and stays. */
bm_must_use enum bm_rc bm_store_order_says(struct bm_store *store, const char *order, const char *product, const char *serials,
                                           const uint8_t *units, struct bm_fail *fail);
struct bm_store_unit {
    uint64_t row;     /* line of its file, from 1 */
    const char *chip; /* its id, or "key HEX" of one of its root keys; "" = any. Likewise what follows: "" = nothing is said */
    const char *serial, *model, *hardware, *firmware, *owner, *region;
    bm_time support_until; /* 0 = nothing is said */
};
bm_must_use enum bm_rc bm_store_unit_put(struct bm_store *store, const char *order, const struct bm_store_unit *unit, struct bm_fail *fail);
/* Which order has this serial number for the same product, waiting or given; "" when none. Products are the same unless both are told and differ;
 * model "" = not told. */
bm_must_use enum bm_rc bm_store_serial_order(struct bm_store *store, const char *serial, const char *model,
                                             char ret_order[static BM_MAX_NAME + 1], struct bm_fail *fail);
/* The serial numbers of the product that begin so, until `each` sets *ret_stop. The callback says nothing to the store. */
typedef void bm_store_serial_fn(void *ctx, const char *serial, const char *order, bool *ret_stop);
bm_must_use enum bm_rc bm_store_serials_begin(struct bm_store *store, const char *beginning, const char *model, bm_store_serial_fn *each,
                                              void *ctx, struct bm_fail *fail);
/* The open orders with a pattern, each with its quantity and the model of its units ("" = not told). The callback says nothing to the store. */
typedef void bm_store_pattern_fn(void *ctx, const char *order, const char *pattern, uint64_t quantity, const char *model);
bm_must_use enum bm_rc bm_store_patterns(struct bm_store *store, bm_store_pattern_fn *each, void *ctx, struct bm_fail *fail);
/* This device was just made: another of the same product that has its serial number; "" when none. */
bm_must_use enum bm_rc bm_store_serial_twin(struct bm_store *store, const char *device, char ret_serial[static BM_MAX_NAME + 1],
                                            char ret_twin[static BM_MAX_NAME + 1], struct bm_fail *fail);
/* The order's pattern ("" = none) and the place of the next unit in it, from 1. */
#define BM_STORE_SERIALS 80
bm_must_use enum bm_rc bm_store_order_serials(struct bm_store *store, const char *order, char ret_serials[static BM_STORE_SERIALS],
                                              uint64_t *ret_place, struct bm_fail *fail);
/* The stations that an order names, so that units can say by which they came. */
bm_must_use enum bm_rc bm_store_order_station_put(struct bm_store *store, const char *order, const char *name,
                                                  const uint8_t key[static BM_HASH], struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_order_station(struct bm_store *store, const char *order, const uint8_t key[static BM_HASH],
                                              char ret_name[static BM_MAX_NAME + 1], struct bm_fail *fail); /* "" = not one of them */

/* Devices and identities. */
struct bm_store_identity {
    const char *device, *service, *profile, *order, *evidence_class;
    const char *proven;               /* words */
    const struct bm_store_chip *chip; /* label, lot, root_kind and names */
    struct bm_bytes serial;
    const uint8_t *key; /* hash of the operational key's SPKI */
    bm_time issued, not_after;
    struct bm_bytes certificate, evidence;
    uint64_t leaf;
    struct bm_bytes renews;    /* serial of the certificate that it renews; n = 0: none */
    const char *station;       /* that the request came by; NULL or "" = none */
    const char *serial_number; /* of the unit, where the order has a pattern for them; NULL or "" = none */
};
/* The device's first identity makes the device and counts in its order. */
bm_must_use enum bm_rc bm_store_identity_put(struct bm_store *store, const struct bm_store_identity *identity, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_identity_state(struct bm_store *store, struct bm_bytes serial, const char *state, bm_time now,
                                               const char *reason, struct bm_fail *fail); /* provisional, active, replaced, revoked */
/* What the certificate with this serial renews; n = 0: nothing. */
bm_must_use enum bm_rc bm_store_identity_renews(struct bm_store *store, struct bm_bytes serial, uint8_t ret[static BM_MAX_SERIAL],
                                                size_t *ret_n, struct bm_fail *fail);
/* Its renewal was confirmed: it is good until `retires`. One that is not active stays as it is, here and in the next. */
bm_must_use enum bm_rc bm_store_identity_renewed(struct bm_store *store, struct bm_bytes serial, bm_time retires, bm_time now,
                                                 struct bm_fail *fail);
/* It was, or is in its overlap, and another took its place: replaced. */
bm_must_use enum bm_rc bm_store_identity_ended(struct bm_store *store, struct bm_bytes serial, bm_time now, const char *reason,
                                               struct bm_fail *fail);
/* A move in a device's life: its state from now on. "" where a text does not apply. */
struct bm_store_move {
    const char *device, *move, *state, *by, *second, *owner, *reason;
    bm_time time;
    uint64_t leaf;
};
bm_must_use enum bm_rc bm_store_device_move(struct bm_store *store, const struct bm_store_move *move, struct bm_fail *fail);
/* Whose certificate this is, and the state that device is in; BM_EBUG: nobody's. ret_state has 32 bytes. */
bm_must_use enum bm_rc bm_store_device_of(struct bm_store *store, struct bm_bytes serial, char ret_device[static BM_MAX_NAME + 1],
                                          char ret_state[static 32], struct bm_fail *fail);
/* It has another chip: the old one serves no more. */
bm_must_use enum bm_rc bm_store_device_chip(struct bm_store *store, const char *device, const struct bm_store_chip *chip,
                                            const char *reason, struct bm_fail *fail);
/* Of a device, the next certificate after this one that is provisional, active or renewed; zeroed but for certificate.max: the first. */
struct bm_store_live {
    int64_t id;
    char service[BM_MAX_NAME + 1];
    uint8_t serial[BM_MAX_SERIAL];
    size_t nserial;
    struct bm_buf certificate;
};
bm_must_use enum bm_rc bm_store_live_next(struct bm_store *store, const char *device, struct bm_store_live *live, bool *ret_found,
                                          struct bm_fail *fail);
void bm_store_live_done(struct bm_store_live *live);
/* What an officer allowed a device for one repair. "" where a text does not apply. */
struct bm_store_support {
    const char *device, *profile, *ticket, *reason, *by, *second;
    bm_time opened, until;
    uint64_t leaf;
};
bm_must_use enum bm_rc bm_store_support_put(struct bm_store *store, const struct bm_store_support *support, struct bm_fail *fail);
/* Its certificate was issued; it is closed. Of the device's newest; nothing where that is closed already. by "": its time was over. */
bm_must_use enum bm_rc bm_store_support_used(struct bm_store *store, const char *device, struct bm_bytes serial, struct bm_fail *fail);
bm_must_use enum bm_rc bm_store_support_close(struct bm_store *store, const char *device, bm_time time, const char *by, const char *why,
                                              struct bm_fail *fail);
/* As bm_store_choose(), for the service support or the profile that the newest was opened with, open or not. */
bm_must_use enum bm_rc bm_store_support_choose(struct bm_store *store, const uint8_t key[static BM_HASH], const char *label,
                                               bool *ret_found, struct bm_store_choice *ret_choice, struct bm_fail *fail);
/* A device whose support is over and not closed; "" = none. */
bm_must_use enum bm_rc bm_store_support_ended(struct bm_store *store, bm_time now, char ret_device[static BM_MAX_NAME + 1],
                                              struct bm_fail *fail);
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
 * Rows for people and machines: one JSON object text a row, with the field names that --json promises (docs/formats/store.md). `what`: vendor lot
 * order counted profile device move support identity alarm event proposal roles (the last statement of them). Filters are NULL for "any"; a list without such a column ignores
 * it. BM_EINPUT: nothing by that name. A page at a time, so that a list of a million rows holds up nobody: give the same page again while `more`.
 */
struct bm_store_filter {
    const char *name; /* one lot, order, device (its serial number does too), alarm ... */
    const char *state, *lot, *order, *profile, *device;
    const char *serial, *model, *hardware, *firmware, *owner, *region, *vendor, *station, *root, *chip, *support; /* of devices */
    const char *begins; /* devices: what their id, serial number or chip begins with; the first BM_STORE_FOUND of each, in one page */
    uint64_t after;     /* alarms: only those above; events: only those from this index on */
};
#define BM_STORE_FOUND 1000
struct bm_store_page {
    size_t
        most; /* rows at once, 1 or more; a page can have fewer and be followed by more, since no page looks at more than some thousand rows */
    int64_t from; /* 0 at first; where the next page begins */
    bool more;    /* another may follow */
};
bm_must_use enum bm_rc bm_store_rows(struct bm_store *store, const char *what, const struct bm_store_filter *filter,
                                     struct bm_store_page *page, bm_store_row *row, void *ctx, struct bm_fail *fail);

#endif
