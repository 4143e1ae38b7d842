/* fuzz_der.c - DER has one form: what the reader takes, element by element and value by value, the writer writes again to the byte. */
#include "fuzz.h"

#include "wire/der.h"

#define DEPTH 16

/* The value of the element, where its tag has a typed reader, must be written as it was read. */
static void
value_again(struct bm_bytes whole, unsigned tag)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = whole.n + 16 };
    struct bm_rd rd = bm_rd(whole), positive = rd;
    uint64_t u;

    if (tag == BM_DER_INTEGER || tag == BM_DER_ENUMERATED) {
        u = bm_der_uint(&rd, tag);
        bm_der_add_uint(&buf, tag, u);
    } else if (tag == BM_DER_BOOLEAN) {
        bm_der_add_boolean(&buf, bm_der_boolean(&rd));
    } else if (tag == BM_DER_BIT_STRING) {
        bm_der_add_bits(&buf, bm_der_bits(&rd));
    } else if (tag == BM_DER_NULL) {
        bm_der_null(&rd);
        bm_der_add_null(&buf);
    } else if (tag == BM_DER_UTC_TIME) {
        bm_der_add_time(&buf, bm_der_time(&rd));
    } else {
        return;
    }
    if (bm_rd_end(&rd))
        must(bm_bytes_equal(bm_buf_bytes(&buf), whole));
    if (tag != BM_DER_INTEGER)
        return;
    bm_buf_reset(&buf);
    bm_der_add_positive(&buf, bm_der_positive(&positive));
    if (bm_rd_end(&positive))
        must(bm_bytes_equal(bm_buf_bytes(&buf), whole));
}

/* All elements of the cursor, appended again. False where something is not DER. */
static bool
elements_again(struct bm_buf *buf, struct bm_rd *rd, unsigned depth)
{
    while (rd->left > 0) {
        struct bm_rd at = *rd, inner;
        unsigned tag = 0;
        struct bm_bytes whole = bm_der_any(rd, &tag);
        size_t begin;

        if (rd->bad)
            return false;
        value_again(whole, tag);
        begin = bm_der_begin(buf, tag);
        inner = bm_der_enter(&at, tag);
        must(!inner.bad && at.left == rd->left);
        if ((tag & 0x20) == 0 || depth == 0)
            bm_buf_add_bytes(buf, bm_rd_rest(&inner));
        else if (!elements_again(buf, &inner, depth - 1))
            return false;
        bm_der_end(buf, begin);
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = size + 16 };
    struct bm_rd rd = bm_rd(bm_bytes(data, size)), time = rd;

    (void)bm_der_time(&time);
    if (elements_again(&buf, &rd, DEPTH))
        must(!buf.bad && bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes(data, size)));
    return 0;
}
