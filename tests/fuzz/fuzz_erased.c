/* fuzz_erased.c - a device's word of what it erased: only what a key signed is taken, and it says the same again. */
#include "fuzz.h"

#include "evidence/erased.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 2 * BM_MAX_ERASED };
    struct bm_fail fail = { 0 };
    struct bm_erased erased;
    const uint8_t *key;

    must(bm_crypto_new(&crypto, &fail) == BM_OK);
    if (bm_erased_check(&erased, bm_bytes(data, size), crypto, &fail) != BM_OK) {
        must((fail.rc == BM_EINPUT || fail.rc == BM_EPOLICY) && fail.text[0] != 0);
        return 0;
    }
    bm_erased_build(&text, &erased, bm_bytes("k", 1));
    key = memmem(text.p, text.n, "\nkey ", 5);
    must(key != NULL && memcmp(text.p, data, (size_t)(key - text.p)) == 0);
    return 0;
}
