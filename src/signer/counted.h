/* counted.h - what is counted besides units: re-issues, scraps and repairs under their order's limits, and where the chips of its lots are. */
#ifndef BM_SIGNER_COUNTED_H
#define BM_SIGNER_COUNTED_H

#include "proc/signer_messages.h"
#include "signer/memory.h"

/* May n more be done of this under the order that a unit was made under? BM_EPOLICY: the limit, and who raises it. */
bm_must_use enum bm_rc bm_counted_check(const struct bm_memory *memory, uint32_t order, enum bm_counted what, uint64_t n,
                                        struct bm_fail *fail);

/* Where the chip of a unit is. */
enum bm_where bm_unit_where(const struct bm_memory *memory, uint32_t unit);

/* Chips that are to be scrapped or withdrawn, those left out of which that is true already, and each counted once. */
struct bm_chips_count {
    struct bm_was was;
    uint32_t order; /* that units were made of some of them under; BM_NONE */
};
/* BM_EPOLICY: under two orders, since only one can count them; or a unit's chip is of another lot than the message says. */
bm_must_use enum bm_rc bm_chips_count(const struct bm_memory *memory, const struct bm_s_chips *chips, struct bm_chips_count *ret_count,
                                      struct bm_fail *fail);

/* Of a repair's leaf: where the old chip was, and its lot. */
#define BM_MAX_OLD (12 + BM_MAX_NAME + 1)
void bm_old_print(char ret[static BM_MAX_OLD], const struct bm_memory *memory, uint32_t unit);

#endif
