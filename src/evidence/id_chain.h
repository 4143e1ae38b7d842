/* id_chain.h - the certificates by which a chip that is listed by its id alone shows whose key its root key is. */
#ifndef BM_ID_CHAIN_H
#define BM_ID_CHAIN_H

#include "lot/leaf.h"
#include "pki/cert.h"

#define BM_MAX_CHAIN 8 /* the device's certificate, those between, the vendor's root: real chains have three */

/* The id that a device's certificate gives by this rule, as a lot writes it. BM_EPOLICY when its subject says none, or two. */
bm_must_use enum bm_rc bm_id_extract(char ret_id[static BM_MAX_ID + 1], enum bm_id_rule rule, const struct bm_cert *device,
                                     struct bm_fail *fail);

/*
 * A leaf of kind id: chain[0] names the leaf's id and leads through the others to the last, which is the leaf's vendor root byte for byte.
 * Judged at chain[0]'s own notBefore: chips outlive their makers' certificates, and signer and auditor come to one answer.
 * *ret_key: the root key, chain[0]'s. BM_EINPUT unreadable, BM_EPOLICY false.
 */
bm_must_use enum bm_rc bm_id_chain_check(struct bm_key *ret_key, const struct bm_leaf *leaf, const struct bm_bytes *chain, size_t n,
                                         struct bm_fail *fail);

/* Puts certificates in the order of a chain: first, its issuer, that one's issuer ..., by their names, from certificates one behind the other. They
 * are labels still. Returns how many; 0 when first can't be read. */
size_t bm_id_chain_arrange(struct bm_bytes ret_chain[static BM_MAX_CHAIN], struct bm_bytes first, struct bm_bytes certificates);

#endif
