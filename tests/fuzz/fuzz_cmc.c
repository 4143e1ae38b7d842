/* fuzz_cmc.c - a CMC request that we take, put together again from its parts, is taken again and says the same. */
#include "fuzz.h"

#include "evidence/cmc.h"

static bool
inside(struct bm_bytes part, struct bm_bytes whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf attrs = { .max = BM_MAX_CMC }, again = { .max = BM_MAX_CMC + 1024 };
    const struct bm_bytes input = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_cmc cmc, second;

    if (bm_cmc_parse(&cmc, input, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(inside(cmc.signer_cert, input) && inside(cmc.signer_ski, input) && inside(cmc.signature, input));
    must(inside(cmc.recipient_nonce, cmc.content) && inside(cmc.sender_nonce, cmc.content) && inside(cmc.transaction_id, cmc.content) &&
         inside(cmc.dice, cmc.content));
    must(inside(cmc.csr.der, cmc.content) && inside(cmc.content, input) && inside(cmc.digest, cmc.signed_attrs) &&
         cmc.recipient_nonce.n > 0);
    bm_buf_add_bytes(&attrs, cmc.signed_attrs);
    must(!attrs.bad);
    attrs.p[0] = 0x31;
    bm_cmc_build(&again, cmc.content, bm_buf_bytes(&attrs), bm_key_ski(&cmc.csr.key).octets, cmc.alg, cmc.signature);
    must(!again.bad);
    if (again.n > BM_MAX_CMC)
        return 0;
    must(bm_cmc_parse(&second, bm_buf_bytes(&again), &fail) == BM_OK);
    must(bm_bytes_equal(second.content, cmc.content) && bm_bytes_equal(second.signed_attrs, cmc.signed_attrs));
    must(bm_bytes_equal(second.signature, cmc.signature) && bm_bytes_equal(second.digest, cmc.digest) && second.alg == cmc.alg);
    return 0;
}
