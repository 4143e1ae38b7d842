#include "evidence/dice.h"
#include "evidence/word.h"
#include "wire/der.h"

/* DiceEvidence ::= SEQUENCE { deviceID Certificate, alias Certificate, signature OCTET STRING } */
enum bm_rc
bm_dice_evidence_parse(struct bm_dice_evidence *ret, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    struct bm_dice_evidence evidence = { .device_id = bm_der_raw(&in, BM_DER_SEQUENCE) };

    evidence.alias = bm_der_raw(&in, BM_DER_SEQUENCE);
    evidence.signature = bm_der_take(&in, BM_DER_OCTET_STRING);
    if (!bm_rd_end(&in) || !bm_rd_end(&rd) || evidence.signature.n == 0 || evidence.signature.n > BM_MAX_SIGNATURE)
        return bm_fail(fail, BM_EINPUT, NULL, "the DICE evidence is not two certificates and a signature in DER");
    *ret = evidence;
    return BM_OK;
}

void
bm_dice_evidence_build(struct bm_buf *buf, const struct bm_dice_evidence *evidence)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_buf_add_bytes(buf, evidence->device_id);
    bm_buf_add_bytes(buf, evidence->alias);
    bm_der_add(buf, BM_DER_OCTET_STRING, evidence->signature);
    bm_der_end(buf, at);
}

/* When the later of the two began: no clock's business, so that signer and auditor come to one answer. */
static enum bm_rc
chain_begin(bm_time *ret, const struct bm_dice_evidence *evidence, struct bm_fail *fail)
{
    struct bm_cert device_id, alias;
    enum bm_rc rc;

    if ((rc = bm_cert_parse(&device_id, evidence->device_id, fail)) != BM_OK ||
        (rc = bm_cert_parse(&alias, evidence->alias, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the DICE evidence");
        return rc;
    }
    *ret = device_id.not_before > alias.not_before ? device_id.not_before : alias.not_before;
    return BM_OK;
}

enum bm_rc
bm_dice_evidence_check(struct bm_dice *ret, struct bm_crypto *crypto, const struct bm_key *root, const struct bm_dice_evidence *evidence,
                       struct bm_bytes csr, struct bm_fail *fail)
{
    struct bm_dice dice;
    bm_time at = 0;
    enum bm_rc rc;

    if ((rc = chain_begin(&at, evidence, fail)) != BM_OK ||
        (rc = bm_dice_check(&dice, crypto, root, evidence->device_id, evidence->alias, at, fail)) != BM_OK)
        return rc;
    rc = bm_word_verify(crypto, &dice.alias.key, BM_WORD_DICE, csr, evidence->signature, fail);
    if (rc == BM_EPOLICY || rc == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the Alias key did not sign this request: evidence of another request or device proves nothing");
    if (rc != BM_OK)
        return rc;
    *ret = dice;
    return BM_OK;
}
