/* erased.h - a device's word that it destroyed its identities: what it was, signed by its root key or by one of those identities. Format: docs/formats/erased.md. */
#ifndef BM_ERASED_H
#define BM_ERASED_H

#include "base/env.h"
#include "pki/key.h"

#define BM_MAX_ERASED_IDENTITIES BM_MAX_SERVICES

struct bm_erased {
    bm_time time; /* by the device's clock */
    struct bm_erased_identity {
        char service[BM_MAX_NAME + 1];
        uint8_t key[BM_HASH]; /* SHA-256 of its SubjectPublicKeyInfo */
    } identities[BM_MAX_ERASED_IDENTITIES];
    size_t nidentities;
    uint64_t sealed;      /* pieces of sealed data */
    uint8_t key[BM_HASH]; /* whose word it is: filled by bm_erased_check(), not looked at by bm_erased_build() */
};

/* Appends what the key signs. */
void bm_erased_build(struct bm_buf *text, const struct bm_erased *erased, struct bm_bytes spki);
/* And behind it the signature, in the algorithm that goes with the key (bm_key_sig_alg()). */
void bm_erased_end(struct bm_buf *text, struct bm_bytes signature);
/* BM_EINPUT: another text. BM_EPOLICY: the key did not sign it. Whose key it is, the caller has to know. */
bm_must_use enum bm_rc bm_erased_check(struct bm_erased *ret_erased, struct bm_bytes text, struct bm_crypto *crypto, struct bm_fail *fail);

#endif
