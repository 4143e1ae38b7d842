/* A statement on its way to its site: what parses is what would be built from it. */
#include "fuzz.h"

#include "pki/profile.h"
#include "record/handover.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_HANDOVER };
    struct bm_handover handover;
    struct bm_fail fail;

    if (bm_handover_parse(&handover, bm_bytes(data, size), &fail) != BM_OK)
        return 0;
    bm_handover_build(&again, &handover);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    return 0;
}
