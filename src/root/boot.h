/* boot.h - what keys and sealed data are bound to: values of a TPM's PCRs, and the key whose permits carry them over an update. */
#ifndef BM_BOOT_H
#define BM_BOOT_H

#include "pki/key.h"

#define BM_PCRS 24 /* of the SHA-256 bank: PC Client TPM Profile 4.6.2 */

/*
 * The policy of a boot state is the digest of TPM2_PolicyPCR over its PCRs. Without an update key it is the object's policy itself. With one the object's
 * policy is TPM2_PolicyOR of two: that digest, and TPM2_PolicyAuthorize by the update key with BM_PERMIT_REF as policyRef. A permit is the update key's
 * signature (ECDSA with SHA-256) over the policy of another boot state and BM_PERMIT_REF behind it.
 */
#define BM_PERMIT_REF "birthmark boot v1"

struct bm_bound {
    uint32_t pcrs;            /* bit n: PCR n; 0: bound to no boot state */
    uint8_t policy[BM_HASH];  /* of the boot state */
    bool pinned;              /* an update key is */
    struct bm_key update_key; /* P-256 */
};

/* As a record holds it: u32 PCRs, policy, u16 + n update key (SPKI, n = 0: none). Nothing at all where nothing is bound. */
#define BM_BOUND_BYTES (4 + BM_HASH + 2 + BM_MAX_SPKI)
void bm_bound_build(struct bm_buf *buf, const struct bm_bound *bound);
bm_must_use enum bm_rc bm_bound_parse(struct bm_bound *ret_bound, struct bm_bytes bytes, struct bm_fail *fail);

/* TPM2_PolicyPCR's digest for these values. */
void bm_boot_policy(uint8_t ret[static BM_HASH], uint32_t pcrs, const uint8_t values[static BM_PCRS][BM_HASH]);
/* TPM2_PolicyAuthorize's by this key. */
void bm_boot_authorized(uint8_t ret[static BM_HASH], const struct bm_key *update_key);
/* authPolicy of an object that is bound so. */
void bm_bound_policy(uint8_t ret[static BM_HASH], const struct bm_bound *bound);

/* "0,2,7": numbers below BM_PCRS, ascending. */
#define BM_PCRS_TEXT 64
bm_must_use enum bm_rc bm_pcrs_parse(uint32_t *ret_pcrs, const char *text, struct bm_fail *fail);
void bm_pcrs_print(char ret[static BM_PCRS_TEXT], uint32_t pcrs);

/* docs/formats/boot-permit.md. The signature is not checked. */
struct bm_permit {
    uint8_t policy[BM_HASH];
    uint8_t signature[BM_MAX_SIGNATURE]; /* ECDSA-Sig-Value, DER */
    size_t nsignature;
};
bm_must_use enum bm_rc bm_permit_parse(struct bm_permit *ret_permit, struct bm_bytes text, struct bm_fail *fail);
void bm_permit_build(struct bm_buf *text, const struct bm_permit *permit);
/* What is signed: the policy and BM_PERMIT_REF. */
#define BM_PERMIT_SIGNED (BM_HASH + sizeof(BM_PERMIT_REF) - 1)
void bm_permit_signed(uint8_t ret[static BM_PERMIT_SIGNED], const uint8_t policy[static BM_HASH]);

#endif
