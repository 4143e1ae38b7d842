/* handover.h - a statement that was signed elsewhere, with the profiles' texts that go with it, on its way to its site. Format: docs/formats/statements.md. */
#ifndef BM_HANDOVER_H
#define BM_HANDOVER_H

#include "record/statement.h"

struct bm_handover {
    struct bm_bytes note;                            /* signed; a view, as the next */
    struct bm_bytes profiles[BM_MAX_ORDER_PROFILES]; /* an order's, in its order */
    size_t nprofiles;
};
#define BM_MAX_HANDOVER (BM_MAX_NOTE + BM_MAX_ORDER_PROFILES * BM_MAX_PROFILE + 1024)
void bm_handover_build(struct bm_buf *buf, const struct bm_handover *handover);
bm_must_use enum bm_rc bm_handover_parse(struct bm_handover *ret, struct bm_bytes text, struct bm_fail *fail);

#endif
