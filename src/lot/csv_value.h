/* csv_value.h - a field of a list in CSV that holds a key or a certificate, in any of the spellings that makers use. */
#ifndef BM_CSV_VALUE_H
#define BM_CSV_VALUE_H

#include "pki/key.h"

/* PEM (of this label), hex, base64 or base64url: no key or certificate can be read as two of them. Replaces what is in ret. BM_EINPUT. */
bm_must_use enum bm_rc bm_csv_decode(struct bm_buf *ret, const char *label, struct bm_bytes text, struct bm_fail *fail);
/* SubjectPublicKeyInfo, a point with its 04, or its two coordinates. `decoded` is room for the field's bytes. BM_EINPUT. */
bm_must_use enum bm_rc bm_csv_key_read(struct bm_key *ret_key, struct bm_buf *decoded, struct bm_bytes text, struct bm_fail *fail);

#endif
