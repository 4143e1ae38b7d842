/* fuzz_attested.c - an attestation attribute is read in bounds and in one way; what it says is in the request; a whole request with one proves nothing by chance. */
#include "fuzz.h"

#include "evidence/attested.h"

static bool
inside(struct bm_bytes part, struct bm_bytes whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void
attested(const struct bm_csr *csr)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 65536 + 1024 };
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_attested in, out;
    struct bm_csr whole = { .attributes = { 0 } };
    enum bm_rc rc = bm_attested_parse(&in, csr, &fail);

    if (rc != BM_OK) {
        must(rc == BM_EINPUT && fail.text[0] != 0);
        must(bm_attested_take(&out, csr, &fail) == BM_EINPUT);
        return;
    }
    must(in.present || (in.attest.n == 0 && in.nkeys == 0));
    must(inside(in.attest, csr->attributes) && inside(in.signature, csr->attributes) && inside(in.area, csr->attributes));
    must((bm_attested_take(&out, csr, &fail) == BM_OK) == (in.attest.n > 0 && in.nkeys > 0));
    (void)bm_tpm_attest_extra(in.attest);
    if (in.attest.n == 0)
        return;
    /* written anew it says the same */
    bm_attested_build(&again, in.attest, in.signature, in.area, bm_bytes("\x30\x00", 2));
    must(!again.bad);
    whole.attributes = bm_buf_bytes(&again);
    must(bm_attested_take(&out, &whole, &fail) == BM_OK && out.nkeys == 1);
    must(bm_bytes_equal(in.attest, out.attest) && bm_bytes_equal(in.signature, out.signature) && bm_bytes_equal(in.area, out.area));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_csr csr = { .attributes = bm_bytes(data, size) };

    attested(&csr); /* the attributes alone: of any shape, and no key in the way */
    if (bm_csr_parse(&csr, bm_bytes(data, size), &fail) == BM_OK)
        attested(&csr);
    return 0;
}
