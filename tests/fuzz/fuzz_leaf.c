/* fuzz_leaf.c - a chip's entry has one form: what is read is what would be written. */
#include "fuzz.h"

#include "lot/leaf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_LEAF };
    struct bm_bytes bytes = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_leaf leaf;

    if (bm_leaf_parse(&leaf, bytes, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(bm_leaf_build(&again, &leaf, &fail) == BM_OK);
    must(bm_bytes_equal(bm_buf_bytes(&again), bytes));
    for (size_t i = 0; i < leaf.nkeys; i++)
        must(bm_leaf_key(&leaf, leaf.keys[i].key.hash) == &leaf.keys[i]);
    return 0;
}
