#include "lot/walk.h"

#include "wire/rd.h"

#include <stdio.h>

static const char magic[] = "birthmark-manifest v1\n";
#define MAGIC (sizeof(magic) - 1)

static bool
manifest_probe(struct bm_bytes file)
{
    return file.n >= MAGIC && memcmp(file.p, magic, MAGIC) == 0;
}

/*
 *  birthmark-manifest v1\n | u32 n | n bytes: the head, a signed note | (u32 n | n bytes: a leaf's DER) for each chip
 */
static enum bm_rc
head_take(struct bm_rd *rd, struct bm_lot_result *ret, const struct bm_vendor *vendor, struct bm_fail *fail)
{
    struct bm_bytes bytes;
    struct bm_note note;
    uint8_t fingerprint[BM_HASH];
    uint64_t who = 0;
    enum bm_rc rc;

    (void)bm_rd_take(rd, MAGIC);
    bytes = bm_rd_lv32(rd, BM_MAX_NOTE);
    if (rd->bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the manifest's head is cut short: ask for the file again");
    /* the signature first: what nobody signed is not read further */
    if ((rc = bm_note_parse(&note, bytes, fail)) != BM_OK)
        return rc;
    rc = bm_note_check_any(&note, vendor->keys, vendor->nkeys, &who, fail);
    if (rc == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the signature of %s on the manifest's head does not verify: the file was changed. Ask them for it again",
                       vendor->name);
    if (rc != BM_OK)
        return rc;
    if (who == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "no key of %s has signed the manifest: see whose it is, or add the new key to the vendor",
                       vendor->name);
    if ((rc = bm_lot_head_parse(&ret->head, note.text, fail)) != BM_OK)
        return rc;
    bm_sha256(fingerprint, bm_bytes(vendor->keys[__builtin_ctzll(who)].key, BM_NOTE_KEY));
    bm_lot_signer_print(ret, vendor->keys[__builtin_ctzll(who)].name, fingerprint);
    ret->head_note = bytes;
    ret->checked = 1;
    ret->format = BM_FORMAT_BIRTHMARK;
    return BM_OK;
}

/* Over the bytes alone, before any leaf is read: from here on every byte is the chipmaker's. Takes a copy of the cursor. */
static enum bm_rc
tree_check(struct bm_rd rd, const struct bm_lot_head *head, struct bm_fail *fail)
{
    struct bm_frontier frontier = { .size = 0 };
    uint8_t hash[BM_HASH];

    for (uint64_t i = 0; i < head->size; i++) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_LEAF);

        if (rd.bad)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "lot %s: chip %llu of %llu is cut short: the file was changed after %s signed it. Ask them for it again",
                           head->lot, (unsigned long long)i, (unsigned long long)head->size, head->vendor);
        bm_tree_leaf(hash, der);
        bm_frontier_append(&frontier, hash);
    }
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "lot %s: there is more in the file than its %llu chips: it was changed after %s signed it. Ask them for it again",
                       head->lot, (unsigned long long)head->size, head->vendor);
    bm_frontier_root(&frontier, hash);
    if (memcmp(hash, head->root, BM_HASH) != 0)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "lot %s: the tree head does not match its %llu leaves: the file was changed after %s signed it. Ask them for it again",
            head->lot, (unsigned long long)head->size, head->vendor);
    return BM_OK;
}

static enum bm_rc
chips_take(struct bm_rd rd, const struct bm_lot_head *head, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    bm_cleanup(bm_walk_done) struct bm_walk walk = { .sink = sink, .kind = head->kind };
    struct bm_leaf leaf;
    enum bm_rc rc;

    while (walk.size < head->size) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_LEAF);

        if ((rc = bm_leaf_parse(&leaf, der, fail)) != BM_OK) {
            bm_fail_prefix(fail, "lot %s: chip %llu", head->lot, (unsigned long long)walk.size);
            return rc;
        }
        if ((rc = bm_walk_chip(&walk, &leaf, der, fail)) != BM_OK) {
            bm_fail_prefix(fail, "lot %s", head->lot);
            return rc;
        }
    }
    return BM_OK;
}

