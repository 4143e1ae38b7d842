/* issuers.h - how a chip's certificate is proven to lead to a vendor's pinned root: its issuer once by the whole path, then one signature a chip. */
#ifndef BM_ISSUERS_H
#define BM_ISSUERS_H

#include "pki/cert.h"

/* A lot's chips share few issuers: at most this many are remembered (TPM makers together have some 140), the rest are proven each time. */
#define BM_MAX_ISSUERS 64

/* Zeroed is empty; ends with bm_issuers_done(). */
struct bm_issuers {
    struct bm_known_issuer {
        uint8_t *der;
        size_t n;
        struct bm_bytes subject, ski; /* views into der; ski: n = 0 when absent */
        struct bm_key key;
        bool keyed;          /* the key is one of those that we verify by */
        bm_time from, until; /* it and all that is above it were valid */
    } issuer[BM_MAX_ISSUERS];
    size_t n;
};
void bm_issuers_done(struct bm_issuers *issuers);

/*
 * Does the certificate lead to one of the anchors? The whole path is bm_path_find()'s: at `at` every certificate of it valid, names chained, signatures true,
 * every critical extension known, those between authorities by their basic constraints, key usage, path lengths and name constraints kept.
 *
 * The issuer on a path that was proven is remembered, unless what is above it could tell one chip from another (name constraints). A later chip under it, with
 * this issuer again among `between` or `anchors`, and at a time at which all above it was valid, costs one signature and the checks between these two. What is
 * remembered can only say yes: everything else goes the long way and gets its answer there. The anchors must be the same at every call.
 *
 * *ret_verified: signatures verified now. BM_EPOLICY, BM_EINPUT as bm_path_find().
 */
bm_must_use enum bm_rc bm_issuers_check(struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_certs between,
                                        struct bm_certs anchors, bm_time at, uint32_t *ret_verified, struct bm_fail *fail);
/* The same of one that was read already, as bm_cert_parse() left it. */
bm_must_use enum bm_rc bm_issuers_check_read(struct bm_issuers *issuers, struct bm_crypto *crypto, const struct bm_cert *leaf,
                                             struct bm_certs between, struct bm_certs anchors, bm_time at, uint32_t *ret_verified,
                                             struct bm_fail *fail);

/* Does it say which names or addresses those below it may have (RFC 5280 4.2.1.10, RFC 3779)? Then one chip under it is not like the next. */
bool bm_issuer_constrains(const struct bm_cert_loose *cert);

#endif
