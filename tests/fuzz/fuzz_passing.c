/* fuzz_passing.c - a chip that comes back from the process that read it: refused, or the very bytes that would be sent again. */
#include "fuzz.h"

#include "lot/lot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 1 << 17 };
    static struct bm_lot_chip chip;
    struct bm_fail fail = { 0 };
    struct bm_bytes der;

    if (bm_lot_chip_parse(&chip, &der, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return 0;
    }
    bm_lot_chip_build(&again, &chip, der);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    return 0;
}
