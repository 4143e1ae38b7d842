/* waived.h - the waivers that a lot needs: found by the command, named in pin and receipt, looked up again by the signer. */
#ifndef BM_CLI_WAIVED_H
#define BM_CLI_WAIVED_H

#include "cli/ask.h"
#include "cli/exam.h"
#include "record/statement.h"

struct bm_waived {
    struct bm_pin_waived list[BM_MAX_PIN_WAIVED];
    size_t n;
};
/* Those that stand now for this vendor, of checks that were found failing. */
bm_must_use enum bm_rc bm_waived_ask(struct bm_waived *ret_waived, struct bm_ask *ask, const struct bm_exam *exam, const char *vendor,
                                     bm_time now, struct bm_fail *fail);
/* One proposal's row: taken when it is for this vendor, for a check that something failed, and has not ended. One a check is enough. */
bm_must_use enum bm_rc bm_waived_take(struct bm_waived *waived, const struct bm_exam *exam, const char *vendor, bm_time now,
                                      struct bm_bytes json, struct bm_fail *fail);
/* Did something fail this check, which could be waived and is not? */
bool bm_waiver_wanted(const struct bm_waived *waived, const struct bm_exam *exam, enum bm_check check);
const struct bm_pin_waived *bm_waived_find(const struct bm_waived *waived, enum bm_check check); /* NULL: none */

#endif
