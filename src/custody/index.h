/*
 * index.h - a received lot as it is kept: one immutable file with its leaves, its whole tree, and sorted tables by which a chip is found.
 *
 * HOME/lots/ROOT.index, format docs/formats/lot-index.md. Written once by `lot receive`, mapped by whoever asks. It holds nothing that the vendor's file and
 * the pin do not: a wrong one can stop work (proofs that do not verify), never mint.
 */
#ifndef BM_INDEX_H
#define BM_INDEX_H

#include "merkle/tree.h"
#include "lot/leaf_skim.h"

/* ---- making: into an empty file, open for reading too; streaming; memory about 90 bytes a chip of one key ---- */
struct bm_index_writer;
bm_must_use enum bm_rc bm_index_create(struct bm_index_writer **ret_writer, int fd, struct bm_fail *fail); /* fd stays the caller's */
/* The next chip. It was checked before: only its names are read. After a failure the writer is good for bm_index_writer_done() only. */
bm_must_use enum bm_rc bm_index_add(struct bm_index_writer *writer, struct bm_bytes leaf_der, struct bm_fail *fail);
/* The same where the leaf's digest is known already. */
bm_must_use enum bm_rc bm_index_add_known(struct bm_index_writer *writer, struct bm_bytes leaf_der, const struct bm_leaf_digest *digest,
                                          struct bm_fail *fail);
/* Sorts, writes the tables and the tree, fsync. BM_EPOLICY when a root key (kind id: an id) stands in two chips, naming both. */
bm_must_use enum bm_rc bm_index_finish(struct bm_index_writer *writer, uint64_t *ret_size, uint8_t ret_root[static BM_HASH],
                                       struct bm_fail *fail);
void bm_index_writer_done(struct bm_index_writer **writer);

/* ---- using ---- */
struct bm_index;
/* Maps it. BM_EBUG "the index of the lot is damaged: ..." when header, bounds or lengths are not in order; content is not hashed again. */
bm_must_use enum bm_rc bm_index_open(struct bm_index **ret_index, int fd, struct bm_fail *fail); /* fd may be closed after */
void bm_index_done(struct bm_index **index);
uint64_t bm_index_size(const struct bm_index *index);
void bm_index_root(const struct bm_index *index, uint8_t ret_root[static BM_HASH]);
uint64_t bm_index_nrsa(const struct bm_index *index); /* RSA keys in it */
bm_must_use enum bm_rc bm_index_leaf(const struct bm_index *index, uint64_t i, struct bm_bytes *ret_der, struct bm_fail *fail);
/* Where the chip with this root key (kind id: bm_leaf_id_hash()) stands. A hit is confirmed with the leaf itself. */
bm_must_use enum bm_rc bm_index_find_key(const struct bm_index *index, const uint8_t hash[static BM_HASH], bool *ret_found, uint64_t *ret_i,
                                         struct bm_fail *fail);
bm_must_use enum bm_rc bm_index_find_ski(const struct bm_index *index, const uint8_t ski[static 20], bool *ret_found, uint64_t *ret_i,
                                         struct bm_fail *fail);
bm_must_use enum bm_rc bm_index_find_id(const struct bm_index *index, const char *id, bool *ret_found, uint64_t *ret_i,
                                        struct bm_fail *fail); /* the first of several */
/* Inclusion proof by reading at most 2 hashes a level: under 50 us after a restart. */
bm_must_use enum bm_rc bm_index_prove(const struct bm_index *index, uint64_t i, struct bm_proof *ret_proof, struct bm_fail *fail);

/*
 * What two lots have in common: calls back with the places in both, in no order; stops when the callback fails. A key: once. An id that several chips of a lot
 * bear: each of them is told at least once, with the first of the other lot or of this one. In the order of the smaller one's size where the other
 * is much larger.
 */
enum bm_index_by {
    BM_BY_KEY,
    BM_BY_ID
};
bm_must_use enum bm_rc bm_index_cross(const struct bm_index *a, const struct bm_index *b, enum bm_index_by by,
                                      enum bm_rc (*both)(void *ctx, uint64_t ia, uint64_t ib, struct bm_fail *fail), void *ctx,
                                      struct bm_fail *fail);
/* Memory that was mapped and read may be given back (a long walk over all leaves). */
void bm_index_forget(const struct bm_index *index);

#endif
