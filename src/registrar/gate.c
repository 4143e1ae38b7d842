/* What gates ask: one row a message. */
#include "registrar/registrar.h"

#include "pki/ocsp.h"
#include "wire/text.h"

/* An answer of the signer that the gate reads as it is. */
static enum bm_rc
pass_on(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    return message->type == BM_S_ANSWER ? bm_answer(p, BM_G_ANSWER, message->body, fail) : bm_refused_answer(r, p, message, fail);
}

enum bm_rc
bm_gate_forward(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, settle_fn *settle, struct pending **ret_pending,
                struct bm_fail *fail)
{
    enum bm_rc rc = bm_signer_ask(peer->r, type, body, peer->link, id, settle, ret_pending, fail);

    if (rc == BM_OK)
        return BM_OK;
    *ret_pending = NULL;
    return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
}

static enum bm_rc
serve_nonce(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct pending *p;

    return bm_gate_forward(ctx, id, BM_S_NONCE, bm_rd_rest(&body), pass_on, &p, fail);
}

static enum bm_rc
serve_challenge(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    struct pending *p;

    (void)bm_rd_lv16(&body, BM_MAX_SPKI);
    (void)bm_rd_lv16(&body, BM_MAX_TPM);
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "TPM_CHALLENGE does not parse");
    return bm_gate_forward(ctx, id, BM_S_CHALLENGE, whole, pass_on, &p, fail);
}

static enum bm_rc
confirm_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return pass_on(r, p, message, fail);
    if ((rc = bm_records_keep_answer(r, p, message, &alarm, fail)) != BM_OK)
        return rc;
    return bm_answer(p, BM_G_ANSWER, bm_buf_bytes(&p->kept), fail);
}

static enum bm_rc
serve_confirm(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certificate = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf ask = { .max = 2 + BM_MAX_NAME };
    const struct peer *peer = ctx;
    struct bm_store_found found;
    uint8_t hash[BM_HASH];
    struct pending *p;
    enum bm_rc rc;

    bm_rd_copy(&body, hash, sizeof(hash));
    if ((rc = bm_store_identity_by_key(peer->r->store, hash, &found, &certificate, fail)) != BM_OK)
        return rc;
    if (!found.found)
        return bm_answer_refused(
            peer->r, peer->link, id, BM_EPOLICY, 0,
            "no identity was issued for the key of this connection: connect with the certificate that is to be confirmed", fail);
    if (strcmp(found.state, "active") == 0) {
        bm_buf_add_lv16(&ask, bm_bytes_str(found.device));
        return bm_link_queue(peer->link, BM_G_ANSWER, id, bm_buf_bytes(&ask), fail);
    }
    bm_buf_add_lv16(&ask, bm_bytes(found.serial, found.nserial));
    if ((rc = bm_gate_forward(peer, id, BM_S_CONFIRM, bm_buf_bytes(&ask), confirm_settle, &p, fail)) != BM_OK || p == NULL)
        return rc;
    bm_buf_add_lv16(&p->kept, bm_bytes_str(found.device));
    return bm_buf_check(&p->kept, "the confirmation", fail);
}

static enum bm_rc
serve_text(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = BM_MAX_JSON };
    bm_cleanup(bm_buf_done) struct bm_buf answer_body = { .max = BM_MAX_MESSAGE_BODY };
    const struct peer *peer = ctx;
    enum bm_rc rc;

    (void)body;
    if ((rc = bm_site_row(peer->r, &json, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(&answer_body, bm_buf_bytes(&json));
    return bm_link_queue(peer->link, BM_G_ANSWER, id, bm_buf_bytes(&answer_body), fail);
}

#define ALWAYS 1u
const struct bm_rule bm_gate_rules[] = {
    { .type = BM_G_NONCE, .phases = ALWAYS, .min = BM_HASH, .max = BM_HASH, .serve = serve_nonce },
    { .type = BM_G_ENROL, .phases = ALWAYS, .min = 8, .max = 2 * BM_MAX_EVIDENCE + 1024, .serve = bm_serve_enrol },
    { .type = BM_G_TPM_CHALLENGE, .phases = ALWAYS, .min = 4, .max = BM_MAX_SPKI + BM_MAX_TPM + 4, .serve = serve_challenge },
    { .type = BM_G_TPM_ENROL, .phases = ALWAYS, .min = 8, .max = 2 * BM_MAX_EVIDENCE + 1024, .serve = bm_serve_tpm_enrol },
    { .type = BM_G_TLS_ENROL, .phases = ALWAYS, .min = 8, .max = BM_MAX_CSR + 1024, .serve = bm_serve_tls_enrol },
    { .type = BM_G_CONFIRM, .phases = ALWAYS, .min = BM_HASH, .max = BM_HASH, .serve = serve_confirm },
    { .type = BM_G_CRL, .phases = ALWAYS, .min = 1, .max = BM_MAX_NAME, .serve = bm_serve_crl },
    { .type = BM_G_LISTS, .phases = ALWAYS, .min = 1, .max = BM_MAX_NAME, .serve = bm_serve_lists },
    { .type = BM_G_OCSP, .phases = ALWAYS, .min = 1, .max = BM_OCSP_QUESTION, .serve = bm_serve_ocsp },
    { .type = BM_G_CA, .phases = ALWAYS, .min = 1, .max = BM_MAX_NAME, .serve = bm_serve_ca_cert },
    { .type = BM_G_CACERTS, .phases = ALWAYS, .min = 0, .max = 0, .serve = bm_serve_cacerts },
    { .type = BM_G_HEALTH, .phases = ALWAYS, .min = 0, .max = 0, .serve = serve_text },
    { .type = BM_G_SITE, .phases = ALWAYS, .min = 0, .max = 0, .serve = serve_text },
};
const size_t bm_gate_nrules = BM_COUNT(bm_gate_rules);
