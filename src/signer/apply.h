/* apply.h - what each record does to the memory: the rows of bm_memory_apply()'s table. */
#ifndef BM_APPLY_H
#define BM_APPLY_H

#include "signer/memory.h"

typedef enum bm_rc bm_apply(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail);
bm_apply bm_apply_statement, bm_apply_held;                                                     /* apply_statements.c */
bm_apply bm_apply_order_closed;                                                                 /* apply_orders.c */
bm_apply bm_apply_lot, bm_apply_lot_keys, bm_apply_lot_end, bm_apply_lot_state, bm_apply_chips; /* apply_lots.c */
bm_apply bm_apply_intent, bm_apply_done;                                                        /* apply_issue.c */
bm_apply bm_apply_confirmed, bm_apply_revoked, bm_apply_forked, bm_apply_device, bm_apply_crl, bm_apply_support_closed; /* apply_life.c */
bm_apply bm_apply_responder, bm_apply_responder_signed;                                                                 /* apply_ocsp.c */

/* A record that can't stand where it stands: always BM_EBUG. */
bm_must_use enum bm_rc bm_contradiction(const char *what, struct bm_fail *fail);

/* A statement whose signatures were checked before it was written, and that has its place. */
struct bm_taken {
    struct bm_bytes text;
    struct bm_rd rest; /* behind the note: an order's profiles, an activation's text */
    const struct bm_record_leaves *leaves;
};
bm_must_use enum bm_rc bm_apply_order(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail);
bm_must_use enum bm_rc bm_apply_raise(struct bm_memory *memory, const struct bm_taken *taken, struct bm_fail *fail);

/* May it be the next? One person's has its number; what two persons signed has one of its own, which is taken once. */
bm_must_use enum bm_rc bm_place_check(const struct bm_memory *memory, const struct bm_statement_head *head, struct bm_fail *fail);
bm_must_use enum bm_rc bm_place_take(struct bm_memory *memory, const struct bm_statement_head *head, struct bm_fail *fail);

#endif
