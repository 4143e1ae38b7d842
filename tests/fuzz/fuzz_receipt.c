/* fuzz_receipt.c - a receipt reads or is refused; every prefix of its head is. */
#include "fuzz.h"

#include "cli/receipt.h"
#include "wire/text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_fail fail = { 0 };
    struct bm_receipt receipt;

    if (bm_receipt_parse(&receipt, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(bm_name_ok(receipt.lot, BM_MAX_NAME) && receipt.chips > 0 && receipt.revision > 0);
    return 0;
}
