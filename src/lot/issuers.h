/* issuers.h - the certificates that stand between a lot's chips and the vendor's roots: each proven once, then remembered. */
#ifndef BM_ISSUERS_H
#define BM_ISSUERS_H

#include "pki/cert.h"

/* A lot's chips share few issuers: at most this many are remembered, the rest are proven each time. */
#define BM_MAX_ISSUERS 16

/* Zeroed is empty; ends with bm_issuers_done(). */
struct bm_issuers {
    struct bm_known_issuer {
        uint8_t hash[BM_HASH]; /* SHA-256 of its DER */
        uint8_t *der;
        struct bm_cert cert; /* views into der */
        bm_time from, until; /* the path above it was valid */
    } issuer[BM_MAX_ISSUERS];
    size_t n;
};
void bm_issuers_done(struct bm_issuers *issuers);

/*
 * bm_path_check(), at the price of one verification where the one certificate between was proven before by that same check, with the same anchors. What is
 * remembered can only say yes: everything that is not plain (other times, names not byte for byte, critical extensions, a signature that does not
 * verify) goes the long way and gets its answer there. *ret_verified: signatures verified now.
 */
bm_must_use enum bm_rc bm_issuers_check(struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_certs between,
                                        struct bm_certs anchors, bm_time at, uint32_t *ret_verified, struct bm_fail *fail);

#endif
