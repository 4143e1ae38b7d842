/* conflict.h - a lot that comes in beside the lots that are here: which chips stand in both, and what follows from it. */
#ifndef BM_CONFLICT_H
#define BM_CONFLICT_H

#include "record/statement.h"
#include "registrar/holdings.h"

#define BM_CONFLICT_SENTENCE 400

/* What a chip in common means for the lot that comes in and for the one that is here; the graver ones later. */
enum bm_verdict {
    BM_VERDICT_NONE,
    BM_VERDICT_OLD,  /* nobody signed the other list, and this one is signed: the other goes into quarantine */
    BM_VERDICT_NEW,  /* nobody signed this list: it is refused, and the other stays as it is */
    BM_VERDICT_BOTH, /* both are vouched for, and one is wrong: both go into quarantine */
};

struct bm_conflicts {
    struct bm_conflict {
        int64_t lot;
        char name[BM_MAX_NAME + 1];
        enum bm_verdict verdict;
        char sentence[BM_CONFLICT_SENTENCE];
    } * all;
    size_t n;
    size_t compared; /* holdings that were looked at so far, from the first on */
};
void bm_conflicts_done(struct bm_conflicts *conflicts);

/*
 * Compares the lot of this pin with the next of the holdings, as much as a few ten milliseconds allow; *ret_more while some are left. BM_EPOLICY: a lot
 * cannot be looked into.
 */
bm_must_use enum bm_rc bm_conflicts_look(struct bm_conflicts *conflicts, const struct bm_holdings *holdings, const struct bm_pin *pin,
                                         const struct bm_index *index, bool *ret_more, struct bm_fail *fail);
/* The gravest of them; NULL when there is none. */
const struct bm_conflict *bm_conflicts_worst(const struct bm_conflicts *conflicts);

#endif
