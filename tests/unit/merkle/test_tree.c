/* test_tree.c - tree, frontier and proofs agree with the definition of RFC 6962, written down here a second time as it reads there. */
#include "merkle/tree.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#define MOST 70 /* every pair of sizes up to this */

static void
sha256(uint8_t ret[static BM_HASH], const uint8_t *p, size_t n)
{
    assert_int_equal(EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL), 1);
}

/* The entry of leaf i: its number in text. */
static void
leaf_of(uint8_t ret[static BM_HASH], uint64_t i)
{
    char entry[32];
    int n = snprintf(entry, sizeof(entry), "entry %llu", (unsigned long long)i);

    bm_tree_leaf(ret, bm_bytes(entry, (size_t)n));
}

/* MTH(D[lo:lo+n]) as RFC 6962 2.1 defines it. */
static void
reference_root(uint8_t ret[static BM_HASH], uint64_t lo, uint64_t n)
{
    uint8_t node[1 + 2 * BM_HASH] = { 1 };
    char entry[32] = "";
    uint64_t k = 1;
    int len;

    if (n == 0) {
        sha256(ret, NULL, 0);
        return;
    }
    if (n == 1) {
        len = snprintf(entry + 1, sizeof(entry) - 1, "entry %llu", (unsigned long long)lo);
        sha256(ret, (const uint8_t *)entry, (size_t)len + 1);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    reference_root(node + 1, lo, k);
    reference_root(node + 1 + BM_HASH, lo + k, n - k);
    sha256(ret, node, sizeof(node));
}

static void
tree_fill(struct bm_tree *tree, uint64_t n)
{
    struct bm_fail fail = { 0 };
    uint8_t leaf[BM_HASH];

    bm_tree_init(tree, n);
    for (uint64_t i = 0; i < n; i++) {
        leaf_of(leaf, i);
        assert_int_equal(bm_tree_append(tree, leaf, &fail), BM_OK);
    }
}

/* proves: RFC6962 2.1 */
static void
hashes_are_those_that_sha256sum_prints(void **state)
{
    /* printf '\0' | sha256sum; printf '\0\x10' | sha256sum; sha256sum </dev/null */
    static const uint8_t leaf0[] = { 0x6e, 0x34, 0x0b, 0x9c, 0xff, 0xb3, 0x7a, 0x98, 0x9c, 0xa5, 0x44, 0xe6, 0xbb, 0x78, 0x0a, 0x2c,
                                     0x78, 0x90, 0x1d, 0x3f, 0xb3, 0x37, 0x38, 0x76, 0x85, 0x11, 0xa3, 0x06, 0x17, 0xaf, 0xa0, 0x1d };
    static const uint8_t leaf2[] = { 0x02, 0x98, 0xd1, 0x22, 0x90, 0x6d, 0xcf, 0xc1, 0x08, 0x92, 0xcb, 0x53, 0xa7, 0x39, 0x92, 0xfc,
                                     0x5b, 0x9f, 0x49, 0x3e, 0xa4, 0xc9, 0xba, 0xdb, 0x27, 0xb7, 0x91, 0xb4, 0x12, 0x7a, 0x7f, 0xe7 };
    static const uint8_t empty[] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                     0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };
    uint8_t hash[BM_HASH], node[1 + 2 * BM_HASH] = { 1 }, want[BM_HASH];

    (void)state;
    bm_tree_leaf(hash, bm_bytes(NULL, 0));
    assert_memory_equal(hash, leaf0, BM_HASH);
    bm_tree_leaf(hash, bm_bytes("\x10", 1));
    assert_memory_equal(hash, leaf2, BM_HASH);
    bm_tree_empty(hash);
    assert_memory_equal(hash, empty, BM_HASH);
    memcpy(node + 1, leaf0, BM_HASH);
    memcpy(node + 1 + BM_HASH, leaf2, BM_HASH);
    sha256(want, node, sizeof(node));
    bm_tree_node(hash, leaf0, leaf2);
    assert_memory_equal(hash, want, BM_HASH);
}

static void
tree_and_frontier_have_the_root_of_the_definition_at_every_size(void **state)
{
    bm_cleanup(bm_tree_done) struct bm_tree tree = { 0 };
    struct bm_frontier frontier = { 0 };
    uint8_t want[BM_HASH], got[BM_HASH], leaf[BM_HASH];
    struct bm_tree_source source;
    struct bm_fail fail = { 0 };

    (void)state;
    bm_tree_init(&tree, 300);
    for (uint64_t n = 0; n <= 300; n++) {
        reference_root(want, 0, n);
        bm_tree_root(&tree, got);
        assert_memory_equal(got, want, BM_HASH);
        bm_frontier_root(&frontier, got);
        assert_memory_equal(got, want, BM_HASH);
        source = bm_tree_source(&tree);
        assert_int_equal(bm_root_make(got, &source, n, &fail), BM_OK);
        assert_memory_equal(got, want, BM_HASH);
        leaf_of(leaf, n);
        bm_frontier_append(&frontier, leaf);
        assert_int_equal(bm_tree_append(&tree, leaf, &fail), n < 300 ? BM_OK : BM_EINPUT);
    }
    assert_string_equal(fail.text, "there are more than 300 leaves");
    /* roots of the past */
    for (uint64_t n = 0; n <= 300; n++) {
        reference_root(want, 0, n);
        assert_int_equal(bm_root_make(got, &source, n, &fail), BM_OK);
        assert_memory_equal(got, want, BM_HASH);
    }
    assert_int_equal(bm_root_make(got, &source, 301, &fail), BM_EBUG);
}

