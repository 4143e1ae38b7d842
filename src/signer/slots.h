/* slots.h - which root key belongs to which unit, and what each unit has been given: found by root-key hash, never by place in a lot. */
#ifndef BM_SLOTS_H
#define BM_SLOTS_H

#include "evidence/may_issue.h"
#include "record/life.h"
#include "signer/table.h"

#define BM_NONE UINT32_MAX /* no unit, no identity, no order */

/*
 * A chip that was used: those that are merely listed have none, or a site's lots would fill its memory. Its device id is the first 10 bytes of
 * SHA-256("birthmark/device/v1\n" || site || the smallest of the names that it was first used under).
 */
#define BM_DEVICE 10
#define BM_DEVICE_TEXT (2 * BM_DEVICE + 1)
struct bm_unit {
    uint8_t device[BM_DEVICE];
    uint8_t state;       /* enum bm_unit_state: its life, where nothing is said of the chip itself */
    uint8_t life;        /* enum bm_life */
    bool bound;          /* listed by its id: one root key spoke for it, and no other ever will */
    uint8_t was;         /* enum bm_life: of a suspended one, before */
    uint32_t counted;    /* lot that its chip is counted in, once it is used; BM_NONE */
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
    uint32_t bucket;               /* of the newest certificate (revocations.h) */
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
    uint32_t bucket;
    bm_time not_after;
};

struct bm_slots {
    struct bm_table roots;   /* name of a chip, or root key that spoke for it -> unit */
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

/* What a leaf of a pinned lot, which the evidence has shown, says of a chip: its root keys' hashes, or what stands for its id. */
struct bm_chip_names {
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH];
    size_t n;
    bool by_id;
};
/* BM_EINPUT, as bm_leaf_skim(). */
bm_must_use enum bm_rc bm_chip_names(struct bm_chip_names *ret_names, struct bm_bytes leaf, struct bm_fail *fail);
/* The device id that it would be used under, padded with zeros. */
void bm_chip_device(const struct bm_chip_names *chip, const uint8_t site[static BM_HASH], uint8_t ret_device[static BM_HASH]);

/* The one unit that these names belong to; BM_NONE when none of them is known. BM_EPOLICY when they belong to two. */
bm_must_use enum bm_rc bm_slots_unit(const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, uint32_t *ret_unit,
                                     struct bm_fail *fail);
/*
 * The unit of a chip for which this root key spoke; BM_NONE: it was never used. *ret_other: it can't be this chip's, now or ever. Its names belong to two
 * units, one is an operational key, its device id is another's; or it is listed by its id, and is bound to another root key, or this one is another chip's.
 */
uint32_t bm_slots_find(const struct bm_slots *slots, const struct bm_chip_names *chip, const uint8_t root[static BM_HASH],
                       const uint8_t site[static BM_HASH], bool *ret_other);
/* For good: all its names lead to its unit from now on, and the root key that spoke. BM_EBUG where bm_slots_find() says other. */
bm_must_use enum bm_rc bm_slots_name(struct bm_slots *slots, const struct bm_chip_names *chip, const uint8_t root[static BM_HASH],
                                     const uint8_t site[static BM_HASH], uint32_t *ret_unit, struct bm_fail *fail);

/* BM_UNIT_SCRAPPED or BM_UNIT_WITHDRAWN for the chip with these root keys, now or when it is used. What is scrapped stays so. */
bm_must_use enum bm_rc bm_slots_hold(struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, enum bm_unit_state state,
                                     struct bm_fail *fail);
/* Would that change nothing? */
bool bm_slots_held(const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, enum bm_unit_state state);
/* Of the unit (BM_NONE: never used), and of what is held under one of its names. */
enum bm_unit_state bm_slots_state(const struct bm_slots *slots, uint32_t unit, const uint8_t (*names)[BM_HASH], size_t n);
uint32_t bm_slots_device(const struct bm_slots *slots, const uint8_t device[static BM_DEVICE]);
void bm_slots_device_print(const struct bm_slots *slots, uint32_t unit, char ret_text[static BM_DEVICE_TEXT]);

/* Number of a service that some unit has, or had; BM_NONE. */
uint32_t bm_slots_service(const struct bm_slots *slots, struct bm_bytes service);
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
bool bm_slots_key_used(const struct bm_slots *slots,
                       const uint8_t hash[static BM_HASH]); /* as an operational key, or as the root key of a unit */

#endif
