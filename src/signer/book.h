/* book.h - the signer's side of the ledger: the tree's frontier, where each leaf stands in the journal, signed checkpoints. */
#ifndef BM_BOOK_H
#define BM_BOOK_H

#include "merkle/checkpoint.h"
#include "merkle/tree.h"
#include "signer/records.h"

/* Origin of the checkpoints and name of the ledger key: "birthmark/" and the site's hash in hex. */
#define BM_ORIGIN (10 + 2 * BM_HASH + 1)

struct bm_book {
    struct bm_frontier frontier;
    uint64_t *at; /* by leaf: the offset of its record in the journal */
    size_t cap;
};
void bm_book_done(struct bm_book *book);

/* Appends the leaves of a record that stands there. */
bm_must_use enum bm_rc bm_book_append(struct bm_book *book, const struct bm_record_leaves *leaves, uint64_t record_at,
                                      struct bm_fail *fail);

/* The ledger key from its PEM; its public half makes the site's hash, which makes its name. */
bm_must_use enum bm_rc bm_book_signer(struct bm_note_signer *ret_signer, uint8_t ret_site[static BM_HASH], struct bm_bytes pem,
                                      struct bm_fail *fail);

/* Appends the checkpoint over all leaves: they must be durable. */
bm_must_use enum bm_rc bm_book_checkpoint(const struct bm_book *book, const struct bm_note_signer *signer, struct bm_buf *note,
                                          struct bm_fail *fail);

#endif
