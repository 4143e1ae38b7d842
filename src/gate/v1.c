/* What the agent asks beside EST: a TPM's two trips, and the confirmation of a new identity. */
#include "gate/trip.h"

#include "evidence/bundle.h"

#include "wire/text.h"

#define JSON "application/json"

static void
reply_json(struct connection *c, const struct bm_buf *json)
{
    bm_connection_reply(c, JSON, bm_buf_bytes(json));
}

void
bm_trip_done(struct trip *trip)
{
    bm_buf_done(&trip->ek);
    bm_buf_done(&trip->ak);
    bm_buf_done(&trip->iak);
}

void
bm_trip_names_read(struct trip *trip, struct bm_json_in *in)
{
    trip->service = bm_json_str(in, "service", BM_MAX_NAME);
    trip->profile = bm_json_str_opt(in, "profile", BM_MAX_NAME);
}

void
bm_trip_keys_read(struct trip *trip, struct bm_json_in *in)
{
    trip->certified = json_object_get(in->object, "iak") != NULL;
    if (trip->certified) {
        bm_json_b64(in, "iak", &trip->iak);
        return;
    }
    bm_json_b64(in, "ek", &trip->ek);
    bm_json_b64(in, "ak", &trip->ak);
}

enum bm_rc
bm_trip_names_check(const struct trip *trip, struct bm_fail *fail)
{
    if (!bm_name_ok(trip->service, BM_MAX_NAME) || (trip->profile != NULL && !bm_name_ok(trip->profile, BM_MAX_NAME)))
        return bm_fail(fail, BM_EINPUT, NULL, "service and profile are names of letters, digits, '.', '_' and '-'");
    return BM_OK;
}

enum bm_rc
bm_trip_keys_check(const struct trip *trip, struct bm_fail *fail)
{
    if (trip->certified ? trip->iak.n == 0 : trip->ek.n == 0 || trip->ak.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "ek and ak, or iak, must not be empty");
    return BM_OK;
}

struct bm_bytes
bm_trip_label(const struct trip *trip)
{
    return bm_bytes_str(trip->profile != NULL ? trip->profile : trip->service);
}

static void
trip_read(struct trip *trip, struct bm_json_in *in)
{
    bm_trip_names_read(trip, in);
    bm_trip_keys_read(trip, in);
}

static enum bm_rc
trip_check(const struct trip *trip, struct bm_json_in *in, struct bm_fail *fail)
{
    enum bm_rc rc = bm_json_in_end(in);

    return rc != BM_OK || (rc = bm_trip_names_check(trip, fail)) != BM_OK ? rc : bm_trip_keys_check(trip, fail);
}

enum bm_rc
bm_serve_challenge(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf message = { .max = 2 * BM_MAX_TPM + 16 };
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    TRIP(trip);
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, body, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "request", fail);
    trip_read(&trip, &in);
    if ((rc = trip_check(&trip, &in, fail)) != BM_OK)
        return rc;
    if (trip.certified)
        return bm_fail(fail, BM_EINPUT, NULL, "a challenge is for ek and ak: with iak, ask for a nonce");
    bm_buf_add_lv16(&message, bm_buf_bytes(&trip.ek));
    bm_buf_add_lv16(&message, bm_buf_bytes(&trip.ak));
    if ((rc = bm_buf_check(&message, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(c, BM_G_TPM_CHALLENGE, bm_buf_bytes(&message), fail);
}

enum bm_rc
bm_answer_challenge(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 8192 };
    struct bm_bytes credential = bm_rd_lv16(&answer, 2 * BM_MAX_TPM), secret = bm_rd_lv16(&answer, 2 * BM_MAX_TPM);
    enum bm_rc rc;

    if (!bm_rd_end(&answer))
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's challenge is malformed");
    bm_buf_add_str(&json, "{\"credential\":\"");
    bm_b64_add(&json, BM_B64_STD, credential);
    bm_buf_add_str(&json, "\",\"secret\":\"");
    bm_b64_add(&json, BM_B64_STD, secret);
    bm_buf_add_str(&json, "\"}");
    if ((rc = bm_buf_check(&json, "the challenge", fail)) != BM_OK)
        return rc;
    reply_json(c, &json);
    return BM_OK;
}

static const struct {
    const char *field;
    size_t max;
} claim_parts[PART_N] = { [PART_KEY] = { "key", BM_MAX_TPM },
                          [PART_ATTEST] = { "attest", BM_MAX_TPM },
                          [PART_SIGNATURE] = { "signature", BM_MAX_TPM },
                          [PART_CSR] = { "csr", BM_MAX_CSR },
                          [PART_PROOF] = { "proof", BM_HASH } };

void
bm_claim_done(struct claim *claim)
{
    for (size_t i = 0; i < PART_N; i++)
        bm_buf_done(&claim->part[i]);
    bm_buf_done(&claim->endorsement);
}

/* "ekcert", optional: what the TPM holds of its endorsement certificates. Which of them counts, and what stands above, is the registrar's to find. */
static void
ekcert_read(struct claim *claim, struct bm_json_in *in)
{
    json_t *list = json_object_get(in->object, "ekcert") == NULL ? NULL : bm_json_array(in, "ekcert", BM_MAX_CHAIN), *one;
    struct bm_buf *buf = &claim->endorsement;
    size_t i;

    if (in->bad || list == NULL || json_array_size(list) == 0)
        return;
    buf->max = BM_MAX_CMC;
    bm_buf_add_u8(buf, (uint8_t)json_array_size(list));
    json_array_foreach(list, i, one)
    {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };

        if (!json_is_string(one) ||
            bm_b64_parse(&der, BM_B64_STD, bm_bytes(json_string_value(one), json_string_length(one)), in->fail) != BM_OK || der.n == 0) {
            bm_fail_note(in->fail, BM_EINPUT, NULL, "the %s: \"ekcert\" must list certificates in base64", in->what);
            in->bad = true;
            return;
        }
        bm_buf_add_lv16(buf, bm_buf_bytes(&der));
    }
}

