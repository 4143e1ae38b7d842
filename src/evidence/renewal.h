/* renewal.h - part 1 of a bundle: the current identity key's word for the new one. Format: docs/formats/evidence.md. */
#ifndef BM_RENEWAL_H
#define BM_RENEWAL_H

#include "pki/key.h"

/* lv16 SubjectPublicKeyInfo of the current identity key, lv16 its signature. */
struct bm_renewal {
    struct bm_bytes key;
    struct bm_bytes signature;
};
/* BM_EINPUT. Views; the key is not read here. */
bm_must_use enum bm_rc bm_renewal_parse(struct bm_renewal *ret_renewal, struct bm_bytes part, struct bm_fail *fail);
/* Appends it; the one encoding that parses to this. */
void bm_renewal_build(struct bm_buf *buf, const struct bm_renewal *renewal);

/* What the current key signs: the label and SHA-256 of the CSR. */
void bm_renewal_tbs(struct bm_buf *buf, struct bm_bytes csr);
/* The signature is the key's over this CSR, with the algorithm that goes with the key (bm_private_alg()). BM_EINPUT, BM_EPOLICY. */
bm_must_use enum bm_rc bm_renewal_check(struct bm_key *ret_current, struct bm_crypto *crypto, const struct bm_renewal *renewal,
                                        struct bm_bytes csr, struct bm_fail *fail);

#endif
