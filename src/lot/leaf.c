#include "lot/leaf_inside.h"

#include "wire/text.h"

#include <stdio.h>

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

bool
bm_leaf_keys_fit(const struct bm_leaf *leaf)
{
    return leaf->nkeys <= BM_MAX_CHIP_KEYS && (leaf->kind == BM_LEAF_KEYS) == (leaf->nkeys > 0);
}

bool
bm_leaf_label_ok(struct bm_bytes value)
{
    size_t at = 0, n = 1;

    if (value.n == 0 || value.n > BM_MAX_ID)
        return false;
    for (; at < value.n && n > 0; at += n)
        n = bm_utf8_size(value.p + at, value.n - at);
    return n > 0;
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

    if (!bm_name_ok(name, BM_MAX_NAME) || !bm_leaf_label_ok(value))
        return false;
    while (at < leaf->nlabels && strcmp(leaf->labels[at].name, name) != 0)
        at++;
    if (at == BM_MAX_LABELS)
        return false;
    memcpy(leaf->labels[at].name, name, strlen(name) + 1); /* which fits: it is a name */
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
    static const char *const words[] = {
        [BM_LABEL_SIGNED] = "signed", [BM_LABEL_CERTIFICATE] = "certificate", [BM_LABEL_FILE_NAME] = "file-name",
        [BM_LABEL_COLUMN] = "column", [BM_LABEL_CUSTODIAN] = "custodian",     [BM_LABEL_COMPUTED] = "computed"
    };

    return (size_t)source < BM_COUNT(words) ? words[source] : "unknown";
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
