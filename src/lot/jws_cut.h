/* jws_cut.h - the four members of a flattened JWS (RFC 7515 7.2.2) as views into its text: the outer form is fixed, so no tree is built of it. */
#ifndef BM_JWS_CUT_H
#define BM_JWS_CUT_H

#include "base/bytes.h"

struct bm_jws_parts {
    struct bm_bytes payload, protected_text, signature; /* base64url, not decoded: nothing but what stands between the quotes */
    struct bm_bytes unique_id;                          /* of header: at most BM_MAX_ID bytes */
};

/* Members in any order, each once, no others; none has an escape in it (base64url and names need none), so that a view is the value. BM_EINPUT. */
bm_must_use enum bm_rc bm_jws_cut(struct bm_jws_parts *ret_parts, struct bm_bytes object, struct bm_fail *fail);

#endif
