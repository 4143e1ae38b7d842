/* rows.h - what each list is made of: its columns as JSON, its order, and what it can be filtered by. Only files of this room include it. */
#ifndef BM_ROWS_H
#define BM_ROWS_H

#include "base/base.h"

/* The parameters of every list's statement, by their number in it. */
enum rows_by {
    ROWS_NAME = 1,
    ROWS_STATE,
    ROWS_LOT,
    ROWS_ORDER,
    ROWS_PROFILE,
    ROWS_DEVICE,
    ROWS_AFTER,
    ROWS_FROM, /* the key after which this page begins */
    ROWS_MOST, /* rows in it */
    ROWS_SERIAL,
    ROWS_MODEL,
    ROWS_HARDWARE,
    ROWS_FIRMWARE,
    ROWS_OWNER,
    ROWS_REGION,
    ROWS_VENDOR,
    ROWS_STATION,
    ROWS_ROOT,
    ROWS_CHIP,
    ROWS_BEGINS,
    ROWS_END,   /* the last key of this page's window */
    ROWS_BYTES, /* the name, where it is hexadecimal, as bytes */
    ROWS_SUPPORT,
    ROWS__N
};

struct rows_cond {
    enum rows_by by;
    const char *sql;
    bool indexed; /* an index finds these rows in the order of the list's key */
};
struct rows_list {
    const char *what;
    const char *from, *begin, *key, *order;
    const struct rows_cond *conds; /* ends at a zeroed one; what a list has not got it ignores */
    bool window;                   /* filters that no index serves are looked at in so many rows a page */
    const char *columns;           /* the row's JSON */
};
#define ROWS_OF_PROFILE "device of a profile" /* the list of devices, when a profile is all that is asked for */
#define ROWS_WINDOW 4096                      /* rows; some ten milliseconds */

extern const struct rows_list rows_lists[];
extern const size_t rows_nlists;

#endif
