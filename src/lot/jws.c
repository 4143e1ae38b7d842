#include "lot/jws.h"

#include "lot/jws_cut.h"
#include "wire/der.h"
#include "wire/json.h"
#include "wire/text.h"

#include <stdio.h>

#define MAX_PROTECTED 1024 /* characters; Microchip's are 163 */

static void
start(struct bm_jws *jws)
{
    bm_buf_reset(&jws->text);
    bm_buf_reset(&jws->payload);
    jws->text.max = jws->payload.max = BM_MAX_JSON;
    jws->protected_text.max = jws->protected_json.max = MAX_PROTECTED;
}

/* Base64url of exactly n bytes. */
static enum bm_rc
bytes_take(uint8_t *ret, size_t n, struct bm_bytes text, const char *what, struct bm_fail *fail)
{
    struct bm_buf buf = bm_buf_in(ret, n);

    if (bm_b64_parse(&buf, BM_B64_URL, text, fail) != BM_OK || buf.n != n)
        return bm_fail(fail, BM_EINPUT, "RFC 7515 2", "its %s is not %zu bytes in base64url without padding", what, n);
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
    return bytes_take(jws->signer, BM_HASH, bm_bytes_str(x5t), "x5t#S256", fail);
}

static enum bm_rc
texts_take(struct bm_jws *jws, const struct bm_jws_parts *parts, struct bm_fail *fail)
{
    enum bm_rc rc;

    /* req: RFC7515 5.2 the signing input is these characters, not what they decode to */
    bm_buf_add_bytes(&jws->text, parts->protected_text);
    bm_buf_add_u8(&jws->text, '.');
    bm_buf_add_bytes(&jws->text, parts->payload);
    jws->nsigned = jws->text.n;
    bm_buf_add_u8(&jws->text, '.');
    bm_buf_add_bytes(&jws->text, parts->signature);
    if ((rc = bm_buf_check(&jws->text, "an entry", fail)) != BM_OK ||
        (rc = bm_b64_parse(&jws->payload, BM_B64_URL, parts->payload, fail)) != BM_OK)
        return rc;
    bm_sha256_begins(jws->hash_signed, jws->hash, bm_buf_bytes(&jws->text), jws->nsigned);
    /* req: RFC7518 3.4 r and s of 32 octets each, one after the other */
    return bytes_take(jws->signature, BM_JWS_SIGNATURE, parts->signature, "signature", fail);
}

/* One signer's header is the same text on every chip: read once, and again where it differs. */
static enum bm_rc
header_take(struct bm_jws *jws, struct bm_bytes text, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (text.n > 0 && bm_bytes_equal(text, bm_buf_bytes(&jws->protected_text)))
        return BM_OK;
    bm_buf_reset(&jws->protected_json);
    bm_buf_reset(&jws->protected_text);
    if ((rc = bm_b64_parse(&jws->protected_json, BM_B64_URL, text, fail)) != BM_OK || (rc = protected_take(jws, fail)) != BM_OK)
        return rc;
    bm_buf_add_bytes(&jws->protected_text, text);
    return bm_buf_check(&jws->protected_text, "a signature's header", fail);
}

enum bm_rc
bm_jws_parse(struct bm_jws *jws, struct bm_bytes object, struct bm_fail *fail)
{
    struct bm_jws_parts parts;
    enum bm_rc rc;

    start(jws);
    if ((rc = bm_jws_cut(&parts, object, fail)) != BM_OK)
        return rc;
    if (parts.protected_text.n > MAX_PROTECTED || parts.unique_id.n > BM_MAX_ID)
        return bm_fail(fail, BM_EINPUT, NULL, "its protected header or its uniqueId is longer than any that Microchip writes");
    memcpy(jws->unique_id, parts.unique_id.p, parts.unique_id.n);
    jws->unique_id[parts.unique_id.n] = 0;
    if ((rc = texts_take(jws, &parts, fail)) != BM_OK)
        return rc;
    return header_take(jws, parts.protected_text, fail);
}

enum bm_rc
bm_jws_signer_init(struct bm_jws_signer *ret_signer, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf kid = { .max = sizeof(ret_signer->kid) };
    struct bm_jws_signer signer = { .kid = "" };
    enum bm_rc rc;

    if ((rc = bm_cert_parse(&signer.cert, der, fail)) != BM_OK)
        return rc;
    if (signer.cert.key.alg != BM_KEY_P256)
        return bm_fail(fail, BM_EINPUT, NULL, "it has no P-256 key, so it signs no manifests");
    bm_sha256(signer.hash, der);
    bm_b64_add(&kid, BM_B64_URL, signer.cert.ski);
    bm_buf_add_u8(&kid, 0);
    if ((rc = bm_buf_check(&kid, "its subjectKeyIdentifier in base64url", fail)) != BM_OK)
        return rc;
    memcpy(signer.kid, kid.p, kid.n);
    *ret_signer = signer;
    return BM_OK;
}

/* libcrypto takes r and s in DER, as certificates have them. */
enum bm_rc
bm_jws_verify(struct bm_crypto *crypto, const struct bm_key *key, const uint8_t hash[static BM_HASH], struct bm_bytes signature,
              struct bm_fail *fail)
{
    uint8_t array[BM_JWS_SIGNATURE + 16];
    struct bm_buf der = bm_buf_in(array, sizeof(array));
    size_t at;
    enum bm_rc rc;

    if (signature.n != BM_JWS_SIGNATURE)
        return bm_fail(fail, BM_EINPUT, "RFC 7518 3.4", "its signature is not %d bytes", BM_JWS_SIGNATURE);
    at = bm_der_begin(&der, BM_DER_SEQUENCE);
    bm_der_add_positive(&der, bm_bytes(signature.p, BM_JWS_SIGNATURE / 2));
    bm_der_add_positive(&der, bm_bytes(signature.p + BM_JWS_SIGNATURE / 2, BM_JWS_SIGNATURE / 2));
    bm_der_end(&der, at);
    rc = der.bad ? BM_EPOLICY : bm_key_verify_hash(crypto, key, hash, bm_buf_bytes(&der), fail); /* bad: 0 is no positive number */
    if (rc == BM_EPOLICY || rc == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, "RFC 7515 5.2",
                       "its signature does not verify: the file was changed after Microchip signed it, ask for it again");
    return rc;
}

enum bm_rc
bm_jws_check(struct bm_crypto *crypto, const struct bm_jws *jws, const struct bm_jws_signer *signer, struct bm_fail *fail)
{
    if (memcmp(signer->hash, jws->signer, BM_HASH) != 0 || strcmp(signer->kid, jws->kid) != 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 7515 4.1.4", "its kid and x5t#S256 do not name one signer's certificate");
    return bm_jws_verify(crypto, &signer->cert.key, jws->hash_signed, bm_bytes(jws->signature, BM_JWS_SIGNATURE), fail);
}

void
bm_jws_done(struct bm_jws *jws)
{
    bm_buf_done(&jws->text);
    bm_buf_done(&jws->protected_json);
    bm_buf_done(&jws->protected_text);
    bm_buf_done(&jws->payload);
}
