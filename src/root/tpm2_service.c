/* tpm2_service.c - a service's keys and certificates in a TPM: made, used, kept loaded, committed. */
#include "root/tpm2.h"

#include "pki/raw.h"
#include "wire/rd.h"

#include <stdio.h>

#define CHAIN 2 /* certificates that an identity keeps in NV: leaf and issuing CA */

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

enum bm_rc
bm_tpm2_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf public = { .max = sizeof(TPM2B_PUBLIC) }, private = { .max = sizeof(TPM2B_PRIVATE) };
    bm_cleanup(bm_buf_done) struct bm_buf bound = { .max = BM_BOUND_BYTES };
    struct bm_bytes none = bm_bytes(NULL, 0);
    TPM2B_PUBLIC made;
    enum bm_rc rc;

    bm_bound_build(&bound, &tpm->bind);
    if ((rc = bm_service_check(service, fail)) != BM_OK || (rc = bm_buf_check(&bound, "what it is bound to", fail)) != BM_OK ||
        (rc = bm_tpm2_create(tpm, BM_TPM2_OPERATIONAL, none, &tpm->loaded.object, &made, &public, &private, fail)) != BM_OK)
        return rc;
    loaded_name(tpm->loaded.name, service, true);
    tpm->loaded.bound = tpm->bind;
    if ((rc = bm_tpm2_public_key(ret_public, &made, fail)) != BM_OK ||
        (rc = bm_tpm2_record_put(tpm, service, BM_TPM2_PENDING, bm_buf_bytes(&public), bm_buf_bytes(&private), bm_buf_bytes(&bound), NULL,
                                 0, fail)) != BM_OK)
        bm_tpm2_flush(tpm, &tpm->loaded.object);
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

enum bm_rc
bm_tpm2_key_record(struct bm_tpm2 *tpm, const char *service, bool pending, struct bm_tpm2_record *ret_record, TPM2B_PUBLIC *ret_public,
                   struct bm_fail *fail)
{
    char what[WHAT];
    enum bm_rc rc;

    if ((rc = bm_service_check(service, fail)) != BM_OK ||
        (rc = bm_tpm2_record_get(tpm, service, pending ? BM_TPM2_PENDING : BM_TPM2_LIVE, ret_record, fail)) != BM_OK)
        return rc;
    return bm_tpm2_record_public(ret_public, ret_record, what_of(what, service), fail);
}

enum bm_rc
bm_tpm2_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    TPM2B_PUBLIC public;
    enum bm_rc rc = bm_tpm2_key_record(bm_tpm2_of(root), service, pending, &record, &public, fail);

    if (rc == BM_OK && pending)
        awaited_set(bm_tpm2_of(root), service, record.public);
    return rc != BM_OK ? rc : bm_tpm2_public_key(ret_public, &public, fail);
}

static void
loaded_swap(struct bm_tpm2 *tpm)
{
    const struct bm_tpm2_loaded loaded = tpm->loaded;

    tpm->loaded = tpm->other;
    tpm->other = loaded;
}

/* Is it tpm->loaded.object, or was it before? Where there is room, tpm->loaded.object is free then, and what was there is kept beside it. */
static bool
loaded_find(struct bm_tpm2 *tpm, const uint8_t hash[static BM_HASH])
{
    if (tpm->loaded.object != ESYS_TR_NONE && memcmp(hash, tpm->loaded.name, BM_HASH) == 0)
        return true;
    if (tpm->other.object != ESYS_TR_NONE && memcmp(hash, tpm->other.name, BM_HASH) == 0) {
        loaded_swap(tpm);
        return true;
    }
    bm_tpm2_flush(tpm, &tpm->other.object);
    if (tpm->ek == ESYS_TR_NONE && tpm->ak == ESYS_TR_NONE)
        loaded_swap(tpm);
    return false;
}

/* tpm->loaded.object becomes this key. */
enum bm_rc
bm_tpm2_key_use(struct bm_tpm2 *tpm, const char *service, bool pending, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    TPM2B_PUBLIC public;
    char what[WHAT];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    loaded_name(hash, service, pending);
    if (loaded_find(tpm, hash))
        return BM_OK;
    if ((rc = bm_tpm2_key_record(tpm, service, pending, &record, &public, fail)) != BM_OK ||
        (rc = bm_tpm2_load(tpm, &record, what_of(what, service), &tpm->loaded.object, fail)) != BM_OK)
        return rc;
    memcpy(tpm->loaded.name, hash, BM_HASH);
    if ((rc = bm_bound_parse(&tpm->loaded.bound, record.bound, fail)) != BM_OK)
        bm_tpm2_flush(tpm, &tpm->loaded.object);
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

    if ((rc = bm_tpm2_key_use(tpm, service, pending, fail)) != BM_OK ||
        (tpm->loaded.bound.pcrs != 0 &&
         (rc = bm_tpm2_bound_session(tpm, &tpm->loaded.bound, what_of(what, service), &session, fail)) != BM_OK))
        return rc;
    *ret_trc = Esys_Sign(tpm->esys, tpm->loaded.object, session == ESYS_TR_NONE ? ESYS_TR_PASSWORD : session, ESYS_TR_NONE, ESYS_TR_NONE,
                         digest, &scheme, &no_ticket, ret_made);
    bm_tpm2_flush(tpm, &session);
    if (*ret_trc != TSS2_RC_SUCCESS)
        bm_tpm2_flush(tpm, &tpm->loaded.object);
    return BM_OK;
}

enum bm_rc
bm_tpm2_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                 struct bm_buf *signature, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    bool was_loaded = tpm->loaded.object != ESYS_TR_NONE;
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

enum bm_rc
bm_tpm2_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    struct bm_tpm2_record record;
    uint8_t pending[BM_HASH];
    enum bm_rc rc;

    if (ncerts == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "an identity has at least one certificate");
    ncerts = ncerts > CHAIN ? CHAIN : ncerts;
    if ((rc = bm_service_check(service, fail)) != BM_OK)
        return rc;
    if ((rc = bm_tpm2_record_get(tpm, service, BM_TPM2_PENDING, &record, fail)) == BM_EPOLICY) {
        if ((rc = bm_tpm2_record_get(tpm, service, BM_TPM2_LIVE, &record, fail)) == BM_OK && certs_same(&record, certs, ncerts))
            return BM_OK; /* NV memory wears out: nothing to write */
    }
    if (rc != BM_OK || (rc = awaited_check(tpm, service, &record, fail)) != BM_OK)
        return rc;
    loaded_name(pending, service, true); /* where the key is loaded it stays so, and is the live one from here on */
    if (!loaded_find(tpm, pending))
        bm_tpm2_flush(tpm, &tpm->loaded.object);
    bm_tpm2_flush(tpm, &tpm->other.object);
    rc = bm_tpm2_record_put(tpm, service, BM_TPM2_LIVE, record.public, record.private, record.bound, certs, ncerts, fail);
    if (rc == BM_OK)
        loaded_name(tpm->loaded.name, service, false);
    return rc;
}

enum bm_rc
bm_tpm2_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = bm_service_check(service, fail)) != BM_OK ||
        (rc = bm_tpm2_record_get(bm_tpm2_of(root), service, BM_TPM2_LIVE, &record, fail)) != BM_OK)
        return rc;
    for (rd = bm_rd(record.certs); rd.left > 0 && !rd.bad;)
        bm_buf_add_lv32(certs, bm_rd_lv16(&rd, BM_MAX_CERT));
    return bm_buf_check(certs, "the certificates", fail);
}
