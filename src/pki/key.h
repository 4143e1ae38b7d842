/* key.h - public keys: read strictly from a SubjectPublicKeyInfo, named by its hash, used to verify. */
#ifndef BM_KEY_H
#define BM_KEY_H

#include "base/bytes.h"
#include "base/limits.h"
#include "digest/digest.h"

/* What we take: P-256, P-384 (named curves, uncompressed points on the curve), RSA 2048 to 4096 bits (odd modulus; exponent odd, 65537
 * or more, at most 64 bits), Ed25519 (not of small order). */
enum bm_key_alg {
    BM_KEY_P256 = 1,
    BM_KEY_P384,
    BM_KEY_RSA,
    BM_KEY_ED25519
};

struct bm_key {
    enum bm_key_alg alg;
    unsigned bits;             /* of the modulus or the field */
    uint8_t spki[BM_MAX_SPKI]; /* DER, as given */
    size_t nspki;
    uint16_t at_bits; /* offset and length in spki of the BIT STRING's content (the point, the RSAPublicKey) */
    uint16_t nbits;
    uint8_t hash[BM_HASH]; /* SHA-256 of spki: the name by which slots, lots and records know this key */
};

/* Signature algorithms that we verify. */
enum bm_sig_alg {
    BM_SIG_ECDSA_SHA256 = 1,
    BM_SIG_ECDSA_SHA384,
    BM_SIG_RSA_SHA256,
    BM_SIG_RSA_SHA384,
    BM_SIG_RSA_PSS_SHA256,
    BM_SIG_ED25519
};

/* The process's handle on libcrypto: algorithms fetched once, contexts used again. One a process; not for threads. Made before the
 * process confines itself: libcrypto reads its configuration file at the first of these calls. BM_EBUSY when libcrypto lacks an
 * algorithm. */
struct bm_crypto;
bm_must_use enum bm_rc bm_crypto_new(struct bm_crypto **ret_crypto, struct bm_fail *fail);
void bm_crypto_free(struct bm_crypto *crypto);  /* accepts NULL */
void bm_crypto_done(struct bm_crypto **crypto); /* for bm_cleanup() */

/* Reads a DER SubjectPublicKeyInfo that must fill spki exactly. Refuses unknown algorithms, weak sizes, points off the curve, parameters
 * out of place (BM_EINPUT always). About 0.7 us. */
bm_must_use enum bm_rc bm_key_parse(struct bm_key *ret_key, struct bm_bytes spki, struct bm_fail *fail);

/* What keys of this kind sign with, where nobody says otherwise. */
enum bm_sig_alg bm_key_sig_alg(enum bm_key_alg alg);

/* Reads an AlgorithmIdentifier of a signature (whole element); parameters must be what the algorithm wants: none for ECDSA and Ed25519,
 * NULL or none for RSA, SHA-256 with MGF1 of SHA-256 and a salt of 32 octets for RSA-PSS. */
bm_must_use enum bm_rc bm_sig_alg_parse(enum bm_sig_alg *ret_alg, struct bm_bytes algorithm, struct bm_fail *fail);
/* Appends the AlgorithmIdentifier. */
void bm_sig_alg_add(struct bm_buf *buf, enum bm_sig_alg alg);

/* BM_EPOLICY when the signature is not this key's over these bytes ("the signature does not verify"); BM_EINPUT when key and algorithm
 * do not go together or the signature is malformed (ECDSA: strict DER; RSA, Ed25519: the one length). 48 us for P-256. */
bm_must_use enum bm_rc bm_key_verify(struct bm_crypto *crypto, const struct bm_key *key, enum bm_sig_alg alg, struct bm_bytes tbs,
                                     struct bm_bytes signature, struct bm_fail *fail);

/* The same where SHA-256 of what is signed is known already: ECDSA by a P-256 key. */
bm_must_use enum bm_rc bm_key_verify_hash(struct bm_crypto *crypto, const struct bm_key *key, const uint8_t hash[static BM_HASH],
                                          struct bm_bytes signature, struct bm_fail *fail);

static inline struct bm_bytes
bm_key_spki(const struct bm_key *key)
{
    return bm_bytes(key->spki, key->nspki);
}

/* SHA-1 of the BIT STRING's content, RFC 5280 4.2.1.2 (1): a label, never a binding. */
struct bm_ski {
    uint8_t octets[BM_SHA1];
};
struct bm_ski bm_key_ski(const struct bm_key *key);

#endif
