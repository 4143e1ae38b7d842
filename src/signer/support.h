/* support.h - what officers allowed devices for one repair each: an identity that is issued once, in so many hours, and ends with them. */
#ifndef BM_SIGNER_SUPPORT_H
#define BM_SIGNER_SUPPORT_H

#include "evidence/may_issue.h"
#include "record/statement.h"
#include "wire/rd.h"

struct bm_memory;

struct bm_supports {
    struct bm_support_permit { /* the newest of a unit */
        uint32_t unit;
        uint32_t profile; /* of profiles below */
        bm_time until;    /* its last second, and its certificate's */
        bool used, closed;
        char ticket[BM_MAX_NAME + 1];
    } * permits;
    size_t n, cap;
    struct bm_profile *profiles; /* each text once */
    size_t nprofiles;
};
void bm_supports_done(struct bm_supports *supports);

/* Of this unit; NULL: it never had one. */
struct bm_support_permit *bm_support_find(const struct bm_supports *supports, uint32_t unit);
/* Of the unit, if that is what a request by this profile is for; else NULL. */
const struct bm_support_permit *bm_support_meant(const struct bm_supports *supports, uint32_t unit, struct bm_bytes profile);
/* Of this unit's; NULL: it never had one. */
const struct bm_profile *bm_support_profile(const struct bm_supports *supports, uint32_t unit);
enum bm_support bm_support_state(const struct bm_support_permit *permit, bm_time now);

/* Would a signed allow be taken now? behind: the profile's text, after the note. BM_EPOLICY, BM_EINPUT. */
bm_must_use enum bm_rc bm_support_try(const struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, struct bm_rd behind,
                                      bm_time now, struct bm_fail *fail);
/* It is. */
bm_must_use enum bm_rc bm_support_open(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, struct bm_rd behind,
                                       bm_time time, struct bm_fail *fail);
bm_must_use enum bm_rc bm_support_use(struct bm_memory *memory, uint32_t unit, struct bm_fail *fail);
/* Nothing more is issued for it. close: and what was issued is revoked (cessationOfOperation). end: the device's move has done that. */
bm_must_use enum bm_rc bm_support_close(struct bm_memory *memory, uint32_t unit, bm_time time, struct bm_fail *fail);
void bm_support_end(struct bm_memory *memory, uint32_t unit);
/* Of an identity. */
bool bm_support_is(const struct bm_memory *memory, uint32_t identity);
/* Its identity's certificate, if that is good; n 0. */
struct bm_bytes bm_support_live(const struct bm_memory *memory, uint32_t unit);

#endif
