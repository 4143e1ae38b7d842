/* What gates ask: one row a message. */
#include "registrar/registrar.h"

#include "lot/leaf_skim.h"
#include "registrar/skim.h"
#include "wire/text.h"

/* An answer of the signer that the gate reads as it is. */
static enum bm_rc
pass_on(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    return message->type == BM_S_ANSWER ? bm_answer(p, BM_G_ANSWER, message->body, fail) : bm_refused_answer(r, p, message, fail);
}

/* Sends on; when the signer can't be asked now, the gate hears so at once. */
static enum bm_rc
forward(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, settle_fn *settle, struct pending **ret_pending,
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

    return forward(ctx, id, BM_S_NONCE, bm_rd_rest(&body), pass_on, &p, fail);
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
    return forward(ctx, id, BM_S_CHALLENGE, whole, pass_on, &p, fail);
}

/* ---- enrolment: find the chip, choose the order, hand the evidence on ---- */

struct request {
    const struct peer *peer;
    uint64_t id;
    struct bm_g_enrol enrol;
    char label[BM_MAX_NAME + 1];
    uint8_t body_class;
    char who[2 * BM_HASH + 1]; /* the root key, in hex */
    uint8_t name[BM_HASH];     /* by which the chip is known: its root key's hash, or what stands for its id */
    struct bm_found_chip chip;
    struct bm_bytes chain[BM_MAX_CHAIN]; /* of a chip that is listed by its id: views into the request */
    size_t nchain;
};

static enum bm_rc
chip_find(struct request *q, const uint8_t name[static BM_HASH], struct bm_fail *fail)
{
    memcpy(q->name, name, BM_HASH);
    return bm_holdings_find_key(&q->peer->r->holdings, q->peer->r->store, name, &q->chip, fail);
}

static enum bm_rc
refuse_request(const struct request *q, const char *what, enum bm_rc class, const char *sentence, struct bm_fail *fail)
{
    const struct refusal refusal = { .what = what,
                                     .class = class,
                                     .chip = strlen(q->who) == 2 * BM_HASH ? q->who : "",
                                     .lot = q->chip.found ? q->chip.holding->lot.name : "",
                                     .by = "",
                                     .sentence = sentence };

    return bm_refuse(q->peer->r, q->peer->link, q->id, &refusal, fail);
}

/* A chip that is listed by its id alone: the id stands in the device's certificate, below the vendor's root. What the certificates say is a label here. */
static enum bm_rc
chip_of_id(struct request *q, const struct bm_cmc *cmc, struct bm_fail *fail)
{
    struct bm_leaf_skim skim = { .kind = BM_LEAF_ID, .rule = BM_ID_RULE_MICROCHIP_SN };
    struct bm_fail ignored = { .rc = BM_OK };
    uint8_t vendor_root[BM_HASH], hash[BM_HASH];
    char id[BM_MAX_ID + 1];
    struct bm_cert device;

    q->nchain = bm_id_chain_arrange(q->chain, cmc->signer_cert, cmc->certs);
    if (q->nchain < 2 || bm_cert_parse(&device, q->chain[0], &ignored) != BM_OK ||
        bm_id_extract(id, BM_ID_RULE_MICROCHIP_SN, &device, &ignored) != BM_OK)
        return BM_OK;
    bm_sha256(vendor_root, q->chain[q->nchain - 1]);
    skim.id = bm_bytes_str(id);
    skim.vendor_root = bm_bytes(vendor_root, BM_HASH);
    bm_leaf_skim_id_hash(&skim, hash);
    return chip_find(q, hash, fail);
}

/* Which of the chip's keys it is that the identifier names. */
static void
ski_name(struct request *q, const struct bm_leaf_skim *skim, struct bm_bytes want)
{
    uint8_t ski[20];

    for (size_t i = 0; i < skim->nkeys; i++) {
        bm_leaf_skim_ski(&skim->keys[i], ski);
        if (bm_bytes_equal(bm_bytes(ski, sizeof(ski)), want))
            memcpy(q->name, skim->keys[i].hash, BM_HASH);
    }
    bm_hex(q->who, bm_bytes(q->name, BM_HASH));
}

