/* revocations.h - what the lists of one CA hold: certificates revoked for good, on hold, and those that a renewal retires at a time that was known beforehand. */
#ifndef BM_REVOCATIONS_H
#define BM_REVOCATIONS_H

#include "base/env.h"
#include "pki/tbs.h"

/* Entries of a CRL that fits into one message: 55 bytes each, and a margin. What was revoked comes first; retired ones fill what is left. */
#define BM_CRL_RETIRED_MOST 2000

/* Listed from entry.time on, until it would have expired anyway. */
struct bm_retired {
    struct bm_revoked entry;
    bm_time not_after;
};
struct bm_revocations {
    struct bm_revoked *revoked;
    size_t n;
    struct bm_revoked *held; /* while their device is suspended: certificateHold; never left out */
    size_t nheld, cap_held;
    struct bm_retired *retired;
    size_t nretired, cap_retired;
    uint64_t crl; /* the last number */
};
void bm_revocations_done(struct bm_revocations *list);

/* From `time` on for good; no retired one any more. */
bm_must_use enum bm_rc bm_revocations_add(struct bm_revocations *list, struct bm_bytes serial, uint8_t reason, bm_time time,
                                          struct bm_fail *fail);
/* On hold from `time` on, until it is revoked or let go. Twice is once. */
bm_must_use enum bm_rc bm_revocations_hold(struct bm_revocations *list, struct bm_bytes serial, bm_time time, struct bm_fail *fail);
void bm_revocations_let_go(struct bm_revocations *list, struct bm_bytes serial);
/* Superseded at `time`, which may lie ahead. Forgets those that expired before `now`. */
bm_must_use enum bm_rc bm_revocations_retire(struct bm_revocations *list, struct bm_bytes serial, bm_time time, bm_time not_after,
                                             bm_time now, struct bm_fail *fail);
bool bm_revocations_retires(const struct bm_revocations *list, struct bm_bytes serial);
/* What a list made now holds; free() it. */
bm_must_use enum bm_rc bm_revocations_now(const struct bm_revocations *list, bm_time now, struct bm_revoked **ret_revoked, size_t *ret_n,
                                          struct bm_fail *fail);

#endif
