/* name.h - distinguished names: their shape, their text, their building. */
#ifndef BM_PKI_NAME_H
#define BM_PKI_NAME_H

#include "wire/der.h"

/* Takes a Name off the cursor: a SEQUENCE of SETs of { OID, any value }. Sets out of order and characters outside a string's alphabet
 * pass, since vendors write such names and we only compare and print them. Poisons on another shape; the whole element is returned. */
struct bm_bytes bm_name_take(struct bm_rd *rd);

/* Can this be an attribute's value: 1 to 64 characters (RFC 5280 A.1, ub-common-name and its like) of UTF-8 that shows as what it is?
 * BM_EINPUT with "WHAT must be ...". */
bm_must_use enum bm_rc bm_name_value_check(const char *what, const char *value, struct bm_fail *fail);

/* Appends one RDN of one attribute: PrintableString where the value fits it, UTF8String otherwise. Poisons on a
 * value that bm_name_value_check() refuses. */
void bm_name_add(struct bm_buf *buf, struct bm_bytes oid, const char *value);

#endif
