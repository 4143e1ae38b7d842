/* enrol_tpm.c - a TPM whose root key only decrypts: challenge, activation, certification. */
#include "device/enrol.h"

#include "wire/json.h"
#include "wire/text.h"

static bool
text_put(json_t *object, const char *key, const char *text)
{
    return json_object_set_new(object, key, json_string(text)) == 0;
}

static bool
b64_put(json_t *object, const char *key, struct bm_bytes bytes)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_EVIDENCE * 2 };

    bm_b64_add(&text, BM_B64_STD, bytes);
    return !text.bad && json_object_set_new(object, key, json_stringn((const char *)text.p, text.n)) == 0;
}

/* What both trips begin with. */
static enum bm_rc
request_new(json_t **ret_request, const struct bm_enrol_run *run, struct bm_bytes ak, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = json_object();

    if (request == NULL || !text_put(request, "service", run->enrol->service) ||
        (run->enrol->profile != NULL && !text_put(request, "profile", run->enrol->profile)) ||
        !b64_put(request, "ek", bm_key_spki(run->root_key)) || !b64_put(request, "ak", ak))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *ret_request = bm_take(request);
    return BM_OK;
}

static enum bm_rc
ask(json_t **ret_reply, const struct bm_enrol_run *run, const char *path, const json_t *request, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_HTTP_BODY }, reply = { .max = BM_MAX_HTTP_BODY };
    enum bm_rc rc;

    if ((rc = bm_json_print(&body, request, fail)) != BM_OK ||
        (rc = bm_http_post(run->http, path, "application/json", bm_buf_bytes(&body), "application/json", &reply, fail)) != BM_OK)
        return rc;
    return bm_json_parse(ret_reply, bm_buf_bytes(&reply), BM_MAX_JSON, fail);
}

static enum bm_rc
challenge(struct bm_secret *ret_secret, const struct bm_enrol_run *run, struct bm_bytes ak, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL, *reply = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf credential = { .max = 1024 }, secret = { .max = 1024 };
    struct bm_root *root = run->enrol->root;
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = request_new(&request, run, ak, fail)) != BM_OK || (rc = ask(&reply, run, "/v1/tpm/challenge", request, fail)) != BM_OK)
        return rc;
    in = bm_json_in(reply, "server's challenge", fail);
    bm_json_b64(&in, "credential", &credential);
    bm_json_b64(&in, "secret", &secret);
    if ((rc = bm_json_in_end(&in)) != BM_OK)
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
    rc = root->ops->certify(root, run->enrol->service, run->pending, bm_bytes(digest, sizeof(digest)), &area, &attest, &signature, fail);
    if (rc != BM_OK)
        return rc;
    if (!b64_put(request, "key", bm_buf_bytes(&area)) || !b64_put(request, "attest", bm_buf_bytes(&attest)) ||
        !b64_put(request, "signature", bm_buf_bytes(&signature)) || !b64_put(request, "csr", run->csr) ||
        !b64_put(request, "proof", bm_bytes(proof, sizeof(proof))))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    return BM_OK;
}

static enum bm_rc
certs_read(struct bm_buf *certs, json_t *reply, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(reply, "server's reply", fail);
    json_t *list = bm_json_array(&in, "certificates", BM_ENROL_CERTS), *one;
    size_t i;
    enum bm_rc rc;

    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    json_array_foreach(list, i, one)
    {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };

        if (!json_is_string(one))
            return bm_fail(fail, BM_EINPUT, NULL, "the server's reply: a certificate is no text");
        if ((rc = bm_b64_parse(&der, BM_B64_STD, bm_bytes(json_string_value(one), json_string_length(one)), fail)) != BM_OK) {
            bm_fail_prefix(fail, "the server's reply");
            return rc;
        }
        bm_buf_add_lv32(certs, bm_buf_bytes(&der));
    }
    return bm_buf_check(certs, "the server's reply", fail);
}

enum bm_rc
bm_enrol_tpm_activated(const struct bm_enrol_run *run, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = NULL, *reply = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf ak = { .max = 1024 };
    struct bm_root *root = run->enrol->root;
    BM_SECRET(secret);
    enum bm_rc rc;

    if ((rc = root->ops->attestation_key(root, &ak, fail)) != BM_OK || (rc = challenge(&secret, run, bm_buf_bytes(&ak), fail)) != BM_OK ||
        (rc = request_new(&request, run, bm_buf_bytes(&ak), fail)) != BM_OK || (rc = request_fill(request, run, &secret, fail)) != BM_OK ||
        (rc = ask(&reply, run, "/v1/tpm/enrol", request, fail)) != BM_OK)
        return rc;
    return certs_read(certs, reply, fail);
}
