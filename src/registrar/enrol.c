/* Enrolment: the chip found, an order chosen, the evidence handed on; and what is answered. */
#include "registrar/registrar.h"

#include "registrar/endorse.h"
#include "registrar/skim.h"
#include "registrar/whose.h"
#include "wire/text.h"

struct request {
    const struct peer *peer;
    uint64_t id;
    struct bm_g_enrol enrol;
    struct bm_bytes part[BM_PART__N];
    char label[BM_MAX_NAME + 1];
    char order[BM_MAX_NAME + 1]; /* that its station names; "" = it came by none */
    uint8_t body_class;
    struct bm_whose whose;
};

static enum bm_rc
refuse_request(const struct request *q, const char *what, enum bm_rc class, const char *sentence, struct bm_fail *fail)
{
    const struct refusal refusal = { .what = what,
                                     .class = class,
                                     .chip = strlen(q->whose.who) == 2 * BM_HASH ? q->whose.who : "",
                                     .lot = q->whose.chip.found ? q->whose.chip.holding->lot.name : "",
                                     .by = "",
                                     .sentence = sentence };

    return bm_refuse(q->peer->r, q->peer->link, q->id, &refusal, fail);
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
    bm_ca_chain(r, bm_ca_of(r, cert.issuer), &certs);
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

/* The signer would refuse what a damaged index says, and could not tell why. It is closed, and opened again when somebody asks. */
static enum bm_rc
chip_prove(struct request *q, struct bm_proof *proof, struct bm_fail *fail)
{
    struct bm_holding *holding = q->whose.chip.holding;
    struct bm_fail unused;
    uint8_t leaf[BM_HASH];
    enum bm_rc rc;

    if ((rc = bm_index_prove(holding->index, q->whose.chip.index, proof, fail)) != BM_OK)
        return rc;
    bm_tree_leaf(leaf, q->whose.chip.leaf);
    if (bm_inclusion_check(proof, q->whose.chip.index, holding->lot.size, leaf, holding->lot.root, &unused) == BM_OK)
        return BM_OK;
    bm_index_done(&holding->index);
    return bm_fail(
        fail, BM_EPOLICY, NULL,
        "the index of lot %s, which this chip is in, is damaged. Ask the custodian to receive that lot's file again, which makes "
        "it anew.",
        holding->lot.name);
}

/* Leaf, proof and the device's own words: all that the signer decides on. */
static enum bm_rc
bundle_make(struct request *q, struct bm_buf *bundle, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PROOF_BYTES };
    struct bm_bundle parts = { .body_class = q->body_class,
                               .lot_size = q->whose.chip.holding->lot.size,
                               .index = q->whose.chip.index,
                               .leaf = q->whose.chip.leaf,
                               .body = q->enrol.body };
    struct bm_proof proof;
    enum bm_rc rc;

    if ((rc = chip_prove(q, &proof, fail)) != BM_OK)
        return rc;
    bm_proof_build(&bytes, &proof);
    parts.proof = bm_buf_bytes(&bytes);
    memcpy(parts.part, q->part, sizeof(parts.part));
    memcpy(parts.chain, q->whose.chain, sizeof(parts.chain));
    parts.nchain = q->whose.nchain;
    memcpy(parts.lot_root, q->whose.chip.holding->lot.root, sizeof(parts.lot_root));
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
    if (rc == BM_EINPUT || rc == BM_EPOLICY) /* larger than evidence may be: the device's bytes, not the gate's; or a damaged index */
        return refuse_request(q, "enrol", rc, fail->text, fail);
    if (rc != BM_OK)
        return rc;
    bm_s_issue_build(&body, &(struct bm_s_issue){ .order = bm_bytes_str(choice->order),
                                                  .profile = bm_bytes_str(choice->profile),
                                                  .bundle = bm_buf_bytes(&bundle),
                                                  .source = q->enrol.source });
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK ||
        (rc = bm_gate_forward(q->peer, q->id, BM_S_ISSUE, bm_buf_bytes(&body), issue_settle, &p, fail)) != BM_OK)
        return rc;
    if (p == NULL)
        return BM_OK;
    memcpy(p->lot, q->whose.chip.holding->lot.name, sizeof(p->lot));
    bm_buf_done(&p->kept);
    p->kept = bundle;
    bundle = (struct bm_buf){ .max = 0 };
    return BM_OK;
}

/* Where a lot cannot be looked into, that may be all that is wrong. */
static void
unknown_print(char ret[static SENTENCE], const struct request *q)
{
    const char *by = strlen(q->whose.who) == 2 * BM_HASH ? "" : "by identifier ", *end = q->whose.who + strlen(q->whose.who) - 2;
    const char *blind = bm_holdings_blind(&q->peer->r->holdings);

    if (blind == NULL)
        (void)snprintf(
            ret, SENTENCE,
            "this chip is in no received lot (root key %s%.4s…%s). Ask the custodian to receive its lot, or check the board's chip "
            "against its reel label.",
            by, q->whose.who, end);
    else
        (void)snprintf(
            ret, SENTENCE,
            "this chip is in no lot that can be looked into (root key %s%.4s…%s), and the index of lot %s is missing or damaged. "
            "Ask the custodian to receive that lot's file again, which makes it anew.",
            by, q->whose.who, end, blind);
}

