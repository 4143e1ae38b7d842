/* request.h - the head of one HTTP/1.1 request, read strictly: what two programs could read in two ways is refused (RFC 9110, RFC 9112). */
#ifndef BM_GATE_REQUEST_H
#define BM_GATE_REQUEST_H

#include "base/bytes.h"

#define BM_REQUEST_HEAD 8192 /* request line and fields: curl sends 200 bytes, a browser 1,500 */
#define BM_REQUEST_FIELDS 64
#define BM_REQUEST_OCSP "/ocsp/"

/* Bits, for sets. */
enum bm_method {
    BM_GET = 1,
    BM_HEAD = 2,
    BM_POST = 4,
    BM_METHOD_OTHER = 8, /* another one of RFC 9110; any other word is refused */
};

struct bm_request {
    enum bm_method method;
    struct bm_bytes path;    /* begins with '/'; letters, digits and "-._~!$&'()*+,;=:@/" only: no query, no percent-encoding but that of
                              * base64's three (%2B %2F %3D, small letters too) behind BM_REQUEST_OCSP */
    struct bm_bytes type;    /* Content-Type without its parameters; n = 0 when absent */
    struct bm_bytes station; /* Birthmark-Station; n = 0 when absent */
    bool has_length;
    uint64_t length; /* of the body */
    size_t head;     /* bytes of the head, the empty line included: here the body begins */
    bool keep_alive; /* HTTP/1.0 that asked for it: wants to be told */
    bool last;       /* the connection ends after the reply */
    bool expects;    /* sends its body after "100 Continue" */
};

/* Bytes up to and with the empty line that ends a head, or 0 when it has not come. *from: where the search stopped, 0 at first. */
size_t bm_request_end(struct bm_bytes text, size_t *from);

/*
 * `head` ends with the empty line; views into it. BM_EINPUT: refused with a sentence, *ret_status has the HTTP status for it (touched only then), and
 * the connection must be closed, since nobody knows where the next request begins.
 */
bm_must_use enum bm_rc bm_request_parse(struct bm_request *ret_request, unsigned *ret_status, struct bm_bytes head, struct bm_fail *fail);

#endif
