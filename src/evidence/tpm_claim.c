#include "evidence/tpm.h"
#include "wire/rd.h"

#define VERSION 1

enum bm_rc
bm_tpm_claim_parse(struct bm_tpm_claim *ret_claim, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bytes);
    uint16_t version = bm_rd_u16(&rd);
    struct bm_tpm_claim claim;

    claim.ek = bm_rd_lv16(&rd, BM_MAX_SPKI);
    claim.ak = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.key = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.attest = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.signature = bm_rd_lv16(&rd, BM_MAX_TPM);
    claim.csr = bm_rd_lv16(&rd, BM_MAX_CSR);
    claim.proof = bm_rd_lv16(&rd, BM_HASH);
    if (!rd.bad && version != VERSION)
        return bm_fail(fail, BM_EINPUT, NULL, "the TPM claim is of version %u and we read version %d: update the agent or the server",
                       version, VERSION);
    if (!bm_rd_end(&rd) || claim.proof.n != BM_HASH)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the TPM claim is cut short, has bytes after its end, or a part that is longer than it may be");
    *ret_claim = claim;
    return BM_OK;
}

void
bm_tpm_claim_build(struct bm_buf *buf, const struct bm_tpm_claim *claim)
{
    bm_buf_add_u16(buf, VERSION);
    bm_buf_add_lv16(buf, claim->ek);
    bm_buf_add_lv16(buf, claim->ak);
    bm_buf_add_lv16(buf, claim->key);
    bm_buf_add_lv16(buf, claim->attest);
    bm_buf_add_lv16(buf, claim->signature);
    bm_buf_add_lv16(buf, claim->csr);
    bm_buf_add_lv16(buf, claim->proof);
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
