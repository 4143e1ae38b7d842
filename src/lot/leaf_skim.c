#include "lot/leaf_skim.h"

#include "merkle/tree.h"
#include "pki/oid.h"
#include "pki/point.h"
#include "wire/der.h"

#define VERSION 2
#define TAG_BINDING BM_DER_CONTEXT_CONSTRUCTED(0)

static bool
front_skim(struct bm_leaf_skim *skim, struct bm_rd *in)
{
    uint64_t version = bm_der_uint(in, BM_DER_INTEGER), kind = bm_der_uint(in, BM_DER_ENUMERATED);
    uint64_t root = bm_der_uint(in, BM_DER_ENUMERATED), origin = bm_der_uint(in, BM_DER_ENUMERATED), source;

    skim->id = bm_der_take(in, BM_DER_UTF8);
    source = bm_der_uint(in, BM_DER_ENUMERATED);
    if (in->bad || version != VERSION || kind < BM_LEAF_KEYS || kind > BM_LEAF_ID || root < BM_ROOT_TPM || root > BM_ROOT_SOFTWARE ||
        origin > BM_ORIGIN_INJECTED || source > BM_LABEL_COMPUTED)
        return false;
    skim->kind = (enum bm_leaf_kind)kind;
    skim->root = (enum bm_root_kind)root;
    skim->origin = (enum bm_root_origin)origin;
    skim->id_source = (enum bm_label_source)source;
    return bm_leaf_id_ok(skim->id);
}

static bool
binding_skim(struct bm_leaf_skim *skim, struct bm_rd *in)
{
    struct bm_rd binding;
    uint64_t rule;

    if (skim->kind == BM_LEAF_KEYS)
        return true;
    binding = bm_der_enter(in, TAG_BINDING);
    skim->vendor_root = bm_der_take(&binding, BM_DER_OCTET_STRING);
    rule = bm_der_uint(&binding, BM_DER_ENUMERATED);
    skim->rule = (uint8_t)rule;
    return bm_rd_end(&binding) && skim->vendor_root.n == BM_HASH && rule == BM_ID_RULE_MICROCHIP_SN;
}

/* AlgorithmIdentifier; false: none that is taken (pki/key.h). */
static bool
alg_skim(enum bm_key_alg *ret_alg, struct bm_rd *alg)
{
    struct bm_bytes oid = bm_der_take(alg, BM_DER_OID), curve = bm_bytes(NULL, 0);

    if (bm_der_oid_is(oid, bm_oid_ec_public_key, sizeof(bm_oid_ec_public_key)))
        curve = bm_der_take(alg, BM_DER_OID);
    if (curve.n > 0 && bm_der_oid_is(curve, bm_oid_p256, sizeof(bm_oid_p256)))
        *ret_alg = BM_KEY_P256;
    else if (curve.n > 0 && bm_der_oid_is(curve, bm_oid_p384, sizeof(bm_oid_p384)))
        *ret_alg = BM_KEY_P384;
    else if (bm_der_oid_is(oid, bm_oid_rsa, sizeof(bm_oid_rsa)))
        *ret_alg = BM_KEY_RSA;
    else if (bm_der_oid_is(oid, bm_oid_ed25519, sizeof(bm_oid_ed25519)))
        *ret_alg = BM_KEY_ED25519;
    else
        return false;
    return !alg->bad;
}

/* As long as a key of its kind. RSA's numbers are looked into by whoever takes them. */
static bool
bits_shaped(const struct bm_leaf_skim_key *key)
{
    if (key->alg == BM_KEY_ED25519)
        return key->bits.n == 32;
    return key->alg == BM_KEY_RSA || bm_point_shaped(key->alg, key->bits);
}

/* SEQUENCE { use ENUMERATED, SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING } } */
static bool
key_skim(struct bm_leaf_skim_key *key, struct bm_rd *list)
{
    struct bm_rd item = bm_der_enter(list, BM_DER_SEQUENCE), outer, in, alg;
    uint64_t use = bm_der_uint(&item, BM_DER_ENUMERATED);

    key->spki = bm_der_raw(&item, BM_DER_SEQUENCE);
    if (!bm_rd_end(&item) || use == 0 || use >= BM_USE__END || key->spki.n > BM_MAX_SPKI)
        return false;
    outer = bm_rd(key->spki);
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    alg = bm_der_enter(&in, BM_DER_SEQUENCE);
    key->bits = bm_der_bits(&in);
    key->use = (enum bm_root_use)use;
    if (!alg_skim(&key->alg, &alg) || !bm_rd_end(&in) || !bm_rd_end(&outer) || !bits_shaped(key))
        return false;
    bm_sha256(key->hash, key->spki);
    return true;
}

