/* fuzz_envelope.c - an envelope opens with the key it is for, or is refused; what is no envelope is never opened. */
#include "fuzz.h"

#include "cli/envelope.h"

/* openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256: made for this file */
static const char key[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglAon6W8hiUmTqVjN\n"
                          "Qt1i/K4TdT0/0pxDJ0sHiJR/ZUqhRANCAATRX+rMEi6QNGPJ7JyVvTtWytZHemqB\n"
                          "mr0IfE1fKkfWpMqlJYfw3Vz1nZ2d7uXS+kJ1tFb5zl/vMak77pm5GY3m\n"
                          "-----END PRIVATE KEY-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = 1 << 20 };
    struct bm_bytes bytes = bm_bytes(data, size);
    bm_cleanup(bm_envelope_key_done) struct bm_envelope_key with = { .file = NULL };
    struct bm_progress progress = { .what = "opening" };
    struct bm_fail fail = { 0 };

    must(bm_envelope_key_parse(&with, bm_bytes_str(key), &fail) == BM_OK);
    if (bm_envelope_open(&content, bytes, &with, &progress, &fail) == BM_OK)
        must(bm_is_envelope(bytes) && content.n > 0);
    else
        must(fail.rc != BM_EBUG && fail.text[0] != 0);
    return 0;
}
