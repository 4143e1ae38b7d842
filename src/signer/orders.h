/* orders.h - the orders that planners signed: which lots, which profiles, how many units, until when. */
#ifndef BM_ORDERS_H
#define BM_ORDERS_H

#include "signer/lots.h"

struct bm_signer_order {
    char order[BM_MAX_NAME + 1];
    char product[BM_MAX_NAME + 1]; /* chooses among the issuing CAs (cas.h); "" = none */
    uint32_t *lots;
    size_t nlots;
    struct bm_profile *profiles; /* parsed from texts with the digests that the order names */
    size_t nprofiles;
    struct bm_order_station *stations; /* as the planner signed for them; none: it may be made anywhere */
    size_t nstations;
    uint64_t quantity, used;            /* units */
    struct bm_limits limits;            /* of what is counted besides (counted.h) */
    uint64_t tls_front, tls_front_used; /* certificates */
    bm_time from, until;
    bool closed; /* nothing more is issued for it */
};
struct bm_orders {
    struct bm_signer_order *orders;
    size_t n;
};
void bm_orders_done(struct bm_orders *orders);

/* Adds an order whose signature has been checked. `profiles` is what stands behind the note in BM_S_STATEMENT: u8 n, n x lv16 text. BM_EPOLICY: its name
 * is taken, it names a lot that is not pinned, a profile's text is missing, left over, or another than the one it names. */
bm_must_use enum bm_rc bm_orders_add(struct bm_orders *orders, const struct bm_order *order, struct bm_rd profiles,
                                     const struct bm_lots *lots, struct bm_fail *fail);
/* More units, or higher limits, for an order that is there and open. BM_EPOLICY otherwise. */
bm_must_use enum bm_rc bm_orders_raise_check(const struct bm_orders *orders, const struct bm_raise *raise, struct bm_fail *fail);
void bm_orders_raise(struct bm_orders *orders, const struct bm_raise *raise); /* that was checked */
uint32_t bm_orders_find(const struct bm_orders *orders, struct bm_bytes name);
bool bm_order_has_lot(const struct bm_signer_order *order, uint32_t lot);
/* key: of the station that the request came by, NULL for none. */
bool bm_order_at_station(const struct bm_signer_order *order, const uint8_t *key);
const struct bm_profile *bm_order_profile(const struct bm_signer_order *order, struct bm_bytes name);

#endif