/* The root key that a CMC request names: by the certificate that it carries, or by the key's identifier. */
static enum bm_rc
chip_of_cmc(struct request *q, struct bm_fail *fail)
{
    struct bm_leaf_skim skim;
    struct bm_skim cert;
    struct bm_cmc cmc;
    enum bm_rc rc;

    if ((rc = bm_cmc_parse(&cmc, q->enrol.body, fail)) != BM_OK)
        return rc;
    if (cmc.signer_cert.n > 0) {
        if ((rc = bm_cert_skim(&cert, cmc.signer_cert, fail)) != BM_OK)
            return rc;
        bm_hex(q->who, bm_bytes(cert.key, BM_HASH));
        rc = chip_find(q, cert.key, fail);
        return rc != BM_OK || q->chip.found ? rc : chip_of_id(q, &cmc, fail);
    }
    if (cmc.signer_ski.n != 20)
        return bm_fail(fail, BM_EINPUT, "RFC 5652 5.3",
                       "the request must name its root key by a 20-byte subject key identifier or carry its certificate");
    bm_hex(q->who, cmc.signer_ski);
    if ((rc = bm_holdings_find_ski(&q->peer->r->holdings, q->peer->r->store, cmc.signer_ski.p, &q->chip, fail)) != BM_OK || !q->chip.found)
        return rc;
    if (bm_leaf_skim(&skim, q->chip.leaf, fail) != BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "the index of lot %s has an entry that does not parse", q->chip.holding->lot.name);
    ski_name(q, &skim, cmc.signer_ski);
    return BM_OK;
}

static enum bm_rc
chip_of_tpm(struct request *q, struct bm_fail *fail)
{
    struct bm_tpm_claim claim;
    uint8_t hash[BM_HASH];
    struct bm_key ek;
    enum bm_rc rc;

    if ((rc = bm_tpm_claim_parse(&claim, q->enrol.body, fail)) != BM_OK)
        return rc;
    bm_sha256(hash, claim.ek);
    bm_hex(q->who, bm_bytes(hash, BM_HASH));
    if ((rc = chip_find(q, hash, fail)) != BM_OK || q->chip.found)
        return rc;
    return bm_key_parse(&ek, claim.ek, fail); /* is it a key at all? One that a lot lists is */
}

