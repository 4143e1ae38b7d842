/* tpm2_keys.c - keys by template: storage, attestation and operational keys. */
#include "root/tpm2.h"

#include "digest/libcrypto.h"
#include "pki/raw.h"

#include <openssl/x509.h>

#define FIXED (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA)

/*
 * The storage key is the TCG's ("TPM v2.0 Provisioning Guidance" 7.5.1 with P-256), everybody's, so that ours adds no secret of its own. Of our attestation
 * key the x of `unique` makes it ours; plain authorisation, so that Certify and ActivateCredential need no policy.
 */
static const struct bm_tpm2_words forms[] = {
    [BM_TPM2_SRK] = { .type = TPM2_ALG_ECC,
                      .hash = TPM2_ALG_SHA256,
                      .attributes = FIXED | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                      .curve = TPM2_ECC_NIST_P256,
                      .aes = 128,
                      .scheme = TPM2_ALG_NULL,
                      .nunique = BM_P256,
                      .both = true },
    [BM_TPM2_AK] = { .type = TPM2_ALG_ECC,
                     .hash = TPM2_ALG_SHA256,
                     .attributes = FIXED | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
                     .curve = TPM2_ECC_NIST_P256,
                     .scheme = TPM2_ALG_ECDSA,
                     .unique = "BIRTHMARK",
                     .nunique = 9 },
    [BM_TPM2_OPERATIONAL] = { .type = TPM2_ALG_ECC,
                              .hash = TPM2_ALG_SHA256,
                              .attributes = FIXED | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_SIGN_ENCRYPT,
                              .curve = TPM2_ECC_NIST_P256,
                              .scheme = TPM2_ALG_ECDSA },
    [BM_TPM2_SEALED_KEY] = { .type = TPM2_ALG_KEYEDHASH, .hash = TPM2_ALG_SHA256, .attributes = FIXED },
};

void
bm_tpm2_form(TPM2B_PUBLIC *ret, enum bm_tpm2_form form)
{
    bm_tpm2_template(ret, &forms[form]);
}

enum bm_rc
bm_tpm2_primary_own(struct bm_tpm2 *tpm, enum bm_tpm2_form form, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    TPM2B_PUBLIC template;

    bm_tpm2_form(&template, form);
    return bm_tpm2_primary(tpm, form == BM_TPM2_SRK ? ESYS_TR_RH_OWNER : ESYS_TR_RH_ENDORSEMENT, &template, ret_object, ret_public, fail);
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
    const TPM2B_SENSITIVE_CREATE nothing = { .size = 0 };
    const TPM2B_DATA no_data = { .size = 0 };
    const TPML_PCR_SELECTION no_pcrs = { .count = 0 };
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

enum bm_rc
bm_tpm2_ak_use(struct bm_tpm2 *tpm, bool listed, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (tpm->ak != ESYS_TR_NONE && tpm->ak_listed == listed)
        return BM_OK;
    bm_tpm2_object_close(tpm, &tpm->ak);
    bm_tpm2_flush(tpm, &tpm->other.object);
    rc = listed ? bm_tpm2_identity_open(tpm, BM_TPM2_IAK, &tpm->ak, &tpm->ak_public, fail)
                : bm_tpm2_primary_own(tpm, BM_TPM2_AK, &tpm->ak, &tpm->ak_public, fail);
    if (rc != BM_OK)
        tpm->ak = ESYS_TR_NONE;
    tpm->ak_listed = listed;
    return rc;
}
