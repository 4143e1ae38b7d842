/* balance_note.h - an order's balance that is taken away: the leaf, its proof and the signed head, all in one text. Format: docs/formats/balance.md. */
#ifndef BM_BALANCE_NOTE_H
#define BM_BALANCE_NOTE_H

#include "merkle/checkpoint.h"
#include "merkle/tree.h"
#include "record/books.h"
#include "record/event.h"

struct bm_balance_note {
    uint64_t index;
    uint8_t salt[BM_SALT];
    struct bm_proof proof;
    struct bm_bytes event;      /* text; a view */
    struct bm_bytes checkpoint; /* signed note; a view */
};
#define BM_MAX_BALANCE_NOTE (BM_MAX_EVENT + BM_MAX_NOTE + 8192)
void bm_balance_note_build(struct bm_buf *buf, const struct bm_balance_note *note);
bm_must_use enum bm_rc bm_balance_note_parse(struct bm_balance_note *ret, struct bm_bytes text, struct bm_fail *fail);
/* The leaf is an order's end and stands in the tree whose head this key signed. Views into the note. BM_EPOLICY: it does not. */
bm_must_use enum bm_rc bm_balance_note_check(const struct bm_balance_note *note, const struct bm_note_key *ledger,
                                             struct bm_event *ret_event, struct bm_balance *ret_balance, struct bm_fail *fail);

#endif
