/* tpm2.c - a TPM 2.0 as root: endorsement keys decrypt, an attestation key speaks for operational keys that live in NV records. */
#include "root/tpm2.h"

#include "pki/raw.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <tss2/tss2_mu.h>

#include <stdio.h>

#define CHAIN 2 /* certificates that an identity keeps in NV: leaf and issuing CA */

static struct bm_tpm2 *
tpm_of(struct bm_root *root)
{
    return (struct bm_tpm2 *)root;
}

static enum bm_rc
tpm2_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm;
    enum bm_rc rc = bm_tpm2_open(&tpm, rest, fail);

    if (rc == BM_OK)
        *ret_root = &tpm->root;
    return rc;
}

static void
tpm2_close(struct bm_root *root)
{
    bm_tpm2_close(tpm_of(root));
}

static enum bm_rc
tpm2_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = tpm_of(root);
    enum bm_rc rc;

    /* keys are derived from the TPM's seed: they are always there, and what is made is the record of which */
    bm_tpm2_room_make(tpm);
    if ((rc = bm_tpm2_kind_settle(tpm, fail)) != BM_OK)
        return rc;
    memset(ret_leaf, 0, sizeof(*ret_leaf));
    ret_leaf->kind = BM_LEAF_KEYS;
    ret_leaf->root = BM_ROOT_TPM;
    if (tpm->kind != NULL && (rc = bm_tpm2_identity_list(tpm, ret_leaf, certs, fail)) != BM_OK)
        return rc;
    rc = bm_tpm2_ek_list(tpm, ret_leaf, certs, fail);
    return rc == BM_OK && make ? bm_tpm2_kind_keep(tpm, fail) : rc;
}

/* Kept loaded: the one that speaks is asked for again. */
static enum bm_rc
tpm2_speaker(struct bm_root *root, struct bm_leaf_key *ret_key, struct bm_buf *certs, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = tpm_of(root);
    enum bm_rc rc;

    bm_tpm2_room_make(tpm);
    if ((rc = bm_tpm2_kind_settle(tpm, fail)) != BM_OK)
        return rc;
    if (tpm->kind != NULL) {
        ret_key->use = BM_USE_ATTEST;
        return (rc = bm_tpm2_ak_use(tpm, true, fail)) != BM_OK ? rc : bm_tpm2_public_key(&ret_key->key, &tpm->ak_public, fail);
    }
    if ((rc = bm_tpm2_ek_use(tpm, NULL, certs, fail)) != BM_OK)
        return rc;
    *ret_key = (struct bm_leaf_key){ .use = BM_USE_DECRYPT, .key = tpm->ek_key };
    return BM_OK;
}

static enum bm_rc
service_check(const char *service, struct bm_fail *fail)
{
    if (bm_name_ok(service, BM_MAX_NAME))
        return BM_OK;
    return bm_fail(fail, BM_EINPUT, NULL, "a service is named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
}

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

/* By what the loaded key is known. */
static void
loaded_name(uint8_t ret[static BM_HASH], const char *service, bool pending)
{
    char name[BM_MAX_NAME + 2];

    (void)snprintf(name, sizeof(name), "%c%s", pending ? 'p' : 'l', service);
    bm_sha256(ret, bm_bytes_str(name));
}

/* Two programs may enrol one service at once: whose certificate comes for another key than the one that waits now must not put it in the place of the live one. */
static void
awaited_set(struct bm_tpm2 *tpm, const char *service, struct bm_bytes public)
{
    (void)snprintf(tpm->awaited_service, sizeof(tpm->awaited_service), "%s", service);
    bm_sha256(tpm->awaited, public);
}

static enum bm_rc
awaited_check(const struct bm_tpm2 *tpm, const char *service, const struct bm_tpm2_record *pending, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, pending->public);
    if (strcmp(tpm->awaited_service, service) != 0 || memcmp(tpm->awaited, hash, BM_HASH) == 0)
        return BM_OK;
    return bm_fail(fail, BM_EBUSY, NULL, "another program began a new key of service %s at the same time: let one of them enrol it",
                   service);
}

