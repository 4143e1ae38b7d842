/* tpm2_template.c - TCG's identity keys, IDevID and IAK: by template, or where a maker put them. Which of them a device has is kept with it. */
#include "root/tpm2.h"

#include "pki/raw.h"

#include <openssl/evp.h>

/*
 * TCG "TPM 2.0 Keys for Device Identity and Attestation": attributes 7.3.4.1, algorithms 7.3.4.2, policies table 19, unique values 7.3.1. Of keys on
 * curves the field has two readings: x alone filled (swtpm), x and y both (keylime); another template, another key.
 */
struct bm_tpm2_kind {
    const char *id;
    TPMI_ALG_PUBLIC type; /* 0: a maker's, as they stand at their handles */
    TPMI_ALG_HASH hash;
    TPM2_ECC_CURVE curve;
    bool both;
};

static const struct bm_tpm2_kind kinds[] = {
    { "H-1", TPM2_ALG_RSA, TPM2_ALG_SHA256, TPM2_ECC_NONE, false },
    { "H-2", TPM2_ALG_ECC, TPM2_ALG_SHA256, TPM2_ECC_NIST_P256, false },
    { "H-3", TPM2_ALG_ECC, TPM2_ALG_SHA384, TPM2_ECC_NIST_P384, false },
    { "H-2xy", TPM2_ALG_ECC, TPM2_ALG_SHA256, TPM2_ECC_NIST_P256, true },
    { "H-3xy", TPM2_ALG_ECC, TPM2_ALG_SHA384, TPM2_ECC_NIST_P384, true },
    { "maker", 0, 0, TPM2_ECC_NONE, false },
};

static const struct role {
    const char *word;
    uint32_t handle; /* where a maker puts it */
    enum bm_root_use use;
    TPMA_OBJECT more;
    uint8_t policy256[32], policy384[48];
} roles[] = {
    [BM_TPM2_IDEVID] = { "IDEVID",
                         0x81020000,
                         BM_USE_SIGN,
                         0,
                         { 0xad, 0x6b, 0x3a, 0x22, 0x84, 0xfd, 0x69, 0x8a, 0x07, 0x10, 0xbf, 0x5c, 0xc1, 0xb9, 0xbd, 0xf1,
                           0x5e, 0x25, 0x32, 0xe3, 0xf6, 0x01, 0xfa, 0x4b, 0x93, 0xa6, 0xa8, 0xfa, 0x8d, 0xe5, 0x79, 0xea },
                         { 0x4d, 0xb1, 0xaa, 0x83, 0x6d, 0x0b, 0x56, 0x15, 0xdf, 0x6e, 0xe5, 0x3a, 0x40, 0xef, 0x70, 0xc6,
                           0x1c, 0x21, 0x7f, 0x43, 0x03, 0xd4, 0x46, 0x95, 0x92, 0x59, 0x72, 0xbc, 0x92, 0x70, 0x06, 0xcf,
                           0xa5, 0xcb, 0xdf, 0x6d, 0xc1, 0x8c, 0x4d, 0xbe, 0x32, 0x9b, 0x2f, 0x15, 0x42, 0xc3, 0xdd, 0x33 } },
    [BM_TPM2_IAK] = { "IAK",
                      0x81020001,
                      BM_USE_ATTEST,
                      TPMA_OBJECT_RESTRICTED,
                      { 0x54, 0x37, 0x18, 0x23, 0x26, 0xe4, 0x14, 0xfc, 0xa7, 0x97, 0xd5, 0xf1, 0x74, 0x61, 0x5a, 0x16,
                        0x41, 0xf6, 0x12, 0x55, 0x79, 0x7c, 0x3a, 0x2b, 0x22, 0xc2, 0x1d, 0x12, 0x0b, 0x2d, 0x1e, 0x07 },
                      { 0x12, 0x9d, 0x94, 0xeb, 0xf8, 0x45, 0x56, 0x65, 0x2c, 0x6e, 0xef, 0x43, 0xbb, 0xb7, 0x57, 0x51,
                        0x2a, 0xc8, 0x7e, 0x52, 0xbe, 0x7b, 0x34, 0x9c, 0xa6, 0xce, 0x4d, 0x82, 0x6f, 0x74, 0x9f, 0xcf,
                        0x72, 0xf5, 0x17, 0x16, 0xcb, 0xa5, 0xc6, 0x05, 0xf3, 0x13, 0xbb, 0x34, 0x5a, 0xab, 0x31, 0x2d } },
};

#define ATTRIBUTES \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT)
#define LOOKED_AT (ATTRIBUTES | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

enum bm_rc
bm_tpm2_kind_parse(const struct bm_tpm2_kind **ret_kind, struct bm_bytes id, struct bm_fail *fail)
{
    for (size_t i = 0; i < BM_COUNT(kinds); i++)
        if (bm_bytes_equal(id, bm_bytes_str(kinds[i].id))) {
            *ret_kind = &kinds[i];
            return BM_OK;
        }
    return bm_fail(fail, BM_EINPUT, NULL, "a TPM's template is birthmark, H-1, H-2, H-3, H-2xy, H-3xy or maker");
}

