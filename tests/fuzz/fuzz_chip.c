/* fuzz_chip.c - a chip's record has one form: what is read is what would be written. */
#include "fuzz.h"

#include "lot/lot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 1 << 18 };
    struct bm_bytes bytes = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_chip chip;

    if (bm_chip_parse(&chip, bytes, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(bm_chip_build(&again, &chip.leaf, chip.certs, chip.ncerts, &fail) == BM_OK);
    must(bm_bytes_equal(bm_buf_bytes(&again), bytes));
    return 0;
}
