/* enrol_tpm.c - a TPM: its root key only decrypts (challenge, activation, certification), or its lot lists the attestation key that certifies. */
#include "device/enrol.h"

#include "evidence/tpm.h"
#include "wire/der.h"
#include "wire/text.h"

static enum bm_rc
request_new(json_t **ret_request, const struct bm_enrol_run *run, const char *root_field, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = json_object();

    if (request == NULL || !bm_enrol_text_put(request, "service", run->enrol->service) ||
        (run->enrol->profile != NULL && !bm_enrol_text_put(request, "profile", run->enrol->profile)) ||
        !bm_enrol_b64_put(request, root_field, bm_key_spki(run->root_key)))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *ret_request = bm_take(request);
    return BM_OK;
}

/* What both trips of an activation begin with. */
static enum bm_rc
trip_new(json_t **ret_request, const struct bm_enrol_run *run, struct bm_bytes ak, struct bm_fail *fail)
{
    enum bm_rc rc = request_new(ret_request, run, "ek", fail);

    if (rc == BM_OK && !bm_enrol_b64_put(*ret_request, "ak", ak))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return rc;
}

static enum bm_rc
challenge(struct bm_secret *ret_secret, const struct bm_enrol_run *run, struct bm_bytes ak, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf credential = { .max = 1024 }, secret = { .max = 1024 }, reply = { .max = BM_MAX_HTTP_BODY };
    struct bm_root *root = run->enrol->root;
    enum bm_rc rc;

    if ((rc = trip_new(&request, run, ak, fail)) != BM_OK ||
        (rc = bm_enrol_ask(&reply, run, "/v1/tpm/challenge", request, fail)) != BM_OK ||
        (rc = bm_enrol_challenge_parse(&credential, &secret, bm_buf_bytes(&reply), fail)) != BM_OK)
        return rc;
    return root->ops->activate(root, run->root_key, bm_buf_bytes(&credential), bm_buf_bytes(&secret), ret_secret, fail);
}

/* "ekcert": what the TPM holds of its endorsement certificates. */
static bool
certs_put(json_t *request, struct bm_bytes certs)
{
    struct bm_rd rd = bm_rd(certs);
    json_t *list = json_array();
    bool ok = list != NULL;

    while (ok && rd.left > 0) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 2 * BM_MAX_CERT };
        struct bm_bytes der = bm_der_raw(&rd, BM_DER_SEQUENCE);

        bm_b64_add(&text, BM_B64_STD, der);
        ok = !rd.bad && !text.bad && json_array_append_new(list, json_stringn((const char *)text.p, text.n)) == 0;
    }
    if (!ok || json_array_size(list) == 0) {
        json_decref(list);
        return ok;
    }
    return json_object_set_new(request, "ekcert", list) == 0;
}

/* What the TPM says of the key, in both ways. by: NULL, the key that is activated. */
static enum bm_rc
request_fill(json_t *request, const struct bm_enrol_run *run, const struct bm_key *by, const uint8_t extra[static BM_HASH],
             struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 };
    struct bm_root *root = run->enrol->root;
    enum bm_rc rc =
        root->ops->certify(root, by, run->enrol->service, run->pending, bm_bytes(extra, BM_HASH), &area, &attest, &signature, fail);

    if (rc != BM_OK)
        return rc;
    if (!bm_enrol_b64_put(request, "key", bm_buf_bytes(&area)) || !bm_enrol_b64_put(request, "attest", bm_buf_bytes(&attest)) ||
        !bm_enrol_b64_put(request, "signature", bm_buf_bytes(&signature)) || !bm_enrol_b64_put(request, "csr", run->csr))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return BM_OK;
}

static enum bm_rc
request_send(json_t **request, const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf reply = { .max = BM_MAX_HTTP_BODY };
    enum bm_rc rc;

    if (run->renews) {
        (void)json_object_del(*request, "service");
        (void)json_object_del(*request, "profile");
        return bm_renew_ask(run, "tpm", bm_take(*request), certs, fail);
    }
    if ((rc = bm_enrol_ask(&reply, run, "/v1/tpm/enrol", *request, fail)) != BM_OK)
        return rc;
    return bm_enrol_certs_parse(certs, bm_buf_bytes(&reply), fail);
}

enum bm_rc
bm_enrol_tpm_activated(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf ak = { .max = 1024 };
    struct bm_root *root = run->enrol->root;
    uint8_t digest[BM_HASH], proof[BM_HASH];
    BM_SECRET(secret);
    enum bm_rc rc;

    if ((rc = root->ops->attestation_key(root, &ak, fail)) != BM_OK || (rc = challenge(&secret, run, bm_buf_bytes(&ak), fail)) != BM_OK)
        return rc;
    bm_sha256(digest, run->csr);
    bm_hmac256(proof, bm_bytes(secret.b, secret.n), bm_bytes(digest, sizeof(digest)));
    if ((rc = trip_new(&request, run, bm_buf_bytes(&ak), fail)) != BM_OK || (rc = request_fill(request, run, NULL, digest, fail)) != BM_OK)
        return rc;
    if (!bm_enrol_b64_put(request, "proof", bm_bytes(proof, sizeof(proof))) || !certs_put(request, run->root_certs))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return request_send(&request, run, certs, fail);
}

enum bm_rc
bm_enrol_tpm_certified(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf nonce = { .max = 256 };
    uint8_t extra[BM_HASH];
    enum bm_rc rc;

    if ((rc = bm_enrol_nonce_get(&nonce, run, fail)) != BM_OK)
        return rc;
    bm_tpm_certified_data(extra, bm_buf_bytes(&nonce), run->csr);
    if ((rc = request_new(&request, run, "iak", fail)) != BM_OK || (rc = request_fill(request, run, run->root_key, extra, fail)) != BM_OK)
        return rc;
    if (!bm_enrol_b64_put(request, "nonce", bm_buf_bytes(&nonce)))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return request_send(&request, run, certs, fail);
}
