/* units.h - what is known of an order's units before they are made, and how a unit that is made finds its own. */
#ifndef BM_REGISTRAR_UNITS_H
#define BM_REGISTRAR_UNITS_H

#include "record/units.h"
#include "registrar/registrar.h"

/* The order's rows, serial numbers and stations; an alarm where the file that it names is not there or is another. */
bm_must_use enum bm_rc bm_units_keep(struct bm_registrar *r, const struct bm_order *order, uint64_t leaf, bm_time time,
                                     struct bm_fail *fail);

/* A statement that is about to be signed for, or taken: would an order's units have serial numbers of other devices of their product? BM_EPOLICY: they
 * would, or the file is not there. What is no such statement is the signer's to refuse. */
bm_must_use enum bm_rc bm_units_check(struct bm_registrar *r, struct bm_bytes note, struct bm_fail *fail);
/* Every row of the file that the order names. BM_EPOLICY: it is not there, or another. */
bm_must_use enum bm_rc bm_units_each(struct bm_registrar *r, const struct bm_order *order, bm_unit_fn *unit, void *ctx,
                                     struct bm_fail *fail);
/* A unit was made: an alarm where another device of its product has its serial number, which no order should have brought about. */
bm_must_use enum bm_rc bm_units_twin(struct bm_registrar *r, const char *device, uint64_t leaf, bm_time time, struct bm_fail *fail);

struct bm_unit_words {
    char serial[BM_MAX_NAME + 1];  /* the next of the order's pattern; "" = it has none */
    char station[2 * BM_HASH + 1]; /* name, or the hash of its key in hex; "" = it came by none */
};
/* What the next unit of this order gets besides its row, with this evidence. */
bm_must_use enum bm_rc bm_unit_words(struct bm_unit_words *ret_words, struct bm_registrar *r, const char *order, struct bm_bytes evidence,
                                     struct bm_fail *fail);

#endif
