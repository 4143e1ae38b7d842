/* tpm_seed.h - the two ways in which a seed reaches an endorsement key. Inside this room; deterministic in what the caller gives. */
#ifndef BM_TPM_SEED_H
#define BM_TPM_SEED_H

#include "base/secret.h"
#include "evidence/hash.h"

/*
 * ECC, part 1, C.6.1: an ephemeral key from 64 bytes of the caller's, its point appended to secret as TPMS_ECC_POINT,
 * seed = KDFe(hash, Z.x, "IDENTITY", ephemeral x, ek x).
 */
bm_must_use enum bm_rc bm_tpm_seed_ecc(struct bm_secret *ret_seed, struct bm_buf *secret, const struct bm_key *ek,
                                       const struct bm_hash *hash, const uint8_t random[static 64], struct bm_fail *fail);

/* RSA, part 1, B.4 and B.10.4: a seed of hash's length from the same bytes, encrypted by OAEP with the label "IDENTITY\0" and appended. */
bm_must_use enum bm_rc bm_tpm_seed_rsa(struct bm_secret *ret_seed, struct bm_buf *secret, const struct bm_key *ek,
                                       const struct bm_hash *hash, const uint8_t random[static 64], struct bm_fail *fail);

#endif
