/* fuzz_bound.c - what a record in a TPM's NV memory is bound to: what is taken is built as the same bytes, names PCRs that there are and a key on P-256. */
#include "fuzz.h"

#include "root/boot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_BOUND_BYTES };
    struct bm_fail fail = { 0 };
    struct bm_bound bound;
    uint8_t policy[BM_HASH];
    char text[BM_PCRS_TEXT];
    uint32_t pcrs;

    if (bm_bound_parse(&bound, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    bm_bound_build(&bytes, &bound);
    must(!bytes.bad && bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes(data, size)));
    must((bound.pcrs == 0) == (size == 0));
    if (bound.pcrs == 0)
        return 0;
    must(!bound.pinned || bound.update_key.alg == BM_KEY_P256);
    bm_pcrs_print(text, bound.pcrs);
    must(bm_pcrs_parse(&pcrs, text, &fail) == BM_OK && pcrs == bound.pcrs);
    bm_bound_policy(policy, &bound);
    return 0;
}