static void
template_make(TPM2B_PUBLIC *ret, const struct bm_tpm2_kind *kind, const struct role *role)
{
    const struct bm_tpm2_words words = {
        .type = kind->type,
        .hash = kind->hash,
        .attributes = ATTRIBUTES | TPMA_OBJECT_ADMINWITHPOLICY | role->more,
        .curve = kind->curve,
        .scheme = kind->type == TPM2_ALG_ECC   ? TPM2_ALG_ECDSA
                  : role->use == BM_USE_ATTEST ? TPM2_ALG_RSAPSS
                                               : TPM2_ALG_NULL,
        .policy = kind->hash == TPM2_ALG_SHA384 ? role->policy384 : role->policy256,
        .unique = role->word,
        .nunique = (uint16_t)strlen(role->word),
        .both = kind->both,
    };

    bm_tpm2_template(ret, &words);
}

/* Is the key at the maker's handle of this template? What `unique` held, a key does not tell. */
static bool
same_kind(const TPM2B_PUBLIC *made, const TPM2B_PUBLIC *wanted)
{
    const TPMT_PUBLIC *a = &made->publicArea, *b = &wanted->publicArea;

    return a->type == b->type && a->nameAlg == b->nameAlg && a->objectAttributes == b->objectAttributes &&
           bm_bytes_equal(bm_bytes(a->authPolicy.buffer, a->authPolicy.size), bm_bytes(b->authPolicy.buffer, b->authPolicy.size)) &&
           (a->type == TPM2_ALG_RSA || a->parameters.eccDetail.curveID == b->parameters.eccDetail.curveID);
}

static enum bm_rc
handle_open(struct bm_tpm2 *tpm, const struct role *role, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    uint32_t handles[BM_TPM2_HANDLES];
    size_t n, i = 0;
    enum bm_rc rc = bm_tpm2_handles(tpm, role->handle, handles, &n, fail);

    if (rc != BM_OK)
        return rc;
    while (i < n && handles[i] != role->handle)
        i++;
    if (i == n)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has no %s key at 0x%08x: name the template that it was made by", tpm->where,
                       role->word, role->handle);
    return bm_tpm2_persistent(tpm, role->handle, ret_object, ret_public, fail);
}

static enum bm_rc
key_check(const struct bm_tpm2 *tpm, const struct role *role, const TPM2B_PUBLIC *public, struct bm_fail *fail)
{
    if ((public->publicArea.objectAttributes & LOOKED_AT) == (ATTRIBUTES | role->more))
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL, "the key at 0x%08x of the TPM at %s is no %s: its attributes are 0x%08x", role->handle,
                   tpm->where, role->word, public->publicArea.objectAttributes);
}

enum bm_rc
bm_tpm2_identity_open(struct bm_tpm2 *tpm, enum bm_tpm2_role which, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    const struct role *role = &roles[which];
    struct bm_fail nothing_there;
    TPM2B_PUBLIC wanted;
    enum bm_rc rc;

    if (tpm->kind->type != 0)
        template_make(&wanted, tpm->kind, role);
    rc = handle_open(tpm, role, ret_object, ret_public, tpm->kind->type == 0 ? fail : &nothing_there);
    if (tpm->kind->type == 0 && rc == BM_OK && (rc = key_check(tpm, role, ret_public, fail)) != BM_OK)
        bm_tpm2_object_close(tpm, ret_object);
    if (tpm->kind->type == 0)
        return rc;
    if (rc == BM_OK && same_kind(ret_public, &wanted))
        return BM_OK;
    if (rc == BM_OK)
        bm_tpm2_object_close(tpm, ret_object);
    return bm_tpm2_primary(tpm, ESYS_TR_RH_ENDORSEMENT, &wanted, ret_object, ret_public, fail);
}

/* The device's own record, else the URI's word, else none: Birthmark's own. */
enum bm_rc
bm_tpm2_kind_settle(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    const struct bm_tpm2_kind *kept = NULL;
    struct bm_tpm2_names names;
    enum bm_rc rc;

    if (tpm->kind_settled)
        return BM_OK;
    if ((rc = bm_tpm2_record_names(tpm, BM_TPM2_TEMPLATE, &names, fail)) != BM_OK ||
        (names.n > 0 && (rc = bm_tpm2_kind_parse(&kept, bm_bytes_str(names.name[names.n - 1]), fail)) != BM_OK))
        return rc;
    if (kept != NULL && tpm->kind_named && tpm->kind != kept)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has its root keys by template %s: leave ;template= away, or name that one",
                       tpm->where, kept->id);
    if (kept != NULL)
        tpm->kind = kept;
    tpm->kind_kept = kept != NULL;
    tpm->kind_settled = true;
    return BM_OK;
}

enum bm_rc
bm_tpm2_kind_keep(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    struct bm_bytes none = bm_bytes(NULL, 0);
    enum bm_rc rc;

    if (tpm->kind == NULL || tpm->kind_kept)
        return BM_OK;
    if ((rc = bm_tpm2_record_put(tpm, tpm->kind->id, BM_TPM2_TEMPLATE, none, none, none, NULL, 0, fail)) == BM_OK)
        tpm->kind_kept = true;
    return rc;
}

