/* chain.h - the vendor's certificates, sorted once, and a chip's certificate led through them to a root. */
#ifndef BM_LOT_CHAIN_H
#define BM_LOT_CHAIN_H

#include "lot/issuers.h"
#include "lot/lot.h"

#define BM_MAX_CHAIN_POOL 1000 /* certificates: the TPM makers together publish some 170 */

struct bm_pool_cert {
    struct bm_cert_loose cert;
    bool anchor; /* a chain may end here */
};

/*
 * The vendor's pinned certificates (but those retired) and those that came with the list. A chain ends in a pinned one that is self-issued; where no pinned
 * one is, all of them are ends. What came with the list only ever stands between. Views into the certificates, which must outlive it.
 */
struct bm_pool {
    const struct bm_vendor *vendor;
    struct bm_pool_cert *certs;
    size_t n;
    struct bm_issuers *issuers; /* proven so far */
};
bm_must_use enum bm_rc bm_pool_open(struct bm_pool *ret_pool, const struct bm_vendor *vendor, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pool_add(struct bm_pool *pool, struct bm_bytes der, struct bm_fail *fail); /* one that came with the list */
void bm_pool_done(struct bm_pool *pool);

/* Does the certificate lead to an anchor at this time, through the pool and what came `with` it? As bm_issuers_check_read(). Something must be pinned. */
bm_must_use enum bm_rc bm_pool_prove(const struct bm_pool *pool, struct bm_crypto *crypto, const struct bm_cert *cert, struct bm_certs with,
                                     bm_time at, uint32_t *ret_verified, struct bm_fail *fail);

/*
 * Does the certificate lead to an anchor (issuers.h)? At `now` (0: when it was issued), or, where it or what is above it has expired since, when it was
 * issued: then a note. Adds to the chip's findings, and one to its signatures: what is above was verified once for all. A certificate that libcrypto
 * cannot read, broken as it is, is verified by its issuer's key over the bytes as they are, and its issuer's path is checked. Nothing is pinned: nothing
 * is looked at. `which`: "its certificate", for the findings. Fails for want of memory only.
 */
bm_must_use enum bm_rc bm_pool_look(struct bm_pool *pool, struct bm_crypto *crypto, const struct bm_cert_loose *cert, const char *which,
                                    bm_time now, struct bm_lot_chip *chip, struct bm_fail *fail);

#endif
