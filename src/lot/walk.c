#include "lot/walk.h"

#include "wire/text.h"

#include <stdio.h>

static enum bm_rc
keys_check(struct bm_walk *walk, const struct bm_leaf *leaf, struct bm_fail *fail)
{
    uint32_t where = 0;
    bool before = false;
    enum bm_rc rc;

    for (size_t i = 0; i < leaf->nkeys; i++) {
        if ((rc = bm_seen_add(&walk->keys, leaf->keys[i].key.hash, (uint32_t)walk->size, &before, &where, fail)) != BM_OK)
            return rc;
        if (before)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "chip %llu (%s) has a root key that chip %u has too: two chips with one key cannot be told apart",
                           (unsigned long long)walk->size, leaf->id, where);
    }
    return BM_OK;
}

/* A label that two chips share is strange; where the id is all there is, it is a refusal. */
static enum bm_rc
id_check(struct bm_walk *walk, const struct bm_leaf *leaf, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];
    uint32_t where = 0;
    bool before = false;
    enum bm_rc rc;

    bm_sha256(hash, bm_bytes_str(leaf->id));
    if ((rc = bm_seen_add(&walk->ids, hash, (uint32_t)walk->size, &before, &where, fail)) != BM_OK || !before)
        return rc;
    if (leaf->kind == BM_LEAF_ID)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "chip %llu has the id %s that chip %u has too, and the list has nothing else to tell them apart",
                       (unsigned long long)walk->size, leaf->id, where);
    bm_walk_odd(walk, "its id %s is that of chip %u too; they are told apart by their keys", leaf->id, where);
    return BM_OK;
}

enum bm_rc
bm_walk_chip(struct bm_walk *walk, const struct bm_leaf *leaf, struct bm_bytes der, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (walk->size == BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EINPUT, NULL, "the lot has more than %d chips: divide it", BM_MAX_LOT_CHIPS);
    if (leaf->kind != walk->kind)
        return bm_fail(fail, BM_EINPUT, NULL, "chip %llu (%s) is listed by %s in a lot of kind %s", (unsigned long long)walk->size,
                       leaf->id, bm_leaf_kind_word(leaf->kind), bm_leaf_kind_word(walk->kind));
    if ((rc = keys_check(walk, leaf, fail)) != BM_OK || (rc = id_check(walk, leaf, fail)) != BM_OK)
        return rc;
    if (walk->sink != NULL && walk->sink->leaf != NULL && (rc = walk->sink->leaf(walk->sink->ctx, walk->size, der, fail)) != BM_OK)
        return rc;
    walk->size++;
    return BM_OK;
}

void
bm_walk_odd(const struct bm_walk *walk, const char *fmt, ...)
{
    char sentence[256];
    va_list ap;

    if (walk->sink == NULL || walk->sink->odd == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    walk->sink->odd(walk->sink->ctx, walk->size, sentence);
}

void
bm_walk_done(struct bm_walk *walk)
{
    bm_seen_done(&walk->keys);
    bm_seen_done(&walk->ids);
}

void
bm_lot_signer_print(struct bm_lot_result *ret, const char *name, const uint8_t fingerprint[static BM_HASH])
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(fingerprint, BM_HASH));
    (void)snprintf(ret->signer, sizeof(ret->signer), "%.*s %s", BM_MAX_NAME, name, hex);
}
