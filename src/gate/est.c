/* EST over HTTP (RFC 7030, 8951) and its nonce (draft-ietf-lamps-attestation-freshness). */
#include "gate/gate.h"

#include "evidence/attested.h"
#include "evidence/bundle.h"
#include "evidence/tls_front.h"
#include "pki/cert.h"
#include "wire/json.h"
#include "wire/text.h"

#define CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"
#define FRESHNESS "application/est-attestation-freshness+json"

enum bm_rc
bm_serve_cacerts(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    (void)body;
    return bm_ask(c, BM_G_CACERTS, bm_bytes(NULL, 0), fail);
}

enum bm_rc
bm_answer_cacerts(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 2 * BM_MAX_MESSAGE };
    struct bm_bytes p7 = bm_rd_lv32(&answer, BM_MAX_MESSAGE);
    enum bm_rc rc;

    if (!bm_rd_end(&answer) || p7.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's CA certificates are malformed");
    bm_b64_add(&text, BM_B64_STD, p7);
    if ((rc = bm_buf_check(&text, "the CA certificates", fail)) != BM_OK)
        return rc;
    bm_connection_reply(c, CERTS_ONLY, bm_buf_bytes(&text));
    return BM_OK;
}

/* ---- nonce ---- */

static enum bm_rc
nonce_subject(struct bm_buf *subject, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    const char *text;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, body, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "request for a nonce", fail);
    text = bm_json_str(&in, "reqInfo", 64);
    (void)bm_json_str_opt(&in, "type", 64);
    if (json_object_get(json, "len") != NULL)
        (void)bm_json_u64(&in, "len", 8, 64); /* ours has 32 bytes, whatever is asked for */
    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    if (bm_b64_parse(subject, BM_B64_URL, bm_bytes_str(text), fail) != BM_OK || subject->n != BM_HASH)
        return bm_fail(fail, BM_EINPUT, NULL, "reqInfo must be the base64url of the SHA-256 of the root key's SubjectPublicKeyInfo");
    return BM_OK;
}

enum bm_rc
bm_serve_nonce(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf subject = { .max = BM_HASH };
    enum bm_rc rc;

    if (c->get && !c->has_peer)
        return bm_fail(fail, BM_EPOLICY, NULL, "a nonce belongs to a root key: connect with its certificate, or POST its hash as reqInfo");
    if (c->get)
        return bm_ask(c, BM_G_NONCE, bm_bytes(c->peer, BM_HASH), fail);
    if ((rc = nonce_subject(&subject, body, fail)) != BM_OK)
        return rc;
    return bm_ask(c, BM_G_NONCE, bm_buf_bytes(&subject), fail);
}

enum bm_rc
bm_answer_nonce(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 256 };
    struct bm_bytes nonce = bm_rd_take(&answer, BM_NONCE);
    uint32_t seconds = bm_rd_u32(&answer);
    enum bm_rc rc;

    if (!bm_rd_end(&answer))
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's nonce is malformed");
    bm_buf_add_str(&json, "{\"nonce\":\"");
    bm_b64_add(&json, BM_B64_URL, nonce);
    bm_buf_add_fmt(&json, "\",\"expiry\":%u}", seconds);
    if ((rc = bm_buf_check(&json, "the nonce", fail)) != BM_OK)
        return rc;
    bm_connection_reply(c, FRESHNESS, bm_buf_bytes(&json));
    return BM_OK;
}

/* ---- fullcmc ---- */

enum bm_rc
bm_station_field(struct bm_buf *part, const struct connection *c, struct bm_fail *fail)
{
    enum bm_rc rc = c->station[0] == 0 ? BM_OK : bm_b64_parse(part, BM_B64_STD, bm_bytes_str(c->station), fail);

    if (rc != BM_OK)
        bm_fail_prefix(fail, "the Birthmark-Station field");
    return rc;
}

