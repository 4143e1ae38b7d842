/* request_parts.h - what the two halves of the request's reader share: where it stands, and how it refuses. */
#ifndef BM_GATE_REQUEST_PARTS_H
#define BM_GATE_REQUEST_PARTS_H

#include "gate/request.h"

struct bm_request_in {
    struct bm_request request;
    struct bm_bytes authority; /* of an absolute-form target; n = 0: origin-form */
    struct bm_bytes host;
    bool old;     /* HTTP/1.0 */
    bool chunked; /* a Transfer-Encoding came */
    bool close, keep;
    unsigned seen; /* a bit a row of the table of fields */
    unsigned status;
    struct bm_fail *fail;
};

#define bm_request_refuse(in, code, ...) ((in)->status = (code), (enum bm_rc)bm_fail((in)->fail, BM_EINPUT, "RFC 9112", __VA_ARGS__))

/* Letters in either case; `word` in lower case. */
bool bm_text_is(struct bm_bytes text, const char *word);
bool bm_token_ok(struct bm_bytes text); /* RFC 9110 5.6.2 */

bm_must_use enum bm_rc bm_request_field(struct bm_request_in *in, struct bm_bytes line);
/* What only all fields together say. */
bm_must_use enum bm_rc bm_request_settle(struct bm_request_in *in);

#endif
