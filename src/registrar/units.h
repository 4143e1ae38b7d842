/* units.h - what is known of an order's units before they are made, and how a unit that is made finds its own. */
#ifndef BM_REGISTRAR_UNITS_H
#define BM_REGISTRAR_UNITS_H

#include "registrar/registrar.h"

/* The order's rows, serial numbers and stations; an alarm where the file that it names is not there or is another. */
bm_must_use enum bm_rc bm_units_keep(struct bm_registrar *r, const struct bm_order *order, uint64_t leaf, bm_time time,
                                     struct bm_fail *fail);

struct bm_unit_words {
    char serial[BM_MAX_NAME + 1];  /* the next of the order's pattern; "" = it has none */
    char station[2 * BM_HASH + 1]; /* name, or the hash of its key in hex; "" = it came by none */
};
/* What the next unit of this order gets besides its row, with this evidence. */
bm_must_use enum bm_rc bm_unit_words(struct bm_unit_words *ret_words, struct bm_registrar *r, const char *order, struct bm_bytes evidence,
                                     struct bm_fail *fail);

#endif
