/* enrol.h - gets an identity for a service: key, evidence, certificate, stored, confirmed (docs/formats/api-v1.md). */
#ifndef BM_ENROL_H
#define BM_ENROL_H

#include "device/http.h"
#include "pki/cert.h"

struct bm_enrol {
    struct bm_root *root;
    const char *server;
    const char *service;
    const char *profile; /* NULL: the server's choice, and the service's name as EST label */
    const char *ca_file;
    bool new_key; /* make one even where a pending or live key is there */
};

/* warning: "", or what went wrong after the identity was stored. */
bm_must_use enum bm_rc bm_enrol(const struct bm_enrol *enrol, char ret_warning[static 400], struct bm_fail *fail);

/* What the two kinds of evidence work on. */
struct bm_enrol_run {
    const struct bm_enrol *enrol;
    struct bm_http *http;
    bool pending; /* the key asked for is the pending one; else the live one */
    struct bm_key key;
    struct bm_bytes csr;
    const struct bm_key *root_key;
    struct bm_bytes root_certs; /* the hardware's own: DER, one behind the other */
};
/* Append the certificates that the server gives, each with a u32 length before it. */
bm_must_use enum bm_rc bm_enrol_root_signed(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_enrol_tpm_activated(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail);

/* Refuses what is no certificate for this key under these anchors: *ret_certs lists leaf first; views into `certs`. */
#define BM_ENROL_CERTS 8
bm_must_use enum bm_rc bm_enrol_check(struct bm_bytes certs, const struct bm_key *key, struct bm_certs anchors, bm_time now,
                                      struct bm_bytes ret_certs[static BM_ENROL_CERTS], size_t *ret_n, struct bm_fail *fail);

#endif
