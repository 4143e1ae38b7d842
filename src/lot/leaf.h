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

/*
 * How a root key can speak: it signs anything, it only decrypts (a TPM's endorsement key), or it signs nothing but what the TPM itself says (a restricted
 * key: an IAK). Whoever lists a key as attest vouches that it is restricted: one that signs anything could say what a TPM says.
 */
enum bm_root_use {
    BM_USE_SIGN = 1,
    BM_USE_DECRYPT,
    BM_USE_ATTEST,
    BM_USE__END
};

enum bm_leaf_kind {
    BM_LEAF_KEYS = 1, /* bound by the keys listed */
    BM_LEAF_ID,       /* a list without keys: {vendor root, extraction rule, id}; bound for good to the first root key shown for it */
};

/* Where the private key was made, as the chipmaker says. An injected key was known outside the chip for a while. */
enum bm_root_origin {
    BM_ORIGIN_UNSAID = 0,
    BM_ORIGIN_INSIDE,
    BM_ORIGIN_INJECTED
};

/* Where an id or a label was read: nothing is bound to any of them, and a reader should know how far to believe it. */
enum bm_label_source {
    BM_LABEL_SIGNED = 0,  /* in bytes that the vendor signed for this chip or this list */
    BM_LABEL_CERTIFICATE, /* in the chip's certificate */
    BM_LABEL_FILE_NAME,
    BM_LABEL_COLUMN,    /* of a list that nobody signed */
    BM_LABEL_CUSTODIAN, /* said on the command line at receipt */
    BM_LABEL_COMPUTED   /* here, from the key: says nothing that the key does not */
};

/* Names of labels that the system itself looks at; others are free (bm_name_ok()). */
#define BM_LABEL_REEL "reel"         /* delivery unit */
#define BM_LABEL_DATE "date"         /* made or provisioned: 2025-06-12, UTC */
#define BM_LABEL_FIRMWARE "firmware" /* version of the root of trust's own firmware */
#define BM_LABEL_MODEL "model"       /* part number */
#define BM_MAX_LABELS 8
struct bm_label {
    char name[BM_MAX_NAME + 1];
    enum bm_label_source source;
    char value[BM_MAX_ID + 1]; /* 1 to 64 bytes of printable text */
};

/* Kind id: how a certificate's id is read. */
enum bm_id_rule {
    BM_ID_RULE_NONE = 0,    /* kind keys */
    BM_ID_RULE_MICROCHIP_SN /* the device certificate's subject has one CN, and it is "sn" and the id in upper-case hex */
};

struct bm_leaf_key {
    enum bm_root_use use;
    struct bm_key key;
};

/*
 * ChipLeaf ::= SEQUENCE {
 *     version   INTEGER (2),
 *     kind      ENUMERATED (bm_leaf_kind),
 *     root      ENUMERATED (bm_root_kind),
 *     origin    ENUMERATED (bm_root_origin),
 *     id        UTF8String (1..64),             a label: names are [A-Za-z0-9._:-]
 *     idSource  ENUMERATED (bm_label_source),
 *     binding   [0] SEQUENCE { vendorRoot OCTET STRING (32), rule ENUMERATED (bm_id_rule) } OPTIONAL,     kind id only, and always there
 *     labels    SEQUENCE (0..8) OF SEQUENCE { name UTF8String, source ENUMERATED, value UTF8String }     in ascending order of names, none twice
 *     keys      SEQUENCE (0..8) OF SEQUENCE { use ENUMERATED, spki SubjectPublicKeyInfo }   in ascending order of the keys' hashes, none twice;
 *                                             1 or more in kind keys, 0 in kind id
 *     hashes    SEQUENCE (0..8) OF OCTET STRING (32)    SHA-256 of vendor bytes: certificates, the signed entry
 * }
 */
struct bm_leaf {
    enum bm_leaf_kind kind;
    enum bm_root_kind root;
    enum bm_root_origin origin;
    char id[BM_MAX_ID + 1];
    enum bm_label_source id_source;
    uint8_t vendor_root[BM_HASH]; /* kind id: SHA-256 of the root certificate's DER that the device's chain must end in */
    enum bm_id_rule rule;         /* kind id */
    struct bm_label labels[BM_MAX_LABELS];
    size_t nlabels;
    struct bm_leaf_key keys[BM_MAX_CHIP_KEYS];
    size_t nkeys;
    uint8_t hashes[BM_MAX_CHIP_HASHES][BM_HASH];
    size_t nhashes;
};

/* Reads in place, since the struct is large and a lot has a million of them: after a refusal *ret_leaf is void. */
bm_must_use enum bm_rc bm_leaf_parse(struct bm_leaf *ret_leaf, struct bm_bytes der, struct bm_fail *fail);
/* Appends the canonical DER; sorts copies of keys and labels. */
bm_must_use enum bm_rc bm_leaf_build(struct bm_buf *buf, const struct bm_leaf *leaf, struct bm_fail *fail);
/* 1 to BM_MAX_ID characters of [A-Za-z0-9._:-]. */
bool bm_leaf_id_ok(struct bm_bytes id);
/* The key of the leaf with this hash; NULL when none. */
const struct bm_leaf_key *bm_leaf_key(const struct bm_leaf *leaf, const uint8_t hash[static BM_HASH]);
/* Kind id: SHA-256("birthmark/id/v1\n" || vendor root || u8 rule || id): what stands for the root key in slots until one is bound. */
void bm_leaf_id_hash(const struct bm_leaf *leaf, uint8_t ret_hash[static BM_HASH]);
/* The label's value; NULL when the leaf has none of this name. Adds one (replacing one of the same name); false when there is no room or it is no text. */
const char *bm_leaf_label(const struct bm_leaf *leaf, const char *name);
bool bm_leaf_label_add(struct bm_leaf *leaf, const char *name, enum bm_label_source source, struct bm_bytes value);
const char *bm_label_source_word(enum bm_label_source source); /* "signed", "certificate", "file-name", "column", "custodian", "computed" */
const char *bm_leaf_kind_word(enum bm_leaf_kind kind);         /* "keys", "id"; and back */
bm_must_use enum bm_rc bm_leaf_kind_parse(enum bm_leaf_kind *ret_kind, struct bm_bytes word, struct bm_fail *fail);
const char *bm_root_kind_word(enum bm_root_kind kind); /* "tpm", "secure-element", "puf", "software" */

#endif
