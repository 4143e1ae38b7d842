/* life.h - the states of a device, and the one table of moves between them. */
#ifndef BM_LIFE_H
#define BM_LIFE_H

#include "base/bytes.h"

/*
 *  designed -> manufactured -> provisioned -> onboarded -> active
 *                                   \_____________|___________/ |
 *        suspend, resume: suspended <-> what it was             |
 *        repair:          repaired    -> onboarded              |
 *        transfer:        transferred -> onboarded              |
 *        revoke:          revoked     -> repaired, with another chip
 *        decommission:    decommissioned, and nothing after that
 *
 * Designed is a unit that an order plans, manufactured a chip in a received lot: neither is a device yet, so nobody moves them by hand.
 */
enum bm_life {
    BM_LIFE_DESIGNED = 1,
    BM_LIFE_MANUFACTURED,
    BM_LIFE_PROVISIONED, /* a certificate was issued */
    BM_LIFE_ONBOARDED,   /* the device confirmed one with its new key */
    BM_LIFE_ACTIVE,      /* it renewed one: it lives where nobody watches */
    BM_LIFE_SUSPENDED,
    BM_LIFE_REVOKED,
    BM_LIFE_REPAIRED,    /* it has another chip, which has not enrolled yet */
    BM_LIFE_TRANSFERRED, /* it has another owner, and has not enrolled for that one yet */
    BM_LIFE_DECOMMISSIONED,
    BM_LIFE__N
};
enum bm_move {
    BM_MOVE_RECEIVE = 1, /* by the doors: its chip's lot was pinned */
    BM_MOVE_ISSUE,
    BM_MOVE_CONFIRM,
    BM_MOVE_RENEW,   /* a renewal was confirmed */
    BM_MOVE_SUSPEND, /* by people, or by the site when a copy shows itself */
    BM_MOVE_RESUME,
    BM_MOVE_REVOKE,
    BM_MOVE_REPAIR,
    BM_MOVE_TRANSFER,
    BM_MOVE_DECOMMISSION,
    BM_MOVE__N
};
const char *bm_life_word(enum bm_life life); /* "provisioned" ... */
const char *bm_move_word(enum bm_move move); /* "suspend" ... */
/* BM_EINPUT: no such word. */
bm_must_use enum bm_rc bm_life_parse(enum bm_life *ret_life, struct bm_bytes word, struct bm_fail *fail);
bm_must_use enum bm_rc bm_move_parse(enum bm_move *ret_move, struct bm_bytes word, struct bm_fail *fail);

/* Where a move leads from here. `was`: what a suspended one was before. BM_EPOLICY: an empty cell, with the sentence that says why. */
bm_must_use enum bm_rc bm_life_move(enum bm_life *ret_life, enum bm_life from, enum bm_life was, enum bm_move move, struct bm_fail *fail);

#endif
