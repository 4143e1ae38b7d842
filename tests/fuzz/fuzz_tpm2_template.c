/* fuzz_tpm2_template.c - a maker's template and nonce of an endorsement key, from a TPM's NV memory: taken, it is of the kind that was asked for and used as we use it; refused, nothing changes. */
#include "fuzz.h"

#include "root/tpm2.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const TPMA_OBJECT must_have = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    const size_t nonce = size == 0 ? 0 : data[0] % 40u;
    struct bm_fail fail = { 0 };
    TPM2B_PUBLIC template, before;

    if (size < 1 + nonce)
        return 0;
    bm_tpm2_form(&template, BM_TPM2_SRK); /* as an endorsement key of P-256 is but for what makes it one */
    before = template;
    if (bm_tpm2_ek_template(&template, 0x01c0000c, bm_bytes(data + 1 + nonce, size - 1 - nonce), bm_bytes(data + 1, nonce), &fail) !=
        BM_OK) {
        must(fail.rc == BM_EPOLICY && fail.text[0] != 0);
        must(nonce > 32 || memcmp(&template, &before, sizeof(before)) == 0);
        return 0;
    }
    must(template.publicArea.type == TPM2_ALG_ECC && template.publicArea.parameters.eccDetail.curveID == TPM2_ECC_NIST_P256);
    must((template.publicArea.objectAttributes & must_have) == must_have);
    must(template.publicArea.unique.ecc.x.size <= 128 && template.publicArea.unique.ecc.y.size <= 128);
    must(nonce == 0 || memcmp(template.publicArea.unique.ecc.x.buffer, data + 1, nonce) == 0);
    return 0;
}
