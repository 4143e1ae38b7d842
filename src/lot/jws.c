#include "lot/jws.h"

#include "wire/der.h"
#include "wire/json.h"
#include "wire/text.h"

#include <stdio.h>

#define MAX_PROTECTED 1024 /* characters; Microchip's are 163 */

static void
start(struct bm_jws *jws)
{
    bm_buf_reset(&jws->text);
    bm_buf_reset(&jws->protected_json);
    bm_buf_reset(&jws->payload);
    jws->text.max = jws->protected_json.max = jws->payload.max = BM_MAX_JSON;
}

/* Base64url of exactly n bytes. */
static enum bm_rc
bytes_take(uint8_t *ret, size_t n, const char *text, const char *what, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 2 * n };

    if (bm_b64_parse(&buf, BM_B64_URL, bm_bytes_str(text), fail) != BM_OK || buf.n != n)
        return bm_fail(fail, BM_EINPUT, "RFC 7515 2", "its %s is not %zu bytes in base64url without padding", what, n);
    memcpy(ret, buf.p, n);
    return BM_OK;
}

/* What the signature covers, so its header is read before anything is believed; alg is what we say, not what the peer says. */
static enum bm_rc
protected_take(struct bm_jws *jws, struct bm_fail *fail)
{
    bm_cleanup(json_decrefp) json_t *object = NULL;
    const char *alg, *typ, *kid, *x5t;
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&object, bm_buf_bytes(&jws->protected_json), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(object, "signature's header", fail);
    alg = bm_json_str(&in, "alg", 16);
    typ = bm_json_str(&in, "typ", 16);
    kid = bm_json_str(&in, "kid", sizeof(jws->kid) - 1);
    x5t = bm_json_str(&in, "x5t#S256", 64);
    /* req: RFC7515 4.1.11 an extension that "crit" names is not understood here: every other member refuses */
    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    /* req: RFC7518 3.1 the algorithm is this one: "none" and HMAC with a public key are the classic forgeries (RFC 8725 3.1) */
    if (strcmp(alg, "ES256") != 0 || strcmp(typ, "JWT") != 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 8725 3.1",
                       "its signature says another algorithm or type than ES256 and JWT, the only ones Microchip signs with");
    (void)snprintf(jws->kid, sizeof(jws->kid), "%s", kid);
    return bytes_take(jws->signer, BM_HASH, x5t, "x5t#S256", fail);
}

static enum bm_rc
header_take(struct bm_jws *jws, json_t *header, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(header, "header", fail);

    (void)snprintf(jws->unique_id, sizeof(jws->unique_id), "%s", bm_json_str(&in, "uniqueId", BM_MAX_ID));
    return bm_json_in_end(&in);
}

static enum bm_rc
texts_take(struct bm_jws *jws, const char *protected_text, const char *payload, const char *signature, struct bm_fail *fail)
{
    enum bm_rc rc;

    /* req: RFC7515 5.2 the signing input is these characters, not what they decode to */
    bm_buf_add_fmt(&jws->text, "%s.", protected_text);
    bm_buf_add_str(&jws->text, payload);
    jws->nsigned = jws->text.n;
    bm_buf_add_fmt(&jws->text, ".%s", signature);
    if ((rc = bm_buf_check(&jws->text, "an entry", fail)) != BM_OK)
        return rc;
    if ((rc = bm_b64_parse(&jws->protected_json, BM_B64_URL, bm_bytes_str(protected_text), fail)) != BM_OK ||
        (rc = bm_b64_parse(&jws->payload, BM_B64_URL, bm_bytes_str(payload), fail)) != BM_OK)
        return rc;
    /* req: RFC7518 3.4 r and s of 32 octets each, one after the other */
    return bytes_take(jws->signature, BM_JWS_SIGNATURE, signature, "signature", fail);
}

enum bm_rc
bm_jws_parse(struct bm_jws *jws, struct bm_bytes object, struct bm_fail *fail)
{
    bm_cleanup(json_decrefp) json_t *json = NULL;
    const char *payload, *protected_text, *signature;
    struct bm_json_in in;
    json_t *header;
    enum bm_rc rc;

    start(jws);
    if ((rc = bm_json_parse(&json, object, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "entry", fail);
    payload = bm_json_str(&in, "payload", BM_MAX_JSON);
    protected_text = bm_json_str(&in, "protected", MAX_PROTECTED);
    signature = bm_json_str(&in, "signature", 128);
    header = bm_json_object(&in, "header");
    if ((rc = bm_json_in_end(&in)) != BM_OK || (rc = header_take(jws, header, fail)) != BM_OK ||
        (rc = texts_take(jws, protected_text, payload, signature, fail)) != BM_OK)
        return rc;
    return protected_take(jws, fail);
}

enum bm_rc
bm_jws_check(struct bm_crypto *crypto, const struct bm_jws *jws, const struct bm_cert *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_SIGNATURE }, kid = { .max = sizeof(jws->kid) };
    uint8_t hash[BM_HASH];
    size_t at;
    enum bm_rc rc;

    bm_sha256(hash, signer->der);
    bm_b64_add(&kid, BM_B64_URL, signer->ski);
    if (memcmp(hash, jws->signer, BM_HASH) != 0 || !bm_bytes_equal(bm_buf_bytes(&kid), bm_bytes_str(jws->kid)))
        return bm_fail(fail, BM_EPOLICY, "RFC 7515 4.1.4", "its kid and x5t#S256 do not name one signer's certificate");
    at = bm_der_begin(&der, BM_DER_SEQUENCE);
    bm_der_add_positive(&der, bm_bytes(jws->signature, BM_JWS_SIGNATURE / 2));
    bm_der_add_positive(&der, bm_bytes(jws->signature + BM_JWS_SIGNATURE / 2, BM_JWS_SIGNATURE / 2));
    bm_der_end(&der, at);
    if ((rc = bm_buf_check(&der, "a signature", fail)) != BM_OK)
        return rc;
    rc = bm_key_verify(crypto, &signer->key, BM_SIG_ECDSA_SHA256, bm_bytes(jws->text.p, jws->nsigned), bm_buf_bytes(&der), fail);
    if (rc == BM_EPOLICY || rc == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, "RFC 7515 5.2",
                       "its signature does not verify: the file was changed after Microchip signed it. Ask for it again");
    return rc;
}

void
bm_jws_done(struct bm_jws *jws)
{
    bm_buf_done(&jws->text);
    bm_buf_done(&jws->protected_json);
    bm_buf_done(&jws->payload);
}
