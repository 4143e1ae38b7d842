/* proof.c - inclusion and consistency proofs made (RFC 6962 2.1.1 and 2.1.2), and their bytes. */
#include "merkle/tree.h"

/*
 * MTH of the n leaves from start on. start is a multiple of a power of two >= n, as in every split of RFC 6962, so the complete subtrees
 * that n's bits stand for are aligned: taken up from the smallest, on the right.
 */
static enum bm_rc
range_root(uint8_t ret[static BM_HASH], const struct bm_tree_source *source, uint64_t start, uint64_t n, struct bm_fail *fail)
{
    uint8_t acc[BM_HASH], left[BM_HASH];
    uint64_t todo = n;
    enum bm_rc rc;

    bm_tree_empty(acc);
    for (; todo != 0; todo &= todo - 1) {
        unsigned level = (unsigned)__builtin_ctzll(todo);
        uint64_t first = start + (todo & (todo - 1));

        if ((rc = source->node(source->ctx, level, first >> level, left, fail)) != BM_OK)
            return rc;
        if (todo == n)
            memcpy(acc, left, BM_HASH);
        else
            bm_tree_node(acc, left, acc);
    }
    memcpy(ret, acc, BM_HASH);
    return BM_OK;
}

enum bm_rc
bm_root_make(uint8_t ret[static BM_HASH], const struct bm_tree_source *source, uint64_t size, struct bm_fail *fail)
{
    return range_root(ret, source, 0, size, fail);
}

/* Where RFC 6962 splits a tree of n > 1 leaves: the largest power of two below n. */
static uint64_t
split(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* The walks go down from the root; the proof lists its hashes from the leaf up. */
static void
reverse(struct bm_proof *proof)
{
    uint8_t swap[BM_HASH];

    for (size_t i = 0; i < proof->n / 2; i++) {
        memcpy(swap, proof->hash[i], BM_HASH);
        memcpy(proof->hash[i], proof->hash[proof->n - 1 - i], BM_HASH);
        memcpy(proof->hash[proof->n - 1 - i], swap, BM_HASH);
    }
}

enum bm_rc
bm_inclusion_make(struct bm_proof *ret, const struct bm_tree_source *source, uint64_t index, uint64_t size, struct bm_fail *fail)
{
    struct bm_proof proof = { 0 };
    uint64_t lo = 0, n = size;
    enum bm_rc rc;

    if (index >= size || size > BM_TREE_SIZE_MAX)
        return bm_fail(fail, BM_EINPUT, "RFC 6962 2.1.1", "there is no leaf %llu in a tree of %llu", (unsigned long long)index,
                       (unsigned long long)size);
    while (n > 1) {
        uint64_t k = split(n);
        bool in_left = index - lo < k;

        /* the half without the leaf */
        rc = in_left ? range_root(proof.hash[proof.n], source, lo + k, n - k, fail) : range_root(proof.hash[proof.n], source, lo, k, fail);
        if (rc != BM_OK)
            return rc;
        proof.n++;
        lo += in_left ? 0 : k;
        n = in_left ? k : n - k;
    }
    reverse(&proof);
    *ret = proof;
    return BM_OK;
}

enum bm_rc
bm_consistency_make(struct bm_proof *ret, const struct bm_tree_source *source, uint64_t size1, uint64_t size2, struct bm_fail *fail)
{
    struct bm_proof proof = { 0 };
    uint64_t lo = 0, m = size1, n = size2;
    enum bm_rc rc;

    if (size1 == 0 || size1 > size2 || size2 > BM_TREE_SIZE_MAX)
        return bm_fail(fail, BM_EINPUT, "RFC 6962 2.1.2", "a tree of %llu leaves and one of %llu have no consistency proof",
                       (unsigned long long)size1, (unsigned long long)size2);
    while (m != n) {
        uint64_t k = split(n);
        bool in_left = m <= k;

        rc = in_left ? range_root(proof.hash[proof.n], source, lo + k, n - k, fail) : range_root(proof.hash[proof.n], source, lo, k, fail);
        if (rc != BM_OK)
            return rc;
        proof.n++;
        lo += in_left ? 0 : k;
        m -= in_left ? 0 : k;
        n = in_left ? k : n - k;
    }
    /* the verifier knows the whole older tree's root; a part of it he must be told */
    if (lo != 0) {
        if ((rc = range_root(proof.hash[proof.n], source, lo, n, fail)) != BM_OK)
            return rc;
        proof.n++;
    }
    reverse(&proof);
    *ret = proof;
    return BM_OK;
}

void
bm_proof_build(struct bm_buf *buf, const struct bm_proof *proof)
{
    if (proof->n > BM_MAX_PROOF) {
        buf->bad = true;
        return;
    }
    bm_buf_add_u8(buf, (uint8_t)proof->n);
    bm_buf_add(buf, proof->hash, proof->n * BM_HASH);
}

void
bm_proof_take(struct bm_rd *rd, struct bm_proof *ret)
{
    size_t n = bm_rd_u8(rd);

    memset(ret, 0, sizeof(*ret));
    if (n > BM_MAX_PROOF)
        *rd = (struct bm_rd){ .bad = true };
    bm_rd_copy(rd, ret->hash, n > BM_MAX_PROOF ? 0 : n * BM_HASH);
    ret->n = rd->bad ? 0 : n;
}

enum bm_rc
bm_proof_parse(struct bm_proof *ret, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bytes);
    struct bm_proof proof;

    bm_proof_take(&rd, &proof);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "a Merkle proof of %zu bytes is cut short, too long or not one", bytes.n);
    *ret = proof;
    return BM_OK;
}
