#include "custody/index_layout.h"

#include "digest/digest.h"
#include "wire/rd.h"

#define VERSION 1

static const char magic[] = "birthmark-index\n";
#define MAGIC (sizeof(magic) - 1)

void
bm_index_layout_place(struct bm_index_layout *layout)
{
    uint64_t at = BM_INDEX_HEADER + layout->leaf_bytes;

    layout->ends = at;
    at += layout->chips * BM_INDEX_END;
    for (unsigned i = 0; i < BM_INDEX_LEVELS; i++) {
        layout->level[i] = at;
        at += (layout->chips >> i) * BM_HASH;
    }
    layout->records[BM_INDEX_KEYS] = layout->names;
    layout->records[BM_INDEX_SKIS] = layout->kind == BM_LEAF_KEYS ? layout->names : 0;
    layout->records[BM_INDEX_IDS] = layout->chips;
    for (unsigned i = 0; i < BM_INDEX_NTABLES; i++) {
        layout->table[i] = at;
        at += layout->records[i] * BM_INDEX_RECORD;
    }
    layout->size = at;
}

/* "birthmark-index\n" | u32 version | u32 kind | u64 chips | u64 names | u64 rsa | u64 bytes of leaves | 32 root | 32 SHA-256 of all before */
void
bm_index_header_build(uint8_t ret[static BM_INDEX_HEADER], const struct bm_index_layout *layout)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = BM_INDEX_HEADER };
    uint8_t hash[BM_HASH];

    bm_buf_add(&buf, magic, MAGIC);
    bm_buf_add_u32(&buf, VERSION);
    bm_buf_add_u32(&buf, (uint32_t)layout->kind);
    bm_buf_add_u64(&buf, layout->chips);
    bm_buf_add_u64(&buf, layout->names);
    bm_buf_add_u64(&buf, layout->rsa);
    bm_buf_add_u64(&buf, layout->leaf_bytes);
    bm_buf_add(&buf, layout->root, BM_HASH);
    bm_sha256(hash, bm_buf_bytes(&buf));
    bm_buf_add(&buf, hash, BM_HASH);
    memset(ret, 0, BM_INDEX_HEADER); /* without memory: a header that nobody takes */
    if (!buf.bad && buf.n == BM_INDEX_HEADER)
        memcpy(ret, buf.p, BM_INDEX_HEADER);
}

/* Numbers are bounded before anything is computed with them. */
static bool
numbers_ok(const struct bm_index_layout *layout, uint64_t kind)
{
    if (layout->chips == 0 || layout->chips > BM_MAX_LOT_CHIPS || layout->leaf_bytes > layout->chips * BM_MAX_LEAF)
        return false;
    if (kind == BM_LEAF_ID)
        return layout->names == layout->chips && layout->rsa == 0;
    return kind == BM_LEAF_KEYS && layout->names >= layout->chips && layout->names <= layout->chips * BM_MAX_CHIP_KEYS &&
           layout->rsa <= layout->names;
}

enum bm_rc
bm_index_header_parse(struct bm_index_layout *ret_layout, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bytes);
    struct bm_bytes word = bm_rd_take(&rd, MAGIC);
    uint64_t version = bm_rd_u32(&rd), kind = bm_rd_u32(&rd);
    struct bm_index_layout layout = { .chips = 0 };
    uint8_t hash[BM_HASH], want[BM_HASH];

    layout.chips = bm_rd_u64(&rd);
    layout.names = bm_rd_u64(&rd);
    layout.rsa = bm_rd_u64(&rd);
    layout.leaf_bytes = bm_rd_u64(&rd);
    bm_rd_copy(&rd, layout.root, BM_HASH);
    bm_rd_copy(&rd, want, BM_HASH);
    if (!bm_rd_end(&rd) || !bm_bytes_equal(word, bm_bytes(magic, MAGIC)))
        return bm_index_damaged(fail, "it does not begin as one, or was not written to its end");
    if (version != VERSION)
        return bm_index_damaged(fail, "it is of version %llu, and this program reads version %d", (unsigned long long)version, VERSION);
    bm_sha256(hash, bm_bytes(bytes.p, BM_INDEX_HEADER - BM_HASH));
    if (memcmp(hash, want, BM_HASH) != 0 || !numbers_ok(&layout, kind))
        return bm_index_damaged(fail, "its header is not as it was written");
    layout.kind = (enum bm_leaf_kind)kind;
    bm_index_layout_place(&layout);
    *ret_layout = layout;
    return BM_OK;
}
