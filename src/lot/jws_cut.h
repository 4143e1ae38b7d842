/* jws_cut.h - the four members of a flattened JWS (RFC 7515 7.2.2) as views into its text: the outer form is fixed, so no tree is built of it. */
#ifndef BM_JWS_CUT_H
#define BM_JWS_CUT_H

#include "wire/rd.h"

struct bm_jws_parts {
    struct bm_bytes payload, protected_text, signature; /* characters of base64url, not decoded, nothing but those between the quotes */
    struct bm_bytes unique_id;                          /* of header: printable ASCII */
};

/*
 * Members in any order, each once, no others; white space as RFC 8259 has it. Stricter than JSON: no member's text has a backslash (base64url and names need
 * none), so that a view is the value. Whatever this takes, a JSON parser reads to the same values (tests/fuzz/fuzz_microchip.c). BM_EINPUT.
 */
bm_must_use enum bm_rc bm_jws_cut(struct bm_jws_parts *ret_parts, struct bm_bytes object, struct bm_fail *fail);

#endif
