/* tpm2_prove.c - what a TPM says of itself and of a service's key: its attestation key, ActivateCredential, Certify. */
#include "root/tpm2.h"

#include <tss2/tss2_mu.h>

/* Marshalled by the TPM's own rules, appended. */
static enum bm_rc
area_add(struct bm_buf *buf, const TPM2B_PUBLIC *public, struct bm_fail *fail)
{
    uint8_t bytes[sizeof(TPM2B_PUBLIC)];
    size_t n = 0;

    if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, bytes, sizeof(bytes), &n) != TSS2_RC_SUCCESS)
        return bm_fail(fail, BM_EBUG, NULL, "a TPM's public area cannot be marshalled");
    bm_buf_add(buf, bytes, n);
    return bm_buf_check(buf, "the public area", fail);
}

enum bm_rc
bm_tpm2_attestation_key(struct bm_root *root, struct bm_buf *area, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    enum bm_rc rc = bm_tpm2_ak_use(tpm, false, fail);

    return rc != BM_OK ? rc : area_add(area, &tpm->ak_public, fail);
}

/* The endorsement keys of the low range are used under PolicySecret of the endorsement hierarchy. */
static enum bm_rc
policy_start(struct bm_tpm2 *tpm, ESYS_TR *ret_session, struct bm_fail *fail)
{
    TSS2_RC trc;
    enum bm_rc rc;

    if ((rc = bm_tpm2_policy_session(tpm, ret_session, fail)) != BM_OK)
        return rc;
    (void)Esys_TRSess_SetAttributes(tpm->esys, *ret_session, 0, TPMA_SESSION_CONTINUESESSION); /* it ends with the command that it is for */
    trc = Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, *ret_session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL,
                            0, NULL, NULL);
    return trc == TSS2_RC_SUCCESS ? BM_OK : bm_tpm2_fail(tpm, trc, "use its endorsement key", fail);
}

/* *ret_trc: what the TPM said to it. The session ends with the command. */
static enum bm_rc
credential_try(struct bm_tpm2 *tpm, const struct bm_key *key, const TPM2B_ID_OBJECT *credential, const TPM2B_ENCRYPTED_SECRET *encrypted,
               TPM2B_DIGEST **ret_secret, TSS2_RC *ret_trc, struct bm_fail *fail)
{
    ESYS_TR session = ESYS_TR_NONE;
    enum bm_rc rc;

    if ((rc = bm_tpm2_ek_use(tpm, key, NULL, fail)) != BM_OK || (rc = bm_tpm2_ak_use(tpm, false, fail)) != BM_OK)
        return rc;
    if (tpm->ek_policy && (rc = policy_start(tpm, &session, fail)) != BM_OK) {
        bm_tpm2_flush(tpm, &session);
        return rc;
    }
    *ret_trc = Esys_ActivateCredential(tpm->esys, tpm->ak, tpm->ek, ESYS_TR_PASSWORD, tpm->ek_policy ? session : ESYS_TR_PASSWORD,
                                       ESYS_TR_NONE, credential, encrypted, ret_secret);
    if (*ret_trc != TSS2_RC_SUCCESS) {
        bm_tpm2_flush(tpm, &session);
        bm_tpm2_object_close(tpm, &tpm->ak);
    }
    bm_tpm2_object_close(tpm, &tpm->ek);
    return BM_OK;
}

static enum bm_rc
credential_open(struct bm_tpm2 *tpm, const struct bm_key *key, const TPM2B_ID_OBJECT *credential, const TPM2B_ENCRYPTED_SECRET *encrypted,
                struct bm_secret *ret_secret, struct bm_fail *fail)
{
    TPM2B_DIGEST *secret = NULL;
    TSS2_RC trc;
    enum bm_rc rc;

    if ((rc = credential_try(tpm, key, credential, encrypted, &secret, &trc, fail)) != BM_OK ||
        (bm_tpm2_lost(trc) && (rc = credential_try(tpm, key, credential, encrypted, &secret, &trc, fail)) != BM_OK))
        return rc;
    if ((trc & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER && trc & TPM2_RC_FMT1 && (trc & 0x3f) != (TPM2_RC_BAD_AUTH & 0x3f))
        return bm_fail(fail, BM_EPOLICY, NULL, "the server's challenge is not for this TPM and its attestation key");
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "open the server's challenge", fail);
    ret_secret->n = secret->size;
    memcpy(ret_secret->b, secret->buffer, secret->size); /* at most 64, a SHA-512 digest: fits */
    explicit_bzero(secret, sizeof(*secret));
    Esys_Free(secret);
    return BM_OK;
}

enum bm_rc
bm_tpm2_activate(struct bm_root *root, const struct bm_key *key, struct bm_bytes credential, struct bm_bytes encrypted_secret,
                 struct bm_secret *ret_secret, struct bm_fail *fail)
{
    TPM2B_ID_OBJECT id = { 0 };
    TPM2B_ENCRYPTED_SECRET encrypted = { 0 };
    size_t at = 0, at2 = 0;

