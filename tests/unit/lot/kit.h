/* kit.h - what the tests of lot share: chips and signers made. */
#ifndef BM_TEST_LOT_KIT_H
#define BM_TEST_LOT_KIT_H

#include "../pki/kit.h"

#include "lot/lot.h"

/* A chip with nkeys fresh P-256 keys, the second of them (if any) one that only decrypts. */
static inline void
kit_leaf(struct bm_leaf *leaf, const char *id, size_t nkeys)
{
    *leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT, .nkeys = nkeys, .nhashes = 1 };
    (void)snprintf(leaf->id, sizeof(leaf->id), "%s", id);
    for (size_t i = 0; i < nkeys; i++) {
        bm_cleanup(bm_private_done) struct bm_private *key = NULL;

        assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
        leaf->keys[i].key = *bm_private_public(key);
        leaf->keys[i].use = i == 1 ? BM_USE_DECRYPT : BM_USE_SIGN;
    }
    memset(leaf->hashes[0], 0xab, BM_HASH);
}

static inline void
kit_signer(struct bm_note_signer *signer, const char *name, uint8_t first)
{
    uint8_t seed[BM_NOTE_KEY] = { first };

    assert_ok(bm_note_signer_init(signer, name, seed, &kit_fail));
}

#endif
