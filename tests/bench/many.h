/* many.h - a lot of any size, made fast: its keys are points one after the other, whose private halves nobody needs. */
#ifndef BENCH_MANY_H
#define BENCH_MANY_H

#include "lot/lot.h"

/* A manifest in Birthmark's format with head->lot and head->vendor, of so many chips, signed by this signer, in that file. */
void many_lot(const char *path, const struct bm_lot_head *head, const struct bm_note_signer *signer, uint64_t chips);

#endif
