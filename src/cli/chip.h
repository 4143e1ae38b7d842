/* chip.h - the record of a chip as a file. */
#ifndef BM_CLI_CHIP_H
#define BM_CLI_CHIP_H

#include "cli/cli.h"
#include "lot/lot.h"

/* PEM "BIRTHMARK CHIP" or its DER. der gets the bytes; the chip's views lie in it. */
bm_must_use enum bm_rc bm_chip_read(struct bm_chip *ret_chip, struct bm_buf *der, const char *path, struct bm_fail *fail);

#endif
