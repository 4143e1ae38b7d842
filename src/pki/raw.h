/* raw.h - keys and signatures as hardware gives them, put into DER. */
#ifndef BM_RAW_H
#define BM_RAW_H

#include "pki/key.h"

#define BM_P256 32 /* bytes of a coordinate */
#define BM_P384 48

/* A public key from what hardware gives: an uncompressed point of P-256 or P-384 (04 X Y), an RSA modulus with exponent 65537. */
bm_must_use enum bm_rc bm_key_from_point(struct bm_key *ret_key, struct bm_bytes point, struct bm_fail *fail);
bm_must_use enum bm_rc bm_key_from_modulus(struct bm_key *ret_key, struct bm_bytes modulus, struct bm_fail *fail);

/* Appends ECDSA-Sig-Value from r and s. */
void bm_ecdsa_add(struct bm_buf *buf, struct bm_bytes r, struct bm_bytes s);

#endif
