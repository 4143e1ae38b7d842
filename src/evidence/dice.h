/* dice.h - a device's DICE chain: its root key certifies DeviceID, DeviceID certifies Alias, each with what was measured. */
#ifndef BM_EVIDENCE_DICE_H
#define BM_EVIDENCE_DICE_H

#include "pki/cert.h"
#include "pki/dice.h"

/* One layer: whose key, on what code. */
struct bm_dice_layer {
    struct bm_key key;
    uint8_t measured[BM_HASH]; /* SHA-256, the FWID */
    uint64_t svn;
};
struct bm_dice {
    struct bm_dice_layer device_id, alias;
};

/*
 * The chain from the root key that a lot lists, by signatures and never by names: DeviceID is signed by it and is a CA, Alias is signed by DeviceID and is
 * none; both are valid at `at`, carry one TcbInfo with one SHA-256 and no critical extension but those known here; three keys, all different. What
 * firmware is good is not asked here. That Alias's key is the device's own shows when it signs a fresh nonce (bm_key_verify).
 * BM_EINPUT: unreadable. BM_EPOLICY: false.
 */
bm_must_use enum bm_rc bm_dice_check(struct bm_dice *ret, struct bm_crypto *crypto, const struct bm_key *root, struct bm_bytes device_id,
                                     struct bm_bytes alias, bm_time at, struct bm_fail *fail);

/*
 * What a CMC request carries of it, in a control of its own (docs/formats/evidence.md): DER of SEQUENCE { DeviceID's certificate, Alias's certificate,
 * OCTET STRING signature }. Alias gives its word for the CSR (word.h, BM_WORD_DICE).
 */
struct bm_dice_evidence {
    struct bm_bytes device_id, alias, signature;
};
bm_must_use enum bm_rc bm_dice_evidence_parse(struct bm_dice_evidence *ret, struct bm_bytes der, struct bm_fail *fail);
void bm_dice_evidence_build(struct bm_buf *buf, const struct bm_dice_evidence *evidence);
/* The chain, judged at the moment when the later of its certificates began, and Alias's signature over this request. BM_EINPUT, BM_EPOLICY. */
bm_must_use enum bm_rc bm_dice_evidence_check(struct bm_dice *ret, struct bm_crypto *crypto, const struct bm_key *root,
                                              const struct bm_dice_evidence *evidence, struct bm_bytes csr, struct bm_fail *fail);

#endif
