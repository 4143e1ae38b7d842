/* fuzz_index.c - whatever stands in a lot's index: opened or refused, and what is then asked of it is answered or refused, never a crash. */
#include "fuzz.h"

#include "custody/index.h"
#include "custody/index_layout.h"

#include <sys/mman.h>
#include <unistd.h>

static enum bm_rc
both(void *ctx, uint64_t ia, uint64_t ib, struct bm_fail *fail)
{
    const struct bm_index *index = ctx;

    (void)fail;
    must(ia < bm_index_size(index) && ib < bm_index_size(index));
    return BM_OK;
}

static void
ask(const struct bm_index *index, uint64_t i)
{
    struct bm_fail fail = { 0 };
    struct bm_proof proof;
    struct bm_bytes der;
    struct bm_leaf leaf;
    uint64_t at = 0;
    bool found = false;

    must(bm_index_prove(index, i, &proof, &fail) == BM_OK);
    if (bm_index_leaf(index, i, &der, &fail) != BM_OK || bm_leaf_parse(&leaf, der, &fail) != BM_OK)
        return;
    if (bm_index_find_id(index, leaf.id, &found, &at, &fail) == BM_OK && found)
        must(at < bm_index_size(index));
    for (size_t k = 0; k < leaf.nkeys; k++) {
        if (bm_index_find_key(index, leaf.keys[k].key.hash, &found, &at, &fail) == BM_OK && found)
            must(at < bm_index_size(index));
        if (bm_index_find_ski(index, bm_key_ski(&leaf.keys[k].key).octets, &found, &at, &fail) == BM_OK && found)
            must(at < bm_index_size(index));
    }
}

/* ---- the header's own hash, and the tree's head, would keep the fuzzer out: they are made to fit ---- */

struct file {
    uint8_t *p;
    struct bm_index_layout layout;
};

static enum bm_rc
node_get(void *ctx, unsigned level, uint64_t i, uint8_t ret[static BM_HASH], struct bm_fail *fail)
{
    const struct file *file = ctx;

    (void)fail;
    memcpy(ret, file->p + file->layout.level[level] + i * BM_HASH, BM_HASH);
    return BM_OK;
}

static void
header_fit(uint8_t *p, size_t n)
{
    uint8_t *root = p + BM_INDEX_HEADER - 2 * BM_HASH, *hash = p + BM_INDEX_HEADER - BM_HASH;
    struct file file = { .p = p };
    struct bm_tree_source source = { .node = node_get, .ctx = &file };
    struct bm_fail fail = { 0 };

    if (n < BM_INDEX_HEADER)
        return;
    bm_sha256(hash, bm_bytes(p, BM_INDEX_HEADER - BM_HASH));
    if (bm_index_header_parse(&file.layout, bm_bytes(p, BM_INDEX_HEADER), &fail) != BM_OK || file.layout.size != n)
        return;
    must(bm_root_make(root, &source, file.layout.chips, &fail) == BM_OK);
    bm_sha256(hash, bm_bytes(p, BM_INDEX_HEADER - BM_HASH));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    int fd = memfd_create("index", MFD_CLOEXEC);
    struct bm_fail fail = { 0 };
    uint8_t *p;

    must(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    p = size == 0 ? NULL : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(p != MAP_FAILED);
    if (p != NULL) {
        memcpy(p, data, size);
        header_fit(p, size);
        must(munmap(p, size) == 0);
    }
    if (bm_index_open(&index, fd, &fail) == BM_OK) {
        for (uint64_t i = 0; i < bm_index_size(index); i++)
            ask(index, i);
        must(bm_index_cross(index, index, BM_BY_KEY, both, index, &fail) == BM_OK || fail.rc == BM_EBUG);
        must(bm_index_cross(index, index, BM_BY_ID, both, index, &fail) == BM_OK || fail.rc == BM_EBUG);
    } else {
        must(fail.rc == BM_EBUG && fail.text[0] != 0);
    }
    (void)close(fd);
    return 0;
}
