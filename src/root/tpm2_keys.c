/* tpm2_keys.c - keys by template: storage, attestation, operational and endorsement keys. */
#include "root/tpm2.h"

#include "digest/libcrypto.h"
#include "pki/raw.h"
#include "wire/rd.h"

#include <openssl/x509.h>

#define FIXED (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

/* TCG "TPM v2.0 Provisioning Guidance" 7.5.1 with P-256: everybody's storage key, so that ours adds no secret of its own. */
const TPM2B_PUBLIC bm_tpm2_srk = {
    .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = FIXED | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
        .parameters.eccDetail = {
            .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
            .scheme.scheme = TPM2_ALG_NULL,
            .curveID = TPM2_ECC_NIST_P256,
            .kdf.scheme = TPM2_ALG_NULL,
        },
        .unique.ecc = { .x.size = BM_P256, .y.size = BM_P256 },
    },
};

/* Restricted: signs only what the TPM itself says. Plain authorisation, so that Certify and ActivateCredential need no policy. The x of `unique` makes it ours. */
const TPM2B_PUBLIC bm_tpm2_ak = {
    .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = FIXED | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
        .parameters.eccDetail = {
            .symmetric.algorithm = TPM2_ALG_NULL,
            .scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
            .curveID = TPM2_ECC_NIST_P256,
            .kdf.scheme = TPM2_ALG_NULL,
        },
        .unique.ecc.x = { .size = 9, .buffer = { 'B', 'I', 'R', 'T', 'H', 'M', 'A', 'R', 'K' } },
    },
};

const TPM2B_PUBLIC bm_tpm2_operational = {
    .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = FIXED | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT,
        .parameters.eccDetail = {
            .symmetric.algorithm = TPM2_ALG_NULL,
            .scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
            .curveID = TPM2_ECC_NIST_P256,
            .kdf.scheme = TPM2_ALG_NULL,
        },
    },
};

/* TCG EK Credential Profile, templates L-1 and L-2 (PolicyA, filled unique) and H-3 (PolicyB, empty unique, user with auth). */
#define POLICY_A                \
    {                           \
        .size = 32, .buffer = { \
            0x83,               \
            0x71,               \
            0x97,               \
            0x67,               \
            0x44,               \
            0x84,               \
            0xb3,               \
            0xf8,               \
            0x1a,               \
            0x90,               \
            0xcc,               \
            0x8d,               \
            0x46,               \
            0xa5,               \
            0xd7,               \
            0x24,               \
            0xfd,               \
            0x52,               \
            0xd7,               \
            0x6e,               \
            0x06,               \
            0x52,               \
            0x0b,               \
            0x64,               \
            0xf2,               \
            0xa1,               \
            0xda,               \
            0x1b,               \
            0x33,               \
            0x14,               \
            0x69,               \
            0xaa                \
        }                       \
    }
#define POLICY_B_SHA384         \
    {                           \
        .size = 48, .buffer = { \
            0xb2,               \
            0x6e,               \
            0x7d,               \
            0x28,               \
            0xd1,               \
            0x1a,               \
            0x50,               \
            0xbc,               \
            0x53,               \
            0xd8,               \
            0x82,               \
            0xbc,               \
            0xf5,               \
            0xfd,               \
            0x3a,               \
            0x1a,               \
            0x07,               \
            0x41,               \
            0x48,               \
            0xbb,               \
            0x35,               \
            0xd3,               \
            0xb4,               \
            0xe4,               \
            0xcb,               \
            0x1c,               \
            0x0a,               \
            0xd9,               \
            0xbd,               \
            0xe4,               \
            0x19,               \
            0xca,               \
            0xcb,               \
            0x47,               \
            0xba,               \
            0x09,               \
            0x69,               \
            0x96,               \
            0x46,               \
            0x15,               \
            0x0f,               \
            0x9f,               \
            0xc0,               \
            0x00,               \
            0xf3,               \
            0xf8,               \
            0x0e,               \
            0x12                \
        }                       \
    }
