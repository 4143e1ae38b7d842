/* bundle_kit.h - bundles of evidence for a chip in a lot, made link by link. */
#ifndef BM_TEST_BUNDLE_KIT_H
#define BM_TEST_BUNDLE_KIT_H

#include "soft_tpm.h"

#define NOW 1795469649
#define INDEX 2
#define SIZE 5

static const struct bm_secret k = { .b = "the signer's nonce key, 32 bytes", .n = 32 };
static const struct bm_freshness fresh = { .k = &k, .now = NOW };

static struct bm_private *root, *ek, *ak, *op; /* all P-256 */

__attribute__((unused)) static int
begin(void **state)
{
    struct bm_private **keys[] = { &root, &ek, &ak, &op };

    assert_ok(bm_crypto_new(&kit_crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(keys); i++)
        assert_ok(bm_private_generate(keys[i], BM_KEY_P256, &kit_fail));
    return kit_dir_make(state);
}

__attribute__((unused)) static int
end(void **state)
{
    bm_private_free(root);
    bm_private_free(ek);
    bm_private_free(ak);
    bm_private_free(op);
    bm_crypto_free(kit_crypto);
    return kit_dir_remove(state);
}

static struct bm_claim claim_room; /* 10 KB: not on the stack */

/* A bundle with the memory that it looks into. */
struct made {
    struct bm_buf leaf, proof, body;
    struct bm_bundle bundle;
    struct bm_claim *claim;
    bool proven;
};

__attribute__((unused)) static void
made_done(struct made *made)
{
    bm_buf_done(&made->leaf);
    bm_buf_done(&made->proof);
    bm_buf_done(&made->body);
}
#define MADE(name)                                                                                                                   \
    bm_cleanup(made_done) struct made name = {                                                                                       \
        .leaf = { .max = BM_MAX_LEAF }, .proof = { .max = BM_PROOF_BYTES }, .body = { .max = BM_MAX_EVIDENCE }, .claim = &claim_room \
    }

__attribute__((unused)) static bool lot_iak; /* it lists an attestation key too */

/* A chip of two root keys, in place 2 of a lot of 5. */
__attribute__((unused)) static void
lot_make(struct made *made, enum bm_root_kind kind)
{
    struct bm_leaf *leaf = &made->claim->leaf; /* room for a large thing */
    struct bm_tree tree;
    struct bm_tree_source source;
    struct bm_proof proof;

    *leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = kind, .id = "chip-2", .nkeys = 2 };
    leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(root) };
    leaf->keys[1] = (struct bm_leaf_key){ .use = BM_USE_DECRYPT, .key = *bm_private_public(ek) };
    if (lot_iak)
        leaf->keys[leaf->nkeys++] = (struct bm_leaf_key){ .use = BM_USE_ATTEST, .key = *bm_private_public(ak) };
    assert_ok(bm_leaf_build(&made->leaf, leaf, &kit_fail));
    bm_tree_init(&tree, SIZE);
    for (uint64_t i = 0; i < SIZE; i++) {
        uint8_t hash[BM_HASH];

        bm_tree_leaf(hash, i == INDEX ? bm_buf_bytes(&made->leaf) : bm_bytes(&i, sizeof(i)));
        assert_ok(bm_tree_append(&tree, hash, &kit_fail));
    }
    made->bundle = (struct bm_bundle){ .lot_size = SIZE, .index = INDEX };
    bm_tree_root(&tree, made->bundle.lot_root);
    source = bm_tree_source(&tree);
    assert_ok(bm_inclusion_make(&proof, &source, INDEX, SIZE, &kit_fail));
    bm_proof_build(&made->proof, &proof);
    bm_tree_done(&tree);
}

__attribute__((unused)) static void
bundle_close(struct made *made, uint8_t body_class)
{
    assert_false(made->leaf.bad || made->proof.bad || made->body.bad);
    made->bundle.body_class = body_class;
    made->bundle.leaf = bm_buf_bytes(&made->leaf);
    made->bundle.proof = bm_buf_bytes(&made->proof);
    made->bundle.body = bm_buf_bytes(&made->body);
}

__attribute__((unused)) static void
cmc_make(struct made *made, enum bm_root_kind kind, struct bm_private *signer, struct bm_private *key, uint64_t epoch)
{
    uint8_t nonce[BM_NONCE];

    lot_make(made, kind);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(signer)->hash, epoch);
    kit_cmc(&made->body, signer, key, bm_bytes(nonce, BM_NONCE));
    bundle_close(made, BM_BODY_CMC);
}

__attribute__((unused)) static enum bm_rc
check(struct made *made, const struct bm_freshness *when)
{
    made->proven = true; /* so that "not set" shows */
    return bm_bundle_check(made->claim, &made->proven, &made->bundle, kit_crypto, when, &kit_fail);
}

/* Changed, it is refused, or it still says the same of the same key. */
__attribute__((unused)) static void
every_byte_matters(struct bm_buf *buf)
{
    for (size_t i = 0; i < buf->n; i++) {
        struct made changed = { .claim = &claim_room };

        buf->p[i] ^= 0x01;
        if (bm_bundle_parse(&changed.bundle, bm_buf_bytes(buf), &kit_fail) == BM_OK && check(&changed, &fresh) == BM_OK) {
            assert_memory_equal(changed.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
            fail_msg("byte %zu does not matter", i);
        }
        buf->p[i] ^= 0x01;
    }
}

#endif
