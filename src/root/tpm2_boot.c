/* tpm2_boot.c - the boot state: PCRs read, what is bound to them used under their policy, or under a permit for another. */
#include "root/tpm2.h"

#include "pki/raw.h"
#include "wire/der.h"
#include "wire/text.h"

#include <stdio.h>

#define PERMITS 8 /* kept at a time: the last firmwares, to which a machine may fall back; the oldest goes first */

static void
selection_make(TPML_PCR_SELECTION *ret, uint32_t pcrs)
{
    *ret = (TPML_PCR_SELECTION){ .count = 1, .pcrSelections[0] = { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3 } };
    for (unsigned i = 0; i < 3; i++)
        ret->pcrSelections[0].pcrSelect[i] = (uint8_t)(pcrs >> 8 * i);
}

static size_t
bits_of(uint32_t pcrs)
{
    size_t n = 0;

    for (; pcrs != 0; pcrs &= pcrs - 1)
        n++;
    return n;
}

/* Up to eight values come at a time; which ones, the TPM says. */
static enum bm_rc
pcrs_take(struct bm_tpm2 *tpm, uint32_t *pcrs, uint32_t *ret_counter, uint8_t ret_values[static BM_PCRS][BM_HASH], struct bm_fail *fail)
{
    TPML_PCR_SELECTION ask, *got = NULL;
    TPML_DIGEST *values = NULL;
    TSS2_RC trc;
    uint32_t had = 0;
    size_t n = 0;

    selection_make(&ask, *pcrs);
    trc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ask, ret_counter, &got, &values);
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "read its PCRs", fail);
    for (unsigned i = 0; i < 3 && got->count == 1; i++)
        had |= (uint32_t)got->pcrSelections[0].pcrSelect[i] << 8 * i;
    for (unsigned i = 0; i < BM_PCRS && n < values->count; i++) {
        if (had >> i & 1 && values->digests[n].size == BM_HASH)
            memcpy(ret_values[i], values->digests[n++].buffer, BM_HASH);
    }
    Esys_Free(got);
    Esys_Free(values);
    if ((had & *pcrs) == 0 || n != bits_of(had))
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s keeps no SHA-256 values in these PCRs: activate that bank in the firmware",
                       tpm->where);
    *pcrs &= ~had;
    return BM_OK;
}

enum bm_rc
bm_tpm2_pcrs_read(struct bm_tpm2 *tpm, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH], struct bm_fail *fail)
{
    uint32_t counter, first = 0;
    bool begun = false;

    if (pcrs == 0 || pcrs >> BM_PCRS != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "name one PCR at least, 0 to %d", BM_PCRS - 1);
    for (uint32_t left = pcrs; left != 0;) {
        enum bm_rc rc = pcrs_take(tpm, &left, &counter, ret_values, fail);

        if (rc != BM_OK)
            return rc;
        if (begun && counter != first)
            return bm_fail(fail, BM_EBUSY, NULL, "the TPM's PCRs changed while they were read: try again");
        begun = true;
        first = counter;
    }
    return BM_OK;
}

static enum bm_rc
policy_now(struct bm_tpm2 *tpm, uint32_t pcrs, uint8_t ret_policy[static BM_HASH], struct bm_fail *fail)
{
    uint8_t values[BM_PCRS][BM_HASH];
    enum bm_rc rc = bm_tpm2_pcrs_read(tpm, pcrs, values, fail);

    if (rc == BM_OK)
        bm_boot_policy(ret_policy, pcrs, values);
    return rc;
}

/* A permit's record is named by what it permits and who does, so that it is found without a search. */
static void
permit_name(char ret[static BM_MAX_NAME + 1], const uint8_t policy[static BM_HASH], const struct bm_key *update_key)
{
    uint8_t hash[BM_HASH];

    bm_sha256_pieces(hash, (const struct bm_bytes[]){ bm_bytes(policy, BM_HASH), bm_bytes(update_key->hash, BM_HASH) }, 2);
    bm_hex(ret, bm_bytes(hash, BM_HASH));
}

/* How this boot may use what is bound: as it was bound, by a permit, not at all. */
enum way {
    WAY_BOUND,
    WAY_PERMIT,
    WAY_NONE
};

