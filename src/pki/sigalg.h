/* sigalg.h - signature algorithms as certificates of others spell them. */
#ifndef BM_SIGALG_H
#define BM_SIGALG_H

#include "pki/key.h"

/* bm_sig_alg_parse(), but NULL passes for ECDSA's and Ed25519's absent parameters: an Intel TPM root is written so. The whole is under
 * the signature either way, and what it means is not in doubt. */
bm_must_use enum bm_rc bm_sig_alg_parse_foreign(enum bm_sig_alg *ret_alg, struct bm_bytes algorithm, struct bm_fail *fail);

#endif
