/* reply.h - one HTTP/1.1 reply, written as the pickiest EST clients read it: field names in this very case, a length, no chunks. */
#ifndef BM_GATE_REPLY_H
#define BM_GATE_REPLY_H

#include "base/bytes.h"
#include "base/env.h"

struct bm_reply {
    unsigned status;
    const char *type; /* Content-Type */
    struct bm_bytes body;
    const char *allow; /* with 405: "GET, HEAD" */
    unsigned retry;    /* Retry-After, seconds; 0 = none */
    unsigned max_age;  /* Cache-Control and Expires, seconds; 0 = none */
    bool last;         /* the connection ends after it */
    bool keep_alive;   /* HTTP/1.0 wants to be told that it does not */
    bool head;         /* the answer to HEAD: the length of the body, not the body */
};

/* Head and body in one piece, so that both leave in one TLS record as long as they fit into one (16 KiB). */
void bm_reply_build(struct bm_buf *buf, const struct bm_reply *reply, bm_time now);

#endif
