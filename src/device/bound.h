/* bound.h - what new keys are to be bound to: --pcrs and --update-key, birthmark_bind(). */
#ifndef BM_DEVICE_BOUND_H
#define BM_DEVICE_BOUND_H

#include "root/root.h"

/* pcrs as "0,2,7", update_key_file in PEM: each may be NULL. bound.policy is not set. */
bm_must_use enum bm_rc bm_bound_read(struct bm_bound *ret_bound, const char *pcrs, const char *update_key_file, struct bm_fail *fail);
/* Where nothing is measured, being bound protects from nothing: a sentence, or "". */
bm_must_use enum bm_rc bm_bound_warn(char *ret_warning, size_t n, struct bm_root *root, uint32_t pcrs, struct bm_fail *fail);
/* The key that an enrolment would use again is bound so. BM_EPOLICY. */
bm_must_use enum bm_rc bm_bound_check(struct bm_root *root, const struct bm_bound *wanted, const char *service, struct bm_fail *fail);

#endif