static enum bm_rc
digest_make(TPM2B_DIGEST *ret, struct bm_bytes tbs, const char *name, struct bm_fail *fail)
{
    size_t n = sizeof(ret->buffer);

    if (EVP_Q_digest(NULL, name, NULL, tbs.p, tbs.n, ret->buffer, &n) != 1)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    ret->size = (uint16_t)n;
    return BM_OK;
}

static enum bm_rc
idevid_sign(struct bm_tpm2 *tpm, ESYS_TR idevid, const struct bm_key *key, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
            struct bm_buf *signature, struct bm_fail *fail)
{
    static const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
    const bool rsa = key->alg == BM_KEY_RSA, p384 = key->alg == BM_KEY_P384;
    TPMT_SIG_SCHEME scheme = { .scheme = rsa ? TPM2_ALG_RSASSA : TPM2_ALG_ECDSA };
    TPMT_SIGNATURE *made = NULL;
    TPM2B_DIGEST digest;
    TSS2_RC trc;
    enum bm_rc rc;

    scheme.details.any.hashAlg = p384 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
    if ((rc = digest_make(&digest, tbs, p384 ? "SHA384" : "SHA256", fail)) != BM_OK)
        return rc;
    trc = Esys_Sign(tpm->esys, idevid, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &no_ticket, &made);
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "sign with its identity key", fail);
    if (rsa)
        bm_buf_add(signature, made->signature.rsassa.sig.buffer, made->signature.rsassa.sig.size);
    else
        bm_ecdsa_add(signature, bm_bytes(made->signature.ecdsa.signatureR.buffer, made->signature.ecdsa.signatureR.size),
                     bm_bytes(made->signature.ecdsa.signatureS.buffer, made->signature.ecdsa.signatureS.size));
    Esys_Free(made);
    *ret_alg = rsa ? BM_SIG_RSA_SHA256 : p384 ? BM_SIG_ECDSA_SHA384 : BM_SIG_ECDSA_SHA256;
    return bm_buf_check(signature, "the signature", fail);
}

enum bm_rc
bm_tpm2_root_sign(struct bm_root *root, const struct bm_key *key, struct bm_bytes tbs, enum bm_sig_alg *ret_alg, struct bm_buf *signature,
                  struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    ESYS_TR object = ESYS_TR_NONE;
    TPM2B_PUBLIC public;
    struct bm_key own;
    enum bm_rc rc;

    if ((rc = bm_tpm2_kind_settle(tpm, fail)) != BM_OK)
        return rc;
    if (tpm->kind == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the root keys of the TPM at %s only decrypt: name a template that has an IDevID (;template=H-2)", tpm->where);
    bm_tpm2_room_make(tpm);
    if ((rc = bm_tpm2_identity_open(tpm, BM_TPM2_IDEVID, &object, &public, fail)) != BM_OK)
        return rc;
    if ((rc = bm_tpm2_public_key(&own, &public, fail)) == BM_OK && memcmp(own.hash, key->hash, BM_HASH) != 0)
        rc = bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has no such identity key", tpm->where);
    if (rc == BM_OK)
        rc = idevid_sign(tpm, object, key, tbs, ret_alg, signature, fail);
    bm_tpm2_object_close(tpm, &object);
    return rc;
}

/* Certificates that a maker stored for these two keys: wherever in the range, since the field has no one place. */
static enum bm_rc
certificates_add(struct bm_tpm2 *tpm, const struct bm_leaf *leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    uint32_t handles[BM_TPM2_HANDLES];
    size_t n;
    enum bm_rc rc = tpm->certificates < 0x01c00000 ? bm_tpm2_handles(tpm, tpm->certificates, handles, &n, fail)
                                                   : bm_tpm2_nv_list(tpm, tpm->certificates, handles, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < n && handles[i] <= (tpm->certificates | 0xffff); i++)
        for (size_t k = 0; rc == BM_OK && k < leaf->nkeys; k++) {
            bool added;

            rc = bm_tpm2_certificate_add(tpm, handles[i], &leaf->keys[k].key, certs, &added, fail);
        }
    return rc;
}

enum bm_rc
bm_tpm2_identity_list(struct bm_tpm2 *tpm, struct bm_leaf *leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    static const enum bm_tpm2_role order[] = { BM_TPM2_IAK, BM_TPM2_IDEVID }; /* the one that shows most first: the agent takes it */

    for (size_t i = 0; i < BM_COUNT(order); i++) {
        struct bm_leaf_key *at = &leaf->keys[leaf->nkeys];
        TPM2B_PUBLIC public;
        ESYS_TR object;
        enum bm_rc rc;

        if ((rc = bm_tpm2_identity_open(tpm, order[i], &object, &public, fail)) != BM_OK)
            return rc;
        bm_tpm2_object_close(tpm, &object);
        at->use = roles[order[i]].use;
        if ((rc = bm_tpm2_public_key(&at->key, &public, fail)) != BM_OK)
            return rc;
        leaf->nkeys++;
    }
    return certificates_add(tpm, leaf, certs, fail);
}
