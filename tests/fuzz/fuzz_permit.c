/* fuzz_permit.c - a boot permit: what is taken prints as the same bytes, so one permit has one text. */
#include "fuzz.h"

#include "root/boot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    struct bm_fail fail = { 0 };
    struct bm_permit permit;

    if (bm_permit_parse(&permit, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(permit.nsignature <= sizeof(permit.signature));
    bm_permit_build(&text, &permit);
    must(!text.bad && bm_bytes_equal(bm_buf_bytes(&text), bm_bytes(data, size)));
    return 0;
}