static enum bm_rc
certs_answer(struct bm_registrar *r, struct pending *p, struct bm_bytes device, struct bm_bytes certificate, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_g_certs certs = { .device = device, .cert = { certificate }, .n = 1 };
    struct bm_skim cert;
    enum bm_rc rc;

    if ((rc = bm_cert_skim(&cert, certificate, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_CA__N; i++)
        if (bm_bytes_equal(cert.issuer, r->ca_subject[i]))
            certs.cert[certs.n++] = bm_buf_bytes(&r->ca_cert[i]);
    bm_g_certs_build(&body, &certs);
    if ((rc = bm_buf_check(&body, "the certificates", fail)) != BM_OK)
        return rc;
    return bm_answer(p, BM_G_CERTS, bm_buf_bytes(&body), fail);
}

/* A retry: what was issued before comes back. */
static enum bm_rc
repeat(struct bm_registrar *r, struct pending *p, const struct bm_s_issued *issued, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certificate = { .max = BM_MAX_CERT };
    struct bm_store_found found;
    enum bm_rc rc;

    if ((rc = bm_store_identity_by_serial(r->store, bm_bytes(issued->serial, issued->nserial), &found, &certificate, fail)) != BM_OK)
        return rc;
    if (!found.found)
        return bm_fail(fail, BM_EBUG, NULL, "the signer speaks of a certificate that the store does not hold: restore the store");
    return certs_answer(r, p, issued->device, bm_buf_bytes(&certificate), fail);
}

static enum bm_rc
issue_refused(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct refusal refusal = { .what = "enrol", .chip = "", .lot = p->lot, .by = "" };
    struct bm_s_refused refused;
    char sentence[SENTENCE];
    uint64_t alarm;
    enum bm_rc rc;

    if ((rc = bm_records_keep_refused(r, p, message, &refused, sentence, &alarm, fail)) != BM_OK || !bm_asker_there(p))
        return rc;
    if (refused.leaves.n > 0)
        return bm_answer_refused(r, p->asker, p->asker_id, (enum bm_rc)refused.rc, alarm, sentence, fail);
    refusal.class = (enum bm_rc)refused.rc;
    refusal.sentence = sentence;
    return bm_refuse(r, p->asker, p->asker_id, &refusal, fail);
}

static enum bm_rc
issue_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_issued issued;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ISSUED)
        return issue_refused(r, p, message, fail);
    if ((rc = bm_s_issued_parse(&issued, bm_rd(message->body), fail)) != BM_OK)
        return rc;
    if (issued.repeat)
        return repeat(r, p, &issued, fail);
    if (issued.leaves.n == 0)
        return bm_fail(fail, BM_EBUG, NULL, "the signer issued without a ledger leaf");
    if ((rc = bm_records_keep(r, &issued.leaves, p, &alarm, fail)) != BM_OK)
        return rc;
    r->issued++;
    return certs_answer(r, p, issued.device, issued.leaves.leaf[0].certificate, fail);
}

/* Leaf, proof and the device's own words: all that the signer decides on. */
static enum bm_rc
bundle_make(struct request *q, struct bm_buf *bundle, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PROOF_BYTES };
    struct bm_bundle parts = { .body_class = q->body_class,
                               .lot_size = q->chip.holding->lot.size,
                               .index = q->chip.index,
                               .leaf = q->chip.leaf,
                               .body = q->enrol.body };
    struct bm_proof proof;
    enum bm_rc rc;

    if ((rc = bm_index_prove(q->chip.holding->index, q->chip.index, &proof, fail)) != BM_OK)
        return rc;
    bm_proof_build(&bytes, &proof);
    parts.proof = bm_buf_bytes(&bytes);
    memcpy(parts.chain, q->chain, sizeof(parts.chain));
    parts.nchain = q->nchain;
    memcpy(parts.lot_root, q->chip.holding->lot.root, sizeof(parts.lot_root));
    bm_bundle_build(bundle, &parts);
    return bm_buf_check(bundle, "the evidence", fail);
}

static enum bm_rc
request_send(struct request *q, const struct bm_store_choice *choice, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct pending *p;
    enum bm_rc rc;

    rc = bundle_make(q, &bundle, fail);
    if (rc == BM_EINPUT) /* larger than evidence may be: the device's bytes, not the gate's */
        return refuse_request(q, "enrol", rc, fail->text, fail);
    if (rc != BM_OK)
        return rc;
    bm_s_issue_build(&body, &(struct bm_s_issue){ .order = bm_bytes_str(choice->order),
                                                  .profile = bm_bytes_str(choice->profile),
                                                  .bundle = bm_buf_bytes(&bundle),
                                                  .source = q->enrol.source });
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK ||
        (rc = forward(q->peer, q->id, BM_S_ISSUE, bm_buf_bytes(&body), issue_settle, &p, fail)) != BM_OK)
        return rc;
    if (p == NULL)
        return BM_OK;
    memcpy(p->lot, q->chip.holding->lot.name, sizeof(p->lot));
    bm_buf_done(&p->kept);
    p->kept = bundle;
    bundle = (struct bm_buf){ .max = 0 };
    return BM_OK;
}

