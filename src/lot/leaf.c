#include "lot/leaf.h"

#include "wire/der.h"
#include "wire/text.h"

#include <stdio.h>

#define VERSION 2
#define TAG_BINDING 0xa0 /* [0] constructed */

static const char id_domain[] = "birthmark/id/v1\n";

bool
bm_leaf_id_ok(struct bm_bytes id)
{
    if (id.n == 0 || id.n > BM_MAX_ID)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = (char)id.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '-'))
            return false;
    }
    return true;
}

/* A list without keys has none, and nothing else does: the binding to a key is made later, and only once. */
static bool
keys_fit_kind(const struct bm_leaf *leaf)
{
    return leaf->nkeys <= BM_MAX_CHIP_KEYS && (leaf->kind == BM_LEAF_KEYS) == (leaf->nkeys > 0);
}

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
        if (!bm_rd_end(&item) || (use != BM_USE_SIGN && use != BM_USE_DECRYPT))
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

/* 1 to BM_MAX_ID bytes of text without control characters. */
static bool
label_value_ok(struct bm_bytes value)
{
    size_t at = 0, n = 1;

    if (value.n == 0 || value.n > BM_MAX_ID)
        return false;
    for (; at < value.n && n > 0; at += n)
        n = bm_utf8_size(value.p + at, value.n - at);
    return n > 0;
}

static bool
label_take(struct bm_label *label, struct bm_rd *list)
{
    struct bm_rd item = bm_der_enter(list, BM_DER_SEQUENCE);
    struct bm_bytes name = bm_der_take(&item, BM_DER_UTF8);
    uint64_t source = bm_der_uint(&item, BM_DER_ENUMERATED);
    struct bm_bytes value = bm_der_take(&item, BM_DER_UTF8);

    if (!bm_rd_end(&item) || name.n == 0 || name.n > BM_MAX_NAME || source > BM_LABEL_CUSTODIAN || !label_value_ok(value))
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
    in = bm_der_enter(rd, TAG_BINDING);
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
    if (in->bad || version != VERSION || kind < BM_LEAF_KEYS || kind > BM_LEAF_ID || root < BM_ROOT_TPM || root > BM_ROOT_SOFTWARE ||
        origin > BM_ORIGIN_INJECTED || source > BM_LABEL_CUSTODIAN)
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
static enum bm_rc
leaf_take(struct bm_leaf *leaf, struct bm_bytes der, struct bm_fail *fail)
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
    if (!keys_fit_kind(leaf))
        return bm_fail(fail, BM_EINPUT, NULL, "a chip is bound by its root keys, or it is listed by id and has none");
    if (!keys_ascend(leaf))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's root keys are not in the order of their hashes, or one is there twice");
    return BM_OK;
}

