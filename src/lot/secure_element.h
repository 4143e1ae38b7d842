/* secure_element.h - the payload that Microchip signs for one chip ("SecureElement": version 1 and 3 with keys, 2 without), read into a leaf. */
#ifndef BM_SECURE_ELEMENT_H
#define BM_SECURE_ELEMENT_H

#include "lot/leaf.h"
#include "pki/cert.h"
#include "wire/json.h"

/* Views of the JSON live as long as `json`; ends with bm_element_done(). */
struct bm_element {
    json_t *json;
    const char *group;   /* groupId: the delivery that it belongs to */
    bm_time time;        /* provisioningTimestamp, whole seconds */
    bool misspelt;       /* "distributer", as the documentation of version 1 has it */
    struct bm_leaf leaf; /* the chip, its keys and the hashes of its certificates */
    struct bm_buf certs; /* the certificates' DER, one after the other */
    size_t ncerts;
    struct bm_element_cert {
        size_t at, n; /* in certs */
        size_t key;   /* index of the leaf's key that its chain is about */
        bool device;  /* the first of its chain: the chip's own */
    } cert[BM_MAX_CHIP_HASHES * 2];
};

/* Fills a zeroed or used element. Keys: each must be P-256; the one in a device certificate must be the one beside it. hashes: of the device certificates,
 * from index `first_hash` on (what stands before is the caller's). */
bm_must_use enum bm_rc bm_element_parse(struct bm_element *element, struct bm_bytes payload, size_t first_hash, struct bm_fail *fail);
struct bm_bytes bm_element_cert(const struct bm_element *element, size_t i);
void bm_element_done(struct bm_element *element);

#endif
