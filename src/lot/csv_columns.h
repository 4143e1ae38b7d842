/* csv_columns.h - which column of a list is what: by the names that are known (Espressif's among them), or as the custodian says. */
#ifndef BM_CSV_COLUMNS_H
#define BM_CSV_COLUMNS_H

#include "lot/csv_rows.h"
#include "lot/lot.h"

enum bm_csv_what {
    BM_CSV_UNKNOWN, /* not read */
    BM_CSV_KEY,
    BM_CSV_CERTIFICATE,
    BM_CSV_ID,
    BM_CSV_LABEL
};
struct bm_csv_columns {
    struct {
        enum bm_csv_what what;
        char label[BM_MAX_NAME + 1];
    } column[BM_MAX_CSV_COLUMNS];
    size_t n;
    size_t nunknown;
    char unknown[BM_MAX_NAME + 1]; /* the first one's name */
};
/* From the header's fields. Refuses two columns of one name or of one meaning, a list without keys and certificates, a map to a column that is not there. */
bm_must_use enum bm_rc bm_csv_columns_take(struct bm_csv_columns *ret_columns, const struct bm_bytes *names, size_t n,
                                           const struct bm_column_map *map, size_t nmap, struct bm_fail *fail);
/* Is this name one of those that are known without being told? */
bool bm_csv_column_known(struct bm_bytes name);

#endif
