#include "evidence/bundle.h"
#include "wire/rd.h"

#define VERSION 3

static void
chain_take(struct bm_bundle *bundle, struct bm_rd *rd)
{
    uint8_t n = bm_rd_u8(rd);

    if (n > BM_MAX_CHAIN)
        *rd = (struct bm_rd){ .bad = true };
    for (uint8_t i = 0; i < n && !rd->bad; i++)
        bundle->chain[bundle->nchain++] = bm_rd_lv16(rd, BM_MAX_CERT);
}

/* Known types only, ascending, none empty: so that what parses is what would be written. */
void
bm_parts_take(struct bm_bytes ret_part[static BM_PART__N], struct bm_rd *rd)
{
    uint8_t n = bm_rd_u8(rd), last = 0;

    memset(ret_part, 0, BM_PART__N * sizeof(*ret_part));
    if (n >= BM_PART__N)
        *rd = (struct bm_rd){ .bad = true };
    for (uint8_t i = 0; i < n && !rd->bad; i++) {
        uint8_t type = bm_rd_u8(rd);
        struct bm_bytes part = bm_rd_lv16(rd, BM_MAX_EVIDENCE);

        if (type <= last || type >= BM_PART__N || part.n == 0)
            *rd = (struct bm_rd){ .bad = true };
        else
            ret_part[type] = part;
        last = type;
    }
}

void
bm_parts_build(struct bm_buf *buf, const struct bm_bytes part[static BM_PART__N])
{
    unsigned n = 0;

    for (size_t type = 1; type < BM_PART__N; type++)
        n += part[type].n > 0;
    bm_buf_add_u8(buf, (uint8_t)n);
    for (size_t type = 1; type < BM_PART__N; type++)
        if (part[type].n > 0) {
            bm_buf_add_u8(buf, (uint8_t)type);
            bm_buf_add_lv16(buf, part[type]);
        }
}

enum bm_rc
bm_bundle_parse(struct bm_bundle *ret_bundle, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bytes);
    uint16_t version = bm_rd_u16(&rd);
    struct bm_bundle bundle = { .body_class = bm_rd_u8(&rd) };

    if (bytes.n > BM_MAX_EVIDENCE)
        return bm_fail(fail, BM_EINPUT, NULL, "the evidence is larger than %d bytes", BM_MAX_EVIDENCE);
    bm_rd_copy(&rd, bundle.lot_root, BM_HASH);
    bundle.lot_size = bm_rd_u64(&rd);
    bundle.index = bm_rd_u64(&rd);
    bundle.leaf = bm_rd_lv16(&rd, BM_MAX_LEAF);
    bundle.proof = bm_rd_lv16(&rd, BM_PROOF_BYTES);
    chain_take(&bundle, &rd);
    bundle.body = bm_rd_lv16(&rd, BM_MAX_EVIDENCE);
    bm_parts_take(bundle.part, &rd);
    if (bytes.n >= 2 && version != VERSION)
        return bm_fail(fail, BM_EINPUT, NULL, "the evidence is of version %u and we read version %d", version, VERSION);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the evidence is cut short, has bytes after its end, or a part that is too long, unknown or out of order");
    if (bundle.body_class != BM_BODY_CMC && bundle.body_class != BM_BODY_TPM && bundle.body_class != BM_BODY_TLS)
        return bm_fail(fail, BM_EINPUT, NULL, "the evidence is of class %u: we read 1 (CMC), 2 (TPM) and 3 (TLS client)",
                       bundle.body_class);
    *ret_bundle = bundle;
    return BM_OK;
}

void
bm_bundle_build(struct bm_buf *buf, const struct bm_bundle *bundle)
{
    bm_buf_add_u16(buf, VERSION);
    bm_buf_add_u8(buf, bundle->body_class);
    bm_buf_add(buf, bundle->lot_root, BM_HASH);
    bm_buf_add_u64(buf, bundle->lot_size);
    bm_buf_add_u64(buf, bundle->index);
    bm_buf_add_lv16(buf, bundle->leaf);
    bm_buf_add_lv16(buf, bundle->proof);
    bm_buf_add_u8(buf, (uint8_t)bundle->nchain);
    for (size_t i = 0; i < bundle->nchain; i++)
        bm_buf_add_lv16(buf, bundle->chain[i]);
    bm_buf_add_lv16(buf, bundle->body);
    bm_parts_build(buf, bundle->part);
}
