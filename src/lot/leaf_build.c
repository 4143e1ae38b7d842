/* leaf_build.c - a chip's entry written, sorted; what a reader would refuse is refused here (leaf.h). */
#include "lot/leaf_inside.h"

#include "wire/der.h"
#include "wire/text.h"

/* Pointers to the keys in ascending order of their hashes: insertion sort, eight at most. */
static void
keys_sort(const struct bm_leaf_key *ret_sorted[static BM_MAX_CHIP_KEYS], const struct bm_leaf *leaf)
{
    for (size_t i = 0; i < leaf->nkeys; i++) {
        size_t at = i;

        for (; at > 0 && memcmp(ret_sorted[at - 1]->key.hash, leaf->keys[i].key.hash, BM_HASH) > 0; at--)
            ret_sorted[at] = ret_sorted[at - 1];
        ret_sorted[at] = &leaf->keys[i];
    }
}

static void
labels_sort(const struct bm_label *ret_sorted[static BM_MAX_LABELS], const struct bm_leaf *leaf)
{
    for (size_t i = 0; i < leaf->nlabels; i++) {
        size_t at = i;

        for (; at > 0 && strcmp(ret_sorted[at - 1]->name, leaf->labels[i].name) > 0; at--)
            ret_sorted[at] = ret_sorted[at - 1];
        ret_sorted[at] = &leaf->labels[i];
    }
}

static void
labels_add(struct bm_buf *buf, const struct bm_leaf *leaf)
{
    const struct bm_label *labels[BM_MAX_LABELS] = { NULL };
    size_t list = bm_der_begin(buf, BM_DER_SEQUENCE);

    labels_sort(labels, leaf);
    for (size_t i = 0; i < leaf->nlabels; i++) {
        size_t item = bm_der_begin(buf, BM_DER_SEQUENCE);

        bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(labels[i]->name));
        bm_der_add_uint(buf, BM_DER_ENUMERATED, labels[i]->source);
        bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(labels[i]->value));
        bm_der_end(buf, item);
    }
    bm_der_end(buf, list);
}

static void
front_add(struct bm_buf *buf, const struct bm_leaf *leaf)
{
    bm_der_add_uint(buf, BM_DER_INTEGER, BM_LEAF_VERSION);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->kind);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->root);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->origin);
    bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(leaf->id));
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->id_source);
    if (leaf->kind == BM_LEAF_ID) {
        size_t binding = bm_der_begin(buf, BM_LEAF_BINDING);

        bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes(leaf->vendor_root, BM_HASH));
        bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->rule);
        bm_der_end(buf, binding);
    }
}

static void
leaf_add(struct bm_buf *buf, const struct bm_leaf *leaf, const struct bm_leaf_key *const *keys)
{
    size_t all = bm_der_begin(buf, BM_DER_SEQUENCE), list, item;

    front_add(buf, leaf);
    labels_add(buf, leaf);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    for (size_t i = 0; i < leaf->nkeys; i++) {
        item = bm_der_begin(buf, BM_DER_SEQUENCE);
        bm_der_add_uint(buf, BM_DER_ENUMERATED, keys[i]->use);
        bm_buf_add_bytes(buf, bm_key_spki(&keys[i]->key));
        bm_der_end(buf, item);
    }
    bm_der_end(buf, list);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    for (size_t i = 0; i < leaf->nhashes; i++)
        bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes(leaf->hashes[i], BM_HASH));
    bm_der_end(buf, list);
    bm_der_end(buf, all);
}

/* What a reader would refuse is refused here. */
static enum bm_rc
labels_check(const struct bm_leaf *leaf, struct bm_fail *fail)
{
    if (leaf->nlabels > BM_MAX_LABELS)
        return bm_fail(fail, BM_EINPUT, NULL, "a chip has at most %d labels", BM_MAX_LABELS);
    for (size_t i = 0; i < leaf->nlabels; i++) {
        if (!bm_name_ok(leaf->labels[i].name, BM_MAX_NAME) || !bm_leaf_label_ok(bm_bytes_str(leaf->labels[i].value)))
            return bm_fail(fail, BM_EINPUT, NULL, "label %zu of the chip %s must be a name and 1 to %d characters of text", i + 1, leaf->id,
                           BM_MAX_ID);
        for (size_t k = 0; k < i; k++)
            if (strcmp(leaf->labels[k].name, leaf->labels[i].name) == 0)
                return bm_fail(fail, BM_EINPUT, NULL, "the chip %s has the label %s twice", leaf->id, leaf->labels[i].name);
    }
    if (leaf->kind == BM_LEAF_ID && leaf->rule != BM_ID_RULE_MICROCHIP_SN)
        return bm_fail(fail, BM_EINPUT, NULL, "the chip %s is listed by its id, and it is not said how a certificate shows that id",
                       leaf->id);
    return BM_OK;
}

enum bm_rc
bm_leaf_build(struct bm_buf *buf, const struct bm_leaf *leaf, struct bm_fail *fail)
{
    const struct bm_leaf_key *keys[BM_MAX_CHIP_KEYS] = { NULL };
    size_t before = buf->n;
    enum bm_rc rc;

    if (!bm_leaf_id_ok(bm_bytes_str(leaf->id)))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's id must be 1 to %d characters: letters, digits, '.', '_', ':' and '-'",
                       BM_MAX_ID);
    if (!bm_leaf_keys_fit(leaf) || leaf->nhashes > BM_MAX_CHIP_HASHES)
        return bm_fail(fail, BM_EINPUT, NULL, "a chip has 1 to %d root keys (none when it is listed by id) and at most %d hashes",
                       BM_MAX_CHIP_KEYS, BM_MAX_CHIP_HASHES);
    if ((rc = labels_check(leaf, fail)) != BM_OK)
        return rc;
    keys_sort(keys, leaf);
    for (size_t i = 1; i < leaf->nkeys; i++)
        if (memcmp(keys[i - 1]->key.hash, keys[i]->key.hash, BM_HASH) == 0)
            return bm_fail(fail, BM_EINPUT, NULL, "the chip %s has one root key twice", leaf->id);
    leaf_add(buf, leaf, keys);
    if ((rc = bm_buf_check(buf, "the chip's entry", fail)) != BM_OK)
        return rc;
    if (buf->n - before <= BM_MAX_LEAF)
        return BM_OK;
    buf->n = before;
    return bm_fail(fail, BM_EINPUT, NULL, "the entry of the chip %s is larger than %d bytes: it has too many large keys", leaf->id,
                   BM_MAX_LEAF);
}