static void
every_leaf_of_every_tree_has_a_proof_that_shows_it_alone(void **state)
{
    bm_cleanup(bm_tree_done) struct bm_tree tree = { 0 };
    uint8_t root[BM_HASH], leaf[BM_HASH];
    struct bm_tree_source source;
    struct bm_fail fail = { 0 };
    struct bm_proof proof;

    (void)state;
    tree_fill(&tree, MOST);
    source = bm_tree_source(&tree);
    for (uint64_t size = 1; size <= MOST; size++) {
        reference_root(root, 0, size);
        for (uint64_t i = 0; i < size; i++) {
            leaf_of(leaf, i);
            assert_int_equal(bm_inclusion_make(&proof, &source, i, size, &fail), BM_OK);
            assert_int_equal(bm_inclusion_check(&proof, i, size, leaf, root, &fail), BM_OK);
            for (uint64_t other = 0; other <= size; other++)
                if (other != i)
                    assert_int_equal(bm_inclusion_check(&proof, other, size, leaf, root, &fail), BM_EINPUT);
        }
        assert_int_equal(bm_inclusion_make(&proof, &source, size, size, &fail), BM_EINPUT);
    }
}

/* proves: RFC6962 2.1.1 */
static void
an_inclusion_proof_with_any_bit_changed_shows_nothing(void **state)
{
    bm_cleanup(bm_tree_done) struct bm_tree tree = { 0 };
    uint8_t root[BM_HASH], leaf[BM_HASH];
    struct bm_tree_source source;
    struct bm_proof good, bad;
    struct bm_fail fail = { 0 };

    (void)state;
    tree_fill(&tree, 21);
    source = bm_tree_source(&tree);
    bm_tree_root(&tree, root);
    leaf_of(leaf, 13);
    assert_int_equal(bm_inclusion_make(&good, &source, 13, 21, &fail), BM_OK);
    assert_int_equal(good.n, 5);
    for (size_t bit = 0; bit < good.n * BM_HASH * 8; bit++) {
        bad = good;
        bad.hash[bit / 256][bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(bm_inclusion_check(&bad, 13, 21, leaf, root, &fail), BM_EINPUT);
    }
    for (size_t n = 0; n <= BM_MAX_PROOF + 1; n++) {
        bad = good;
        bad.n = n;
        assert_int_equal(bm_inclusion_check(&bad, 13, 21, leaf, root, &fail), n == good.n ? BM_OK : BM_EINPUT);
    }
    /* the size decides the shape of the path; a size of the same shape says the same, which is why heads are signed with their size */
    assert_int_equal(bm_inclusion_check(&good, 13, 16, leaf, root, &fail), BM_EINPUT);
    assert_int_equal(bm_inclusion_check(&good, 13, 33, leaf, root, &fail), BM_EINPUT);
    assert_int_equal(bm_inclusion_check(&good, 0, 0, leaf, root, &fail), BM_EINPUT);
    assert_int_equal(bm_inclusion_check(&good, UINT64_MAX, UINT64_MAX, leaf, root, &fail), BM_EINPUT);
}

/* proves: RFC6962 2.1.2 */
static void
every_tree_is_shown_to_begin_every_later_one_and_no_other(void **state)
{
    bm_cleanup(bm_tree_done) struct bm_tree tree = { 0 };
    uint8_t root1[BM_HASH], root2[BM_HASH], wrong[BM_HASH];
    struct bm_tree_source source;
    struct bm_fail fail = { 0 };
    struct bm_proof proof, bad;

    (void)state;
    tree_fill(&tree, MOST);
    source = bm_tree_source(&tree);
    for (uint64_t size2 = 1; size2 <= MOST; size2++) {
        assert_int_equal(bm_root_make(root2, &source, size2, &fail), BM_OK);
        for (uint64_t size1 = 1; size1 <= size2; size1++) {
            assert_int_equal(bm_root_make(root1, &source, size1, &fail), BM_OK);
            assert_int_equal(bm_consistency_make(&proof, &source, size1, size2, &fail), BM_OK);
            assert_int_equal(bm_consistency_check(&proof, size1, size2, root1, root2, &fail), BM_OK);
            memcpy(wrong, root1, BM_HASH);
            wrong[31] ^= 1;
            assert_int_equal(bm_consistency_check(&proof, size1, size2, wrong, root2, &fail), BM_EINPUT);
            assert_int_equal(bm_consistency_check(&proof, size1, size2, root1, wrong, &fail), BM_EINPUT);
            for (size_t n = 0; n <= proof.n + 1; n++) {
                bad = proof;
                bad.n = n;
                assert_int_equal(bm_consistency_check(&bad, size1, size2, root1, root2, &fail), n == proof.n ? BM_OK : BM_EINPUT);
            }
        }
        assert_int_equal(bm_consistency_make(&proof, &source, size2 + 1, size2, &fail), BM_EINPUT);
        assert_int_equal(bm_consistency_make(&proof, &source, 0, size2, &fail), BM_EINPUT);
    }
}

static void
a_large_tree_agrees_with_its_frontier_and_proves(void **state)
{
    static const uint64_t at[] = { 0, 1, 32767, 65535, 65536, 65537, 99999 };
    bm_cleanup(bm_tree_done) struct bm_tree tree = { 0 };
    struct bm_frontier frontier = { 0 };
    uint8_t root[BM_HASH], old[BM_HASH], leaf[BM_HASH], got[BM_HASH];
    struct bm_tree_source source;
    struct bm_fail fail = { 0 };
    struct bm_proof proof;

    (void)state;
    tree_fill(&tree, 100000);
    source = bm_tree_source(&tree);
    for (uint64_t i = 0; i < 100000; i++) {
        leaf_of(leaf, i);
        bm_frontier_append(&frontier, leaf);
    }
    bm_tree_root(&tree, root);
    bm_frontier_root(&frontier, got);
    assert_memory_equal(got, root, BM_HASH);
    for (size_t i = 0; i < BM_COUNT(at); i++) {
        leaf_of(leaf, at[i]);
        assert_int_equal(bm_inclusion_make(&proof, &source, at[i], 100000, &fail), BM_OK);
        assert_int_equal(bm_inclusion_check(&proof, at[i], 100000, leaf, root, &fail), BM_OK);
        assert_int_equal(bm_root_make(old, &source, at[i] + 1, &fail), BM_OK);
        assert_int_equal(bm_consistency_make(&proof, &source, at[i] + 1, 100000, &fail), BM_OK);
        assert_int_equal(bm_consistency_check(&proof, at[i] + 1, 100000, old, root, &fail), BM_OK);
    }
}

static void
a_proof_goes_to_bytes_and_back(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = BM_PROOF_BYTES + 1 };
    struct bm_proof proof = { .n = BM_MAX_PROOF }, again;
    struct bm_fail fail = { 0 };
    struct bm_rd rd;

    (void)state;
    for (size_t i = 0; i < BM_MAX_PROOF; i++)
        memset(proof.hash[i], (int)i + 1, BM_HASH);
    for (proof.n = 0; proof.n <= BM_MAX_PROOF; proof.n += 16) {
        bm_buf_reset(&buf);
        bm_proof_build(&buf, &proof);
        assert_int_equal(buf.n, 1 + proof.n * BM_HASH);
        assert_int_equal(bm_proof_parse(&again, bm_buf_bytes(&buf), &fail), BM_OK);
        assert_int_equal(again.n, proof.n);
        assert_memory_equal(again.hash, proof.hash, proof.n * BM_HASH);
        for (size_t cut = 0; cut < buf.n; cut++)
            assert_int_equal(bm_proof_parse(&again, bm_bytes(buf.p, cut), &fail), BM_EINPUT);
        bm_buf_add_u8(&buf, 0);
        assert_int_equal(bm_proof_parse(&again, bm_buf_bytes(&buf), &fail), BM_EINPUT);
        rd = bm_rd(bm_buf_bytes(&buf));
        bm_proof_take(&rd, &again);
        assert_int_equal(again.n, proof.n);
        assert_int_equal(rd.left, 1);
    }
    bm_buf_reset(&buf);
    proof.n = BM_MAX_PROOF + 1;
    bm_proof_build(&buf, &proof);
    assert_true(buf.bad);
    rd = bm_rd(bm_bytes("\x41", 1));
    bm_proof_take(&rd, &again);
    assert_true(rd.bad);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_that_sha256sum_prints),
        cmocka_unit_test(tree_and_frontier_have_the_root_of_the_definition_at_every_size),
        cmocka_unit_test(every_leaf_of_every_tree_has_a_proof_that_shows_it_alone),
        cmocka_unit_test(an_inclusion_proof_with_any_bit_changed_shows_nothing),
        cmocka_unit_test(every_tree_is_shown_to_begin_every_later_one_and_no_other),
        cmocka_unit_test(a_large_tree_agrees_with_its_frontier_and_proves),
        cmocka_unit_test(a_proof_goes_to_bytes_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