void
bm_claim_read(struct claim *claim, const struct trip *trip, struct bm_json_in *in)
{
    for (size_t i = 0; i < PART_N; i++) {
        claim->part[i].max = claim_parts[i].max;
        bm_json_b64(in, i == PART_PROOF && trip->certified ? "nonce" : claim_parts[i].field, &claim->part[i]);
    }
    ekcert_read(claim, in);
}

void
bm_claim_bytes(struct bm_buf *bytes, const struct trip *trip, const struct claim *claim)
{
    bm_tpm_claim_build(bytes, &(struct bm_tpm_claim){ .iak = bm_buf_bytes(&trip->iak),
                                                      .ek = bm_buf_bytes(&trip->ek),
                                                      .ak = bm_buf_bytes(&trip->ak),
                                                      .key = bm_buf_bytes(&claim->part[PART_KEY]),
                                                      .attest = bm_buf_bytes(&claim->part[PART_ATTEST]),
                                                      .signature = bm_buf_bytes(&claim->part[PART_SIGNATURE]),
                                                      .csr = bm_buf_bytes(&claim->part[PART_CSR]),
                                                      .proof = bm_buf_bytes(&claim->part[PART_PROOF]),
                                                      .nonce = bm_buf_bytes(&claim->part[PART_PROOF]) });
}

enum bm_rc
bm_serve_tpm_enrol(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = MAX_CMC }, parts = { .max = MAX_CMC }, message = { .max = 2 * MAX_CMC + 1024 };
    bm_cleanup(bm_buf_done) struct bm_buf station = { .max = MAX_STATION };
    struct bm_bytes part_of[BM_PART__N] = { { 0 } };
    bm_cleanup(bm_claim_done) struct claim claim = { 0 };
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    TRIP(trip);
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, body, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "request", fail);
    trip_read(&trip, &in);
    bm_claim_read(&claim, &trip, &in);
    if ((rc = trip_check(&trip, &in, fail)) != BM_OK)
        return rc;
    bm_claim_bytes(&bytes, &trip, &claim);
    if ((rc = bm_station_field(&station, c, fail)) != BM_OK)
        return rc;
    part_of[BM_PART_ENDORSEMENT] = bm_buf_bytes(&claim.endorsement);
    part_of[BM_PART_STATION] = bm_buf_bytes(&station);
    if (claim.endorsement.n > 0 || station.n > 0)
        bm_parts_build(&parts, part_of);
    if ((rc = bm_buf_check(&bytes, "the request", fail)) != BM_OK || (rc = bm_buf_check(&parts, "the request", fail)) != BM_OK ||
        (rc = bm_buf_check(&claim.endorsement, "the endorsement certificates", fail)) != BM_OK)
        return rc;
    bm_g_enrol_build(&message, &(struct bm_g_enrol){ .label = bm_trip_label(&trip),
                                                     .source = bm_bytes_str(c->source),
                                                     .peer = bm_bytes(c->peer, c->has_peer ? BM_HASH : 0),
                                                     .body = bm_buf_bytes(&bytes),
                                                     .parts = bm_buf_bytes(&parts) });
    if ((rc = bm_buf_check(&message, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(c, BM_G_TPM_ENROL, bm_buf_bytes(&message), fail);
}

enum bm_rc
bm_answer_certificates(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = BM_MAX_JSON };
    struct bm_g_certs certs;
    enum bm_rc rc;

    if ((rc = bm_g_certs_parse(&certs, answer, fail)) != BM_OK)
        return rc;
    bm_buf_add_str(&json, "{\"certificates\":[");
    for (size_t i = 0; i < certs.n; i++) {
        bm_buf_add_str(&json, i == 0 ? "\"" : ",\"");
        bm_b64_add(&json, BM_B64_STD, certs.cert[i]);
        bm_buf_add_str(&json, "\"");
    }
    bm_buf_add_str(&json, "]}");
    if ((rc = bm_buf_check(&json, "the certificates", fail)) != BM_OK)
        return rc;
    reply_json(c, &json);
    return BM_OK;
}

enum bm_rc
bm_serve_confirm(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, body, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "confirmation", fail);
    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    if (!c->has_peer)
        return bm_fail(fail, BM_EPOLICY, NULL, "connect with the certificate that is to be confirmed: this connection has none");
    return bm_ask(c, BM_G_CONFIRM, bm_bytes(c->peer, BM_HASH), fail);
}

enum bm_rc
bm_answer_confirm(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 256 };
    struct bm_bytes device = bm_rd_lv16(&answer, BM_MAX_NAME);
    char name[BM_MAX_NAME + 1] = "";
    enum bm_rc rc;

    if (device.n > 0)
        memcpy(name, device.p, device.n);
    if (!bm_rd_end(&answer) || !bm_name_ok(name, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's confirmation is malformed");
    bm_buf_add_fmt(&json, "{\"device\":\"%s\"}", name);
    if ((rc = bm_buf_check(&json, "the confirmation", fail)) != BM_OK)
        return rc;
    reply_json(c, &json);
    return BM_OK;
}
