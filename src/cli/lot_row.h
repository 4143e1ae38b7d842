/* lot_row.h - one lot, as people want to see it. */
#ifndef BM_CLI_LOT_ROW_H
#define BM_CLI_LOT_ROW_H

#include "cli/print.h"

/* SHOW's row: as it is for programs. */
bm_must_use enum bm_rc bm_lot_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail);

#endif
