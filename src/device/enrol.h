/* enrol.h - gets an identity for a service: key, evidence, certificate, stored, confirmed (docs/formats/api-v1.md). */
#ifndef BM_ENROL_H
#define BM_ENROL_H

#include "device/http.h"
#include "pki/cert.h"
#include "wire/json.h"

struct bm_enrol {
    struct bm_root *root;
    const char *server;
    const char *service;
    const char *profile; /* NULL: the server's choice, and the service's name as EST label */
    const char *ca_file;
    struct birthmark_carrier *carrier; /* NULL: over the network */
    bool new_key;                      /* make one even where a pending or live key is there */
    bool renew;                        /* the live identity's key signs for a new one; false: the root key alone speaks */
};

/* warning: "", or what went wrong after the identity was stored. */
bm_must_use enum bm_rc bm_enrol(const struct bm_enrol *enrol, char ret_warning[static 400], struct bm_fail *fail);

/* What the kinds of evidence work on. */
struct bm_enrol_run {
    const struct bm_enrol *enrol;
    struct bm_http *http;
    bool pending;            /* the key asked for is the pending one; else the live one */
    bool kept;               /* the pending key is an earlier run's */
    bool renews;             /* the live key signs for it */
    struct bm_key key, live; /* live: at a renewal */
    struct bm_bytes csr;
    const struct bm_key *root_key;
    struct bm_bytes root_certs; /* the hardware's own: DER, one behind the other */
};
/* The key to ask for: a pending one, the live one, else a new one; into run. */
bm_must_use enum bm_rc bm_enrol_key_choose(struct bm_enrol_run *run, struct bm_fail *fail);
/* Appends the request for it, signed by it. attributes: as in bm_csr_info_build_attributes(). */
bm_must_use enum bm_rc bm_enrol_csr_make(struct bm_buf *csr, const struct bm_enrol_run *run, struct bm_bytes attributes,
                                         struct bm_fail *fail);
/* Append the certificates that the server gives, each with a u32 length before it. */
bm_must_use enum bm_rc bm_enrol_root_signed(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_enrol_tpm_activated(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_enrol_tpm_certified(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail);
/* The signer's nonce for the run's root key. */
bm_must_use enum bm_rc bm_enrol_nonce_get(struct bm_buf *nonce, const struct bm_enrol_run *run, struct bm_fail *fail);

/* Refuses what is no certificate for this key under these anchors: *ret_certs lists leaf first; views into `certs`. */
#define BM_ENROL_CERTS 8
#define BM_ENROL_ENDED "RFC 5280 4.1.2.5" /* its citation when the certificate has expired, and nothing else is wrong with its key */
bm_must_use enum bm_rc bm_enrol_check(struct bm_bytes certs, const struct bm_key *key, struct bm_certs anchors, bm_time now,
                                      struct bm_bytes ret_certs[static BM_ENROL_CERTS], size_t *ret_n, struct bm_fail *fail);

/* Tells the server, over TLS as this identity, that it is stored. */
bm_must_use enum bm_rc bm_enrol_confirm(const struct bm_enrol *enrol, struct bm_fail *fail);

/* ---- renew.c ---- */

/* When a certificate wants to be renewed: the same for this serial number every time; never, where it never ends. */
bm_time bm_renew_from(const struct bm_cert *cert);
enum bm_renew {
    BM_RENEW_NOTHING,
    BM_RENEW_CONFIRM, /* so young that the power may have gone before it was confirmed */
    BM_RENEW_NOW
};
/* What the live identity wants. BM_EPOLICY: there is none; BM_EBUSY: the clock is not set, or older than the identity. */
bm_must_use enum bm_rc bm_renew_wanted(enum bm_renew *ret_wanted, struct bm_root *root, const char *service, bool if_due,
                                       struct bm_fail *fail);
/*
 * How the pending key, run->key, is asked for: as it was before, of which the device keeps no record and the server does. While that takes the live identity,
 * the live key signs: a renewal was cut off. Where there is none, or it has ended and an operator allowed another, the root key speaks alone.
 */
bm_must_use enum bm_rc bm_renew_settle(struct bm_enrol_run *run, struct bm_fail *fail);
/* The key to ask for; a new one leaves the root bound as the live key is. */
bm_must_use enum bm_rc bm_renew_key(struct bm_enrol_run *run, struct bm_fail *fail);
/* A new one in the place of run's, which is pending. */
bm_must_use enum bm_rc bm_renew_key_anew(struct bm_enrol_run *run, struct bm_fail *fail);
/* Sends the root's evidence (kind: "cmc", "tpm"; taken, NULL: no memory) with the live key's signature; certs as above. */
bm_must_use enum bm_rc bm_renew_ask(const struct bm_enrol_run *run, const char *kind, json_t *evidence, struct bm_buf *certs,
                                    struct bm_fail *fail);

/* ---- enrol_json.c ---- */

bool bm_enrol_text_put(json_t *object, const char *key, const char *text);
bool bm_enrol_b64_put(json_t *object, const char *key, struct bm_bytes bytes);
bm_must_use enum bm_rc bm_enrol_ask(struct bm_buf *reply, const struct bm_enrol_run *run, const char *path, const json_t *request,
                                    struct bm_fail *fail);
/* A server's replies; what they hold is appended (certs: each with a u32 length). */
bm_must_use enum bm_rc bm_enrol_nonce_parse(struct bm_buf *nonce, struct bm_bytes reply, struct bm_fail *fail);
bm_must_use enum bm_rc bm_enrol_challenge_parse(struct bm_buf *credential, struct bm_buf *secret, struct bm_bytes reply,
                                                struct bm_fail *fail);
bm_must_use enum bm_rc bm_enrol_certs_parse(struct bm_buf *certs, struct bm_bytes reply, struct bm_fail *fail);

#endif
