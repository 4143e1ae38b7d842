/* counted.h - what the signer counts under an order becomes rows: re-issues, scraps, repairs, their limits, the balance at its end. */
#ifndef BM_REGISTRAR_COUNTED_H
#define BM_REGISTRAR_COUNTED_H

#include "record/books.h"
#include "registrar/registrar.h"

bm_must_use enum bm_rc bm_counted_keep(struct bm_registrar *r, const struct bm_s_leaf *leaf, const struct bm_event *event,
                                       enum bm_counted what, uint64_t n, struct bm_fail *fail);
/* The signed note of a raise. */
bm_must_use enum bm_rc bm_raised_keep(struct bm_registrar *r, struct bm_bytes note, struct bm_fail *fail);
bm_must_use enum bm_rc bm_closed_keep(struct bm_registrar *r, const struct bm_s_leaf *leaf, const struct bm_event *event,
                                      struct bm_fail *fail);

#endif
