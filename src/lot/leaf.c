#include "lot/leaf.h"

#include "wire/der.h"

#define VERSION 1

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

enum bm_rc
bm_leaf_parse(struct bm_leaf *ret_leaf, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    uint64_t version = bm_der_uint(&in, BM_DER_INTEGER);
    uint64_t kind = bm_der_uint(&in, BM_DER_ENUMERATED);
    uint64_t root = bm_der_uint(&in, BM_DER_ENUMERATED);
    struct bm_bytes id = bm_der_take(&in, BM_DER_UTF8);
    struct bm_leaf leaf;
    enum bm_rc rc;

    if (der.n > BM_MAX_LEAF)
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's entry is larger than %d bytes", BM_MAX_LEAF);
    if (in.bad || version != VERSION || kind < BM_LEAF_KEYS || kind > BM_LEAF_ID || root < BM_ROOT_TPM || root > BM_ROOT_SOFTWARE)
        return bm_fail(fail, BM_EINPUT, NULL, "this is not the entry of a chip, or one of a later version");
    if (!bm_leaf_id_ok(id))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's id must be 1 to %d characters: letters, digits, '.', '_', ':' and '-'",
                       BM_MAX_ID);
    leaf.kind = (enum bm_leaf_kind)kind;
    leaf.root = (enum bm_root_kind)root;
    memcpy(leaf.id, id.p, id.n);
    leaf.id[id.n] = 0;
    if ((rc = keys_take(&leaf, &in, fail)) != BM_OK || (rc = hashes_take(&leaf, &in, fail)) != BM_OK)
        return rc;
    if (!bm_rd_end(&in) || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "there are bytes after the end of the chip's entry");
    if (!keys_fit_kind(&leaf))
        return bm_fail(fail, BM_EINPUT, NULL, "a chip is bound by its root keys, or it is listed by id and has none");
    if (!keys_ascend(&leaf))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's root keys are not in the order of their hashes, or one is there twice");
    *ret_leaf = leaf;
    return BM_OK;
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
leaf_add(struct bm_buf *buf, const struct bm_leaf *leaf, const struct bm_leaf_key *const *keys)
{
    size_t all = bm_der_begin(buf, BM_DER_SEQUENCE), list, item;

    bm_der_add_uint(buf, BM_DER_INTEGER, VERSION);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->kind);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, leaf->root);
    bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(leaf->id));
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
