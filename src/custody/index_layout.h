/* index_layout.h - where everything stands in a lot's index file. Format: docs/formats/lot-index.md. */
#ifndef BM_INDEX_LAYOUT_H
#define BM_INDEX_LAYOUT_H

#include "lot/leaf.h"

#define BM_INDEX_HEADER 120
#define BM_INDEX_RECORD 16 /* of a sorted table: the first 12 bytes of a hash, u32 place of the chip */
#define BM_INDEX_PREFIX 12
#define BM_INDEX_END 8     /* where a leaf ends, counted from the first one's beginning */
#define BM_INDEX_LEVELS 20 /* 2^19 < BM_MAX_LOT_CHIPS < 2^20 */

enum bm_index_table {
    BM_INDEX_KEYS, /* key hashes (kind id: the ids' hashes) */
    BM_INDEX_SKIS,
    BM_INDEX_IDS, /* SHA-256 of the id */
    BM_INDEX_NTABLES
};

struct bm_index_layout {
    /* as the header says */
    enum bm_leaf_kind kind;
    uint64_t chips, names, rsa, leaf_bytes; /* names: records in the table of keys */
    uint8_t root[BM_HASH];
    /* what follows from it: offsets in the file, and the size that the file must have */
    uint64_t ends, level[BM_INDEX_LEVELS], table[BM_INDEX_NTABLES], records[BM_INDEX_NTABLES], size;
};

/* Fills in what follows from the rest. */
void bm_index_layout_place(struct bm_index_layout *layout);
void bm_index_header_build(uint8_t ret[static BM_INDEX_HEADER], const struct bm_index_layout *layout);
/* BM_EBUG when the bytes are no header, or say what no lot can be. */
bm_must_use enum bm_rc bm_index_header_parse(struct bm_index_layout *ret_layout, struct bm_bytes bytes, struct bm_fail *fail);

#define bm_index_damaged(fail, ...) bm_fail((fail), BM_EBUG, NULL, "the index of the lot is damaged: " __VA_ARGS__)

#endif
