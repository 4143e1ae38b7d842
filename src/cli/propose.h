/* propose.h - what two persons decide: the first one's signed word, which waits for the second's. */
#ifndef BM_CLI_PROPOSE_H
#define BM_CLI_PROPOSE_H

#include "cli/operator.h"
#include "cli/print.h"

#define BM_WAIVABLE_WORDS "can't be waived: those that can be are broken-der, id-twice, roca, shared-factor and test-key"
#define BM_WAIVE_DAYS 30 /* that a waiver stands, when nobody says otherwise */

/* Signed at this desk, whatever it was opened for. days: how long a waiver stands. *ret_row: the proposal, as SHOW; when the same person's proposal of the
 * same is open already that one, with a "hint" that says so. */
bm_must_use enum bm_rc bm_propose(struct bm_ask *ask, const struct bm_desk *desk, const struct bm_allow *allow, uint64_t days,
                                  json_t **ret_row, struct bm_fail *fail);

#endif
