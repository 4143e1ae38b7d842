/* audit.h - the books of lots and orders kept once more, from a ledger's leaves: what the signer says of an order at its end must be what they say. */
#ifndef BM_AUDIT_H
#define BM_AUDIT_H

#include "record/books.h"
#include "record/event.h"

/* Zeroed is empty. */
struct bm_audit {
    struct bm_books books;
    char (*lots)[BM_MAX_NAME + 1];
    size_t nlots;
    struct bm_audit_order {
        char name[BM_MAX_NAME + 1];
        uint32_t *lots;
        size_t nlots;
    } * orders;
    size_t norders;
    void *devices;     /* a tree: ids that have been seen */
    uint64_t balances; /* that were said, and hold */
};
void bm_audit_done(struct bm_audit *audit);

/* Of an order with several lots the leaf names none: this is one of them, from whoever has its statement. A wrong word makes a good balance fail, and no
 * bad one pass unnoticed that the signer did not make. */
bm_must_use enum bm_rc bm_audit_order_lot(struct bm_audit *audit, struct bm_bytes order, struct bm_bytes lot, struct bm_fail *fail);
/* The leaves in their order. BM_EPOLICY: it is an order's end, and its balance is not what the leaves before it say. */
bm_must_use enum bm_rc bm_audit_event(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail);

#endif