static enum bm_rc
way_find(struct bm_tpm2 *tpm, const struct bm_bound *bound, enum way *ret_way, struct bm_tpm2_record *ret_permit, struct bm_fail *fail)
{
    uint8_t now[BM_HASH];
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if ((rc = policy_now(tpm, bound->pcrs, now, fail)) != BM_OK)
        return rc;
    *ret_way = memcmp(now, bound->policy, BM_HASH) == 0 ? WAY_BOUND : WAY_NONE;
    if (*ret_way == WAY_BOUND || !bound->pinned)
        return BM_OK;
    permit_name(name, now, &bound->update_key);
    if ((rc = bm_tpm2_record_get(tpm, name, BM_TPM2_PERMIT, ret_permit, fail)) == BM_OK)
        *ret_way = WAY_PERMIT;
    return rc == BM_EPOLICY ? BM_OK : rc;
}

static enum bm_rc
refused(const struct bm_bound *bound, const char *what, struct bm_fail *fail)
{
    char pcrs[BM_PCRS_TEXT];

    bm_pcrs_print(pcrs, bound->pcrs);
    return bm_fail(fail, BM_EPOLICY, NULL, "this machine did not boot what %s is bound to (PCRs %s): boot that again%s", what, pcrs,
                   bound->pinned ? ", or install the update's permit with birthmark-agent boot permit"
                                 : "; no update key was named, so no permit helps");
}

static void
update_public(TPM2B_PUBLIC *ret, const struct bm_key *key)
{
    const uint8_t *point = key->spki + key->at_bits + 1;

    *ret = (TPM2B_PUBLIC){ .publicArea = { .type = TPM2_ALG_ECC,
                                           .nameAlg = TPM2_ALG_SHA256,
                                           .objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT,
                                           .parameters.eccDetail = { .symmetric.algorithm = TPM2_ALG_NULL,
                                                                     .scheme.scheme = TPM2_ALG_NULL,
                                                                     .curveID = TPM2_ECC_NIST_P256,
                                                                     .kdf.scheme = TPM2_ALG_NULL },
                                           .unique.ecc = { .x.size = BM_P256, .y.size = BM_P256 } } };
    memcpy(ret->publicArea.unique.ecc.x.buffer, point, BM_P256);
    memcpy(ret->publicArea.unique.ecc.y.buffer, point + BM_P256, BM_P256);
}

/* TPMT_SIGNATURE of an ECDSA-Sig-Value. */
static bool
signature_convert(TPMT_SIGNATURE *ret, struct bm_bytes der)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    struct bm_bytes r = bm_der_positive(&in), s = bm_der_positive(&in);

    if (!bm_rd_end(&rd) || !bm_rd_end(&in) || r.n > BM_P256 || s.n > BM_P256)
        return false;
    *ret = (TPMT_SIGNATURE){ .sigAlg = TPM2_ALG_ECDSA,
                             .signature.ecdsa = {
                                 .hash = TPM2_ALG_SHA256, .signatureR.size = (uint16_t)r.n, .signatureS.size = (uint16_t)s.n } };
    memcpy(ret->signature.ecdsa.signatureR.buffer, r.p, r.n);
    memcpy(ret->signature.ecdsa.signatureS.buffer, s.p, s.n);
    return true;
}