/* Where a lot cannot be looked into, that may be all that is wrong. */
static void
unknown_print(char ret[static SENTENCE], const struct request *q)
{
    const char *by = strlen(q->who) == 2 * BM_HASH ? "" : "by identifier ", *end = q->who + strlen(q->who) - 2;
    const char *blind = bm_holdings_blind(&q->peer->r->holdings);

    if (blind == NULL)
        (void)snprintf(
            ret, SENTENCE,
            "this chip is in no received lot (root key %s%.4s…%s). Ask the custodian to receive its lot, or check the board's chip "
            "against its reel label.",
            by, q->who, end);
    else
        (void)snprintf(
            ret, SENTENCE,
            "this chip is in no lot that can be looked into (root key %s%.4s…%s), and the index of lot %s is missing or damaged. "
            "Ask the custodian to receive that lot's file again, which makes it anew.",
            by, q->who, end, blind);
}

static enum bm_rc
request_serve(struct request *q, struct bm_fail *fail)
{
    struct bm_store_choice choice;
    char sentence[SENTENCE];
    enum bm_rc rc;
    bool any;

    if (!q->chip.found) {
        unknown_print(sentence, q);
        return refuse_request(q, "unknown-chip", BM_EPOLICY, sentence, fail);
    }
    if ((rc = bm_store_choose(q->peer->r->store, q->chip.holding->lot.name, q->name, q->label, q->peer->r->now, &any, &choice, fail)) !=
        BM_OK)
        return rc;
    if (!any) {
        (void)snprintf(sentence, sizeof(sentence),
                       "no open order covers lot %s for %s%s. Ask the planner to open one, or name another service.",
                       q->chip.holding->lot.name, q->label[0] == 0 ? "a request without a name" : "service ", q->label);
        return refuse_request(q, "order", BM_EPOLICY, sentence, fail);
    }
    return request_send(q, &choice, fail);
}

static enum bm_rc
serve_enrolment(const struct peer *peer, uint64_t id, struct bm_rd body, uint8_t body_class,
                enum bm_rc (*chip_of)(struct request *, struct bm_fail *), struct bm_fail *fail)
{
    struct request q = { .peer = peer, .id = id, .body_class = body_class };
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    if ((rc = bm_g_enrol_parse(&q.enrol, body, fail)) != BM_OK)
        return rc;
    bm_view_copy(q.label, sizeof(q.label), q.enrol.label);
    if (q.enrol.label.n > BM_MAX_NAME || (q.label[0] != 0 && !bm_name_ok(q.label, BM_MAX_NAME)))
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0,
                                 "the name of the profile or service has letters, digits, '.', '_' and '-' only", fail);
    rc = chip_of(&q, &why);
    if (rc == BM_EINPUT || rc == BM_EPOLICY)
        rc = refuse_request(&q, "enrol", rc, why.text, fail);
    else if (rc == BM_OK)
        rc = request_serve(&q, fail);
    else
        *fail = why;
    return rc;
}

static enum bm_rc
serve_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    return serve_enrolment(ctx, id, body, BM_BODY_CMC, chip_of_cmc, fail);
}

static enum bm_rc
serve_tpm_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    return serve_enrolment(ctx, id, body, BM_BODY_TPM, chip_of_tpm, fail);
}

/* ---- the rest ---- */

static enum bm_rc
confirm_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return pass_on(r, p, message, fail);
    if ((rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK ||
        (rc = bm_records_keep(r, &leaves, p, &alarm, fail)) != BM_OK)
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
    if ((rc = forward(peer, id, BM_S_CONFIRM, bm_buf_bytes(&ask), confirm_settle, &p, fail)) != BM_OK || p == NULL)
        return rc;
    bm_buf_add_lv16(&p->kept, bm_bytes_str(found.device));
    return bm_buf_check(&p->kept, "the confirmation", fail);
}

#define CRL_AGE 600 /* seconds for which a CRL is given out again, unless something was revoked */

