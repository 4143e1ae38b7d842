/* enrol_root_signed.c - a root key that signs: nonce, CMC full request, certs-only reply. */
#include "device/enrol.h"

#include "evidence/cmc.h"
#include "evidence/dice.h"
#include "evidence/word.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>

#define FRESHNESS "application/est-attestation-freshness+json" /* draft-ietf-lamps-attestation-freshness */

enum bm_rc
bm_enrol_nonce_get(struct bm_buf *nonce, const struct bm_enrol_run *run, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 256 }, reply = { .max = BM_MAX_JSON };
    enum bm_rc rc;

    bm_buf_add_str(&body, "{\"reqInfo\":\"");
    bm_b64_add(&body, BM_B64_URL, bm_bytes(run->root_key->hash, BM_HASH));
    bm_buf_add_str(&body, "\"}");
    if ((rc = bm_buf_check(&body, "the request for a nonce", fail)) != BM_OK ||
        (rc = bm_http_post(run->http, "/.well-known/est/nonce", "application/json", bm_buf_bytes(&body), FRESHNESS, &reply, fail)) != BM_OK)
        return rc;
    return bm_enrol_nonce_parse(nonce, bm_buf_bytes(&reply), fail);
}

/* Where the root measured firmware: its certificates, and Alias's signature over the request. Nothing where it did not. */
static enum bm_rc
dice_make(struct bm_buf *dice, const struct bm_enrol_run *run, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = 64 }, certs = { .max = 2 * (BM_MAX_CERT + 4) };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_root *root = run->enrol->root;
    struct bm_dice_evidence evidence;
    enum bm_sig_alg alg;
    struct bm_rd rd;
    enum bm_rc rc;

    if (root->ops->dice == NULL)
        return BM_OK;
    bm_word_tbs(&tbs, BM_WORD_DICE, run->csr);
    if ((rc = bm_buf_check(&tbs, "the request", fail)) != BM_OK)
        return rc;
    if ((rc = root->ops->dice(root, bm_buf_bytes(&tbs), &certs, &alg, &signature, fail)) != BM_OK)
        return rc == BM_EPOLICY ? BM_OK : rc;
    rd = bm_rd(bm_buf_bytes(&certs));
    evidence.device_id = bm_rd_lv32(&rd, BM_MAX_CERT);
    evidence.alias = bm_rd_lv32(&rd, BM_MAX_CERT);
    evidence.signature = bm_buf_bytes(&signature);
    bm_dice_evidence_build(dice, &evidence);
    return bm_buf_check(dice, "the evidence of the firmware", fail);
}

/* The whole request, in base64 as EST carries it. */
static enum bm_rc
cmc_make(struct bm_buf *body, const struct bm_enrol_run *run, struct bm_bytes nonce, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = BM_MAX_EVIDENCE }, attrs = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE }, cmc = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_buf_done) struct bm_buf dice = { .max = BM_MAX_EVIDENCE };
    struct bm_root *root = run->enrol->root;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    if ((rc = dice_make(&dice, run, fail)) != BM_OK)
        return rc;
    bm_cmc_prepare_dice(&content, &attrs, run->csr, nonce, bm_buf_bytes(&dice), bm_key_sig_alg(run->root_key->alg));
    if ((rc = bm_buf_check(&content, "the request", fail)) != BM_OK || (rc = bm_buf_check(&attrs, "the request", fail)) != BM_OK ||
        (rc = root->ops->root_sign(root, run->root_key, bm_buf_bytes(&attrs), &alg, &signature, fail)) != BM_OK)
        return rc;
    bm_cmc_build_certs(&cmc, bm_buf_bytes(&content), bm_buf_bytes(&attrs), bm_key_ski(run->root_key).octets, alg, bm_buf_bytes(&signature),
                       run->root_certs);
    if ((rc = bm_buf_check(&cmc, "the request", fail)) != BM_OK)
        return rc;
    bm_b64_add(body, BM_B64_STD, bm_buf_bytes(&cmc));
    return bm_buf_check(body, "the request", fail);
}

static enum bm_rc
cert_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_lv32(ctx, der);
    return BM_OK;
}

enum bm_rc
bm_enrol_root_signed(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf nonce = { .max = 256 }, body = { .max = BM_MAX_HTTP_BODY };
    bm_cleanup(bm_buf_done) struct bm_buf reply = { .max = BM_MAX_HTTP_BODY }, der = { .max = BM_MAX_HTTP_BODY };
    const char *label = run->enrol->profile != NULL ? run->enrol->profile : run->enrol->service;
    char path[BM_MAX_NAME + 64];
    enum bm_rc rc;

    (void)snprintf(path, sizeof(path), "/.well-known/est/%s/fullcmc", label);
    if ((rc = bm_enrol_nonce_get(&nonce, run, fail)) != BM_OK || (rc = cmc_make(&body, run, bm_buf_bytes(&nonce), fail)) != BM_OK)
        return rc;
    if (run->renews)
        return bm_renew_ask(run, "cmc", json_stringn((const char *)body.p, body.n), certs, fail);
    if ((rc = bm_http_post(run->http, path, "application/pkcs7-mime; smime-type=CMC-request", bm_buf_bytes(&body), "application/pkcs7-mime",
                           &reply, fail)) != BM_OK)
        return rc;
    if ((rc = bm_b64_parse(&der, BM_B64_LOOSE, bm_buf_bytes(&reply), fail)) != BM_OK ||
        (rc = bm_certs_only_parse(bm_buf_bytes(&der), cert_add, certs, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the server's reply");
        return rc;
    }
    return bm_buf_check(certs, "the server's reply", fail);
}