enum bm_rc
bm_leaf_parse(struct bm_leaf *ret_leaf, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_leaf leaf;
    enum bm_rc rc = leaf_take(&leaf, der, fail);

    if (rc == BM_OK)
        *ret_leaf = leaf;
    return rc;
}

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
    bm_der_add_uint(buf, BM_DER_INTEGER, VERSION);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->kind);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->root);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->origin);
    bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(leaf->id));
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->id_source);
    if (leaf->kind == BM_LEAF_ID) {
        size_t binding = bm_der_begin(buf, TAG_BINDING);

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
        if (!bm_name_ok(leaf->labels[i].name, BM_MAX_NAME) || !label_value_ok(bm_bytes_str(leaf->labels[i].value)))
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
    if (!keys_fit_kind(leaf) || leaf->nhashes > BM_MAX_CHIP_HASHES)
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

const struct bm_leaf_key *
bm_leaf_key(const struct bm_leaf *leaf, const uint8_t hash[static BM_HASH])
{
    for (size_t i = 0; i < leaf->nkeys; i++)
        if (memcmp(leaf->keys[i].key.hash, hash, BM_HASH) == 0)
            return &leaf->keys[i];
    return NULL;
}

void
bm_leaf_id_hash(const struct bm_leaf *leaf, uint8_t ret_hash[static BM_HASH])
{
    const uint8_t rule = (uint8_t)leaf->rule;
    const struct bm_bytes pieces[] = { bm_bytes(id_domain, sizeof(id_domain) - 1), bm_bytes(leaf->vendor_root, BM_HASH), bm_bytes(&rule, 1),
                                       bm_bytes_str(leaf->id) };

    bm_sha256_pieces(ret_hash, pieces, BM_COUNT(pieces));
}

const char *
bm_leaf_label(const struct bm_leaf *leaf, const char *name)
{
    for (size_t i = 0; i < leaf->nlabels; i++)
        if (strcmp(leaf->labels[i].name, name) == 0)
            return leaf->labels[i].value;
    return NULL;
}

bool
bm_leaf_label_add(struct bm_leaf *leaf, const char *name, enum bm_label_source source, struct bm_bytes value)
{
    size_t at = 0;

    if (!bm_name_ok(name, BM_MAX_NAME) || !label_value_ok(value))
        return false;
    while (at < leaf->nlabels && strcmp(leaf->labels[at].name, name) != 0)
        at++;
    if (at == BM_MAX_LABELS)
        return false;
    (void)snprintf(leaf->labels[at].name, sizeof(leaf->labels[at].name), "%s", name);
    leaf->labels[at].source = source;
    memcpy(leaf->labels[at].value, value.p, value.n);
    leaf->labels[at].value[value.n] = 0;
    if (at == leaf->nlabels)
        leaf->nlabels++;
    return true;
}

const char *
bm_label_source_word(enum bm_label_source source)
{
    static const char *const words[] = { [BM_LABEL_SIGNED] = "signed",
                                         [BM_LABEL_CERTIFICATE] = "certificate",
                                         [BM_LABEL_FILE_NAME] = "file-name",
                                         [BM_LABEL_COLUMN] = "column",
                                         [BM_LABEL_CUSTODIAN] = "custodian" };

    return (size_t)source < BM_COUNT(words) ? words[source] : "unknown";
}

const char *
bm_root_origin_word(enum bm_root_origin origin)
{
    static const char *const words[] = { [BM_ORIGIN_UNSAID] = "unsaid", [BM_ORIGIN_INSIDE] = "inside", [BM_ORIGIN_INJECTED] = "injected" };

    return (size_t)origin < BM_COUNT(words) ? words[origin] : "unknown";
}

const char *
bm_root_kind_word(enum bm_root_kind kind)
{
    static const char *const words[] = {
        [BM_ROOT_TPM] = "tpm", [BM_ROOT_SECURE_ELEMENT] = "secure-element", [BM_ROOT_PUF] = "puf", [BM_ROOT_SOFTWARE] = "software"
    };

    return (size_t)kind < BM_COUNT(words) && words[kind] != NULL ? words[kind] : "unknown";
}

static const char *const kind_words[] = { [BM_LEAF_KEYS] = "keys", [BM_LEAF_ID] = "id" };

const char *
bm_leaf_kind_word(enum bm_leaf_kind kind)
{
    return (size_t)kind < BM_COUNT(kind_words) && kind_words[kind] != NULL ? kind_words[kind] : "unknown";
}

enum bm_rc
bm_leaf_kind_parse(enum bm_leaf_kind *ret_kind, struct bm_bytes word, struct bm_fail *fail)
{
    for (unsigned kind = BM_LEAF_KEYS; kind <= BM_LEAF_ID; kind++) {
        if (bm_bytes_equal(word, bm_bytes_str(kind_words[kind]))) {
            *ret_kind = (enum bm_leaf_kind)kind;
            return BM_OK;
        }
    }
    return bm_fail(fail, BM_EINPUT, NULL, "the kind of a lot is \"keys\" or \"id\"");
}
