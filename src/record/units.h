/* units.h - what a planner says of an order's units before they are made: rows of CSV, a pattern of serial numbers. Format: docs/formats/units.md. */
#ifndef BM_UNITS_H
#define BM_UNITS_H

#include "base/bytes.h"
#include "base/env.h"
#include "base/limits.h"

#define BM_MAX_UNITS 100000          /* rows: they become records in one step, within half a second in which nobody else is served */
#define BM_MAX_UNITS_FILE (32 << 20) /* bytes */
#define BM_UNIT_KEY "key "           /* before the hash of a root key, where a chip is named by that */

/* A row; "" where it says nothing. */
struct bm_unit_row {
    uint64_t row;                                 /* from 1 */
    char chip[sizeof(BM_UNIT_KEY) + 2 * BM_HASH]; /* its id, or "key HEX" */
    char serial[BM_MAX_NAME + 1], model[BM_MAX_NAME + 1], hardware[BM_MAX_NAME + 1], firmware[BM_MAX_NAME + 1];
    char owner[BM_MAX_NAME + 1], region[BM_MAX_NAME + 1];
    bm_time support_until; /* the last second of its day; 0: nothing is said */
};
typedef enum bm_rc bm_unit_fn(void *ctx, const struct bm_unit_row *unit, struct bm_fail *fail);
/* Every row to `unit` (NULL: to nobody), then whether a serial number or a chip stands there twice. BM_EINPUT with the row. */
bm_must_use enum bm_rc bm_units_read(struct bm_bytes file, bm_unit_fn *unit, void *ctx, uint64_t *ret_n, struct bm_fail *fail);

/* A serial number: 1 to 64 letters, digits and . _ : / # + -, the first a letter or digit. */
bool bm_serial_ok(struct bm_bytes text);

/* A pattern: serial numbers with one %0Nd in it, N from 1 to 9: the unit's place in its order, in so many digits. */
#define BM_MAX_SERIALS 67 /* bytes: 64 of a serial number with one digit, which %01d stands for */
bool bm_serials_ok(const char *pattern);
/* The highest place that it has digits for. */
uint64_t bm_serials_most(const char *pattern);
/* The serial number of this place, of a pattern that is one. */
void bm_serials_print(char ret[static BM_MAX_NAME + 1], const char *pattern, uint64_t place);
/* The place whose serial number this is; 0: none. */
uint64_t bm_serials_place(const char *pattern, const char *serial);
/* A place up to n of the one that has a serial number of a place up to nother of the other; 0: none. */
uint64_t bm_serials_meet(const char *pattern, uint64_t n, const char *other, uint64_t nother);

#endif