/* Under the order that its station names, and no other: the signer looks. What that order does not have, it refuses in its own words. */
static enum bm_rc
order_choose(const struct request *q, struct bm_store_choice *ret_choice, bool *ret_any, struct bm_fail *fail)
{
    struct bm_store *store = q->peer->r->store;
    enum bm_rc rc;

    if (q->order[0] == 0)
        return bm_store_choose(store, q->whose.chip.holding->lot.name, q->whose.name, q->label, q->peer->r->now, ret_any, ret_choice, fail);
    if ((rc = bm_store_choose_of(store, q->order, q->whose.name, q->label, ret_any, ret_choice, fail)) != BM_OK || *ret_any ||
        q->label[0] == 0)
        return rc;
    *ret_choice = (struct bm_store_choice){ .order = "" };
    memcpy(ret_choice->order, q->order, sizeof(q->order));
    memcpy(ret_choice->profile, q->label, sizeof(q->label));
    *ret_any = true;
    return BM_OK;
}

static enum bm_rc
request_serve(struct request *q, struct bm_fail *fail)
{
    struct bm_store_choice choice = { .order = "" };
    char sentence[SENTENCE];
    enum bm_rc rc;
    bool any;

    if (!q->whose.chip.found) {
        unknown_print(sentence, q);
        return refuse_request(q, "unknown-chip", BM_EPOLICY, sentence, fail);
    }
    if (bm_holding_superseded(q->whose.chip.holding)) {
        (void)snprintf(
            sentence, sizeof(sentence),
            "the newest revision of lot %s leaves this chip out (root key %.4s…%s). Put the board aside and ask the custodian why.",
            q->whose.chip.holding->lot.name, q->whose.who, q->whose.who + strlen(q->whose.who) - 2);
        return refuse_request(q, "unknown-chip", BM_EPOLICY, sentence, fail);
    }
    if ((rc = order_choose(q, &choice, &any, fail)) != BM_OK)
        return rc;
    if (!any && (rc = bm_store_support_choose(q->peer->r->store, q->whose.name, q->label, &any, &choice, fail)) != BM_OK)
        return rc;
    if (!any && strcmp(q->label, BM_SERVICE_SUPPORT) == 0)
        return refuse_request(q, "support", BM_EPOLICY,
                              "no support was opened for this device. Ask an officer to open it, for one repair: birthmark device support "
                              "open DEVICE.",
                              fail);
    if (!any) {
        (void)snprintf(sentence, sizeof(sentence),
                       "no open order covers lot %s for %s%s. Ask the planner to open one, or name another service.",
                       q->whose.chip.holding->lot.name, q->label[0] == 0 ? "a request without a name" : "service ", q->label);
        return refuse_request(q, "order", BM_EPOLICY, sentence, fail);
    }
    return request_send(q, &choice, fail);
}

/* The device sends what its TPM holds; what stands above comes from the vendor's record. */
static enum bm_rc
endorsement_complete(struct request *q, struct bm_buf *part, struct bm_fail *fail)
{
    struct bm_bytes sent = q->part[BM_PART_ENDORSEMENT];
    enum bm_rc rc;

    if (sent.n == 0 || !q->whose.chip.found || q->body_class != BM_BODY_TPM)
        return BM_OK;
    rc = bm_endorse(part, q->peer->r->store, q->whose.chip.holding->lot.vendor, q->enrol.body, sent, fail);
    q->part[BM_PART_ENDORSEMENT] = bm_buf_bytes(part);
    return rc;
}

static enum bm_rc
station_read(struct request *q, struct bm_fail *fail)
{
    struct bm_station_word station;
    enum bm_rc rc;

    if (q->part[BM_PART_STATION].n == 0)
        return BM_OK;
    if ((rc = bm_station_parse(&station, q->part[BM_PART_STATION], fail)) == BM_OK)
        memcpy(q->order, station.order, sizeof(q->order));
    return rc;
}

typedef enum bm_rc whose_fn(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store, struct bm_bytes body,
                            struct bm_fail *fail);

static enum bm_rc
serve_enrolment(const struct peer *peer, uint64_t id, struct bm_rd body, uint8_t body_class, whose_fn *whose, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf endorsement = { .max = BM_MAX_EVIDENCE };
    struct request q = { .peer = peer, .id = id, .body_class = body_class };
    struct bm_fail why = { .rc = BM_OK };
    struct bm_rd parts;
    enum bm_rc rc;

    if ((rc = bm_g_enrol_parse(&q.enrol, body, fail)) != BM_OK)
        return rc;
    parts = bm_rd(q.enrol.parts);
    if (parts.left > 0)
        bm_parts_take(q.part, &parts);
    if (!bm_rd_end(&parts))
        return bm_fail(fail, BM_EINPUT, NULL, "the gate's request to enrol has parts that do not parse");
    bm_view_copy(q.label, sizeof(q.label), q.enrol.label);
    if (q.enrol.label.n > BM_MAX_NAME || (q.label[0] != 0 && !bm_name_ok(q.label, BM_MAX_NAME)))
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0,
                                 "the name of the profile or service has letters, digits, '.', '_' and '-' only", fail);
    rc = whose(&q.whose, &peer->r->holdings, peer->r->store, q.enrol.body, &why);
    if (rc == BM_OK)
        rc = station_read(&q, &why);
    if (rc == BM_OK)
        rc = endorsement_complete(&q, &endorsement, &why);
    if (rc == BM_EINPUT || rc == BM_EPOLICY)
        rc = refuse_request(&q, "enrol", rc, why.text, fail);
    else if (rc == BM_OK)
        rc = request_serve(&q, fail);
    else
        *fail = why;
    bm_whose_done(&q.whose);
    return rc;
}

enum bm_rc
bm_serve_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    return serve_enrolment(ctx, id, body, BM_BODY_CMC, bm_whose_cmc, fail);
}

enum bm_rc
bm_serve_tpm_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    return serve_enrolment(ctx, id, body, BM_BODY_TPM, bm_whose_tpm, fail);
}

enum bm_rc
bm_serve_tls_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    return serve_enrolment(ctx, id, body, BM_BODY_TLS, bm_whose_tls, fail);
}