static bool
keys_skim(struct bm_leaf_skim *skim, struct bm_rd *in)
{
    struct bm_rd list = bm_der_enter(in, BM_DER_SEQUENCE);

    while (!list.bad && list.left > 0) {
        if (skim->nkeys == BM_MAX_CHIP_KEYS || !key_skim(&skim->keys[skim->nkeys], &list))
            return false;
        if (skim->nkeys > 0 && memcmp(skim->keys[skim->nkeys - 1].hash, skim->keys[skim->nkeys].hash, BM_HASH) >= 0)
            return false;
        skim->nkeys++;
    }
    return bm_rd_end(&list) && (skim->kind == BM_LEAF_KEYS) == (skim->nkeys > 0);
}

enum bm_rc
bm_leaf_skim(struct bm_leaf_skim *ret_skim, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE);

    ret_skim->nkeys = 0;
    ret_skim->rule = BM_ID_RULE_NONE;
    ret_skim->vendor_root = bm_bytes(NULL, 0);
    if (der.n > BM_MAX_LEAF || !front_skim(ret_skim, &in) || !binding_skim(ret_skim, &in))
        return bm_fail(fail, BM_EINPUT, NULL, "this is not the entry of a chip, or one of another version");
    ret_skim->labels = bm_der_take(&in, BM_DER_SEQUENCE);
    if (!keys_skim(ret_skim, &in))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's root keys are not written as keys, or not in the order of their hashes");
    (void)bm_der_take(&in, BM_DER_SEQUENCE); /* hashes */
    if (!bm_rd_end(&in) || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "the chip's entry does not end where it should");
    return BM_OK;
}

enum bm_rc
bm_leaf_digest_take(struct bm_leaf_digest *ret_digest, struct bm_bytes der, struct bm_fail *fail)
{
    enum bm_rc rc = bm_leaf_skim(&ret_digest->skim, der, fail);

    if (rc != BM_OK)
        return rc;
    bm_sha256(ret_digest->id, ret_digest->skim.id);
    bm_tree_leaf(ret_digest->leaf, der);
    return BM_OK;
}

void
bm_leaf_skim_id_hash(const struct bm_leaf_skim *skim, uint8_t ret_hash[static BM_HASH])
{
    static const char domain[] = "birthmark/id/v1\n";
    const struct bm_bytes pieces[] = { bm_bytes(domain, sizeof(domain) - 1), skim->vendor_root, bm_bytes(&skim->rule, 1), skim->id };

    bm_sha256_pieces(ret_hash, pieces, BM_COUNT(pieces));
}

size_t
bm_leaf_skim_names(const struct bm_leaf_skim *skim, uint8_t ret_names[static BM_MAX_CHIP_KEYS][BM_HASH])
{
    if (skim->kind == BM_LEAF_ID) {
        bm_leaf_skim_id_hash(skim, ret_names[0]);
        return 1;
    }
    for (size_t i = 0; i < skim->nkeys; i++)
        memcpy(ret_names[i], skim->keys[i].hash, BM_HASH);
    return skim->nkeys;
}

struct bm_bytes
bm_leaf_skim_label(const struct bm_leaf_skim *skim, const char *name)
{
    struct bm_rd list = bm_rd(skim->labels);

    while (!list.bad && list.left > 0) {
        struct bm_rd item = bm_der_enter(&list, BM_DER_SEQUENCE);
        struct bm_bytes is = bm_der_take(&item, BM_DER_UTF8);

        (void)bm_der_uint(&item, BM_DER_ENUMERATED);
        if (!item.bad && bm_bytes_equal(is, bm_bytes_str(name)))
            return bm_der_take(&item, BM_DER_UTF8);
    }
    return bm_bytes(NULL, 0);
}

void
bm_leaf_skim_ski(const struct bm_leaf_skim_key *key, uint8_t ret_ski[static 20])
{
    bm_sha1(ret_ski, key->bits);
}
