/* http.h - POST to the site's server, by libcurl or by a carrier; what it refuses comes back as its own sentence. */
#ifndef BM_HTTP_H
#define BM_HTTP_H

#include "birthmark.h"
#include "root/root.h"

struct bm_http;
/* server: "https://HOST[:PORT]", without a path. ca_file: PEM; nothing else is trusted. carrier: NULL for a network of our own. */
bm_must_use enum bm_rc bm_http_open(struct bm_http **ret_http, const char *server, const char *ca_file, struct birthmark_carrier *carrier,
                                    struct bm_fail *fail);
/* Requests from now on show the live identity of a service, in a TLS handshake of our own with the server. root and service must outlive the handle. */
bm_must_use enum bm_rc bm_http_identity(struct bm_http *http, struct bm_root *root, const char *service, struct bm_fail *fail);
void bm_http_close(struct bm_http *http); /* accepts NULL */
void bm_http_done(struct bm_http **http);

struct bm_http_request {
    const char *path, *type;
    const char *field; /* one more of its head, "NAME: VALUE"; NULL: none. Not by a carrier */
    struct bm_bytes body;
};
/* body: the caller's; its max holds. */
struct bm_http_reply {
    long status;
    char type[BIRTHMARK_TYPE_MAX];
    struct bm_buf *body;
};
/* A reply of any status is BM_OK. */
bm_must_use enum bm_rc bm_http_ask(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret,
                                   struct bm_fail *fail);
/* Appends the reply's body. BM_OK only for status 200 with that content type (without parameters; NULL: any); docs/formats/api-v1.md has the rest. */
bm_must_use enum bm_rc bm_http_post(struct bm_http *http, const char *path, const char *type, struct bm_bytes body, const char *want_type,
                                    struct bm_buf *reply, struct bm_fail *fail);

#endif
