/* rules.h - one table decides which message may arrive, when, how often and how long. */
#ifndef BM_RULES_H
#define BM_RULES_H

#include "proc/channel.h"
#include "wire/rd.h"

#define BM_MAX_RULES 64

struct bm_rule {
    uint16_t type;
    unsigned phases; /* bits of the phases in which it may arrive; any other phase is a breach */
    size_t min, max; /* bytes of body, both inclusive */
    bool once;       /* a second one on the same channel is a breach */
    /*
     * Serves it. A request that is refused is served too: answer with a refusal under its id and return BM_OK. Anything else than BM_OK ends
     * the conversation, see bm_rules_pass().
     */
    enum bm_rc (*serve)(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
};

/* One channel's gate. Zeroed with table, count, phase and ctx is ready. */
struct bm_rules {
    const struct bm_rule *table; /* const, at most BM_MAX_RULES rows, one row a type */
    size_t count;
    unsigned phase; /* exactly one bit; the owner moves it on */
    uint64_t spent; /* a bit per row that has arrived, for `once` */
    void *ctx;
};

/*
 * Finds the row, checks it, serves. An empty cell refuses. What the caller does with the class:
 *   BM_OK                 go on
 *   BM_EINPUT, BM_EPOLICY the peer broke the protocol (length; unknown type, wrong phase, twice): close its channel
 *   BM_EBUSY, BM_ENOMEM   this process cannot serve now: close the channel, or stop
 *   BM_EBUG               stop this process
 */
bm_must_use enum bm_rc bm_rules_pass(struct bm_rules *rules, const struct bm_message *message, struct bm_fail *fail);

#endif
