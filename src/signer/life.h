/* life.h - what a move in a device's life does to its certificates and its chip. */
#ifndef BM_SIGNER_LIFE_H
#define BM_SIGNER_LIFE_H

#include "signer/memory.h"

/* How many of its certificates are good, or will be until their overlap ends. */
size_t bm_life_count(struct bm_memory *memory, uint32_t unit);

/* Where a move leads this unit; BM_EPOLICY: nowhere. */
bm_must_use enum bm_rc bm_life_next(const struct bm_memory *memory, uint32_t unit, enum bm_move move, enum bm_life *ret_life,
                                    struct bm_fail *fail);
/* By the doors: where the table has no such move, nothing changes. */
void bm_life_door(struct bm_memory *memory, uint32_t unit, enum bm_move move);
/* Suspended (nothing of it is good meanwhile), revoked or decommissioned (nothing of it is good any more). `reason`: CRLReason of a revocation. */
bm_must_use enum bm_rc bm_life_restrict(struct bm_memory *memory, uint32_t unit, enum bm_move move, uint8_t reason, bm_time time,
                                        struct bm_fail *fail);

/* What a signed allow says of a device: resumed, repaired, transferred. Would it be taken? (The journal says which chips are listed.) The event borrows from words and allow. */
struct bm_life_words {
    char count[24];
    char serial[2 * BM_MAX_SERIAL + 1];
    char chip[2 * BM_HASH + 1], old_chip[2 * BM_HASH + 1];
};
bm_must_use enum bm_rc bm_life_try(struct bm_memory *memory, struct bm_journal *journal, uint32_t unit, const struct bm_allow *allow,
                                   struct bm_life_words *words, struct bm_event *event, struct bm_fail *fail);
bm_must_use enum bm_rc bm_life_allow(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, bm_time time,
                                     struct bm_fail *fail);

#endif
