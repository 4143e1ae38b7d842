/* Our own format: the signed head, then every entry with its length before it. */
#include "lot/lot.h"

#include "lot/seen.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

static const char magic[] = "birthmark-manifest v1\n";
#define MAGIC (sizeof(magic) - 1)

static bool
manifest_probe(struct bm_bytes file)
{
    return file.n >= MAGIC && memcmp(file.p, magic, MAGIC) == 0;
}

static enum bm_rc
signer_take(struct bm_lot_result *ret, const struct bm_vendor *vendor, const struct bm_note_key *key, struct bm_fail *fail)
{
    uint8_t fingerprint[BM_HASH];
    char hex[2 * BM_HASH + 1];

    bm_sha256(fingerprint, bm_bytes(key->key, BM_NOTE_KEY));
    bm_hex(hex, bm_bytes(fingerprint, BM_HASH));
    (void)snprintf(ret->signer, sizeof(ret->signer), "%.*s %s", BM_MAX_NAME, key->name, hex);
    if (bm_vendor_retired(vendor, fingerprint))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the key %s of %s, which signed the manifest, was retired: ask them for one signed by their new key", key->name,
                       vendor->name);
    return BM_OK;
}

/*
 *  birthmark-manifest v1\n | u32 n | n bytes: the head, a signed note | (u32 n | n bytes: a leaf's DER) for each chip
 */
static enum bm_rc
head_take(struct bm_rd *rd, struct bm_lot_result *ret, const struct bm_vendor *vendor, struct bm_fail *fail)
{
    struct bm_bytes bytes;
    struct bm_note note;
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
                       "the signature of %s on the manifest's head does not verify: the file was changed, ask them for it again",
                       vendor->name);
    if (rc != BM_OK)
        return rc;
    if (who == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "no key of %s has signed the manifest: see whose it is, or add the new key to the vendor",
                       vendor->name);
    if ((rc = bm_lot_head_parse(&ret->head, note.text, fail)) != BM_OK)
        return rc;
    if ((rc = signer_take(ret, vendor, &vendor->keys[__builtin_ctzll(who)], fail)) != BM_OK)
        return rc;
    ret->head_note = bytes;
    ret->checked = 1;
    ret->format = BM_FORMAT_BIRTHMARK;
    return BM_OK;
}

/* Over the bytes alone, before any leaf is read: from here on every byte is the chipmaker's. Takes a copy of the cursor. */
static enum bm_rc
tree_check(struct bm_rd rd, const struct bm_lot_head *head, const struct bm_lot_job *job, struct bm_fail *fail)
{
    struct bm_frontier frontier = { .size = 0 };
    uint8_t hash[BM_HASH];

    for (uint64_t i = 0; i < head->size; i++) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_LEAF);

        if (rd.bad)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "lot %s: chip %llu of %llu is cut short: the file was changed after %s signed it, ask them for it again",
                           head->lot, (unsigned long long)i, (unsigned long long)head->size, head->vendor);
        bm_tree_leaf(hash, der);
        bm_frontier_append(&frontier, hash);
        if (job->behind != NULL)
            job->behind(job->behind_ctx, (uint64_t)(rd.p - job->file.p));
    }
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "lot %s: there is more in the file than its %llu chips: it was changed after %s signed it, ask them for it again",
                       head->lot, (unsigned long long)head->size, head->vendor);
    bm_frontier_root(&frontier, hash);
    if (memcmp(hash, head->root, BM_HASH) != 0)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "lot %s: the tree head does not match its %llu leaves: the file was changed after %s signed it, ask them for it again",
            head->lot, (unsigned long long)head->size, head->vendor);
    return BM_OK;
}

/* ---- the reader ---- */

struct bm_reading {
    struct bm_lot_result result;
    struct bm_rd rd;     /* at the next leaf */
    uint64_t left;       /* leaves */
    const uint8_t *from; /* of the file */
};

static void
manifest_free(struct bm_reading *reading)
{
    free(reading);
}

static void
reading_done(struct bm_reading **reading)
{
    free(*reading);
}

static enum bm_rc
manifest_open(struct bm_reading **ret_reading, const struct bm_lot_job *job, struct bm_fail *fail)
{
    bm_cleanup(reading_done) struct bm_reading *r = calloc(1, sizeof(*r));
    const struct bm_lot_head *head;
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the manifest");
    if (!manifest_probe(job->file))
        return bm_fail(fail, BM_EINPUT, NULL, "this is no Birthmark manifest");
    r->rd = bm_rd(job->file);
    r->from = job->file.p;
    if ((rc = head_take(&r->rd, &r->result, job->vendor, fail)) != BM_OK)
        return rc;
    head = &r->result.head;
    if (job->name != NULL && strcmp(job->name, head->lot) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%s calls this lot %s, not %s: a signed manifest keeps its name", head->vendor, head->lot,
                       job->name);
    if ((rc = tree_check(r->rd, head, job, fail)) != BM_OK)
        return rc;
    r->left = head->size;
    *ret_reading = bm_take(r);
    return BM_OK;
}