/* The TPM itself checks the permit's signature and takes its own word for that: part 3, 23.16. */
static enum bm_rc
permit_apply(struct bm_tpm2 *tpm, ESYS_TR session, const struct bm_key *update_key, const uint8_t policy[static BM_HASH],
             const TPMT_SIGNATURE *signature, struct bm_fail *fail)
{
    TPM2B_NONCE ref = { .size = sizeof(BM_PERMIT_REF) - 1 };
    TPM2B_DIGEST approved = { .size = BM_HASH }, hash = { .size = BM_HASH };
    uint8_t signed_bytes[BM_PERMIT_SIGNED];
    TPMT_TK_VERIFIED *ticket = NULL;
    TPM2B_NAME *name = NULL;
    TPM2B_PUBLIC public;
    ESYS_TR key = ESYS_TR_NONE;
    TSS2_RC trc;

    update_public(&public, update_key);
    memcpy(ref.buffer, BM_PERMIT_REF, ref.size);
    memcpy(approved.buffer, policy, BM_HASH);
    bm_permit_signed(signed_bytes, policy);
    bm_sha256(hash.buffer, bm_bytes(signed_bytes, sizeof(signed_bytes)));
    trc = Esys_LoadExternal(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &public, ESYS_TR_RH_OWNER, &key);
    if (trc == TSS2_RC_SUCCESS)
        trc = Esys_VerifySignature(tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &hash, signature, &ticket);
    if (trc == TSS2_RC_SUCCESS)
        trc = Esys_TR_GetName(tpm->esys, key, &name);
    bm_tpm2_flush(tpm, &key);
    if (trc == TSS2_RC_SUCCESS)
        trc = Esys_PolicyAuthorize(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &approved, &ref, name, ticket);
    Esys_Free(ticket);
    Esys_Free(name);
    if ((trc & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER && trc & TPM2_RC_FMT1 && (trc & 0x3f) == (TPM2_RC_SIGNATURE & 0x3f))
        return bm_fail(fail, BM_EPOLICY, NULL, "the boot permit in the TPM's NV memory is not signed by the pinned update key");
    return trc == TSS2_RC_SUCCESS ? BM_OK : bm_tpm2_fail(tpm, trc, "take the boot permit", fail);
}

static enum bm_rc
session_fill(struct bm_tpm2 *tpm, ESYS_TR session, const struct bm_bound *bound, const struct bm_tpm2_record *permit, struct bm_fail *fail)
{
    static const TPM2B_DIGEST as_they_are;
    TPML_DIGEST branches = { .count = 2, .digests = { { .size = BM_HASH }, { .size = BM_HASH } } };
    TPML_PCR_SELECTION pcrs;
    struct bm_bound permitted;
    TPMT_SIGNATURE signature;
    TSS2_RC trc;
    enum bm_rc rc;

    selection_make(&pcrs, bound->pcrs);
    trc = Esys_PolicyPCR(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are, &pcrs);
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "take its PCRs into a policy", fail);
    if (!bound->pinned)
        return BM_OK;
    if (permit != NULL) {
        if ((rc = bm_bound_parse(&permitted, permit->bound, fail)) != BM_OK)
            return rc;
        if (!signature_convert(&signature, permit->private))
            return bm_fail(fail, BM_EPOLICY, NULL, "the boot permit in the TPM's NV memory has a malformed signature: install it again");
        if ((rc = permit_apply(tpm, session, &bound->update_key, permitted.policy, &signature, fail)) != BM_OK)
            return rc;
    }
    memcpy(branches.digests[0].buffer, bound->policy, BM_HASH);
    bm_boot_authorized(branches.digests[1].buffer, &bound->update_key);
    trc = Esys_PolicyOR(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &branches);
    return trc == TSS2_RC_SUCCESS ? BM_OK : bm_tpm2_fail(tpm, trc, "take the boot policy", fail);
}

enum bm_rc
bm_tpm2_bound_session(struct bm_tpm2 *tpm, const struct bm_bound *bound, const char *what, ESYS_TR *ret_session, struct bm_fail *fail)
{
    struct bm_tpm2_record permit;
    ESYS_TR session = ESYS_TR_NONE;
    enum way way;
    enum bm_rc rc;

    if ((rc = way_find(tpm, bound, &way, &permit, fail)) != BM_OK)
        return rc;
    if (way == WAY_NONE)
        return refused(bound, what, fail);
    bm_tpm2_object_close(tpm, &tpm->ek); /* the update key wants a place */
    bm_tpm2_object_close(tpm, &tpm->ak);
    if ((rc = bm_tpm2_policy_session(tpm, &session, fail)) != BM_OK)
        return rc;
    (void)Esys_TRSess_SetAttributes(tpm->esys, session, TPMA_SESSION_CONTINUESESSION,
                                    TPMA_SESSION_CONTINUESESSION); /* it is flushed, once */
    if ((rc = session_fill(tpm, session, bound, way == WAY_PERMIT ? &permit : NULL, fail)) != BM_OK) {
        bm_tpm2_flush(tpm, &session);
        return rc;
    }
    *ret_session = session;
    return BM_OK;
}

enum bm_rc
bm_tpm2_bind(struct bm_root *root, const struct bm_bound *bound, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    struct bm_bound bind = { .pcrs = 0 };
    enum bm_rc rc;

    if (bound != NULL) {
        bind = *bound;
        if (bind.pinned && bind.update_key.alg != BM_KEY_P256)
            return bm_fail(fail, BM_EINPUT, NULL,
                           "an update key is on P-256: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
        if ((rc = policy_now(tpm, bind.pcrs, bind.policy, fail)) != BM_OK)
            return rc;
    }
    tpm->bind = bind;
    return BM_OK;
}

enum bm_rc
bm_tpm2_boot_values(struct bm_root *root, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH], struct bm_fail *fail)
{
    return bm_tpm2_pcrs_read(bm_tpm2_of(root), pcrs, ret_values, fail);
}

