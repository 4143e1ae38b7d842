/* lot_waive.h - lot receive --waive: what the file fails is proposed to a second person, at once. */
#ifndef BM_CLI_LOT_WAIVE_H
#define BM_CLI_LOT_WAIVE_H

#include "cli/lot_receive.h"

/* --waive and --reason make sense (used wrongly otherwise). */
bm_must_use enum bm_rc bm_waive_words_check(struct bm_call *call, struct bm_fail *fail);
/* Does --waive name this check? */
bool bm_waive_names(const struct bm_call *call, enum bm_check check);
/* Opens a proposal for each check that failed, is named and is not waived yet. BM_OK: there was none; BM_EPOLICY: what has to be done next. */
bm_must_use enum bm_rc bm_waive_propose(struct receiving *r, struct bm_fail *fail);

#endif