static enum bm_rc
manifest_next(struct bm_reading *r, bool *ret_have, struct bm_bytes *ret_item, uint64_t *ret_at, struct bm_fail *fail)
{
    if ((*ret_have = r->left > 0)) {
        *ret_item = bm_rd_lv32(&r->rd, BM_MAX_LEAF);
        r->left--;
    }
    *ret_at = r->rd.bad ? 0 : (uint64_t)(r->rd.p - r->from);
    return r->rd.bad ? bm_fail(fail, BM_EBUG, NULL, "a manifest changed while it was read") : BM_OK;
}

static enum bm_rc
manifest_check(struct bm_reading *r, uint64_t index, struct bm_bytes item, struct bm_lot_chip *chip, struct bm_buf *der,
               struct bm_fail *fail)
{
    struct bm_fail why;

    (void)index;
    bm_lot_chip_reset(chip);
    chip->have = bm_leaf_parse(&chip->leaf, item, &why) == BM_OK;
    if (!chip->have)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
    else if (chip->leaf.kind != r->result.head.kind)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s is listed by %s in a lot of kind %s", chip->leaf.id, bm_leaf_kind_word(chip->leaf.kind),
                         bm_leaf_kind_word(r->result.head.kind));
    bm_buf_add_bytes(der, item);
    return bm_buf_check(der, "the chip's entry", fail);
}

static enum bm_rc
manifest_end(struct bm_reading *r, struct bm_lot_result *result, struct bm_fail *fail)
{
    (void)fail;
    *result = r->result;
    result->signed_whole = true;
    return BM_OK;
}

const struct bm_lot_reader bm_manifest_reader = { "birthmark",   BM_FORMAT_BIRTHMARK, "a Birthmark manifest", manifest_probe, manifest_open,
                                                  manifest_next, manifest_check,      manifest_end,           manifest_free };

/* ---- making ---- */

/* Refuses a root key (kind id: an id) that an earlier chip has. */
static enum bm_rc
twice_refuse(struct bm_seen *seen, const struct bm_leaf *leaf, uint64_t index, struct bm_fail *fail)
{
    size_t n = leaf->kind == BM_LEAF_ID ? 1 : leaf->nkeys;
    uint8_t id[BM_HASH];
    uint32_t where = 0;
    bool before = false;
    enum bm_rc rc;

    bm_leaf_id_hash(leaf, id);
    for (size_t i = 0; i < n; i++) {
        if ((rc = bm_seen_add(seen, leaf->kind == BM_LEAF_ID ? id : leaf->keys[i].key.hash, (uint32_t)index, &before, &where, fail)) !=
            BM_OK)
            return rc;
        if (before && leaf->kind == BM_LEAF_ID)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "chip %llu: its id %s is that of chip %u too, and the list has nothing else to tell them apart",
                           (unsigned long long)index, leaf->id, where);
        if (before)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "chip %llu: %s has a root key that chip %u has too: two chips with one key cannot be told apart",
                           (unsigned long long)index, leaf->id, where);
    }
    return BM_OK;
}

/* The head for these leaves; everything a reader would refuse is refused here, at the chipmaker's. */
static enum bm_rc
head_make(struct bm_lot_head *ret_head, const struct bm_bytes *leaves, size_t nleaves, struct bm_fail *fail)
{
    bm_cleanup(bm_seen_done) struct bm_seen seen = { .nused = 0 };
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
            ret_head->kind = leaf.kind;
        if (leaf.kind != ret_head->kind)
            return bm_fail(fail, BM_EINPUT, NULL, "chip %zu (%s) is listed by %s in a lot of kind %s", i, leaf.id,
                           bm_leaf_kind_word(leaf.kind), bm_leaf_kind_word(ret_head->kind));
        if ((rc = twice_refuse(&seen, &leaf, i, fail)) != BM_OK)
            return rc;
        bm_tree_leaf(hash, leaves[i]);
        bm_frontier_append(&frontier, hash);
    }
    ret_head->size = nleaves;
    bm_frontier_root(&frontier, ret_head->root);
    return BM_OK;
}

enum bm_rc
bm_head_sign_note(void *ctx, struct bm_bytes text, struct bm_buf *note, struct bm_fail *fail)
{
    const struct bm_note_signer *signer = ctx;

    return bm_note_build(note, text, &signer, 1, fail);
}

static enum bm_rc
head_sign(struct bm_buf *note, const struct bm_lot_head *head, const struct bm_head_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE };
    struct bm_lot_head again;
    enum bm_rc rc;

    bm_lot_head_build(&text, head);
    if (text.bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the names of the lot and its vendor must be printable text");
    if ((rc = bm_lot_head_parse(&again, bm_buf_bytes(&text), fail)) != BM_OK)
        return rc;
    return signer->sign(signer->ctx, bm_buf_bytes(&text), note, fail);
}

enum bm_rc
bm_manifest_build(struct bm_buf *buf, const struct bm_lot_head *names, const struct bm_bytes *leaves, size_t nleaves,
                  const struct bm_head_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct bm_lot_head head = *names;
    enum bm_rc rc;

    if (nleaves == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a lot has at least one chip");
    if ((rc = head_make(&head, leaves, nleaves, fail)) != BM_OK || (rc = head_sign(&note, &head, signer, fail)) != BM_OK)
        return rc;
    bm_buf_add(buf, magic, MAGIC);
    bm_buf_add_lv32(buf, bm_buf_bytes(&note));
    for (size_t i = 0; i < nleaves; i++)
        bm_buf_add_lv32(buf, leaves[i]);
    return bm_buf_check(buf, "the manifest", fail);
}
