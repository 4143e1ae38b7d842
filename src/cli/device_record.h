/* device_record.h - the record of one device for people: what it is, its certificates, the moves of its life and its open alarms, on one screen. */
#ifndef BM_CLI_DEVICE_RECORD_H
#define BM_CLI_DEVICE_RECORD_H

#include "cli/print.h"

/* The row of the list of devices, with members `identities`, `alarms` and `moves` that hold the rows of those lists. With --json the row as it is. */
bm_must_use enum bm_rc bm_device_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail);

#endif
