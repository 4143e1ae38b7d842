/* private.h - private keys in software: of CAs kept in files, of development roots, of servers. */
#ifndef BM_PRIVATE_H
#define BM_PRIVATE_H

#include "pki/key.h"

struct bm_private; /* wiped when freed */

bm_must_use enum bm_rc bm_private_generate(struct bm_private **ret_key, enum bm_key_alg alg,
                                           struct bm_fail *fail); /* P256, P384, Ed25519 */
/* P-256 from 40 secret bytes, always the same key from the same bytes: FIPS 186-5 A.2.1, extra random bits. */
#define BM_PRIVATE_SEED 40
bm_must_use enum bm_rc bm_private_derive(struct bm_private **ret_key, const uint8_t seed[static BM_PRIVATE_SEED], struct bm_fail *fail);
bm_must_use enum bm_rc bm_private_parse(struct bm_private **ret_key, struct bm_bytes pem,
                                        struct bm_fail *fail); /* PKCS#8 or SEC1 PEM, no passphrase */
bm_must_use enum bm_rc bm_private_build(struct bm_buf *buf, const struct bm_private *key, struct bm_fail *fail); /* PKCS#8 PEM */
void bm_private_free(struct bm_private *key);                                                                    /* accepts NULL */
void bm_private_done(struct bm_private **key);

const struct bm_key *bm_private_public(const struct bm_private *key);
enum bm_sig_alg bm_private_alg(
    const struct bm_private *key); /* the one that it signs with: ECDSA with the curve's hash, Ed25519, RSA-SHA256 */
/* Appends the signature over tbs, in the shape that certificates carry (ECDSA: DER). Contexts are reused: 18 us for P-256. */
bm_must_use enum bm_rc bm_private_sign(struct bm_private *key, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail);

#endif
