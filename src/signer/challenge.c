/* challenge.c - nonces and activation secrets: made without state, so they need no record. */
#include "base/base.h"
#include "signer/signer.h"

#include "evidence/nonce.h"
#include "evidence/tpm.h"

enum bm_rc
bm_serve_nonce(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    uint8_t root[BM_HASH], nonce[BM_NONCE];
    struct bm_fail why = { .rc = BM_OK };
    bm_time now;

    bm_rd_copy(&body, root, sizeof(root));
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a nonce is malformed");
    if (signer->env->now(signer->env->ctx, &now, &why) != BM_OK)
        return bm_batch_refuse(signer, id, &why, NULL, fail);
    bm_nonce_make(nonce, &signer->nonce_key, BM_PURPOSE_ROOT, root, bm_nonce_epoch(now));
    bm_buf_reset(&signer->body);
    bm_buf_add(&signer->body, nonce, sizeof(nonce));
    bm_buf_add_u32(&signer->body, (uint32_t)(2 * BM_NONCE_EPOCH - now % BM_NONCE_EPOCH));
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}

/* The secret that only this TPM's endorsement key gives back, for this attestation key. */
static enum bm_rc
credential_make(struct bm_signer *signer, const struct bm_key *ek, const struct bm_tpm_public *ak, bm_time now, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf credential = { .max = BM_MAX_TPM }, encrypted = { .max = BM_MAX_TPM };
    uint8_t subject[BM_HASH], seed[64];
    BM_SECRET(secret);
    enum bm_rc rc;

    bm_tpm_subject(subject, ek->hash, bm_bytes(ak->name, ak->nname));
    secret.n = BM_NONCE;
    bm_nonce_make(secret.b, &signer->nonce_key, BM_PURPOSE_TPM, subject, bm_nonce_epoch(now));
    if ((rc = signer->env->random(signer->env->ctx, seed, sizeof(seed), fail)) != BM_OK)
        return rc;
    rc = bm_tpm_credential_make(&credential, &encrypted, ek, bm_bytes(ak->name, ak->nname), &secret, seed, fail);
    explicit_bzero(seed, sizeof(seed));
    if (rc != BM_OK)
        return rc;
    bm_buf_reset(&signer->body);
    bm_buf_add_lv16(&signer->body, bm_buf_bytes(&credential));
    bm_buf_add_lv16(&signer->body, bm_buf_bytes(&encrypted));
    return bm_buf_check(&signer->body, "a challenge", fail);
}

enum bm_rc
bm_serve_challenge(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_bytes spki = bm_rd_lv16(&body, BM_MAX_SPKI), area = bm_rd_lv16(&body, BM_MAX_TPM);
    struct bm_fail why = { .rc = BM_OK };
    struct bm_tpm_public ak;
    struct bm_key ek;
    bm_time now;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a challenge is malformed");
    if (signer->env->now(signer->env->ctx, &now, &why) != BM_OK || bm_key_parse(&ek, spki, &why) != BM_OK ||
        bm_tpm_public_parse(&ak, area, &why) != BM_OK || bm_tpm_public_check_attestation(&ak, &why) != BM_OK ||
        credential_make(signer, &ek, &ak, now, &why) != BM_OK)
        return bm_batch_refuse(signer, id, &why, NULL, fail);
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}
