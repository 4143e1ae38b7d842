/* leaf_parse.c - a chip's entry read: one set of keys and labels has one encoding, and no other is taken (leaf.h). */
#include "lot/leaf_inside.h"

#include "wire/der.h"
#include "wire/text.h"

/* Ascending and none twice: one set of keys has one encoding. */
static bool
keys_ascend(const struct bm_leaf *leaf)
{
    for (size_t i = 1; i < leaf->nkeys; i++)
        if (memcmp(leaf->keys[i - 1].key.hash, leaf->keys[i].key.hash, BM_HASH) >= 0)
            return false;
    return true;
}

static enum bm_rc
keys_take(struct bm_leaf *leaf, struct bm_rd *rd, struct bm_fail *fail)
{
    struct bm_rd list = bm_der_enter(rd, BM_DER_SEQUENCE);
    enum bm_rc rc;

    for (leaf->nkeys = 0; !list.bad && list.left > 0; leaf->nkeys++) {
        struct bm_rd item = bm_der_enter(&list, BM_DER_SEQUENCE);
        uint64_t use = bm_der_uint(&item, BM_DER_ENUMERATED);
        struct bm_bytes spki = bm_der_raw(&item, BM_DER_SEQUENCE);

        if (leaf->nkeys == BM_MAX_CHIP_KEYS)
            return bm_fail(fail, BM_EINPUT, NULL, "the chip has more than %d root keys", BM_MAX_CHIP_KEYS);
        if (!bm_rd_end(&item) || use == 0 || use >= BM_USE__END)
            return bm_fail(fail, BM_EINPUT, NULL, "root key %zu of the chip is not written as a key", leaf->nkeys + 1);
        leaf->keys[leaf->nkeys].use = (enum bm_root_use)use;
        if ((rc = bm_key_parse(&leaf->keys[leaf->nkeys].key, spki, fail)) != BM_OK)
            return rc;
    }
    if (!bm_rd_end(&list))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's list of root keys is not DER");
    return BM_OK;
}

static enum bm_rc
hashes_take(struct bm_leaf *leaf, struct bm_rd *rd, struct bm_fail *fail)
{
    struct bm_rd list = bm_der_enter(rd, BM_DER_SEQUENCE);

    for (leaf->nhashes = 0; !list.bad && list.left > 0; leaf->nhashes++) {
        struct bm_bytes hash = bm_der_take(&list, BM_DER_OCTET_STRING);

        if (leaf->nhashes == BM_MAX_CHIP_HASHES)
            return bm_fail(fail, BM_EINPUT, NULL, "the chip has more than %d hashes", BM_MAX_CHIP_HASHES);
        if (hash.n != BM_HASH)
            return bm_fail(fail, BM_EINPUT, NULL, "hash %zu of the chip is not %d bytes", leaf->nhashes + 1, BM_HASH);
        memcpy(leaf->hashes[leaf->nhashes], hash.p, BM_HASH);
    }
    if (!bm_rd_end(&list))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's list of hashes is not DER");
    return BM_OK;
}

static bool
label_take(struct bm_label *label, struct bm_rd *list)
{
    struct bm_rd item = bm_der_enter(list, BM_DER_SEQUENCE);
    struct bm_bytes name = bm_der_take(&item, BM_DER_UTF8);
    uint64_t source = bm_der_uint(&item, BM_DER_ENUMERATED);
    struct bm_bytes value = bm_der_take(&item, BM_DER_UTF8);

    if (!bm_rd_end(&item) || name.n == 0 || name.n > BM_MAX_NAME || source > BM_LABEL_COMPUTED || !bm_leaf_label_ok(value))
        return false;
    memcpy(label->name, name.p, name.n);
    label->name[name.n] = 0;
    label->source = (enum bm_label_source)source;
    memcpy(label->value, value.p, value.n);
    label->value[value.n] = 0;
    return strlen(label->name) == name.n && bm_name_ok(label->name, BM_MAX_NAME);
}

