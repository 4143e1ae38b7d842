/* leaf.h - ledger leaves as the registrar tells them, believed only as far as they can be checked here. */
#ifndef BM_CLI_LEAF_H
#define BM_CLI_LEAF_H

#include "cli/ask.h"
#include "cli/places.h"
#include "ledger/ledger.h"

/* A row {index, salt, event}. event: with a NUL after it that is not counted. */
struct bm_told {
    uint64_t index;
    uint8_t salt[BM_SALT];
    struct bm_buf event;
};
void bm_told_done(struct bm_told *told);
bm_must_use enum bm_rc bm_told_parse(struct bm_told *ret_told, struct bm_bytes json, struct bm_fail *fail);

/* A leaf with its proof and the signed head of that moment: as told, and not looked at. */
struct bm_proved {
    struct bm_told told;
    struct bm_proof proof;
    struct bm_buf note;
    bool have;
};
void bm_proved_done(struct bm_proved *proved);
bm_must_use enum bm_rc bm_prove_ask(struct bm_proved *ret, struct bm_ask *ask, uint64_t index, struct bm_fail *fail);

/* --trust FILE, else the home's own trust.txt. */
bm_must_use enum bm_rc bm_ledger_trust(struct bm_trust *ret_trust, struct bm_call *call, struct bm_fail *fail);
/* Asks LEDGER for `most` leaves from `first`; note gets the signed checkpoint of that moment. */
bm_must_use enum bm_rc bm_ledger_ask(struct bm_ask *ask, uint64_t first, uint32_t most, bm_row_fn *row, void *ctx, struct bm_buf *note,
                                     struct bm_fail *fail);

#endif
