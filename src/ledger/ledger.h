/* ledger.h - what happened, in order: leaves appended as the signer gives them, kept in tiles, proved and checked. */
#ifndef BM_LEDGER_H
#define BM_LEDGER_H

#include "merkle/checkpoint.h"
#include "merkle/tree.h"
#include "record/event.h"
#include "store/store.h"

/* The registrar's side of the tree that the signer grows: the frontier says at every moment whether both agree. */
struct bm_ledger {
    struct bm_store *store; /* borrowed */
    struct bm_frontier frontier;
};

/* Reads the frontier from tiles and leaves; recomputes the last partial tile from its leaves. */
bm_must_use enum bm_rc bm_ledger_open(struct bm_ledger *ret_ledger, struct bm_store *store, struct bm_fail *fail);

/* One leaf more, inside the caller's transaction. index must be the size (BM_EBUG otherwise: the signer and the store disagree). */
bm_must_use enum bm_rc bm_ledger_append(struct bm_ledger *ledger, uint64_t index, const struct bm_event *event,
                                        const uint8_t salt[static BM_SALT], struct bm_bytes text, struct bm_bytes attachment,
                                        struct bm_fail *fail);

/* The checkpoint that the signer signed over a tree of just these leaves; kept when it is. BM_EBUG when it is not. */
bm_must_use enum bm_rc bm_ledger_checkpoint(struct bm_ledger *ledger, struct bm_bytes note, struct bm_fail *fail);

/* Hashes of complete subtrees, from tiles: for proofs. Borrows the ledger. */
struct bm_tree_source bm_ledger_source(struct bm_ledger *ledger);

/*
 * Whoever holds leaves checks them, without the store: feed every leaf in order, then close against the signed checkpoint.
 */
struct bm_ledger_check {
    struct bm_frontier frontier;
};
/* The entry is made anew from salt and event text, which must parse. */
bm_must_use enum bm_rc bm_ledger_check_leaf(struct bm_ledger_check *check, uint64_t index, const uint8_t salt[static BM_SALT],
                                            struct bm_bytes text, struct bm_fail *fail);
/* Size and root are those of the checkpoint, which this key signed under this origin. */
bm_must_use enum bm_rc bm_ledger_check_close(const struct bm_ledger_check *check, struct bm_bytes checkpoint, const struct bm_note_key *key,
                                             const char *origin, struct bm_fail *fail);

#endif
