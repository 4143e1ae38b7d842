/* reason.h - why a certificate is revoked: a word of RFC 5280. */
#ifndef BM_CLI_REASON_H
#define BM_CLI_REASON_H

#include "cli/cli.h"

/* --reason: a reason that is for good. */
bm_must_use enum bm_rc bm_reason_option(struct bm_call *call, uint8_t *ret_code, const char **ret_word, struct bm_fail *fail);

#endif
