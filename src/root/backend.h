/* backend.h - what the backends share: their tables, and keys and signatures put into DER. */
#ifndef BM_BACKEND_H
#define BM_BACKEND_H

#include "root/root.h"

extern const struct bm_root_ops bm_root_soft;
extern const struct bm_root_ops bm_root_pkcs11;
extern const struct bm_root_ops bm_root_tpm2;

#define BM_P256 32 /* bytes of a P-256 coordinate */

/* A public key from what hardware gives: an uncompressed point of P-256 or P-384 (04 X Y), an RSA modulus with exponent 65537. */
bm_must_use enum bm_rc bm_key_from_point(struct bm_key *ret_key, struct bm_bytes point, struct bm_fail *fail);
bm_must_use enum bm_rc bm_key_from_modulus(struct bm_key *ret_key, struct bm_bytes modulus, struct bm_fail *fail);

/* Appends ECDSA-Sig-Value from r and s. */
void bm_ecdsa_add(struct bm_buf *buf, struct bm_bytes r, struct bm_bytes s);

/* Sorts lines and drops doubles: the names of services. */
bm_must_use enum bm_rc bm_names_add(struct bm_buf *buf, const char *const *names, size_t n, struct bm_fail *fail);

#endif
