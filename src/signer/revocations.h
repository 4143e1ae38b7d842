/* revocations.h - which certificates share a list, and what each list holds: revoked for good, on hold, retired by a renewal at a time that was known beforehand. */
#ifndef BM_REVOCATIONS_H
#define BM_REVOCATIONS_H

#include "base/env.h"
#include "pki/profile.h"
#include "pki/tbs.h"
#include "signer/table.h"

/*
 * A certificate is put into a bucket when its intent is: one of its CA's, of its service, that has room. A bucket has room for so few that all of them together
 * fit into one list, so no list ever leaves one out. Where none has room the next one opens. It ends when all its certificates have.
 */
#define BM_BUCKETS_AHEAD \
    2 /* of each CA: their lists are there before their first certificates, so that who fetched all lists lacks none for a while */
#define BM_BUCKET_LINGERS (7 * 86400) /* after its last certificate's end its list is still given out: RFC 5280 3.3 wants one more */

/* Listed from entry.time on, until it would have expired anyway. */
struct bm_retired {
    struct bm_revoked entry;
    bm_time not_after;
};
struct bm_bucket {
    uint8_t ca;           /* its number */
    bool changed, urgent; /* since bm_revocations_changed() said so */
    uint16_t service;
    uint32_t number; /* of the CA's buckets, from 1 on */
    uint32_t room;   /* certificates, at most; 0: it has not opened yet, and has a list all the same */
    uint32_t issued;
    bm_time not_after; /* the latest of theirs */
    uint64_t crl;      /* the last list's number */
    struct bm_revoked *revoked;
    size_t n;
    struct bm_revoked *held; /* while their device is suspended: certificateHold */
    size_t nheld, cap_held;
    struct bm_retired *retired;
    size_t nretired, cap_retired;
};
struct bm_revocations {
    struct bm_bucket *buckets;
    size_t n, cap;
    struct bm_table listed; /* serial, padded with zeros, of whatever was ever put on a list -> bucket */
    size_t nchanged;
    uint32_t last[BM_MAX_CAS]; /* number of each CA's last that opened; 0: none */
};
void bm_revocations_init(struct bm_revocations *ret_all, uint64_t seed);
void bm_revocations_done(struct bm_revocations *all);

/* ---- buckets: named by their place in `buckets` ---- */

#define BM_NO_BUCKET UINT32_MAX
uint32_t bm_bucket_find(const struct bm_revocations *all, unsigned ca, uint32_t number); /* BM_NO_BUCKET */
/* Into which the next certificate goes. */
uint32_t bm_bucket_next(const struct bm_revocations *all, unsigned ca, unsigned service, uint32_t room);
/* One more certificate is in it; opens it, and then forgets what stood in those that ended before `now`. BM_EBUG: it has no room, or is another service's. */
struct bm_bucket_use {
    unsigned ca, service;
    uint32_t number, room;
    bm_time not_after;
};
bm_must_use enum bm_rc bm_bucket_take(struct bm_revocations *all, const struct bm_bucket_use *use, bm_time now, uint32_t *ret_bucket,
                                      struct bm_fail *fail);
/* A list of this bucket has this number. BM_EBUG: it does not rise, or nothing is to be listed there yet. */
bm_must_use enum bm_rc bm_bucket_listed(struct bm_revocations *all, unsigned ca, uint32_t number, uint64_t crl, struct bm_fail *fail);
bool bm_bucket_ended(const struct bm_bucket *bucket, bm_time now);

/* ---- what is on the lists ---- */

/* From `time` on for good; no retired one any more. */
bm_must_use enum bm_rc bm_revocations_add(struct bm_revocations *all, uint32_t bucket, struct bm_bytes serial, uint8_t reason, bm_time time,
                                          struct bm_fail *fail);
/* On hold from `time` on, until it is revoked or let go. Twice is once. */
bm_must_use enum bm_rc bm_revocations_hold(struct bm_revocations *all, uint32_t bucket, struct bm_bytes serial, bm_time time,
                                           struct bm_fail *fail);
void bm_revocations_let_go(struct bm_revocations *all, uint32_t bucket, struct bm_bytes serial);
/* Superseded at `time`, which may lie ahead. Forgets those of the bucket that expired before `now`. */
bm_must_use enum bm_rc bm_revocations_retire(struct bm_revocations *all, uint32_t bucket, struct bm_bytes serial, bm_time time,
                                             bm_time not_after, bm_time now, struct bm_fail *fail);
/* The bucket in which it stands as retired; BM_NO_BUCKET. */
uint32_t bm_revocations_retires(const struct bm_revocations *all, struct bm_bytes serial);
/* What a list made now holds; free() it. *ret_until: when it will hold something else although nobody does anything; BM_TIME_NEVER. */
bm_must_use enum bm_rc bm_revocations_now(const struct bm_bucket *bucket, bm_time now, struct bm_revoked **ret_revoked, size_t *ret_n,
                                          bm_time *ret_until, struct bm_fail *fail);

/* What its list says of one certificate. */
enum bm_listed {
    BM_LISTED_NOT,
    BM_LISTED_ONCE, /* and forgotten since: it expired long ago */
    BM_LISTED       /* *ret_entry */
};
/* *ret_bucket: where; BM_NO_BUCKET where it never stood. *ret_until: as above, of this certificate alone. */
enum bm_listed bm_revocations_of(const struct bm_revocations *all, struct bm_bytes serial, bm_time now, struct bm_revoked *ret_entry,
                                 uint32_t *ret_bucket, bm_time *ret_until);
/* What changed is known: nothing is `changed` any more. */
void bm_revocations_told(struct bm_revocations *all);
/* Does it matter that everybody hears of it at once? RFC 5280 5.3.1: compromised keys, and what is on hold. */
bool bm_reason_urgent(uint8_t reason);

#endif
