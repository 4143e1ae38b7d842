/* enrol_tpm.c - a TPM whose root key only decrypts: challenge, activation, certification. */
#include "device/enrol.h"

/* What both trips begin with. */
static enum bm_rc
request_new(json_t **ret_request, const struct bm_enrol_run *run, struct bm_bytes ak, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = json_object();

    if (request == NULL || !bm_enrol_text_put(request, "service", run->enrol->service) ||
        (run->enrol->profile != NULL && !bm_enrol_text_put(request, "profile", run->enrol->profile)) ||
        !bm_enrol_b64_put(request, "ek", bm_key_spki(run->root_key)) || !bm_enrol_b64_put(request, "ak", ak))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *ret_request = bm_take(request);
    return BM_OK;
}

static enum bm_rc
challenge(struct bm_secret *ret_secret, const struct bm_enrol_run *run, struct bm_bytes ak, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf credential = { .max = 1024 }, secret = { .max = 1024 }, reply = { .max = BM_MAX_HTTP_BODY };
    struct bm_root *root = run->enrol->root;
    enum bm_rc rc;

    if ((rc = request_new(&request, run, ak, fail)) != BM_OK ||
        (rc = bm_enrol_ask(&reply, run, "/v1/tpm/challenge", request, fail)) != BM_OK ||
        (rc = bm_enrol_challenge_parse(&credential, &secret, bm_buf_bytes(&reply), fail)) != BM_OK)
        return rc;
    return root->ops->activate(root, run->root_key, bm_buf_bytes(&credential), bm_buf_bytes(&secret), ret_secret, fail);
}

static enum bm_rc
request_fill(json_t *request, const struct bm_enrol_run *run, const struct bm_secret *secret, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 };
    struct bm_root *root = run->enrol->root;
    uint8_t digest[BM_HASH], proof[BM_HASH];
    enum bm_rc rc;

    bm_sha256(digest, run->csr);
    bm_hmac256(proof, bm_bytes(secret->b, secret->n), bm_bytes(digest, sizeof(digest)));
    rc = root->ops->certify(root, NULL, run->enrol->service, run->pending, bm_bytes(digest, sizeof(digest)), &area, &attest, &signature,
                            fail);
    if (rc != BM_OK)
        return rc;
    if (!bm_enrol_b64_put(request, "key", bm_buf_bytes(&area)) || !bm_enrol_b64_put(request, "attest", bm_buf_bytes(&attest)) ||
        !bm_enrol_b64_put(request, "signature", bm_buf_bytes(&signature)) || !bm_enrol_b64_put(request, "csr", run->csr) ||
        !bm_enrol_b64_put(request, "proof", bm_bytes(proof, sizeof(proof))))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return BM_OK;
}

enum bm_rc
bm_enrol_tpm_activated(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf ak = { .max = 1024 }, reply = { .max = BM_MAX_HTTP_BODY };
    struct bm_root *root = run->enrol->root;
    BM_SECRET(secret);
    enum bm_rc rc;

    if ((rc = root->ops->attestation_key(root, &ak, fail)) != BM_OK || (rc = challenge(&secret, run, bm_buf_bytes(&ak), fail)) != BM_OK ||
        (rc = request_new(&request, run, bm_buf_bytes(&ak), fail)) != BM_OK || (rc = request_fill(request, run, &secret, fail)) != BM_OK)
        return rc;
    if (run->enrol->renew) {
        (void)json_object_del(request, "service");
        (void)json_object_del(request, "profile");
        return bm_renew_ask(run, "tpm", bm_take(request), certs, fail);
    }
    if ((rc = bm_enrol_ask(&reply, run, "/v1/tpm/enrol", request, fail)) != BM_OK)
        return rc;
    return bm_enrol_certs_parse(certs, bm_buf_bytes(&reply), fail);
}
