/* hash.h - the hashes that CMS and TPMs name in their own ways, and HMAC with them. Inside this room. */
#ifndef BM_EVIDENCE_HASH_H
#define BM_EVIDENCE_HASH_H

#include "pki/key.h"

#define BM_MAX_HASH 64 /* SHA-512 */

struct bm_hash {
    const char *name; /* as libcrypto knows it */
    size_t n;         /* octets */
    uint16_t tpm;     /* TPM_ALG_ID, TPM 2.0 part 2, 6.3 */
    struct bm_bytes oid;
};

/* SHA-256, SHA-384, SHA-512; NULL for anything else. */
const struct bm_hash *bm_hash_by_tpm(uint16_t alg);
const struct bm_hash *bm_hash_by_oid(struct bm_bytes content);
/* The one in the signature algorithm; for Ed25519 the one that RFC 8419 3.1 wants beside it. */
const struct bm_hash *bm_hash_by_sig(enum bm_sig_alg alg);

/* Over the parts in a row. ret has BM_MAX_HASH bytes. BM_ENOMEM when libcrypto cannot. */
bm_must_use enum bm_rc bm_hash_make(uint8_t ret[static BM_MAX_HASH], const struct bm_hash *hash, const struct bm_bytes *parts,
                                    size_t nparts, struct bm_fail *fail);
bm_must_use enum bm_rc bm_hash_hmac(uint8_t ret[static BM_MAX_HASH], const struct bm_hash *hash, struct bm_bytes key,
                                    const struct bm_bytes *parts, size_t nparts, struct bm_fail *fail);

#endif
