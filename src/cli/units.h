/* units.h - order open --units and --serials: what the planner says of the units goes into the order, and its file beside the lots. */
#ifndef BM_CLI_UNITS_H
#define BM_CLI_UNITS_H

#include "cli/cli.h"
#include "record/statement.h"

/* Of the options --units and --serials, into the order, whose quantity is set; the file is checked and kept as HOME/lots/HASH.units. */
bm_must_use enum bm_rc bm_units_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail);

#endif
