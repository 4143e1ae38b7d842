/* slots.h - which root key belongs to which unit, and what each unit has been given: found by root-key hash, never by place in a lot. */
#ifndef BM_SLOTS_H
#define BM_SLOTS_H

#include "evidence/may_issue.h"
#include "record/life.h"
#include "signer/table.h"

#define BM_NONE UINT32_MAX /* no unit, no identity, no order */

/* A chip. Its device id is the first 10 bytes of SHA-256("birthmark/device/v1\n" || site || the smallest of its root-key hashes at first pin). */
#define BM_DEVICE 10
#define BM_DEVICE_TEXT (2 * BM_DEVICE + 1)
struct bm_unit {
    uint8_t device[BM_DEVICE];
    uint8_t state;       /* enum bm_unit_state: its life, where nothing is said of the chip itself */
    uint8_t life;        /* enum bm_life */
    uint32_t lot;        /* that it stands in now, of struct bm_lots; BM_NONE: in none, since a later revision left it out */
    bool bound;          /* listed by its id: one root key spoke for it, and no other ever will */
    uint8_t was;         /* enum bm_life: of a suspended one, before */
    uint32_t order;      /* under which its slot was consumed; BM_NONE */
    uint32_t identities; /* the newest of its identities; BM_NONE */
};

/* A (unit, service). */
struct bm_identity {
    uint32_t unit;
    uint32_t next; /* of the same unit; BM_NONE */
    uint16_t service;
    uint8_t state; /* enum bm_identity_state */
    uint8_t replaced;
    uint8_t ca;
    uint8_t nserial;
    bool reissue_allowed;
    bool by_allow;                 /* its newest certificate was issued by an allow */
    bool forked;                   /* a key that was replaced asked for a renewal: two hold it */
    uint16_t overlap;              /* days, by the profile of its last renewal */
    uint32_t earlier;              /* what was renewed by the newest, of struct bm_slots; BM_NONE */
    uint8_t serial[BM_MAX_SERIAL]; /* of the newest certificate */
    uint8_t key[BM_HASH];          /* the newest operational key */
    bm_time not_after;
};

/* The certificate whose key signed the renewal by which its identity has the newest one. While that is not confirmed this one is in full use. */
struct bm_earlier {
    bool gone; /* revoked */
    uint8_t ca;
    uint8_t nserial;
    uint8_t serial[BM_MAX_SERIAL];
    uint8_t key[BM_HASH];
    bm_time not_after;
};

struct bm_slots {
    struct bm_table roots;   /* root-key hash, or what stands for a chip's id -> unit */
    struct bm_table keys;    /* every operational key ever certified -> identity */
    struct bm_table serials; /* every serial ever used, padded with zeros -> identity */
    struct bm_table devices; /* device id, padded with zeros -> unit */
    struct bm_table held;    /* root-key hash that belongs to no unit -> enum bm_unit_state that its unit will have */
    struct bm_unit *units;
    size_t nunits, cap_units;
    struct bm_identity *identities;
    size_t nidentities, cap_identities;
    struct bm_earlier *earlier; /* one of an identity, from its first renewal on */
    size_t nearlier, cap_earlier;
    char (*services)[BM_MAX_NAME + 1];
    size_t nservices;
};
void bm_slots_init(struct bm_slots *ret_slots, uint64_t seed);
void bm_slots_done(struct bm_slots *slots);

/* The device moves on in its life; what is said of its chip (scrapped, withdrawn, retired) stays. */
void bm_slots_live(struct bm_slots *slots, uint32_t unit, enum bm_life life);
/* The smallest root-key hash that leads to the unit. Seldom: the table is walked. */
bool bm_slots_root(const struct bm_slots *slots, uint32_t unit, uint8_t ret_root[static BM_HASH]);
/* A repair: the device gets the chip of `other`, which no device had, and that one the old chip, which serves no more. */
void bm_slots_swap(struct bm_slots *slots, uint32_t unit, uint32_t other);

/* The one unit that these root keys belong to; BM_NONE when none of them is known. BM_EPOLICY when they belong to two. */
bm_must_use enum bm_rc bm_slots_unit(const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, uint32_t *ret_unit,
                                     struct bm_fail *fail);
/* Room for a lot that comes: the tables grow once, and not by halves while both the old and the wider are held. */
bm_must_use enum bm_rc bm_slots_reserve(struct bm_slots *slots, size_t nunits, size_t nkeys, struct bm_fail *fail);
/* Enters the root keys of one chip of this lot: into the unit that bm_slots_unit() finds, else into a new one. `aside`: the lot is in quarantine,
 * and takes no unit from another. */