static enum bm_rc
manifest_read(struct bm_lot_result *ret_result, struct bm_bytes file, const struct bm_vendor *vendor, const char *name,
              struct bm_crypto *crypto, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    struct bm_lot_result result = { .checked = 0 };
    struct bm_rd rd = bm_rd(file);
    enum bm_rc rc;

    (void)crypto;
    if (!manifest_probe(file))
        return bm_fail(fail, BM_EINPUT, NULL, "this is no Birthmark manifest");
    if ((rc = head_take(&rd, &result, vendor, fail)) != BM_OK)
        return rc;
    if (name != NULL && strcmp(name, result.head.lot) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%s calls this lot %s, not %s: a signed manifest keeps its name", result.head.vendor,
                       result.head.lot, name);
    if ((rc = tree_check(rd, &result.head, fail)) != BM_OK || (rc = chips_take(rd, &result.head, sink, fail)) != BM_OK)
        return rc;
    *ret_result = result;
    return BM_OK;
}

const struct bm_lot_reader bm_manifest_reader = { "birthmark", BM_FORMAT_BIRTHMARK, manifest_probe, manifest_read };

/* The head for these leaves; everything a reader would refuse is refused here, at the chipmaker's. */
static enum bm_rc
head_make(struct bm_lot_head *ret_head, const struct bm_bytes *leaves, size_t nleaves, struct bm_fail *fail)
{
    bm_cleanup(bm_walk_done) struct bm_walk walk = { .kind = BM_LEAF_KEYS };
    struct bm_frontier frontier = { .size = 0 };
    uint8_t hash[BM_HASH];
    struct bm_leaf leaf;
    enum bm_rc rc;

    for (size_t i = 0; i < nleaves; i++) {
        if ((rc = bm_leaf_parse(&leaf, leaves[i], fail)) != BM_OK) {
            bm_fail_prefix(fail, "chip %zu", i);
            return rc;
        }
        if (i == 0)
            walk.kind = leaf.kind;
        if ((rc = bm_walk_chip(&walk, &leaf, leaves[i], fail)) != BM_OK)
            return rc;
        bm_tree_leaf(hash, leaves[i]);
        bm_frontier_append(&frontier, hash);
    }
    ret_head->kind = walk.kind;
    ret_head->size = walk.size;
    bm_frontier_root(&frontier, ret_head->root);
    return BM_OK;
}

static enum bm_rc
head_sign(struct bm_buf *note, const struct bm_lot_head *head, const struct bm_note_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE };
    struct bm_lot_head again;
    enum bm_rc rc;

    bm_lot_head_build(&text, head);
    if (text.bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the names of the lot and its vendor must be printable text");
    if ((rc = bm_lot_head_parse(&again, bm_buf_bytes(&text), fail)) != BM_OK)
        return rc;
    return bm_note_build(note, bm_buf_bytes(&text), &signer, 1, fail);
}

enum bm_rc
bm_manifest_build(struct bm_buf *buf, const char *lot, const char *vendor, const struct bm_bytes *leaves, size_t nleaves,
                  const struct bm_note_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct bm_lot_head head = { .size = 0 };
    enum bm_rc rc;

    if (strlen(lot) > BM_MAX_NAME || strlen(vendor) > BM_MAX_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "the names of the lot and its vendor have at most %d bytes", BM_MAX_NAME);
    if (nleaves == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a lot has at least one chip");
    (void)snprintf(head.lot, sizeof(head.lot), "%s", lot);
    (void)snprintf(head.vendor, sizeof(head.vendor), "%s", vendor);
    if ((rc = head_make(&head, leaves, nleaves, fail)) != BM_OK || (rc = head_sign(&note, &head, signer, fail)) != BM_OK)
        return rc;
    bm_buf_add(buf, magic, MAGIC);
    bm_buf_add_lv32(buf, bm_buf_bytes(&note));
    for (size_t i = 0; i < nleaves; i++)
        bm_buf_add_lv32(buf, leaves[i]);
    return bm_buf_check(buf, "the manifest", fail);
}
