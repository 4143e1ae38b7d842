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

/* What a sink heard: every finding but those that say how the list as a whole is signed. */
struct kit_odd {
    size_t n;
    char sentence[4][256];
};

static inline void
kit_odd_take(struct kit_odd *odd, uint64_t index, const struct bm_lot_chip *chip)
{
    for (size_t i = 0; i < chip->nfindings; i++) {
        if (chip->findings[i].check == BM_CHECK_UNSIGNED || chip->findings[i].check == BM_CHECK_NO_ROOTS)
            continue;
        if (odd->n < BM_COUNT(odd->sentence))
            (void)snprintf(odd->sentence[odd->n], sizeof(odd->sentence[0]), "%llu: %s", (unsigned long long)index,
                           chip->findings[i].sentence);
        odd->n++;
    }
}

static inline enum bm_rc
kit_lot_read(struct bm_lot_result *ret, struct bm_bytes file, const struct bm_vendor *vendor, const struct bm_lot_sink *sink)
{
    const struct bm_lot_job job = { .file = file, .vendor = vendor, .crypto = kit_crypto, .file_name = "a-lot.json" };

    return bm_lot_read(ret, &job, sink, &kit_fail);
}

static inline enum bm_rc
kit_manifest(struct bm_buf *file, const char *lot, const char *vendor, const struct bm_bytes *leaves, size_t n,
             const struct bm_note_signer *signer)
{
    const struct bm_head_signer head_signer = { .sign = bm_head_sign_note, .ctx = (void *)(uintptr_t)signer };
    struct bm_lot_head head = { .revision = 1 };

    if (strlen(lot) > BM_MAX_NAME || strlen(vendor) > BM_MAX_NAME)
        return BM_EINPUT;
    (void)snprintf(head.lot, sizeof(head.lot), "%s", lot);
    (void)snprintf(head.vendor, sizeof(head.vendor), "%s", vendor);
    return bm_manifest_build(file, &head, leaves, n, &head_signer, &kit_fail);
}

#endif
