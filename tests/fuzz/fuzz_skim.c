/* fuzz_skim.c - what the strict reader of certificates takes, the registrar's quick one reads the same way; and it never looks outside. */
#include "fuzz.h"

#include "pki/cert.h"
#include "registrar/skim.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_bytes whole = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_cert cert;
    struct bm_skim skim = { .not_after = 0 };
    bool skimmed = bm_cert_skim(&skim, whole, &fail) == BM_OK;

    if (skimmed)
        must(skim.issuer.p > whole.p && skim.issuer.p + skim.issuer.n < whole.p + whole.n);
    if (bm_cert_parse(&cert, whole, &fail) != BM_OK)
        return 0;
    must(skimmed && bm_bytes_equal(skim.issuer, cert.issuer) && skim.not_after == cert.not_after);
    must(memcmp(skim.key, cert.key.hash, sizeof(skim.key)) == 0);
    return 0;
}