#define ENDORSEMENT (FIXED | TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* In the order in which a device prefers them: elliptic curves cost the TPM least. */
static const struct ek {
    uint32_t handle;
    uint32_t certificate; /* NV index */
    TPM2B_PUBLIC template;
} eks[] = {
    { 0x8101000a,
      0x01c0000a,
      { .publicArea = { .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = ENDORSEMENT,
                        .authPolicy = POLICY_A,
                        .parameters.eccDetail = { .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
                                                  .scheme.scheme = TPM2_ALG_NULL,
                                                  .curveID = TPM2_ECC_NIST_P256,
                                                  .kdf.scheme = TPM2_ALG_NULL },
                        .unique.ecc = { .x.size = 32, .y.size = 32 } } } },
    { 0x81010016,
      0x01c00016,
      { .publicArea = { .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA384,
                        .objectAttributes = ENDORSEMENT | TPMA_OBJECT_USERWITHAUTH,
                        .authPolicy = POLICY_B_SHA384,
                        .parameters.eccDetail = { .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 256, .mode.aes = TPM2_ALG_CFB },
                                                  .scheme.scheme = TPM2_ALG_NULL,
                                                  .curveID = TPM2_ECC_NIST_P384,
                                                  .kdf.scheme = TPM2_ALG_NULL } } } },
    { 0x81010001,
      0x01c00002,
      { .publicArea = { .type = TPM2_ALG_RSA,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = ENDORSEMENT,
                        .authPolicy = POLICY_A,
                        .parameters.rsaDetail = { .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
                                                  .scheme.scheme = TPM2_ALG_NULL,
                                                  .keyBits = 2048 },
                        .unique.rsa.size = 256 } } },
};

#define BETWEEN 0x01c00100u
#define BETWEEN_LAST 0x01c001ffu

static bool
handle_listed(const uint32_t *handles, size_t n, uint32_t handle)
{
    for (size_t i = 0; i < n; i++) {
        if (handles[i] == handle)
            return true;
    }
    return false;
}

enum bm_rc
bm_tpm2_public_key(struct bm_key *ret_key, const TPM2B_PUBLIC *area, struct bm_fail *fail)
{
    const TPMU_PUBLIC_ID *unique = &area->publicArea.unique;
    uint8_t point[1 + 2 * 48] = { 0x04 };
    size_t n;

    if (area->publicArea.type == TPM2_ALG_RSA)
        return bm_key_from_modulus(ret_key, bm_bytes(unique->rsa.buffer, unique->rsa.size), fail);
    if (area->publicArea.type != TPM2_ALG_ECC)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM's key is neither RSA nor elliptic");
    n = area->publicArea.parameters.eccDetail.curveID == TPM2_ECC_NIST_P384 ? 48 : BM_P256;
    if (unique->ecc.x.size > n || unique->ecc.y.size > n)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM's key is on a curve that we do not take: use P-256");
    /* coordinates may come without their leading zeros */
    memcpy(point + 1 + n - unique->ecc.x.size, unique->ecc.x.buffer, unique->ecc.x.size);
    memcpy(point + 1 + 2 * n - unique->ecc.y.size, unique->ecc.y.buffer, unique->ecc.y.size);
    return bm_key_from_point(ret_key, bm_bytes(point, 1 + 2 * n), fail);
}

enum bm_rc
bm_tpm2_primary(struct bm_tpm2 *tpm, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public,
                struct bm_fail *fail)
{
    static const TPM2B_SENSITIVE_CREATE nothing;
    static const TPM2B_DATA no_data;
    static const TPML_PCR_SELECTION no_pcrs;
    TPM2B_PUBLIC *public = NULL;
    TSS2_RC trc;

    trc = Esys_CreatePrimary(tpm->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nothing, template, &no_data, &no_pcrs,
                             ret_object, &public, NULL, NULL, NULL);
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "make a primary key", fail);
    if (ret_public != NULL)
        *ret_public = *public;
    Esys_Free(public);
    return BM_OK;
}

enum bm_rc
bm_tpm2_persistent(struct bm_tpm2 *tpm, uint32_t handle, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    TPM2B_PUBLIC *public = NULL;
    ESYS_TR object;
    TSS2_RC trc;

    if ((trc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object)) != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "open a key that it keeps", fail);
    if ((trc = Esys_ReadPublic(tpm->esys, object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL)) != TSS2_RC_SUCCESS) {
        (void)Esys_TR_Close(tpm->esys, &object);
        return bm_tpm2_fail(tpm, trc, "read a key that it keeps", fail);
    }
    *ret_public = *public;
    *ret_object = object;
    Esys_Free(public);
    return BM_OK;
}

/* The key at its persistent handle, or derived again from its template. */
static enum bm_rc
ek_open(struct bm_tpm2 *tpm, const struct ek *ek, bool persistent, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    return persistent ? bm_tpm2_persistent(tpm, ek->handle, ret_object, ret_public, fail)
                      : bm_tpm2_primary(tpm, ESYS_TR_RH_ENDORSEMENT, &ek->template, ret_object, ret_public, fail);
}