static enum bm_rc
tpm2_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = tpm_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf public = { .max = sizeof(TPM2B_PUBLIC) }, private = { .max = sizeof(TPM2B_PRIVATE) };
    bm_cleanup(bm_buf_done) struct bm_buf bound = { .max = BM_BOUND_BYTES };
    struct bm_bytes none = bm_bytes(NULL, 0);
    TPM2B_PUBLIC made;
    enum bm_rc rc;

    bm_bound_build(&bound, &tpm->bind);
    if ((rc = service_check(service, fail)) != BM_OK || (rc = bm_buf_check(&bound, "what it is bound to", fail)) != BM_OK ||
        (rc = bm_tpm2_create(tpm, BM_TPM2_OPERATIONAL, none, &tpm->loaded, &made, &public, &private, fail)) != BM_OK)
        return rc;
    loaded_name(tpm->loaded_hash, service, true);
    tpm->loaded_bound = tpm->bind;
    if ((rc = bm_tpm2_public_key(ret_public, &made, fail)) != BM_OK ||
        (rc = bm_tpm2_record_put(tpm, service, BM_TPM2_PENDING, bm_buf_bytes(&public), bm_buf_bytes(&private), bm_buf_bytes(&bound), NULL,
                                 0, fail)) != BM_OK)
        bm_tpm2_flush(tpm, &tpm->loaded);
    else
        awaited_set(tpm, service, bm_buf_bytes(&public));
    return rc;
}

/* For sentences. */
#define WHAT (BM_MAX_NAME + 32)
static const char *
what_of(char ret[static WHAT], const char *service)
{
    (void)snprintf(ret, WHAT, "the key of service %s", service);
    return ret;
}

static enum bm_rc
record_get(struct bm_tpm2 *tpm, const char *service, bool pending, struct bm_tpm2_record *ret_record, TPM2B_PUBLIC *ret_public,
           struct bm_fail *fail)
{
    char what[WHAT];
    enum bm_rc rc;

    if ((rc = service_check(service, fail)) != BM_OK ||
        (rc = bm_tpm2_record_get(tpm, service, pending ? BM_TPM2_PENDING : BM_TPM2_LIVE, ret_record, fail)) != BM_OK)
        return rc;
    return bm_tpm2_record_public(ret_public, ret_record, what_of(what, service), fail);
}

static enum bm_rc
tpm2_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    TPM2B_PUBLIC public;
    enum bm_rc rc = record_get(tpm_of(root), service, pending, &record, &public, fail);

    if (rc == BM_OK && pending)
        awaited_set(tpm_of(root), service, record.public);
    return rc != BM_OK ? rc : bm_tpm2_public_key(ret_public, &public, fail);
}

static void
loaded_swap(struct bm_tpm2 *tpm)
{
    const struct bm_bound bound = tpm->other_bound;
    const ESYS_TR object = tpm->other;
    uint8_t hash[BM_HASH];

    memcpy(hash, tpm->other_hash, BM_HASH);
    tpm->other = tpm->loaded;
    tpm->other_bound = tpm->loaded_bound;
    memcpy(tpm->other_hash, tpm->loaded_hash, BM_HASH);
    tpm->loaded = object;
    tpm->loaded_bound = bound;
    memcpy(tpm->loaded_hash, hash, BM_HASH);
}

/* Is it tpm->loaded, or was it before? Where there is room, tpm->loaded is free then, and what was there is kept beside it. */
static bool
loaded_find(struct bm_tpm2 *tpm, const uint8_t hash[static BM_HASH])
{
    if (tpm->loaded != ESYS_TR_NONE && memcmp(hash, tpm->loaded_hash, BM_HASH) == 0)
        return true;
    if (tpm->other != ESYS_TR_NONE && memcmp(hash, tpm->other_hash, BM_HASH) == 0) {
        loaded_swap(tpm);
        return true;
    }
    bm_tpm2_flush(tpm, &tpm->other);
    if (tpm->ek == ESYS_TR_NONE && tpm->ak == ESYS_TR_NONE)
        loaded_swap(tpm);
    return false;
}

/* tpm->loaded becomes this key. */
static enum bm_rc
key_use(struct bm_tpm2 *tpm, const char *service, bool pending, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    TPM2B_PUBLIC public;
    char what[WHAT];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    loaded_name(hash, service, pending);
    if (loaded_find(tpm, hash))
        return BM_OK;
    if ((rc = record_get(tpm, service, pending, &record, &public, fail)) != BM_OK ||
        (rc = bm_tpm2_load(tpm, &record, what_of(what, service), &tpm->loaded, fail)) != BM_OK)
        return rc;
    memcpy(tpm->loaded_hash, hash, BM_HASH);
    if ((rc = bm_bound_parse(&tpm->loaded_bound, record.bound, fail)) != BM_OK)
        bm_tpm2_flush(tpm, &tpm->loaded);
    return rc;
}

