/* nonce.h - the signer's nonces and activation secrets, made without state: HMAC(k, purpose, subject, epoch), good for two epochs. */
#ifndef BM_NONCE_H
#define BM_NONCE_H

#include "base/env.h"
#include "base/secret.h"
#include "pki/key.h"

/* What a nonce is for. */
#define BM_PURPOSE_ROOT "root-signed" /* subject: the root key's hash */
#define BM_PURPOSE_TPM "tpm-activate" /* subject: bm_tpm_subject(); the nonce is the secret that the TPM activates */

/* time / BM_NONCE_EPOCH; 0 before 1970. */
uint64_t bm_nonce_epoch(bm_time now);

/* purpose: one of the above; without a newline, at most 32 characters. */
void bm_nonce_make(uint8_t ret[static BM_NONCE], const struct bm_secret *k, const char *purpose, const uint8_t subject[static BM_HASH],
                   uint64_t epoch);
/* Is it the one of this epoch or of the one before? Constant time. BM_EPOLICY "the nonce is stale or not ours: ask for a new one". */
bm_must_use enum bm_rc bm_nonce_check(const struct bm_secret *k, const char *purpose, const uint8_t subject[static BM_HASH], bm_time now,
                                      struct bm_bytes nonce, struct bm_fail *fail);

#endif