/* Which of the endorsement keys count: those with a persistent handle or a certificate; none of both: the P-256 one, which any TPM derives. */
static enum bm_rc
eks_present(struct bm_tpm2 *tpm, bool ret_there[static BM_COUNT(eks)], bool ret_persistent[static BM_COUNT(eks)],
            bool ret_certified[static BM_COUNT(eks)], struct bm_fail *fail)
{
    uint32_t handles[BM_TPM2_HANDLES], indexes[BM_TPM2_HANDLES];
    size_t nhandles, nindexes;
    bool any = false;
    enum bm_rc rc;

    if ((rc = bm_tpm2_handles(tpm, 0x81010000, handles, &nhandles, fail)) != BM_OK ||
        (rc = bm_tpm2_nv_list(tpm, 0x01c00000, indexes, &nindexes, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_COUNT(eks); i++) {
        ret_persistent[i] = handle_listed(handles, nhandles, eks[i].handle);
        ret_certified[i] = handle_listed(indexes, nindexes, eks[i].certificate);
        ret_there[i] = ret_persistent[i] || ret_certified[i];
        any |= ret_there[i];
    }
    ret_there[0] |= !any;
    return BM_OK;
}

enum bm_rc
bm_tpm2_certificate_add(struct bm_tpm2 *tpm, uint32_t index, const struct bm_key *key, struct bm_buf *certs, bool *ret_added,
                        struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf nv = { .max = BM_MAX_CERT };
    bm_cleanup(bm_x509_done) X509 *cert = NULL;
    const ASN1_BIT_STRING *bits;
    const unsigned char *end;
    enum bm_rc rc;

    *ret_added = false;
    if ((rc = bm_tpm2_nv_read(tpm, index, &nv, fail)) != BM_OK)
        return rc;
    end = nv.p;
    if ((cert = d2i_X509(NULL, &end, (long)nv.n)) == NULL || (bits = X509_get0_pubkey_bitstr(cert)) == NULL)
        return BM_OK;
    *ret_added = bm_bytes_equal(bm_bytes(bits->data, (size_t)bits->length), bm_bytes(key->spki + key->at_bits, key->nbits));
    if (*ret_added)
        bm_buf_add_lv32(certs, bm_bytes(nv.p, (size_t)(end - nv.p)));
    return bm_buf_check(certs, "the certificates", fail);
}

/* A certificate for another key says that the TPM was re-seeded. */
static enum bm_rc
ek_certificate(struct bm_tpm2 *tpm, const struct ek *ek, const struct bm_key *key, struct bm_buf *certs, struct bm_fail *fail)
{
    bool added;
    enum bm_rc rc = bm_tpm2_certificate_add(tpm, ek->certificate, key, certs, &added, fail);

    if (rc != BM_OK || added)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "the TPM's endorsement certificate at 0x%08x cannot be read or is for another key: the TPM was re-seeded, or the "
                   "certificate is not its own",
                   ek->certificate);
}

enum bm_rc
bm_tpm2_ek_list(struct bm_tpm2 *tpm, struct bm_leaf *leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    bool there[BM_COUNT(eks)], persistent[BM_COUNT(eks)], certified[BM_COUNT(eks)];
    enum bm_rc rc = eks_present(tpm, there, persistent, certified, fail);

    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(eks); i++) {
        TPM2B_PUBLIC public;
        ESYS_TR object;

        if (!there[i])
            continue;
        if ((rc = ek_open(tpm, &eks[i], persistent[i], &object, &public, fail)) != BM_OK)
            return rc;
        bm_tpm2_object_close(tpm, &object);
        leaf->keys[leaf->nkeys].use = BM_USE_DECRYPT;
        if ((rc = bm_tpm2_public_key(&leaf->keys[leaf->nkeys].key, &public, fail)) == BM_OK && certified[i])
            rc = ek_certificate(tpm, &eks[i], &leaf->keys[leaf->nkeys].key, certs, fail);
        leaf->nkeys++;
    }
    return rc;
}

/* Certificates between an endorsement certificate and its maker's root, one after the other in the indexes that the TCG sets aside for them. */
static enum bm_rc
between_add(struct bm_tpm2 *tpm, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf chain = { .max = 4u * BM_MAX_CERT };
    uint32_t indexes[BM_TPM2_HANDLES];
    const unsigned char *at, *end;
    size_t n;
    enum bm_rc rc = bm_tpm2_nv_list(tpm, BETWEEN, indexes, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < n && indexes[i] <= BETWEEN_LAST; i++)
        rc = bm_tpm2_nv_read(tpm, indexes[i], &chain, fail);
    if (rc != BM_OK)
        return rc;
    for (at = chain.p, end = chain.p + chain.n; at < end;) {
        bm_cleanup(bm_x509_done) X509 *cert = NULL;
        const unsigned char *from = at;

        if ((cert = d2i_X509(NULL, &at, (long)(end - from))) == NULL)
            break; /* padding */
        bm_buf_add_lv32(certs, bm_bytes(from, (size_t)(at - from)));
    }
    return bm_buf_check(certs, "the certificates", fail);
}

