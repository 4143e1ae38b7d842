/* fuzz_sealed.c - an envelope taken apart for a token: whatever it is, it opens or is refused, and nothing of a refused one stays. */
#include "fuzz.h"

#include "cli/envelope_sealed.h"

/* A token that says yes to all: what stands behind it is looked at too. */
static enum bm_rc
yes(void *ctx, struct bm_bytes sealed, struct bm_buf *out, struct bm_fail *fail)
{
    (void)ctx;
    must(sealed.n == 0 || sealed.p != NULL);
    bm_buf_add(out, "01234567890123456789012345678901", 32);
    return bm_buf_check(out, "a secret", fail);
}

static enum bm_rc
no(void *ctx, struct bm_bytes sealed, struct bm_buf *out, struct bm_fail *fail)
{
    (void)ctx;
    (void)sealed;
    (void)out;
    return bm_fail(fail, BM_EPOLICY, NULL, "not for us");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = 1 << 20 };
    const struct bm_unseal tokens[] = { { .rsa = yes, .ecdh = yes }, { .rsa = no }, { .ecdh = no } };
    struct bm_progress progress = { .what = "opening" };
    struct bm_fail fail = { 0 };

    for (size_t i = 0; i < BM_COUNT(tokens); i++) {
        enum bm_rc rc = bm_sealed_open(&content, bm_bytes(data, size), &tokens[i], &progress, &fail);

        must(rc != BM_OK || (content.n > 0 && i == 0));
        must(rc == BM_OK || (fail.rc != BM_EBUG && fail.text[0] != 0 && content.n == 0));
        bm_buf_reset(&content);
    }
    return 0;
}
