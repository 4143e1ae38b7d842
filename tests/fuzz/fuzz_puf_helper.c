/* fuzz_puf_helper.c - helper data that we take has one form and 2048 pairs; whatever a chip is given, it gives its own secret or none. */
#include "fuzz.h"

#include "root/extractor.h"

static enum bm_rc
start(void *ctx, uint8_t ret_cells[static BM_PUF_BYTES], struct bm_fail *fail)
{
    (void)fail;
    memcpy(ret_cells, ctx, BM_PUF_BYTES);
    return BM_OK;
}

/* Half of the cells, in no order. */
static void
cells_make(uint8_t cells[static BM_PUF_BYTES])
{
    uint8_t hash[BM_HASH] = { 1 };

    for (size_t i = 0; i < BM_PUF_BYTES; i += BM_HASH) {
        bm_sha256(hash, bm_bytes(hash, sizeof(hash)));
        memcpy(cells + i, hash, BM_HASH);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t cells[BM_PUF_BYTES];
    const struct bm_puf_array array = { .start = start, .ctx = cells };
    uint8_t again[BM_PUF_HELPER];
    struct bm_puf_helper helper;
    struct bm_fail fail = { 0 };
    struct bm_secret secret;

    cells_make(cells);
    if (bm_puf_helper_parse(&helper, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    bm_puf_helper_build(again, &helper);
    must(size == sizeof(again) && memcmp(again, data, size) == 0);
    must(bm_extractor_open(&secret, &helper, &array, &fail) != BM_OK); /* the tag is nobody's */
    return 0;
}
