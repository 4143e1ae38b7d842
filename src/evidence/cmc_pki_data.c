#include "evidence/cmc_inside.h"

#define MAX_CONTROLS 4 /* the kinds below */
#define MAX_NONCE 64
#define MAX_PART 0xffffffffu

static enum bm_rc
wrong(struct bm_fail *fail, const char *cite, const char *what)
{
    return bm_fail(fail, BM_EINPUT, cite, "the PKIData of the CMC request %s", what);
}

/* Body part identifiers seen so far. req: RFC5272 3.2.2 each once, and 0 stands for the whole */
struct parts {
    uint64_t id[MAX_CONTROLS + 1];
    size_t n;
};

static bool
part_take(struct parts *parts, struct bm_rd *rd)
{
    uint64_t id = bm_der_uint(rd, BM_DER_INTEGER);

    if (rd->bad || id == 0 || id > MAX_PART || parts->n == BM_COUNT(parts->id))
        return false;
    for (size_t i = 0; i < parts->n; i++)
        if (parts->id[i] == id)
            return false;
    parts->id[parts->n++] = id;
    return true;
}

/* Where the one value of a control goes. Twice the same control is refused: the second finds its place taken. */
static enum bm_rc
control_value(struct bm_cmc *cmc, struct bm_bytes oid, struct bm_rd *values, struct bm_fail *fail)
{
    bool dice = bm_bytes_equal(oid, BM_OID(bm_oid_cmc_dice));
    bool transaction = bm_bytes_equal(oid, BM_OID(bm_oid_cmc_transaction_id));
    struct bm_bytes *at = transaction                                               ? &cmc->transaction_id
                          : bm_bytes_equal(oid, BM_OID(bm_oid_cmc_sender_nonce))    ? &cmc->sender_nonce
                          : bm_bytes_equal(oid, BM_OID(bm_oid_cmc_recipient_nonce)) ? &cmc->recipient_nonce
                          : dice                                                    ? &cmc->dice
                                                                                    : NULL;

    /* req: RFC5272 6 a control that is not understood is not passed over: the sender meant something by it */
    if (at == NULL)
        return wrong(fail, "RFC 5272 6",
                     "has a control that we do not take: only transactionId, senderNonce, recipientNonce and our own for DICE");
    if (at->n > 0)
        return wrong(fail, "RFC 5272 6.6", "has a control twice");
    if (dice) {
        *at = bm_der_raw(values, BM_DER_SEQUENCE);
        return bm_rd_end(values) ? BM_OK : wrong(fail, NULL, "has DICE evidence that is not one value");
    }
    *at = transaction ? bm_der_positive(values) : bm_der_take(values, BM_DER_OCTET_STRING);
    if (!bm_rd_end(values) || at->n == 0 || at->n > MAX_NONCE)
        return wrong(fail, "RFC 5272 6.6", "has a nonce or transaction identifier that is not one value of 1 to 64 bytes");
    return BM_OK;
}

/* SEQUENCE OF TaggedAttribute { bodyPartID, attrType, attrValues SET }. */
static enum bm_rc
controls_parse(struct bm_cmc *cmc, struct parts *parts, struct bm_rd list, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t n = 0; !list.bad && list.left > 0; n++) {
        struct bm_rd in = bm_der_enter(&list, BM_DER_SEQUENCE), values;
        bool part = part_take(parts, &in);
        struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);

        values = bm_der_enter(&in, BM_DER_SET);
        if (n == MAX_CONTROLS || !part || !bm_rd_end(&in))
            return wrong(fail, "RFC 5272 3.2.2", "has malformed controls, more than four, or a body part identifier twice");
        if ((rc = control_value(cmc, oid, &values, fail)) != BM_OK)
            return rc;
    }
    if (!bm_rd_end(&list))
        return wrong(fail, "RFC 5272 3.2.1", "is not DER");
    /* req: RFC5272 6.6 recipientNonce is the nonce that the other side gave out: without it nothing says that the request is new */
    if (cmc->recipient_nonce.n == 0)
        return wrong(fail, "RFC 5272 6.6", "has no recipientNonce: ask the server for a nonce and put it there");
    return BM_OK;
}

/*
 * PKIData ::= SEQUENCE {                          its module has IMPLICIT TAGS, so tcr is a0 around the fields themselves:
 *     controlSequence   SEQUENCE OF TaggedAttribute,
 *     reqSequence       SEQUENCE OF TaggedRequest,          a0 { bodyPartID INTEGER, certificationRequest PKCS#10 }
 *     cmsSequence       SEQUENCE OF TaggedContentInfo,      30 00
 *     otherMsgSequence  SEQUENCE OF OtherMsg }              30 00
 */
enum bm_rc
bm_cmc_pki_data_parse(struct bm_cmc *cmc, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(cmc->content), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    struct bm_rd controls = bm_der_enter(&in, BM_DER_SEQUENCE), requests = bm_der_enter(&in, BM_DER_SEQUENCE), tcr;
    struct bm_bytes cms = bm_der_take(&in, BM_DER_SEQUENCE), other = bm_der_take(&in, BM_DER_SEQUENCE), csr;
    struct parts parts = { .n = 0 };
    enum bm_rc rc;
    bool part;

    if (!bm_rd_end(&in) || !bm_rd_end(&rd))
        return wrong(fail, "RFC 5272 3.2.1", "is not DER");
    if ((rc = controls_parse(cmc, &parts, controls, fail)) != BM_OK)
        return rc;
    tcr = bm_der_enter(&requests, BM_TAG_BODY);
    part = part_take(&parts, &tcr);
    csr = bm_der_raw(&tcr, BM_DER_SEQUENCE);
    /* req: RFC5272 3.2.1.2 one PKCS#10 request, and nothing beside it: what is not checked is not signed for */
    if (!part || !bm_rd_end(&tcr) || !bm_rd_end(&requests) || cms.n > 0 || other.n > 0)
        return wrong(fail, "RFC 5272 3.2.1.2", "does not hold exactly one PKCS#10 request and nothing else");
    return bm_csr_parse(&cmc->csr, csr, fail);
}