/* With the key loaded, and under its policy where it is bound. *ret_trc: what the TPM said to that. */
static enum bm_rc
digest_sign(struct bm_tpm2 *tpm, const char *service, bool pending, const TPM2B_DIGEST *digest, TPMT_SIGNATURE **ret_made, TSS2_RC *ret_trc,
            struct bm_fail *fail)
{
    static const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
    static const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
    ESYS_TR session = ESYS_TR_NONE;
    char what[WHAT];
    enum bm_rc rc;

    if ((rc = key_use(tpm, service, pending, fail)) != BM_OK ||
        (tpm->loaded_bound.pcrs != 0 &&
         (rc = bm_tpm2_bound_session(tpm, &tpm->loaded_bound, what_of(what, service), &session, fail)) != BM_OK))
        return rc;
    *ret_trc = Esys_Sign(tpm->esys, tpm->loaded, session == ESYS_TR_NONE ? ESYS_TR_PASSWORD : session, ESYS_TR_NONE, ESYS_TR_NONE, digest,
                         &scheme, &no_ticket, ret_made);
    bm_tpm2_flush(tpm, &session);
    if (*ret_trc != TSS2_RC_SUCCESS)
        bm_tpm2_flush(tpm, &tpm->loaded);
    return BM_OK;
}

static enum bm_rc
tpm2_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
              struct bm_buf *signature, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = tpm_of(root);
    bool was_loaded = tpm->loaded != ESYS_TR_NONE;
    TPM2B_DIGEST digest = { .size = BM_HASH };
    TPMT_SIGNATURE *made = NULL;
    TSS2_RC trc;
    enum bm_rc rc;

    bm_sha256(digest.buffer, tbs);
    if ((rc = digest_sign(tpm, service, pending, &digest, &made, &trc, fail)) != BM_OK)
        return rc;
    if (trc != TSS2_RC_SUCCESS && was_loaded && /* the TPM was reset, or slept, or somebody flushed the key */
        (rc = digest_sign(tpm, service, pending, &digest, &made, &trc, fail)) != BM_OK)
        return rc;
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "sign", fail);
    bm_ecdsa_add(signature, bm_bytes(made->signature.ecdsa.signatureR.buffer, made->signature.ecdsa.signatureR.size),
                 bm_bytes(made->signature.ecdsa.signatureS.buffer, made->signature.ecdsa.signatureS.size));
    Esys_Free(made);
    *ret_alg = BM_SIG_ECDSA_SHA256;
    return bm_buf_check(signature, "the signature", fail);
}

static enum bm_rc
tpm2_attestation_key(struct bm_root *root, struct bm_buf *area, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = tpm_of(root);
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

static enum bm_rc
tpm2_activate(struct bm_root *root, const struct bm_key *key, struct bm_bytes credential, struct bm_bytes encrypted_secret,
              struct bm_secret *ret_secret, struct bm_fail *fail)
{
    TPM2B_ID_OBJECT id = { 0 };
    TPM2B_ENCRYPTED_SECRET encrypted = { 0 };
    size_t at = 0, at2 = 0;

    if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(credential.p, credential.n, &at, &id) != TSS2_RC_SUCCESS || at != credential.n ||
        Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(encrypted_secret.p, encrypted_secret.n, &at2, &encrypted) != TSS2_RC_SUCCESS ||
        at2 != encrypted_secret.n)
        return bm_fail(fail, BM_EINPUT, NULL, "the server's challenge is malformed");
    return credential_open(tpm_of(root), key, &id, &encrypted, ret_secret, fail);
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

    if ((rc = key_use(tpm, c->service, c->pending, fail)) != BM_OK || (rc = certifier_use(tpm, c->by, fail)) != BM_OK)
        return rc;
    *ret_trc = Esys_Certify(tpm->esys, tpm->loaded, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &c->extra, &keys_own,
                            ret_said, ret_signed);
    bm_tpm2_object_close(tpm, &tpm->ak);
    if (*ret_trc != TSS2_RC_SUCCESS)
        bm_tpm2_flush(tpm, &tpm->loaded);
    return BM_OK;
}

static enum bm_rc
tpm2_certify(struct bm_root *root, const struct bm_key *by, const char *service, bool pending, struct bm_bytes extra_data,
             struct bm_buf *area, struct bm_buf *attest, struct bm_buf *signature, struct bm_fail *fail)
{
    struct certifying c = { .by = by, .service = service, .pending = pending, .extra.size = (uint16_t)extra_data.n };
    struct bm_tpm2 *tpm = tpm_of(root);
    struct bm_tpm2_record record;
    TPM2B_ATTEST *said = NULL;
    TPMT_SIGNATURE *signed_by = NULL;
    TPM2B_PUBLIC public;
    TSS2_RC trc;
    enum bm_rc rc;