/* In ascending order of their names, none twice: one set of labels has one encoding. */
static enum bm_rc
labels_take(struct bm_leaf *leaf, struct bm_rd *rd, struct bm_fail *fail)
{
    struct bm_rd list = bm_der_enter(rd, BM_DER_SEQUENCE);

    for (leaf->nlabels = 0; !list.bad && list.left > 0; leaf->nlabels++) {
        struct bm_label *label = &leaf->labels[leaf->nlabels];

        if (leaf->nlabels == BM_MAX_LABELS)
            return bm_fail(fail, BM_EINPUT, NULL, "the chip has more than %d labels", BM_MAX_LABELS);
        if (!label_take(label, &list) || (leaf->nlabels > 0 && strcmp(label[-1].name, label->name) >= 0))
            return bm_fail(fail, BM_EINPUT, NULL, "label %zu of the chip is not written as a label, or not in its place",
                           leaf->nlabels + 1);
    }
    return bm_rd_end(&list) ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "the chip's list of labels is not DER");
}

/* Where the device's chain must end, and how its name gives the id; there in kind id, and only there. */
static enum bm_rc
binding_take(struct bm_leaf *leaf, struct bm_rd *rd, struct bm_fail *fail)
{
    struct bm_rd in;
    struct bm_bytes root;
    uint64_t rule;

    memset(leaf->vendor_root, 0, sizeof(leaf->vendor_root));
    leaf->rule = BM_ID_RULE_NONE;
    if (leaf->kind == BM_LEAF_KEYS)
        return BM_OK;
    in = bm_der_enter(rd, BM_LEAF_BINDING);
    root = bm_der_take(&in, BM_DER_OCTET_STRING);
    rule = bm_der_uint(&in, BM_DER_ENUMERATED);
    if (!bm_rd_end(&in) || root.n != BM_HASH || rule != BM_ID_RULE_MICROCHIP_SN)
        return bm_fail(fail, BM_EINPUT, NULL, "the chip is listed by its id, and it is not said how a certificate shows that id");
    memcpy(leaf->vendor_root, root.p, BM_HASH);
    leaf->rule = (enum bm_id_rule)rule;
    return BM_OK;
}

static enum bm_rc
front_take(struct bm_leaf *leaf, struct bm_rd *in, struct bm_fail *fail)
{
    uint64_t version = bm_der_uint(in, BM_DER_INTEGER), kind = bm_der_uint(in, BM_DER_ENUMERATED);
    uint64_t root = bm_der_uint(in, BM_DER_ENUMERATED), origin = bm_der_uint(in, BM_DER_ENUMERATED), source;
    struct bm_bytes id = bm_der_take(in, BM_DER_UTF8);

    source = bm_der_uint(in, BM_DER_ENUMERATED);
    if (in->bad || version != BM_LEAF_VERSION || kind < BM_LEAF_KEYS || kind > BM_LEAF_ID || root < BM_ROOT_TPM ||
        root > BM_ROOT_SOFTWARE || origin > BM_ORIGIN_INJECTED || source > BM_LABEL_COMPUTED)
        return bm_fail(fail, BM_EINPUT, NULL, "this is not the entry of a chip, or one of another version");
    if (!bm_leaf_id_ok(id))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's id must be 1 to %d characters: letters, digits, '.', '_', ':' and '-'",
                       BM_MAX_ID);
    leaf->kind = (enum bm_leaf_kind)kind;
    leaf->root = (enum bm_root_kind)root;
    leaf->origin = (enum bm_root_origin)origin;
    leaf->id_source = (enum bm_label_source)source;
    memcpy(leaf->id, id.p, id.n);
    leaf->id[id.n] = 0;
    return BM_OK;
}

/* Read in place: the struct is large, and a lot has a million of them. */
enum bm_rc
bm_leaf_parse(struct bm_leaf *leaf, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    enum bm_rc rc;

    if (der.n > BM_MAX_LEAF)
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's entry is larger than %d bytes", BM_MAX_LEAF);
    if ((rc = front_take(leaf, &in, fail)) != BM_OK || (rc = binding_take(leaf, &in, fail)) != BM_OK ||
        (rc = labels_take(leaf, &in, fail)) != BM_OK || (rc = keys_take(leaf, &in, fail)) != BM_OK ||
        (rc = hashes_take(leaf, &in, fail)) != BM_OK)
        return rc;
    if (!bm_rd_end(&in) || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "there are bytes after the end of the chip's entry");
    if (!bm_leaf_keys_fit(leaf))
        return bm_fail(fail, BM_EINPUT, NULL, "a chip is bound by its root keys, or it is listed by id and has none");
    if (!keys_ascend(leaf))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's root keys are not in the order of their hashes, or one is there twice");
    return BM_OK;
}