enum bm_rc
bm_serve_fullcmc(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf cmc = { .max = MAX_CMC }, message = { .max = MAX_CMC + 2048 };
    bm_cleanup(bm_buf_done) struct bm_buf station = { .max = MAX_STATION }, parts = { .max = MAX_STATION + 16 };
    struct bm_bytes part_of[BM_PART__N] = { { 0 } };
    enum bm_rc rc;

    /* req: RFC8951 3.1 base64 with or without line breaks */
    if ((rc = bm_b64_parse(&cmc, BM_B64_LOOSE, body, fail)) != BM_OK)
        return rc;
    if (cmc.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the body is empty: send the base64 of a CMC full request");
    if ((rc = bm_station_field(&station, c, fail)) != BM_OK)
        return rc;
    part_of[BM_PART_STATION] = bm_buf_bytes(&station);
    if (station.n > 0)
        bm_parts_build(&parts, part_of);
    bm_g_enrol_build(&message, &(struct bm_g_enrol){ .label = bm_bytes_str(c->label),
                                                     .parts = bm_buf_bytes(&parts),
                                                     .source = bm_bytes_str(c->source),
                                                     .peer = bm_bytes(c->peer, c->has_peer ? BM_HASH : 0),
                                                     .body = bm_buf_bytes(&cmc) });
    if ((rc = bm_buf_check(&message, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(c, BM_G_ENROL, bm_buf_bytes(&message), fail);
}

/* ---- simpleenroll ---- */

/* Does an attestation key speak in it? With a client certificate, only a statement that we read does; without one, whatever there is shall be told about. */
static bool
attested(const struct connection *c, struct bm_bytes request)
{
    struct bm_fail ignored = { .rc = BM_OK };
    struct bm_attested in;
    struct bm_csr csr;
    enum bm_rc rc;

    if (bm_csr_parse(&csr, request, &ignored) != BM_OK)
        return false;
    rc = bm_attested_parse(&in, &csr, &ignored);
    return c->has_peer ? rc == BM_OK && in.attest.n > 0 : rc != BM_OK || in.present;
}

static enum bm_rc
attested_ask(struct connection *c, struct bm_bytes request, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf claim = { .max = BM_MAX_CSR + 64 }, message = { .max = BM_MAX_CSR + MAX_STATION + 1024 };
    bm_cleanup(bm_buf_done) struct bm_buf station = { .max = MAX_STATION }, parts = { .max = MAX_STATION + 16 };
    struct bm_bytes part_of[BM_PART__N] = { { 0 } };
    enum bm_rc rc;

    if ((rc = bm_station_field(&station, c, fail)) != BM_OK)
        return rc;
    part_of[BM_PART_STATION] = bm_buf_bytes(&station);
    if (station.n > 0)
        bm_parts_build(&parts, part_of);
    bm_tpm_claim_build(&claim, &(struct bm_tpm_claim){ .attested = true, .csr = request });
    bm_g_enrol_build(&message, &(struct bm_g_enrol){ .label = bm_bytes_str(c->label),
                                                     .parts = bm_buf_bytes(&parts),
                                                     .source = bm_bytes_str(c->source),
                                                     .peer = bm_bytes(c->peer, c->has_peer ? BM_HASH : 0),
                                                     .body = bm_buf_bytes(&claim) });
    if ((rc = bm_buf_check(&parts, "the request", fail)) != BM_OK || (rc = bm_buf_check(&message, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(c, BM_G_TPM_ENROL, bm_buf_bytes(&message), fail);
}

static enum bm_rc
tls_front_ask(struct connection *c, struct bm_bytes request, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf front = { .max = BM_MAX_CSR + 64 }, message = { .max = BM_MAX_CSR + 512 };
    struct bm_tls_front in;
    enum bm_rc rc;

    memcpy(in.peer, c->peer, BM_HASH);
    in.csr = request;
    bm_tls_front_build(&front, &in);
    if ((rc = bm_buf_check(&front, "the request", fail)) != BM_OK)
        return rc;
    bm_g_enrol_build(&message, &(struct bm_g_enrol){ .label = bm_bytes_str(c->label),
                                                     .source = bm_bytes_str(c->source),
                                                     .peer = bm_bytes(c->peer, BM_HASH),
                                                     .body = bm_buf_bytes(&front) });
    if ((rc = bm_buf_check(&message, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(c, BM_G_TLS_ENROL, bm_buf_bytes(&message), fail);
}

/* req: RFC7030 4.2.1 a PKCS#10 request in base64, of a client that authenticated itself by its certificate, or by its attestation key in the request */
enum bm_rc
bm_serve_simpleenroll(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR };
    enum bm_rc rc;

    if ((rc = bm_b64_parse(&csr, BM_B64_LOOSE, body, fail)) != BM_OK)
        return rc;
    if (csr.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the body is empty: send the base64 of a PKCS#10 request");
    if (attested(c, bm_buf_bytes(&csr)))
        return attested_ask(c, bm_buf_bytes(&csr), fail);
    if (!c->has_peer)
        return bm_fail(fail, BM_EPOLICY, "RFC 7030 3.2.3",
                       "connect with the certificate of the device's root key: this connection has none, and the request no attestation");
    return tls_front_ask(c, bm_buf_bytes(&csr), fail);
}

/* Of fullcmc and simpleenroll alike. */
enum bm_rc
bm_answer_fullcmc(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf p7 = { .max = BM_MAX_MESSAGE }, text = { .max = 2 * BM_MAX_MESSAGE };
    struct bm_g_certs certs;
    enum bm_rc rc;

    if ((rc = bm_g_certs_parse(&certs, answer, fail)) != BM_OK)
        return rc;
    /* req: RFC7030 4.3.2 a simple PKI response, in base64; without line breaks, since strongSwan reads no others */
    bm_certs_only_build(&p7, (struct bm_certs){ certs.cert, certs.n });
    if ((rc = bm_buf_check(&p7, "the certificates", fail)) != BM_OK)
        return rc;
    bm_b64_add(&text, BM_B64_STD, bm_buf_bytes(&p7));
    if ((rc = bm_buf_check(&text, "the certificates", fail)) != BM_OK)
        return rc;
    bm_connection_reply(c, CERTS_ONLY, bm_buf_bytes(&text));
    return BM_OK;
}