bm_must_use enum bm_rc bm_slots_pin(struct bm_slots *slots, const uint8_t site[static BM_HASH], uint32_t lot, bool aside,
                                    const uint8_t (*hashes)[BM_HASH], size_t n, struct bm_fail *fail);
/* The same for chips by the million, in two steps: while one chip is entered, memory fetches what the next one needs. The root keys are borrowed. */
struct bm_slots_chip {
    const uint8_t (*hashes)[BM_HASH];
    size_t n;
    uint8_t device[BM_HASH]; /* id that a new unit gets, padded with zeros */
};
bm_must_use enum bm_rc bm_slots_pin_soon(const struct bm_slots *slots, const uint8_t site[static BM_HASH], const uint8_t (*hashes)[BM_HASH],
                                         size_t n, struct bm_slots_chip *ret_chip, struct bm_fail *fail);
bm_must_use enum bm_rc bm_slots_pin_chip(struct bm_slots *slots, uint32_t lot, bool aside, const struct bm_slots_chip *chip,
                                         struct bm_fail *fail);
/* A later revision of this lot comes: its chips stand in none, until bm_slots_pin() enters those that are still listed. */
void bm_slots_unlist(struct bm_slots *slots, uint32_t lot);

/* BM_UNIT_SCRAPPED or BM_UNIT_WITHDRAWN for the chip with these root keys, now or when it is pinned. What is scrapped stays so. */
bm_must_use enum bm_rc bm_slots_hold(struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, enum bm_unit_state state,
                                     struct bm_fail *fail);
/* Would that change nothing? */
bool bm_slots_held(const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, enum bm_unit_state state);
/* Of the unit; of the root key that spoke, where that is held by itself. */
enum bm_unit_state bm_slots_state(const struct bm_slots *slots, uint32_t unit, const uint8_t root[static BM_HASH]);
/* A chip that is listed by its id alone: the unit of the id; BM_NONE. *ret_other: it is bound to another root key, or this key is another chip's. */
uint32_t bm_slots_by_id(const struct bm_slots *slots, const uint8_t id[static BM_HASH], const uint8_t root[static BM_HASH],
                        bool *ret_other);
/* For good. BM_EBUG when bm_slots_by_id() finds none, or another. */
bm_must_use enum bm_rc bm_slots_bind(struct bm_slots *slots, const uint8_t id[static BM_HASH], const uint8_t root[static BM_HASH],
                                     uint32_t *ret_unit, struct bm_fail *fail);
uint32_t bm_slots_device(const struct bm_slots *slots, const uint8_t device[static BM_DEVICE]);
void bm_slots_device_print(const struct bm_slots *slots, uint32_t unit, char ret_text[static BM_DEVICE_TEXT]);

/* Of this unit for this service; BM_NONE. */
uint32_t bm_slots_identity(const struct bm_slots *slots, uint32_t unit, struct bm_bytes service);
/* Consumes: the identity slot (made when it is new) takes a key and a serial, provisional. ret_identity may be NULL. */
struct bm_slots_use {
    uint32_t unit;
    struct bm_bytes service;
    struct bm_bytes serial;
    const uint8_t *key; /* hash */
    uint8_t ca;
    bool renewing; /* the earlier one stays */
    bm_time not_after;
};
bm_must_use enum bm_rc bm_slots_take(struct bm_slots *slots, const struct bm_slots_use *use, uint32_t *ret_identity, struct bm_fail *fail);

/* A confirmed identity is about to be renewed: its newest certificate becomes the earlier one. */
bm_must_use enum bm_rc bm_slots_renew(struct bm_slots *slots, uint32_t identity, uint16_t overlap, struct bm_fail *fail);
/* The renewal that is not confirmed is as if it had never been: the earlier certificate is the newest again. */
void bm_slots_renew_undo(struct bm_slots *slots, uint32_t identity);
/* What it renewed; NULL: nothing, or that is revoked. */
struct bm_earlier *bm_slots_earlier(const struct bm_slots *slots, uint32_t identity);
/* Whose key is this, as that identity sees it? *ret_not_after: of its certificate; 0 where it has none that counts. */
enum bm_speaker bm_slots_speaker(const struct bm_slots *slots, uint32_t identity, const uint8_t key[static BM_HASH],
                                 bm_time *ret_not_after);

/* The identity that ever had this serial; *ret_live: it is the newest and not revoked. */
uint32_t bm_slots_serial(const struct bm_slots *slots, struct bm_bytes serial, bool *ret_live);
bool bm_slots_key_used(const struct bm_slots *slots, const uint8_t hash[static BM_HASH]); /* as an operational or as a root key */

#endif
