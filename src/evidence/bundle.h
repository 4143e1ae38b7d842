/* bundle.h - all the evidence for one certificate, kept for good; its hash stands in the ledger. Format: docs/formats/evidence.md. */
#ifndef BM_BUNDLE_H
#define BM_BUNDLE_H

#include "evidence/cmc.h"
#include "evidence/endorsement.h"
#include "evidence/id_chain.h"
#include "evidence/nonce.h"
#include "evidence/shown.h"
#include "evidence/station.h"
#include "evidence/tls_front.h"
#include "evidence/tpm.h"
#include "evidence/word.h"
#include "lot/leaf.h"
#include "merkle/tree.h"
#include "pki/profile.h"
#include "wire/rd.h"

/*
 *  u16 version = 3
 *  u8  body class: 1 a CMC full request, 2 a TPM claim, 3 a TLS client's CSR
 *  32  lot's tree head        u64 lot's size     u64 leaf's index
 *  lv16 leaf DER              lv16 inclusion proof (bm_proof bytes)
 *  u8 n, n x lv16 DER         leaf of kind id: the device's certificate, those between, the vendor's root; else n = 0. At most 8
 *  lv16 body
 *  u8 n, n x { u8 type, lv16 }    parts, in ascending order of their types, each once and not empty
 */
enum bm_part {
    BM_PART_RENEWAL = 1,     /* renewal.h */
    BM_PART_ENDORSEMENT = 2, /* endorsement.h */
    BM_PART_STATION = 3,     /* station.h */
    BM_PART__N
};
/* The parts alone, as they stand in a bundle; poisons rd where they are not in their one form. */
void bm_parts_take(struct bm_bytes ret_part[static BM_PART__N], struct bm_rd *rd);
void bm_parts_build(struct bm_buf *buf, const struct bm_bytes part[static BM_PART__N]);
struct bm_bundle {
    uint8_t body_class; /* BM_BODY_CMC, BM_BODY_TPM, BM_BODY_TLS */
    uint8_t lot_root[BM_HASH];
    uint64_t lot_size;
    uint64_t index;
    struct bm_bytes leaf;
    struct bm_bytes proof;
    struct bm_bytes chain[BM_MAX_CHAIN];
    size_t nchain;
    struct bm_bytes body;
    struct bm_bytes part[BM_PART__N]; /* by enum bm_part; n = 0: it has none of this type */
};
enum {
    BM_BODY_CMC = 1,
    BM_BODY_TPM = 2,
    BM_BODY_TLS = 3 /* tls_front.h */
};
/* BM_EINPUT. Views into bytes, which must outlive the bundle; leaf, proof, body and parts are not read here. */
bm_must_use enum bm_rc bm_bundle_parse(struct bm_bundle *ret_bundle, struct bm_bytes bytes, struct bm_fail *fail);
/* Appends it; the one encoding that parses to this. */
void bm_bundle_build(struct bm_buf *buf, const struct bm_bundle *bundle);

/* Who checks freshness: the signer, with its nonce key and clock; an auditor cannot, and passes NULL. */
struct bm_freshness {
    const struct bm_secret *k;
    bm_time now;
};

/* What the evidence shows once all of it has been checked: about 10 KB, on the stack. Views into the bundle. */
struct bm_claim {
    enum bm_evidence_class evidence; /* root-signed, tpm-activated, or software where the leaf says so */
    struct bm_leaf leaf;
    uint8_t root_hash[BM_HASH]; /* the root key that spoke */
    uint8_t id_hash[BM_HASH];   /* leaf of kind id: bm_leaf_id_hash(); else zeros */
    struct bm_key key;          /* the operational key */
    struct bm_bytes csr;
    struct bm_shown shown;               /* its class, and every further fact that was proven; of software roots nothing but that */
    bool test;                           /* a certificate among it is of a test hierarchy (pki/cert.h) */
    bool tls_front;                      /* by a TLS client certificate alone, whatever the class: capped per order */
    bool renews;                         /* it came with the word of a current identity key ... */
    uint8_t current[BM_HASH];            /* ... of this hash: whose key that is, the signer's tables say */
    bool stationed;                      /* it came with the word of a station ... */
    uint8_t station[BM_HASH];            /* ... whose key has this hash */
    char station_order[BM_MAX_NAME + 1]; /* ... and which made it for this order */
};
/*
 * (A leaf of kind id has no keys: the root key is the one in the device's certificate, whose chain must end in the leaf's vendor root and whose name must
 * give the leaf's id by its rule; validity is judged at the device certificate's own notBefore, so that signer and auditor come to the same answer.)
 *
 * The whole chain but the lot's pin: leaf in tree at index, root key in leaf and fit to speak this way, nonce, its signature (or activation and
 * certification), CSR's own signature, operational key neither a root key nor the attestation key; of a renewal, the signature of the current key,
 * which is none of them. BM_EINPUT malformed, BM_EPOLICY false.
 *
 * *ret_proven is always set, on failure too: has a root key listed in the leaf proved itself, freshly where `fresh` is given? Such refusals get a
 * ledger leaf of their own, but only when the lot is pinned as well, which the caller checks: anybody can make a tree around a key of his own.
 *
 * Without `fresh` the nonce is not looked at, and neither is a TPM's proof of activation, which only the holder of k can make again: what remains
 * of such a claim is that some attestation key spoke for the operational key (*ret_proven stays false). That it was this TPM's rests on the signer.
 */
bm_must_use enum bm_rc bm_bundle_check(struct bm_claim *ret_claim, bool *ret_proven, const struct bm_bundle *bundle,
                                       struct bm_crypto *crypto, const struct bm_freshness *fresh, struct bm_fail *fail);

#endif
