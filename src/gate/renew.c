/* The renewal of an identity: the root key's word for a new key, as in an enrolment, and the current key's beside it. */
#include "gate/trip.h"

#include "evidence/bundle.h"

/* A request on its way: `body` is the CMC request or the TPM claim, in the encoding of the enrolment's doors. */
struct renewal {
    struct bm_buf key, signature, body, endorsement;
    uint16_t type; /* BM_G_ENROL, BM_G_TPM_ENROL */
};

static void
renewal_done(struct renewal *renewal)
{
    bm_buf_done(&renewal->key);
    bm_buf_done(&renewal->signature);
    bm_buf_done(&renewal->body);
    bm_buf_done(&renewal->endorsement);
}

static enum bm_rc
tpm_read(struct renewal *renewal, json_t *object, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(object, "tpm", fail);
    bm_cleanup(bm_claim_done) struct claim claim = { 0 };
    TRIP(trip);
    enum bm_rc rc;

    bm_trip_keys_read(&trip, &in);
    bm_claim_read(&claim, &trip, &in);
    if ((rc = bm_json_in_end(&in)) != BM_OK || (rc = bm_trip_keys_check(&trip, fail)) != BM_OK)
        return rc;
    bm_claim_bytes(&renewal->body, &trip, &claim);
    renewal->endorsement = claim.endorsement;
    claim.endorsement = (struct bm_buf){ .max = 0 };
    renewal->type = BM_G_TPM_ENROL;
    return bm_buf_check(&renewal->body, "the request", fail);
}

static enum bm_rc
fields_read(struct renewal *renewal, struct trip *trip, json_t *json, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(json, "renewal", fail);
    json_t *tpm = json_object_get(json, "tpm");
    enum bm_rc rc;

    bm_trip_names_read(trip, &in);
    bm_json_b64(&in, "key", &renewal->key);
    bm_json_b64(&in, "renewal", &renewal->signature);
    if (tpm != NULL)
        tpm = bm_json_object(&in, "tpm");
    else
        bm_json_b64(&in, "cmc", &renewal->body); /* beside "tpm" it is an unknown field */
    if ((rc = bm_json_in_end(&in)) != BM_OK || (rc = bm_trip_names_check(trip, fail)) != BM_OK)
        return rc;
    if (renewal->key.n == 0 || renewal->signature.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "key and renewal must not be empty");
    if (tpm != NULL)
        return tpm_read(renewal, tpm, fail);
    renewal->type = BM_G_ENROL;
    return renewal->body.n > 0 ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "cmc must not be empty");
}

static enum bm_rc
renewal_ask(struct connection *c, const struct renewal *renewal, const struct trip *trip, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf part = { .max = BM_MAX_SPKI + BM_MAX_SIGNATURE + 4 },
                                          parts = { .max = MAX_CMC + BM_MAX_SPKI + BM_MAX_SIGNATURE + 16 },
                                          message = { .max = 2 * MAX_CMC + 4096 };
    struct bm_bytes part_of[BM_PART__N] = { { 0 } };
    enum bm_rc rc;

    bm_word_build(&part, &(struct bm_word){ bm_buf_bytes(&renewal->key), bm_buf_bytes(&renewal->signature) });
    part_of[BM_PART_RENEWAL] = bm_buf_bytes(&part);
    part_of[BM_PART_ENDORSEMENT] = bm_buf_bytes(&renewal->endorsement);
    bm_parts_build(&parts, part_of);
    if ((rc = bm_buf_check(&part, "the renewal", fail)) != BM_OK || (rc = bm_buf_check(&parts, "the renewal", fail)) != BM_OK ||
        (rc = bm_buf_check(&renewal->endorsement, "the endorsement certificates", fail)) != BM_OK)
        return rc;
    bm_g_enrol_build(&message, &(struct bm_g_enrol){ .label = bm_trip_label(trip),
                                                     .source = bm_bytes_str(c->source),
                                                     .peer = bm_bytes(c->peer, c->has_peer ? BM_HASH : 0),
                                                     .body = bm_buf_bytes(&renewal->body),
                                                     .parts = bm_buf_bytes(&parts) });
    if ((rc = bm_buf_check(&message, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(c, renewal->type, bm_buf_bytes(&message), fail);
}

enum bm_rc
bm_serve_renew(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(renewal_done) struct renewal renewal = { .key = { .max = BM_MAX_SPKI },
                                                        .signature = { .max = BM_MAX_SIGNATURE },
                                                        .body = { .max = MAX_CMC } };
    bm_cleanup(bm_json_done) json_t *json = NULL;
    TRIP(trip);
    enum bm_rc rc;

    if ((rc = bm_json_parse(&json, body, BM_MAX_JSON, fail)) != BM_OK || (rc = fields_read(&renewal, &trip, json, fail)) != BM_OK)
        return rc;
    return renewal_ask(c, &renewal, &trip, fail);
}
