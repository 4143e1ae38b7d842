/* kept.h - an event of the signer on its way to rows: what records.c hands to each kind's function. Only records*.c include it. */
#ifndef BM_REGISTRAR_KEPT_H
#define BM_REGISTRAR_KEPT_H

#include "registrar/registrar.h"

struct kept {
    struct bm_registrar *r;
    const struct bm_s_leaf *leaf;
    const struct bm_event *event;
    const struct pending *p; /* NULL in replay */
    uint64_t *ret_alarm;
};

typedef enum bm_rc keep_fn(const struct kept *k, struct bm_fail *fail);

/* records_identity.c */
bm_must_use keep_fn bm_keep_issued;
bm_must_use keep_fn bm_keep_renewed;
bm_must_use keep_fn bm_keep_replaced;
bm_must_use keep_fn bm_keep_confirmed;
bm_must_use keep_fn bm_keep_revoked;

#endif
