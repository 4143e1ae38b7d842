/* fuzz_box.c - sealed bytes: nobody's are opened; ours are, under their name alone, and not when a bit is another. */
#include "fuzz.h"

#include "root/box.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[BM_BOX_KEY] = { 1, 2, 3 };
    bm_cleanup(bm_buf_done) struct bm_buf box = { .max = 8192 }, bytes = { .max = 8192 };
    struct bm_fail fail = { 0 };

    if (size > 4096)
        return 0;
    must(bm_box_open(&bytes, key, "disk", bm_bytes(data, size), &fail) == BM_EPOLICY && bytes.n == 0);
    must(bm_box_close(&box, key, "disk", bm_bytes(data, size), &fail) == BM_OK && box.n == size + BM_BOX_EXTRA);
    must(bm_box_open(&bytes, key, "mqtt", bm_buf_bytes(&box), &fail) == BM_EPOLICY && bytes.n == 0);
    must(bm_box_open(&bytes, key, "disk", bm_buf_bytes(&box), &fail) == BM_OK);
    must(bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes(data, size)));
    box.p[size == 0 ? 0 : data[0] % box.n] ^= 1;
    bm_buf_reset(&bytes);
    must(bm_box_open(&bytes, key, "disk", bm_buf_bytes(&box), &fail) == BM_EPOLICY && bytes.n == 0);
    return 0;
}
