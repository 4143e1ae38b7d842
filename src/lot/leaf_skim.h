/* leaf_skim.h - the little of a chip's entry by which it is found: kind, id and the keys' hashes, without asking whether a point lies on its curve. */
#ifndef BM_LEAF_SKIM_H
#define BM_LEAF_SKIM_H

#include "lot/leaf.h"

/*
 * For leaves that were checked before: those of a received lot, whose head is pinned or about to be compared. Whoever takes a key from it and
 * believes a signature calls bm_leaf_parse(). Everything is a view into the leaf. What is not DER, of another version, out of bounds or out of order is refused
 * as bm_leaf_parse() refuses it; labels and vendor hashes are stepped over.
 */
struct bm_leaf_skim {
    enum bm_leaf_kind kind;
    enum bm_root_kind root;
    enum bm_root_origin origin;
    enum bm_label_source id_source;
    struct bm_bytes id;
    struct bm_bytes labels;      /* the list as it is written: bm_leaf_skim_label() */
    uint8_t rule;                /* kind id: enum bm_id_rule */
    struct bm_bytes vendor_root; /* kind id: 32 bytes; else empty */
    size_t nkeys;                /* kind id: 0 */
    struct bm_leaf_skim_key {
        enum bm_root_use use;
        enum bm_key_alg alg;
        struct bm_bytes spki;
        struct bm_bytes bits;  /* in it: the BIT STRING's content (point, RSAPublicKey) */
        uint8_t hash[BM_HASH]; /* SHA-256 of spki */
    } keys[BM_MAX_CHIP_KEYS];
};
/* BM_EINPUT. About 0.3 us and one SHA-256 a key. */
bm_must_use enum bm_rc bm_leaf_skim(struct bm_leaf_skim *ret_skim, struct bm_bytes der, struct bm_fail *fail);
/* A leaf skimmed, and hashed once for all who ask: each hash costs more than the skimming. */
struct bm_leaf_digest {
    struct bm_leaf_skim skim;
    uint8_t id[BM_HASH];   /* SHA-256 of the id */
    uint8_t leaf[BM_HASH]; /* bm_tree_leaf() */
};
/* BM_EINPUT as bm_leaf_skim(). */
bm_must_use enum bm_rc bm_leaf_digest_take(struct bm_leaf_digest *ret_digest, struct bm_bytes der, struct bm_fail *fail);
/* What slots and tables know the chip by in kind id: as bm_leaf_id_hash(). */
void bm_leaf_skim_id_hash(const struct bm_leaf_skim *skim, uint8_t ret_hash[static BM_HASH]);
/* Names by which the leaf's chip is known for good: its keys' hashes, or the one hash of its id. Returns how many (1 to BM_MAX_CHIP_KEYS). */
size_t bm_leaf_skim_names(const struct bm_leaf_skim *skim, uint8_t ret_names[static BM_MAX_CHIP_KEYS][BM_HASH]);
/* The value of the label of this name; empty when there is none. */
struct bm_bytes bm_leaf_skim_label(const struct bm_leaf_skim *skim, const char *name);
/* RFC 5280 4.2.1.2 (1): SHA-1 of the BIT STRING's content. A label. */
void bm_leaf_skim_ski(const struct bm_leaf_skim_key *key, uint8_t ret_ski[static 20]);

#endif
