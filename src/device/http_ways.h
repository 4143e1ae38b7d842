/* http_ways.h - inside http.c: how one POST reaches the server. */
#ifndef BM_HTTP_WAYS_H
#define BM_HTTP_WAYS_H

#include "device/http.h"
#include "device/tls.h"

#include <curl/curl.h>

/* A reply of any status is BM_OK; that none came is a refusal. */
struct bm_http_way {
    enum bm_rc (*post)(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret, struct bm_fail *fail);
};
extern const struct bm_http_way bm_http_direct;  /* http_curl.c: our own TLS over the network */
extern const struct bm_http_way bm_http_carried; /* http_carried.c: the carrier's HTTP */
extern const struct bm_http_way bm_http_through; /* http_curl.c: our own TLS, its records by the carrier */

struct bm_http {
    const struct bm_http_way *way;
    CURL *curl;
    char server[512];
    char ca_file[1024];
    char error[CURL_ERROR_SIZE];
    struct birthmark_carrier *carrier;
    struct bm_provider *provider;
    struct bm_root *root;
    const char *service;
    struct bm_fail inner; /* why our part of the TLS set-up failed */
};

/* What a refusal says: its "error", or its one line of text; without control characters. */
void bm_http_sentence(char ret[static 360], struct bm_bytes body, const char *type);

/* http_carried.c: what a carrier's call came to; its sentence without control characters. */
bm_must_use enum bm_rc bm_http_carrier_rc(const struct bm_http *http, enum birthmark_result rc, struct bm_fail *fail);
/* Runs a handle of libcurl whose connection goes through the carrier. */
bm_must_use enum bm_rc bm_http_tunnel(struct bm_http *http, CURLcode *ret_code, struct bm_fail *fail);

#endif
