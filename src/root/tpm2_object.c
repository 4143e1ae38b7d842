/* tpm2_object.c - keys and sealed data under the storage key: made, bound where that was asked for, loaded again from their records. */
#include "root/tpm2.h"

#include <tss2/tss2_mu.h>

static enum bm_rc
object_add(struct bm_buf *public, struct bm_buf *private, const TPM2B_PUBLIC *made, const TPM2B_PRIVATE *inside, struct bm_fail *fail)
{
    uint8_t pub[sizeof(*made)], priv[sizeof(*inside)];
    size_t npub = 0, npriv = 0;
    enum bm_rc rc;

    if (Tss2_MU_TPM2B_PUBLIC_Marshal(made, pub, sizeof(pub), &npub) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Marshal(inside, priv, sizeof(priv), &npriv) != TSS2_RC_SUCCESS)
        return bm_fail(fail, BM_EBUG, NULL, "a TPM's object cannot be marshalled");
    bm_buf_add(public, pub, npub);
    bm_buf_add(private, priv, npriv);
    rc = bm_buf_check(public, "a TPM's object", fail);
    return rc != BM_OK ? rc : bm_buf_check(private, "a TPM's object", fail);
}

/* Bound: used under its policy alone. The owner's word (no attribute asks for it) does not help either. */
static void
template_bind(TPM2B_PUBLIC *template, const struct bm_bound *bound)
{
    if (bound->pcrs == 0)
        return;
    template->publicArea.objectAttributes &= ~(TPMA_OBJECT)TPMA_OBJECT_USERWITHAUTH;
    template->publicArea.authPolicy.size = BM_HASH;
    bm_bound_policy(template->publicArea.authPolicy.buffer, bound);
}

enum bm_rc
bm_tpm2_create(struct bm_tpm2 *tpm, enum bm_tpm2_form form, struct bm_bytes inside, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public,
               struct bm_buf *public, struct bm_buf *private, struct bm_fail *fail)
{
    const TPM2B_DATA no_data = { .size = 0 };
    const TPML_PCR_SELECTION no_pcrs = { .count = 0 };
    TPM2B_SENSITIVE_CREATE sensitive = { .sensitive.data.size = (uint16_t)inside.n };
    TPM2B_PUBLIC in, *made = NULL;
    TPM2B_PRIVATE *kept = NULL;
    ESYS_TR srk = ESYS_TR_NONE;
    TSS2_RC trc;
    enum bm_rc rc;

    if (inside.n > BM_HASH)
        return bm_fail(fail, BM_EBUG, NULL, "a TPM keeps at most %d bytes inside for us", BM_HASH);
    if (inside.n > 0)
        memcpy(sensitive.sensitive.data.buffer, inside.p, inside.n);
    bm_tpm2_form(&in, form);
    template_bind(&in, &tpm->bind);
    bm_tpm2_flush(tpm, &tpm->loaded.object);
    bm_tpm2_flush(tpm, &tpm->other.object);
    if (tpm->ek != ESYS_TR_NONE) /* storage key, child, one more */
        bm_tpm2_object_close(tpm, &tpm->ak);
    if ((rc = bm_tpm2_primary_own(tpm, BM_TPM2_SRK, &srk, NULL, fail)) != BM_OK)
        return rc;
    trc = Esys_Create(tpm->esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &in, &no_data, &no_pcrs, &kept, &made, NULL,
                      NULL, NULL);
    explicit_bzero(&sensitive, sizeof(sensitive));
    if (trc == TSS2_RC_SUCCESS && ret_object != NULL)
        trc = Esys_Load(tpm->esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, kept, made, ret_object);
    bm_tpm2_flush(tpm, &srk);
    if (trc == TSS2_RC_SUCCESS) {
        *ret_public = *made;
        rc = object_add(public, private, made, kept, fail);
    } else
        rc = bm_tpm2_fail(tpm, trc, inside.n == 0 ? "make a key" : "seal", fail);
    Esys_Free(made);
    Esys_Free(kept);
    return rc;
}

static enum bm_rc
malformed(const char *what, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EPOLICY, NULL, "%s in the TPM's NV memory is malformed: make it again", what);
}

enum bm_rc
bm_tpm2_record_public(TPM2B_PUBLIC *ret_public, const struct bm_tpm2_record *record, const char *what, struct bm_fail *fail)
{
    size_t at = 0;

    memset(ret_public, 0, sizeof(*ret_public)); /* MU wants size 0 */
    if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(record->public.p, record->public.n, &at, ret_public) != TSS2_RC_SUCCESS || at != record->public.n)
        return malformed(what, fail);
    return BM_OK;
}

enum bm_rc
bm_tpm2_load(struct bm_tpm2 *tpm, const struct bm_tpm2_record *record, const char *what, ESYS_TR *ret_object, struct bm_fail *fail)
{
    TPM2B_PRIVATE private = { 0 };
    TPM2B_PUBLIC public;
    ESYS_TR srk = ESYS_TR_NONE;
    size_t at = 0;
    TSS2_RC trc;
    enum bm_rc rc;

    if ((rc = bm_tpm2_record_public(&public, record, what, fail)) != BM_OK)
        return rc;
    if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(record->private.p, record->private.n, &at, &private) != TSS2_RC_SUCCESS)
        return malformed(what, fail);
    bm_tpm2_flush(tpm, &tpm->loaded.object);
    if (tpm->ek != ESYS_TR_NONE) /* storage key, child, one more */
        bm_tpm2_object_close(tpm, &tpm->ak);
    if ((rc = bm_tpm2_primary_own(tpm, BM_TPM2_SRK, &srk, NULL, fail)) != BM_OK)
        return rc;
    trc = Esys_Load(tpm->esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, ret_object);
    bm_tpm2_flush(tpm, &srk);
    if (trc != TSS2_RC_SUCCESS) {
        *ret_object = ESYS_TR_NONE;
        return bm_tpm2_fail(tpm, trc, "load what it keeps", fail);
    }
    return BM_OK;
}
