/* bundle_inside.h - what the parts of the check of a bundle share: the claim in the making, and the two ways of speaking that prove something. */
#ifndef BM_BUNDLE_INSIDE_H
#define BM_BUNDLE_INSIDE_H

#include "evidence/attested.h"
#include "evidence/bundle.h"

/* What the ways of speaking share while they are checked. */
struct bm_check {
    struct bm_claim *claim; /* leaf is filled in; the rest is to be */
    struct bm_key named;    /* leaf of kind id: the root key, by the device's certificate */
    uint8_t ak[BM_HASH];    /* the attestation key; zeros where none spoke */
    bool proven;
    struct bm_crypto *crypto;
    const struct bm_freshness *fresh;
    struct bm_fail *fail;
};

#define BM_CHECK_ASKS "the request asks for a certificate for"
/* Root and operational identity stay apart, so that revoking one leaves the other alone. what: begins the sentence. */
bm_must_use enum bm_rc bm_check_separate(const struct bm_check *c, const uint8_t hash[static BM_HASH], const char *what);

/* bundle_signed.c: the body is a CMC request. */
bm_must_use enum bm_rc bm_check_cmc(struct bm_check *c, struct bm_bytes body);

/* bundle_tpm.c: the body is a TPM's claim; an attestation in a request that a root key signed. */
bm_must_use enum bm_rc bm_check_tpm(struct bm_check *c, struct bm_bytes body);
bm_must_use enum bm_rc bm_check_attested(struct bm_check *c);

#endif
