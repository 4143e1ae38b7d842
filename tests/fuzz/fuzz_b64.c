/* fuzz_b64.c - one byte string has one text: what decodes encodes to the same text, and all bytes survive encoding and decoding. */
#include "fuzz.h"

#include "wire/text.h"

static void
decode_then_encode(enum bm_b64 kind, struct bm_bytes text)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = text.n + 1 }, again = { .max = text.n + 8 }, plain = { .max = text.n + 1 };
    struct bm_fail fail = { 0 };

    if (bm_b64_parse(&bytes, kind, text, &fail) != BM_OK) {
        must(bytes.n == 0 && fail.rc == BM_EINPUT);
        return;
    }
    for (size_t i = 0; i < text.n; i++)
        if (kind != BM_B64_LOOSE || strchr(" \t\n\v\f\r", text.p[i]) == NULL)
            bm_buf_add_u8(&plain, text.p[i]);
    bm_b64_add(&again, kind, bm_buf_bytes(&bytes));
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_buf_bytes(&plain)));
}

static void
encode_then_decode(enum bm_b64 kind, struct bm_bytes bytes)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = bytes.n * 2 + 8 }, again = { .max = bytes.n + 1 };
    struct bm_fail fail = { 0 };

    bm_b64_add(&text, kind, bytes);
    must(bm_b64_parse(&again, kind, bm_buf_bytes(&text), &fail) == BM_OK);
    must(bm_bytes_equal(bm_buf_bytes(&again), bytes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_bytes input = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    uint8_t hex[64], again[64];
    char digits[129];

    for (int kind = BM_B64_STD; kind <= (int)BM_B64_LOOSE; kind++) {
        decode_then_encode((enum bm_b64)kind, input);
        encode_then_decode((enum bm_b64)kind, input);
    }
    if (size <= 2 * sizeof(hex) && bm_hex_parse(hex, size / 2, input, &fail) == BM_OK) {
        bm_hex(digits, bm_bytes(hex, size / 2));
        must(bm_hex_parse(again, size / 2, bm_bytes_str(digits), &fail) == BM_OK && memcmp(hex, again, size / 2) == 0);
    }
    return 0;
}
