/* waivers.h - what two persons allowed: the waivers of checks, each with its end, and the numbers of all proposals that were ever taken. */
#ifndef BM_WAIVERS_H
#define BM_WAIVERS_H

#include "record/statement.h"
#include "signer/table.h"

struct bm_waiver {
    uint8_t proposal[BM_PROPOSAL];
    char vendor[BM_MAX_NAME + 1];
    char check[BM_MAX_NAME + 1];
    bm_time until;
};
struct bm_waivers {
    struct bm_waiver *waivers;
    size_t n;
    struct bm_table taken; /* a proposal's number, padded with zeros */
};
void bm_waivers_init(struct bm_waivers *ret_waivers, uint64_t seed);
void bm_waivers_done(struct bm_waivers *waivers);

/* A proposal is taken once: was it? And: it is. */
bool bm_proposal_taken(const struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL]);
bm_must_use enum bm_rc bm_proposal_take(struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL], struct bm_fail *fail);
bm_must_use enum bm_rc bm_waivers_add(struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL], const struct bm_allow *allow,
                                      struct bm_fail *fail);

/* Every waiver that the pin names stands here, for its vendor and that check, and has not ended. BM_EPOLICY otherwise. */
bm_must_use enum bm_rc bm_waivers_check(const struct bm_waivers *waivers, const struct bm_pin *pin, bm_time now, struct bm_fail *fail);

#endif