    if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(credential.p, credential.n, &at, &id) != TSS2_RC_SUCCESS || at != credential.n ||
        Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(encrypted_secret.p, encrypted_secret.n, &at2, &encrypted) != TSS2_RC_SUCCESS ||
        at2 != encrypted_secret.n)
        return bm_fail(fail, BM_EINPUT, NULL, "the server's challenge is malformed");
    return credential_open(bm_tpm2_of(root), key, &id, &encrypted, ret_secret, fail);
}

static enum bm_rc
attest_add(struct bm_buf *attest, struct bm_buf *signature, const TPM2B_ATTEST *said, const TPMT_SIGNATURE *signed_by, struct bm_fail *fail)
{
    uint8_t bytes[sizeof(TPMT_SIGNATURE)];
    size_t n = 0;
    enum bm_rc rc;

    if (Tss2_MU_TPMT_SIGNATURE_Marshal(signed_by, bytes, sizeof(bytes), &n) != TSS2_RC_SUCCESS)
        return bm_fail(fail, BM_EBUG, NULL, "a TPM's signature cannot be marshalled");
    bm_buf_add(attest, said->attestationData, said->size);
    bm_buf_add(signature, bytes, n);
    rc = bm_buf_check(attest, "the attestation", fail);
    return rc != BM_OK ? rc : bm_buf_check(signature, "the signature", fail);
}

/* The one that certifies: a listed one, or the one that is activated. */
static enum bm_rc
certifier_use(struct bm_tpm2 *tpm, const struct bm_key *by, struct bm_fail *fail)
{
    struct bm_key own;
    enum bm_rc rc;

    if (by == NULL)
        return bm_tpm2_ak_use(tpm, false, fail);
    if ((rc = bm_tpm2_kind_settle(tpm, fail)) != BM_OK)
        return rc;
    if (tpm->kind == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has no attestation key by template", tpm->where);
    if ((rc = bm_tpm2_ak_use(tpm, true, fail)) != BM_OK || (rc = bm_tpm2_public_key(&own, &tpm->ak_public, fail)) != BM_OK)
        return rc;
    if (memcmp(own.hash, by->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has no such attestation key", tpm->where);
    return BM_OK;
}

/* What is certified, by whom, beside what. */
struct certifying {
    const struct bm_key *by;
    const char *service;
    bool pending;
    TPM2B_DATA extra;
};

static enum bm_rc
certify_try(struct bm_tpm2 *tpm, const struct certifying *c, TPM2B_ATTEST **ret_said, TPMT_SIGNATURE **ret_signed, TSS2_RC *ret_trc,
            struct bm_fail *fail)
{
    static const TPMT_SIG_SCHEME keys_own = { .scheme = TPM2_ALG_NULL };
    enum bm_rc rc;

    if ((rc = bm_tpm2_key_use(tpm, c->service, c->pending, fail)) != BM_OK || (rc = certifier_use(tpm, c->by, fail)) != BM_OK)
        return rc;
    *ret_trc = Esys_Certify(tpm->esys, tpm->loaded.object, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &c->extra, &keys_own,
                            ret_said, ret_signed);
    bm_tpm2_object_close(tpm, &tpm->ak);
    if (*ret_trc != TSS2_RC_SUCCESS)
        bm_tpm2_flush(tpm, &tpm->loaded.object);
    return BM_OK;
}

enum bm_rc
bm_tpm2_certify(struct bm_root *root, const struct bm_key *by, const char *service, bool pending, struct bm_bytes extra_data,
                struct bm_buf *area, struct bm_buf *attest, struct bm_buf *signature, struct bm_fail *fail)
{
    struct certifying c = { .by = by, .service = service, .pending = pending, .extra.size = (uint16_t)extra_data.n };
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    struct bm_tpm2_record record;
    TPM2B_ATTEST *said = NULL;
    TPMT_SIGNATURE *signed_by = NULL;
    TPM2B_PUBLIC public;
    TSS2_RC trc;
    enum bm_rc rc;

    if (extra_data.n > sizeof(c.extra.buffer))
        return bm_fail(fail, BM_EBUG, NULL, "a TPM certifies with at most %zu bytes beside", sizeof(c.extra.buffer));
    memcpy(c.extra.buffer, extra_data.p, extra_data.n);
    if ((rc = bm_tpm2_key_record(tpm, service, pending, &record, &public, fail)) != BM_OK ||
        (rc = certify_try(tpm, &c, &said, &signed_by, &trc, fail)) != BM_OK ||
        (bm_tpm2_lost(trc) && (rc = certify_try(tpm, &c, &said, &signed_by, &trc, fail)) != BM_OK))
        return rc;
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "certify the service's key", fail);
    if ((rc = area_add(area, &public, fail)) == BM_OK)
        rc = attest_add(attest, signature, said, signed_by, fail);
    Esys_Free(said);
    Esys_Free(signed_by);
    return rc;
}
