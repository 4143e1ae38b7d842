/* lot_file.h - what the verbs that read lots share. */
#ifndef BM_CLI_LOT_FILE_H
#define BM_CLI_LOT_FILE_H

#include "cli/ask.h"
#include "cli/maker.h"
#include "cli/places.h"

/* The vendor as the site knows it; refused when it knows none, or a retired one. */
bm_must_use enum bm_rc bm_maker_ask(struct bm_maker *ret_maker, struct bm_ask *ask, const char *vendor, struct bm_fail *fail);

#endif
