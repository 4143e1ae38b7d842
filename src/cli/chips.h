/* chips.h - the chips of one lot as the store tells them, walked once: for reports, for scrapping and for recalls. */
#ifndef BM_CLI_CHIPS_H
#define BM_CLI_CHIPS_H

#include "cli/ask.h"
#include "cli/print.h"

/* What is done with each chip's row (docs/formats/store.md, list chip). */
typedef enum bm_rc bm_chip_fn(void *ctx, const json_t *chip, struct bm_fail *fail);
/* All chips of a lot in the order of its tree, with a bar on a terminal. */
bm_must_use enum bm_rc bm_chips_walk(struct bm_ask *ask, const char *lot, bm_chip_fn *chip, void *ctx, struct bm_fail *fail);
/* The lot's own row. BM_EPOLICY: no such lot. */
bm_must_use enum bm_rc bm_lot_ask(struct bm_ask *ask, const char *lot, json_t **ret_lot, struct bm_fail *fail);

/* RFC 4180: the heading, and a line a chip. A field that a spreadsheet would take for a formula gets an apostrophe before it. */
void bm_chip_csv_head(void);
void bm_chip_csv_line(const json_t *chip);

#endif
