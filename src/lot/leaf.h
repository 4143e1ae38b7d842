/* leaf.h - one chip of a lot: the set of its root keys, its label, and hashes of what the vendor signed for it. Format: docs/formats/lot.md. */
#ifndef BM_LEAF_H
#define BM_LEAF_H

#include "pki/key.h"

/* What holds the root key, as the chipmaker says. */
enum bm_root_kind {
    BM_ROOT_TPM = 1,
    BM_ROOT_SECURE_ELEMENT,
    BM_ROOT_PUF,
    BM_ROOT_SOFTWARE
};

/* How a root key can speak: it signs, or it only decrypts (a TPM's endorsement key). */
enum bm_root_use {
    BM_USE_SIGN = 1,
    BM_USE_DECRYPT
};

enum bm_leaf_kind {
    BM_LEAF_KEYS = 1, /* bound by the keys listed */
    BM_LEAF_ID,       /* a list without keys: {vendor root, extraction rule, id}; bound for good to the first root key shown for it */
};

struct bm_leaf_key {
    enum bm_root_use use;
    struct bm_key key;
};

/*
 * ChipLeaf ::= SEQUENCE {
 *     version   INTEGER (1),
 *     kind      ENUMERATED (bm_leaf_kind),
 *     root      ENUMERATED (bm_root_kind),
 *     id        UTF8String (1..64),             a label: names are [A-Za-z0-9._:-]
 *     keys      SEQUENCE (0..8) OF SEQUENCE { use ENUMERATED, spki SubjectPublicKeyInfo }   in ascending order of the keys' hashes, none twice;
 *                                             1 or more in kind keys, 0 in kind id
 *     hashes    SEQUENCE (0..8) OF OCTET STRING (32)    SHA-256 of vendor bytes: certificates, the signed entry
 * }
 */
struct bm_leaf {
    enum bm_leaf_kind kind;
    enum bm_root_kind root;
    char id[BM_MAX_ID + 1];
    struct bm_leaf_key keys[BM_MAX_CHIP_KEYS];
    size_t nkeys;
    uint8_t hashes[BM_MAX_CHIP_HASHES][BM_HASH];
    size_t nhashes;
};

bm_must_use enum bm_rc bm_leaf_parse(struct bm_leaf *ret_leaf, struct bm_bytes der, struct bm_fail *fail);
/* Appends the canonical DER; sorts a copy of the keys. */
bm_must_use enum bm_rc bm_leaf_build(struct bm_buf *buf, const struct bm_leaf *leaf, struct bm_fail *fail);
/* 1 to BM_MAX_ID characters of [A-Za-z0-9._:-]. */
bool bm_leaf_id_ok(struct bm_bytes id);
/* The key of the leaf with this hash; NULL when none. */
const struct bm_leaf_key *bm_leaf_key(const struct bm_leaf *leaf, const uint8_t hash[static BM_HASH]);
const char *bm_leaf_kind_word(enum bm_leaf_kind kind); /* "keys", "id"; and back */
bm_must_use enum bm_rc bm_leaf_kind_parse(enum bm_leaf_kind *ret_kind, struct bm_bytes word, struct bm_fail *fail);
const char *bm_root_kind_word(enum bm_root_kind kind); /* "tpm", "secure-element", "puf", "software" */

#endif
