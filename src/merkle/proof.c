/* proof.c - inclusion and consistency proofs, made and checked (RFC 6962 2.1.1 and 2.1.2; the checks as RFC 9162 2.1.3.2 and 2.1.4.2 spell them out). */
#include "merkle/tree.h"

static enum bm_rc
not_shown(struct bm_fail *fail, const char *cite, const char *what)
{
    return bm_fail(fail, BM_EINPUT, cite, "the proof does not show that %s", what);
}

enum bm_rc
bm_inclusion_check(const struct bm_proof *proof, uint64_t index, uint64_t size, const uint8_t leaf_hash[static BM_HASH],
                   const uint8_t root[static BM_HASH], struct bm_fail *fail)
{
    uint64_t fn = index, sn = size - 1;
    uint8_t r[BM_HASH];

    if (index >= size || proof->n > BM_MAX_PROOF)
        return bm_fail(fail, BM_EINPUT, "RFC 6962 2.1.1", "there is no leaf %llu in a tree of %llu", (unsigned long long)index,
                       (unsigned long long)size);
    memcpy(r, leaf_hash, BM_HASH);
    /* req: RFC6962 2.1.1 an audit path shows that a leaf is in the tree */
    for (size_t i = 0; i < proof->n; i++) {
        if (sn == 0)
            return not_shown(fail, "RFC 6962 2.1.1", "the leaf is in the tree: it has too many hashes");
        if ((fn & 1) != 0 || fn == sn) {
            bm_tree_node(r, proof->hash[i], r);
            for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            bm_tree_node(r, r, proof->hash[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0)
        return not_shown(fail, "RFC 6962 2.1.1", "the leaf is in the tree: it has too few hashes");
    if (memcmp(r, root, BM_HASH) != 0)
        return not_shown(fail, "RFC 6962 2.1.1", "the leaf is in the tree: it leads to another root");
    return BM_OK;
}

static bool
is_power_of_two(uint64_t n)
{
    return (n & (n - 1)) == 0;
}

/* Walks one proof to both roots at once: fr becomes root1, sr root2. */
static bool
consistency_walk(const struct bm_proof *proof, uint64_t size1, uint64_t size2, uint8_t fr[static BM_HASH], uint8_t sr[static BM_HASH])
{
    uint64_t fn = size1 - 1, sn = size2 - 1;
    /* where size1 is a whole subtree its root is the first hash, and the proof leaves it out */
    size_t i = is_power_of_two(size1) ? 0 : 1;

    if (i == 1) {
        memcpy(fr, proof->hash[0], BM_HASH);
        memcpy(sr, proof->hash[0], BM_HASH);
    }
    for (; (fn & 1) != 0; fn >>= 1)
        sn >>= 1;
    for (; i < proof->n; i++) {
        const uint8_t *c = proof->hash[i];

        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            bm_tree_node(fr, c, fr);
            bm_tree_node(sr, c, sr);
            for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            bm_tree_node(sr, sr, c);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0;
}

enum bm_rc
bm_consistency_check(const struct bm_proof *proof, uint64_t size1, uint64_t size2, const uint8_t root1[static BM_HASH],
                     const uint8_t root2[static BM_HASH], struct bm_fail *fail)
{
    static const char cite[] = "RFC 6962 2.1.2", older[] = "the older tree is the beginning of the newer";
    uint8_t fr[BM_HASH], sr[BM_HASH];

    if (size1 == 0 || size1 > size2 || proof->n > BM_MAX_PROOF)
        return bm_fail(fail, BM_EINPUT, cite, "a tree of %llu leaves and one of %llu have no consistency proof", (unsigned long long)size1,
                       (unsigned long long)size2);
    if (size1 == size2)
        return proof->n == 0 && memcmp(root1, root2, BM_HASH) == 0 ? BM_OK : not_shown(fail, cite, older);
    /* an empty proof shows nothing of two sizes; and the first hash must be there to be copied */
    if (proof->n == 0)
        return not_shown(fail, cite, older);
    memcpy(fr, root1, BM_HASH);
    memcpy(sr, root1, BM_HASH);
    /* req: RFC6962 2.1.2 one path leads to both roots */
    if (!consistency_walk(proof, size1, size2, fr, sr) || memcmp(fr, root1, BM_HASH) != 0 || memcmp(sr, root2, BM_HASH) != 0)
        return not_shown(fail, cite, older);
    return BM_OK;
}

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