/* Those who asked while this one was being made. */
static enum bm_rc
crl_joined(struct bm_registrar *r, const struct pending *first, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_refused refused;
    char sentence[SENTENCE];
    enum bm_rc rc = BM_OK;

    for (struct pending *p = r->pending; rc == BM_OK && p < r->pending + MAX_PENDING; p++) {
        if (!p->used || !p->joined || p->ca != first->ca || p->number > first->number)
            continue;
        if (message->type == BM_S_ANSWER) {
            rc = bm_answer(p, BM_G_ANSWER, message->body, fail);
        } else if ((rc = bm_s_refused_parse(&refused, bm_rd(message->body), fail)) == BM_OK && bm_asker_there(p)) {
            bm_view_copy(sentence, sizeof(sentence), refused.sentence);
            rc = bm_answer_refused(r, p->asker, p->asker_id, (enum bm_rc)refused.rc, 0, sentence, fail);
        }
        bm_pending_release(r, p);
    }
    return rc;
}

static enum bm_rc
crl_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct crl_cache *cache = &r->crl[p->ca];
    enum bm_rc rc;

    cache->answered = p->number;
    if (message->type == BM_S_ANSWER) {
        bm_buf_reset(&cache->der);
        cache->der.max = BM_MAX_MESSAGE;
        bm_buf_add_bytes(&cache->der, message->body);
        cache->made = r->now;
        rc = bm_buf_check(&cache->der, "the CRL", fail);
    } else {
        cache->dirty = true;
        rc = BM_OK;
    }
    return rc != BM_OK || (rc = pass_on(r, p, message, fail)) != BM_OK ? rc : crl_joined(r, p, message, fail);
}

/* One signature serves all who wait: otherwise whoever asks without end would fill the journal. */
static enum bm_rc
serve_crl(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_bytes which = bm_rd_rest(&body);
    struct crl_cache *cache;
    struct pending *p;
    enum bm_rc rc;

    if (which.p[0] >= BM_CA__N)
        return bm_fail(fail, BM_EINPUT, NULL, "there is no CA %u", which.p[0]);
    cache = &peer->r->crl[which.p[0]];
    if (cache->der.n > 0 && !cache->dirty && cache->asked == cache->answered && peer->r->now - cache->made < CRL_AGE)
        return bm_link_queue(peer->link, BM_G_ANSWER, id, bm_buf_bytes(&cache->der), fail);
    if (cache->asked != cache->answered && !cache->dirty) {
        if ((rc = bm_pending_new(peer->r, peer->link, id, crl_settle, &p, fail)) != BM_OK)
            return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
        p->joined = true;
    } else {
        if ((rc = forward(peer, id, BM_S_CRL, which, crl_settle, &p, fail)) != BM_OK || p == NULL)
            return rc;
        cache->asked++;
        cache->dirty = false; /* what is revoked from here on makes it dirty again, before the answer or after */
    }
    p->ca = which.p[0];
    p->number = cache->asked;
    return BM_OK;
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
    { .type = BM_G_ENROL, .phases = ALWAYS, .min = 8, .max = BM_MAX_EVIDENCE + 1024, .serve = serve_enrol },
    { .type = BM_G_TPM_CHALLENGE, .phases = ALWAYS, .min = 4, .max = BM_MAX_SPKI + BM_MAX_TPM + 4, .serve = serve_challenge },
    { .type = BM_G_TPM_ENROL, .phases = ALWAYS, .min = 8, .max = BM_MAX_EVIDENCE + 1024, .serve = serve_tpm_enrol },
    { .type = BM_G_CONFIRM, .phases = ALWAYS, .min = BM_HASH, .max = BM_HASH, .serve = serve_confirm },
    { .type = BM_G_CRL, .phases = ALWAYS, .min = 1, .max = 1, .serve = serve_crl },
    { .type = BM_G_HEALTH, .phases = ALWAYS, .min = 0, .max = 0, .serve = serve_text },
    { .type = BM_G_SITE, .phases = ALWAYS, .min = 0, .max = 0, .serve = serve_text },
};
const size_t bm_gate_nrules = BM_COUNT(bm_gate_rules);
