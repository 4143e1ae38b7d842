/* proof_check.c - inclusion and consistency proofs checked (RFC 6962 2.1.1 and 2.1.2, as RFC 9162 2.1.3.2 and 2.1.4.2 spell it out). */
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

/* Is [start, end) a tree of its own inside any tree that has these leaves? */
static bool
subtree_ok(uint64_t start, uint64_t end)
{
    uint64_t n = end - start, width = 1;

    if (start > end)
        return false;
    while (width != 0 && width < n)
        width <<= 1;
    return width == 0 ? start == 0 : (start & (width - 1)) == 0;
}

static enum bm_rc
no_subtree(struct bm_fail *fail, uint64_t start, uint64_t end)
{
    return bm_fail(fail, BM_EINPUT, NULL, "the leaves from %llu to %llu are no subtree", (unsigned long long)start,
                   (unsigned long long)end);
}

enum bm_rc
bm_subtree_inclusion_check(const struct bm_proof *proof, uint64_t index, uint64_t start, uint64_t end,
                           const uint8_t leaf_hash[static BM_HASH], const uint8_t subtree_root[static BM_HASH], struct bm_fail *fail)
{
    if (!subtree_ok(start, end) || index < start)
        return no_subtree(fail, start, end);
    return bm_inclusion_check(proof, index - start, end - start, leaf_hash, subtree_root, fail);
}

/*
 * One proof leads to both roots at once: fr becomes the part's, sr the whole tree's. fn and sn are the part's first and last place on the level
 * that the walk has come to, tn is the tree's last. Where fn = sn the part is done.
 */
static bool
both_roots(const struct bm_proof *proof, uint64_t fn, uint64_t sn, uint64_t tn, uint8_t fr[static BM_HASH], uint8_t sr[static BM_HASH])
{
    size_t i = 0;

    /* up to the first level where a hash joins in; when the part ends where the tree does, to the part's own root */
    while (fn != sn && (sn == tn || (sn & 1) != 0)) {
        fn >>= 1;
        sn >>= 1;
        tn >>= 1;
    }
    /* where that is the part's root it is known, and the proof leaves it out */
    if (fn != sn) {
        if (proof->n == 0)
            return false;
        memcpy(fr, proof->hash[i], BM_HASH);
        memcpy(sr, proof->hash[i++], BM_HASH);
    }
    for (; i < proof->n; i++) {
        const uint8_t *c = proof->hash[i];

        if (tn == 0)
            return false;
        if ((sn & 1) != 0 || sn == tn) {
            if (fn < sn)
                bm_tree_node(fr, c, fr);
            bm_tree_node(sr, c, sr);
            for (; (sn & 1) == 0 && sn != 0; sn >>= 1) {
                fn >>= 1;
                tn >>= 1;
            }
        } else {
            bm_tree_node(sr, sr, c);
        }
        fn >>= 1;
        sn >>= 1;
        tn >>= 1;
    }
    return tn == 0;
}

static enum bm_rc
walk_check(const struct bm_proof *proof, uint64_t start, uint64_t end, uint64_t size, const uint8_t part_root[static BM_HASH],
           const uint8_t root[static BM_HASH], struct bm_fail *fail)
{
    uint8_t fr[BM_HASH], sr[BM_HASH];

    memcpy(fr, part_root, BM_HASH);
    memcpy(sr, part_root, BM_HASH);
    /* req: RFC6962 2.1.2 one path leads to both roots */
    if (!both_roots(proof, start, end - 1, size - 1, fr, sr) || memcmp(fr, part_root, BM_HASH) != 0 || memcmp(sr, root, BM_HASH) != 0)
        return not_shown(fail, "RFC 6962 2.1.2",
                         start == 0 ? "the older tree is the beginning of the newer" : "the subtree is part of the tree");
    return BM_OK;
}

enum bm_rc
bm_subtree_consistency_check(const struct bm_proof *proof, uint64_t start, uint64_t end, uint64_t size,
                             const uint8_t subtree_root[static BM_HASH], const uint8_t root[static BM_HASH], struct bm_fail *fail)
{
    uint8_t empty[BM_HASH];

    if (!subtree_ok(start, end) || end > size || proof->n > BM_MAX_PROOF)
        return no_subtree(fail, start, end);
    if (start < end)
        return walk_check(proof, start, end, size, subtree_root, root, fail);
    bm_tree_empty(empty);
    if (proof->n != 0 || memcmp(subtree_root, empty, BM_HASH) != 0)
        return not_shown(fail, "RFC 6962 2.1.2", "the subtree is part of the tree");
    return BM_OK;
}

enum bm_rc
bm_consistency_check(const struct bm_proof *proof, uint64_t size1, uint64_t size2, const uint8_t root1[static BM_HASH],
                     const uint8_t root2[static BM_HASH], struct bm_fail *fail)
{
    if (size1 == 0 || size1 > size2 || proof->n > BM_MAX_PROOF)
        return bm_fail(fail, BM_EINPUT, "RFC 6962 2.1.2", "a tree of %llu leaves and one of %llu have no consistency proof",
                       (unsigned long long)size1, (unsigned long long)size2);
    return walk_check(proof, 0, size1, size2, root1, root2, fail);
}
