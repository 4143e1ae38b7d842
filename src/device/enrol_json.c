/* enrol_json.c - JSON between agent and server: how requests are filled, and what a reply may say. */
#include "device/enrol.h"

#include "wire/text.h"

bool
bm_enrol_text_put(json_t *object, const char *key, const char *text)
{
    return json_object_set_new(object, key, json_string(text)) == 0;
}

bool
bm_enrol_b64_put(json_t *object, const char *key, struct bm_bytes bytes)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_EVIDENCE * 2 };

    bm_b64_add(&text, BM_B64_STD, bytes);
    return !text.bad && json_object_set_new(object, key, json_stringn((const char *)text.p, text.n)) == 0;
}

enum bm_rc
bm_enrol_ask(struct bm_buf *reply, const struct bm_enrol_run *run, const char *path, const json_t *request, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_HTTP_BODY };
    enum bm_rc rc;

    if ((rc = bm_json_print(&body, request, fail)) != BM_OK)
        return rc;
    return bm_http_post(run->http, path, "application/json", bm_buf_bytes(&body), "application/json", reply, fail);
}

enum bm_rc
bm_enrol_nonce_parse(struct bm_buf *nonce, struct bm_bytes reply, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    const char *text;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, reply, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "server's nonce", fail);
    text = bm_json_str(&in, "nonce", 256);
    (void)bm_json_u64(&in, "expiry", 0, UINT32_MAX); /* we use it at once */
    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    return bm_b64_parse(nonce, BM_B64_URL, bm_bytes_str(text), fail);
}

enum bm_rc
bm_enrol_challenge_parse(struct bm_buf *credential, struct bm_buf *secret, struct bm_bytes reply, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, reply, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "server's challenge", fail);
    bm_json_b64(&in, "credential", credential);
    bm_json_b64(&in, "secret", secret);
    return bm_json_in_end(&in);
}

enum bm_rc
bm_enrol_certs_parse(struct bm_buf *certs, struct bm_bytes reply, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    json_t *list, *one;
    size_t i;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, reply, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "server's reply", fail);
    list = bm_json_array(&in, "certificates", BM_ENROL_CERTS);
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
