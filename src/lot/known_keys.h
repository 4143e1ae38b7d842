/* known_keys.h - the public keys whose private halves everybody can look up: a table. */
#ifndef BM_KNOWN_KEYS_H
#define BM_KNOWN_KEYS_H

#include "pki/key.h"

/*
 * The mark stands for the key and for the one with the opposite private half: P-256 X, P-384 the first 32 bytes of X, RSA the last 32 of the
 * modulus (whatever the exponent), Ed25519 the key without its sign bit.
 */
#define BM_KNOWN_MARK 32
struct bm_known_key {
    enum bm_key_alg alg;
    const char *where; /* ends the sentence "everybody can look it up: " */
    uint8_t mark[BM_KNOWN_MARK];
};
extern const struct bm_known_key bm_known_keys[];
extern const size_t bm_known_keys_n;

#endif