static enum bm_rc
ek_take(struct bm_tpm2 *tpm, const struct ek *ek, bool persistent, bool certified, struct bm_buf *certs, struct bm_fail *fail)
{
    TPM2B_PUBLIC public = { 0 };
    enum bm_rc rc;

    bm_tpm2_object_close(tpm, &tpm->ek);
    bm_tpm2_flush(tpm, &tpm->other);
    if ((rc = ek_open(tpm, ek, persistent, &tpm->ek, &public, fail)) == BM_OK &&
        (rc = bm_tpm2_public_key(&tpm->ek_key, &public, fail)) == BM_OK && certified && certs != NULL &&
        (rc = ek_certificate(tpm, ek, &tpm->ek_key, certs, fail)) == BM_OK)
        rc = between_add(tpm, certs, fail);
    tpm->ek_policy = !(public.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH);
    if (rc != BM_OK)
        bm_tpm2_object_close(tpm, &tpm->ek);
    return rc;
}

/*
 * The first with a certificate, derived from its template, which asks the TPM the least. Where the certificate is for another key (a maker's own template
 * behind a persistent handle), or there is none: whichever is there.
 */
static enum bm_rc
ek_preferred(struct bm_tpm2 *tpm, struct bm_buf *certs, struct bm_fail *fail)
{
    bool there[BM_COUNT(eks)], persistent[BM_COUNT(eks)], certified[BM_COUNT(eks)];
    uint32_t indexes[BM_TPM2_HANDLES];
    struct bm_fail another;
    size_t n, i = 0;
    enum bm_rc rc;

    if ((rc = bm_tpm2_nv_list(tpm, 0x01c00000, indexes, &n, fail)) != BM_OK)
        return rc;
    if (handle_listed(indexes, n, eks[0].certificate) && ek_take(tpm, &eks[0], false, true, certs, &another) == BM_OK)
        return BM_OK;
    if ((rc = eks_present(tpm, there, persistent, certified, fail)) != BM_OK)
        return rc;
    while (i < BM_COUNT(eks) - 1 && !there[i])
        i++;
    return ek_take(tpm, &eks[i], persistent[i], certified[i], certs, fail);
}

enum bm_rc
bm_tpm2_ek_use(struct bm_tpm2 *tpm, const struct bm_key *ek, struct bm_buf *certs, struct bm_fail *fail)
{
    bool there[BM_COUNT(eks)], persistent[BM_COUNT(eks)], certified[BM_COUNT(eks)];
    enum bm_rc rc;

    if (ek == NULL)
        return ek_preferred(tpm, certs, fail);
    if (tpm->ek != ESYS_TR_NONE && memcmp(tpm->ek_key.hash, ek->hash, BM_HASH) == 0)
        return BM_OK;
    rc = eks_present(tpm, there, persistent, certified, fail);
    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(eks); i++) {
        if (!there[i])
            continue;
        if ((rc = ek_take(tpm, &eks[i], persistent[i], certified[i], certs, fail)) == BM_OK &&
            memcmp(tpm->ek_key.hash, ek->hash, BM_HASH) == 0)
            return BM_OK;
    }
    bm_tpm2_object_close(tpm, &tpm->ek);
    if (rc != BM_OK)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has no such endorsement key", tpm->where);
}

enum bm_rc
bm_tpm2_ak_use(struct bm_tpm2 *tpm, bool listed, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (tpm->ak != ESYS_TR_NONE && tpm->ak_listed == listed)
        return BM_OK;
    bm_tpm2_object_close(tpm, &tpm->ak);
    bm_tpm2_flush(tpm, &tpm->other);
    rc = listed ? bm_tpm2_identity_open(tpm, BM_TPM2_IAK, &tpm->ak, &tpm->ak_public, fail)
                : bm_tpm2_primary(tpm, ESYS_TR_RH_ENDORSEMENT, &bm_tpm2_ak, &tpm->ak, &tpm->ak_public, fail);
    if (rc != BM_OK)
        tpm->ak = ESYS_TR_NONE;
    tpm->ak_listed = listed;
    return rc;
}
