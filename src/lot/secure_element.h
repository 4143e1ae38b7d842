/* secure_element.h - the payload that Microchip signs for one chip ("SecureElement": version 1 and 3 with keys, 2 without), read into a leaf. */
#ifndef BM_SECURE_ELEMENT_H
#define BM_SECURE_ELEMENT_H

#include "lot/leaf.h"
#include "pki/cert.h"

#define BM_MAX_ELEMENT_CHAIN 4 /* certificates of one key, the chip's own counted */

/* Zeroed is empty; used again for the next one; ends with bm_element_done(). */
struct bm_element {
    char group[BM_MAX_NAME + 1]; /* groupId: the delivery that it belongs to */
    bm_time time;                /* provisioningTimestamp, whole seconds */
    bool misspelt;               /* "distributer", as the documentation of version 1 has it */
    struct bm_leaf leaf;         /* the chip, its keys and the hashes of its certificates */
    size_t nchains;              /* of the keys that have certificates */
    struct bm_element_chain {
        struct bm_cert device;                             /* the chip's own: about the key beside it */
        struct bm_bytes between[BM_MAX_ELEMENT_CHAIN - 1]; /* its issuers, as they follow; not looked at */
        size_t nbetween;
    } chain[BM_MAX_CHIP_HASHES];
    struct bm_buf certs; /* what the views above look at: DER, one after the other */
    struct bm_buf room;  /* strings that had escapes */
};

/* Keys: each must be P-256; the one in a device certificate must be the one beside it. hashes: of the device certificates, from index `first_hash` on (what
 * stands before is the caller's). */
bm_must_use enum bm_rc bm_element_parse(struct bm_element *element, struct bm_bytes payload, size_t first_hash, struct bm_fail *fail);
void bm_element_done(struct bm_element *element);

#endif
