#include "evidence/tpm.h"
#include "wire/rd.h"

enum {
    ACTIVATED = 1,
    CERTIFIED = 2,
    ATTESTED = 3
};

static enum bm_rc
cut_short(struct bm_fail *fail)
{
    return bm_fail(fail, BM_EINPUT, NULL, "the TPM claim is cut short, has bytes after its end, or a part that is longer than it may be");
}

enum bm_rc
bm_tpm_claim_parse(struct bm_tpm_claim *ret_claim, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bytes);
    uint16_t version = bm_rd_u16(&rd);
    struct bm_tpm_claim claim = { .proof = { 0 } };
    struct bm_bytes last;

    if (version == ATTESTED) {
        claim = (struct bm_tpm_claim){ .attested = true, .csr = bm_rd_lv16(&rd, BM_MAX_CSR) };
        if (!bm_rd_end(&rd))
            return cut_short(fail);
        *ret_claim = claim;
        return BM_OK;
    }
    if (version == CERTIFIED) {
        claim.iak = bm_rd_lv16(&rd, BM_MAX_SPKI);
    } else {
        claim.ek = bm_rd_lv16(&rd, BM_MAX_SPKI);
        claim.ak = bm_rd_lv16(&rd, BM_MAX_TPM);
    }
    claim.key = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.attest = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.signature = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.csr = bm_rd_lv16(&rd, BM_MAX_CSR);
    last = bm_rd_lv16(&rd, BM_HASH);
    *(version == CERTIFIED ? &claim.nonce : &claim.proof) = last;
    if (!rd.bad && version != ACTIVATED && version != CERTIFIED)
        return bm_fail(fail, BM_EINPUT, NULL, "the TPM claim is of version %u and we read versions 1 to 3: update the agent or the server",
                       version);
    if (!bm_rd_end(&rd) || last.n != BM_HASH || (version == CERTIFIED && claim.iak.n == 0))
        return cut_short(fail);
    *ret_claim = claim;
    return BM_OK;
}

void
bm_tpm_claim_build(struct bm_buf *buf, const struct bm_tpm_claim *claim)
{
    bool certified = claim->iak.n > 0;

    if (claim->attested) {
        bm_buf_add_u16(buf, ATTESTED);
        bm_buf_add_lv16(buf, claim->csr);
        return;
    }
    bm_buf_add_u16(buf, certified ? CERTIFIED : ACTIVATED);
    if (certified) {
        bm_buf_add_lv16(buf, claim->iak);
    } else {
        bm_buf_add_lv16(buf, claim->ek);
        bm_buf_add_lv16(buf, claim->ak);
    }
    bm_buf_add_lv16(buf, claim->key);
    bm_buf_add_lv16(buf, claim->attest);
    bm_buf_add_lv16(buf, claim->signature);
    bm_buf_add_lv16(buf, claim->csr);
    bm_buf_add_lv16(buf, certified ? claim->nonce : claim->proof);
}

void
bm_tpm_certified_data(uint8_t ret[static BM_HASH], struct bm_bytes nonce, struct bm_bytes csr)
{
    uint8_t digest[BM_HASH];

    bm_sha256(digest, csr);
    bm_sha256_pieces(ret, (const struct bm_bytes[]){ bm_bytes_str("birthmark/tpm-certified/v1\n"), nonce, bm_bytes(digest, BM_HASH) }, 3);
}

void
bm_tpm_subject(uint8_t ret[static BM_HASH], const uint8_t ek_hash[static BM_HASH], struct bm_bytes ak_name)
{
    uint8_t in[BM_HASH + BM_MAX_TPM_NAME];
    size_t n = ak_name.n < BM_MAX_TPM_NAME ? ak_name.n : BM_MAX_TPM_NAME;

    memcpy(in, ek_hash, BM_HASH);
    if (n > 0)
        memcpy(in + BM_HASH, ak_name.p, n);
    bm_sha256(ret, bm_bytes(in, BM_HASH + n));
}