    if (extra_data.n > sizeof(c.extra.buffer))
        return bm_fail(fail, BM_EBUG, NULL, "a TPM certifies with at most %zu bytes beside", sizeof(c.extra.buffer));
    memcpy(c.extra.buffer, extra_data.p, extra_data.n);
    if ((rc = record_get(tpm, service, pending, &record, &public, fail)) != BM_OK ||
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

static bool
certs_same(const struct bm_tpm2_record *record, const struct bm_bytes *certs, size_t ncerts)
{
    struct bm_rd rd = bm_rd(record->certs);

    for (size_t i = 0; i < ncerts; i++) {
        if (!bm_bytes_equal(bm_rd_lv16(&rd, BM_MAX_CERT), certs[i]))
            return false;
    }
    return bm_rd_end(&rd);
}

static enum bm_rc
tpm2_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = tpm_of(root);
    struct bm_tpm2_record record;
    uint8_t pending[BM_HASH];
    enum bm_rc rc;

    if (ncerts == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "an identity has at least one certificate");
    ncerts = ncerts > CHAIN ? CHAIN : ncerts;
    if ((rc = service_check(service, fail)) != BM_OK)
        return rc;
    if ((rc = bm_tpm2_record_get(tpm, service, BM_TPM2_PENDING, &record, fail)) == BM_EPOLICY) {
        if ((rc = bm_tpm2_record_get(tpm, service, BM_TPM2_LIVE, &record, fail)) == BM_OK && certs_same(&record, certs, ncerts))
            return BM_OK; /* NV memory wears out: nothing to write */
    }
    if (rc != BM_OK || (rc = awaited_check(tpm, service, &record, fail)) != BM_OK)
        return rc;
    loaded_name(pending, service, true); /* where the key is loaded it stays so, and is the live one from here on */
    if (!loaded_find(tpm, pending))
        bm_tpm2_flush(tpm, &tpm->loaded);
    bm_tpm2_flush(tpm, &tpm->other);
    rc = bm_tpm2_record_put(tpm, service, BM_TPM2_LIVE, record.public, record.private, record.bound, certs, ncerts, fail);
    if (rc == BM_OK)
        loaded_name(tpm->loaded_hash, service, false);
    return rc;
}

static enum bm_rc
tpm2_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = service_check(service, fail)) != BM_OK ||
        (rc = bm_tpm2_record_get(tpm_of(root), service, BM_TPM2_LIVE, &record, fail)) != BM_OK)
        return rc;
    for (rd = bm_rd(record.certs); rd.left > 0 && !rd.bad;)
        bm_buf_add_lv32(certs, bm_rd_lv16(&rd, BM_MAX_CERT));
    return bm_buf_check(certs, "the certificates", fail);
}

static enum bm_rc
tpm2_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    return bm_tpm2_names_add(tpm_of(root), BM_TPM2_LIVE, names, fail);
}

static void
tpm2_forget(struct bm_root *root)
{
    bm_tpm2_room_make(tpm_of(root)); /* what is loaded is known by a service's name */
    bm_tpm2_seen_free(tpm_of(root));
}

const struct bm_root_ops bm_root_tpm2 = {
    .scheme = "tpm2",
    .open = tpm2_open,
    .close = tpm2_close,
    .forget = tpm2_forget,
    .identify = tpm2_identify,
    .speaker = tpm2_speaker,
    .root_sign = bm_tpm2_root_sign,
    .attestation_key = tpm2_attestation_key,
    .activate = tpm2_activate,
    .certify = tpm2_certify,
    .key_new = tpm2_key_new,
    .key_public = tpm2_key_public,
    .key_sign = tpm2_key_sign,
    .commit = tpm2_commit,
    .certs = tpm2_certs,
    .services = tpm2_services,
    .retire = bm_tpm2_retire,
    .reset = bm_tpm2_reset,
    .seal = bm_tpm2_seal,
    .unseal = bm_tpm2_unseal,
    .sealed = bm_tpm2_sealed,
    .sealed_remove = bm_tpm2_sealed_remove,
    .bind = bm_tpm2_bind,
    .boot_values = bm_tpm2_boot_values,
    .boot_permit = bm_tpm2_boot_permit,
    .bound_tell = bm_tpm2_bound_tell,
};