enum bm_rc
bm_tpm2_bound_tell(struct bm_root *root, enum bm_kept kept, const char *name, struct bm_bound *ret_bound, bool *ret_usable,
                   struct bm_fail *fail)
{
    static const enum bm_tpm2_state states[] = {
        [BM_KEPT_PENDING] = BM_TPM2_PENDING, [BM_KEPT_LIVE] = BM_TPM2_LIVE, [BM_KEPT_SEALED] = BM_TPM2_SEALED
    };
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    struct bm_tpm2_record record, permit;
    struct bm_bound bound;
    enum way way = WAY_BOUND;
    enum bm_rc rc;

    if ((rc = bm_tpm2_record_get(tpm, name, states[kept], &record, fail)) != BM_OK ||
        (rc = bm_bound_parse(&bound, record.bound, fail)) != BM_OK ||
        (bound.pcrs != 0 && (rc = way_find(tpm, &bound, &way, &permit, fail)) != BM_OK))
        return rc;
    *ret_bound = bound;
    *ret_usable = way != WAY_NONE;
    return BM_OK;
}

/* ---- permits ---- */

/* The key that signed it, among those that records of this state pin; BM_EPOLICY when none did. */
static enum bm_rc
signer_find(struct bm_tpm2 *tpm, struct bm_crypto *crypto, enum bm_tpm2_state state, const struct bm_permit *permit,
            struct bm_bound *ret_bound, struct bm_fail *fail)
{
    struct bm_tpm2_names names;
    uint8_t signed_bytes[BM_PERMIT_SIGNED];
    enum bm_rc rc = bm_tpm2_record_names(tpm, state, &names, fail);

    bm_permit_signed(signed_bytes, permit->policy);
    for (size_t i = 0; rc == BM_OK && i < names.n; i++) {
        struct bm_tpm2_record record;
        struct bm_bound bound;
        struct bm_fail ignored;

        if ((rc = bm_tpm2_record_get(tpm, names.name[i], state, &record, fail)) == BM_OK &&
            bm_bound_parse(&bound, record.bound, &ignored) == BM_OK && bound.pinned &&
            bm_key_verify(crypto, &bound.update_key, BM_SIG_ECDSA_SHA256, bm_bytes(signed_bytes, sizeof(signed_bytes)),
                          bm_bytes(permit->signature, permit->nsignature), &ignored) == BM_OK) {
            *ret_bound = bound;
            return BM_OK;
        }
        if (rc == BM_EPOLICY)
            rc = BM_OK; /* a pending record that was made live */
    }
    if (rc != BM_OK)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL, "no update key that this device pins signed this boot permit: nothing was stored");
}

static enum bm_rc
permits_trim(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    struct bm_tpm2_names names;
    enum bm_rc rc = bm_tpm2_record_names(tpm, BM_TPM2_PERMIT, &names, fail);

    for (size_t i = 0; rc == BM_OK && i + PERMITS < names.n; i++)
        rc = bm_tpm2_record_remove(tpm, names.name[i], BM_TPM2_PERMIT, fail);
    return rc;
}

enum bm_rc
bm_tpm2_boot_permit(struct bm_root *root, const struct bm_permit *permit, struct bm_fail *fail)
{
    static const enum bm_tpm2_state states[] = { BM_TPM2_LIVE, BM_TPM2_SEALED, BM_TPM2_PENDING };
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_BOUND_BYTES };
    struct bm_bytes none = bm_bytes(NULL, 0);
    struct bm_bound bound;
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if ((rc = bm_crypto_new(&crypto, fail)) != BM_OK)
        return rc;
    rc = BM_EPOLICY;
    for (size_t i = 0; rc == BM_EPOLICY && i < BM_COUNT(states); i++)
        rc = signer_find(tpm, crypto, states[i], permit, &bound, fail);
    if (rc != BM_OK)
        return rc;
    memcpy(bound.policy, permit->policy, BM_HASH);
    bm_bound_build(&bytes, &bound);
    permit_name(name, permit->policy, &bound.update_key);
    if ((rc = bm_buf_check(&bytes, "the boot permit", fail)) != BM_OK ||
        (rc = bm_tpm2_record_put(tpm, name, BM_TPM2_PERMIT, none, bm_bytes(permit->signature, permit->nsignature), bm_buf_bytes(&bytes),
                                 NULL, 0, fail)) != BM_OK)
        return rc;
    return permits_trim(tpm, fail);
}
