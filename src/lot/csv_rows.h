/* csv_rows.h - comma-separated values as RFC 4180 has them, strictly: one record after the other, one field after the other. */
#ifndef BM_CSV_ROWS_H
#define BM_CSV_ROWS_H

#include "wire/rd.h"

#define BM_MAX_CSV_COLUMNS 64
#define BM_MAX_CSV_RECORD 65536 /* bytes: two certificates in PEM are under 8 KiB */

/* The next record without its line end: CR LF or LF; the last may lack it, which *ret_ended says. Line ends inside quotation marks belong to the field. */
bm_must_use enum bm_rc bm_csv_record(struct bm_rd *rd, bool *ret_have, struct bm_bytes *ret_record, bool *ret_ended, struct bm_fail *fail);
/*
 * Its fields, without their quotation marks, as views into `buf`, which is reset and needs a max of BM_MAX_CSV_RECORD. Text is UTF-8 without control
 * characters, line ends inside quotation marks excepted. Refuses a quotation mark inside a field that does not begin with one, and anything behind its
 * end.
 */
bm_must_use enum bm_rc bm_csv_fields(struct bm_bytes record, struct bm_buf *buf, struct bm_bytes fields[static BM_MAX_CSV_COLUMNS],
                                     size_t *ret_nfields, struct bm_fail *fail);

#endif
