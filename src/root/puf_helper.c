/* puf_helper.c - the helper data's bytes (extractor.h, docs/formats/puf-helper.md). */
#include "root/extractor.h"

#include "wire/rd.h"

#define MAGIC 0x424d5048u /* "BMPH" */
#define VERSION 1
#define SCHEME 1 /* pairs after von Neumann, polar 2048/512, HMAC-SHA-256 */

void
bm_puf_helper_build(uint8_t ret[static BM_PUF_HELPER], const struct bm_puf_helper *helper)
{
    struct bm_buf buf = bm_buf_in(ret, BM_PUF_HELPER);

    bm_buf_add_u32(&buf, MAGIC);
    bm_buf_add_u16(&buf, VERSION);
    bm_buf_add_u16(&buf, SCHEME);
    bm_buf_add(&buf, helper->salt, sizeof(helper->salt));
    bm_buf_add(&buf, helper->mask, sizeof(helper->mask));
    bm_buf_add(&buf, helper->offset, sizeof(helper->offset));
    bm_buf_add(&buf, helper->tag, sizeof(helper->tag));
}

enum bm_rc
bm_puf_helper_parse(struct bm_puf_helper *ret, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_puf_helper helper;
    struct bm_rd rd = bm_rd(bytes);
    uint32_t magic = bm_rd_u32(&rd);
    uint16_t version = bm_rd_u16(&rd), scheme = bm_rd_u16(&rd);
    unsigned chosen = 0;

    bm_rd_copy(&rd, helper.salt, sizeof(helper.salt));
    bm_rd_copy(&rd, helper.mask, sizeof(helper.mask));
    bm_rd_copy(&rd, helper.offset, sizeof(helper.offset));
    bm_rd_copy(&rd, helper.tag, sizeof(helper.tag));
    if (magic != MAGIC || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "this is no helper data of a PUF, or not all of it: put back the file that was made with this chip");
    if (version != VERSION || scheme != SCHEME)
        return bm_fail(fail, BM_EINPUT, NULL, "helper data of version %u, scheme %u is not known here: use the program that made it",
                       version, scheme);
    for (size_t i = 0; i < sizeof(helper.mask); i++)
        chosen += (unsigned)__builtin_popcount(helper.mask[i]);
    if (chosen != BM_POLAR_N)
        return bm_fail(fail, BM_EINPUT, NULL, "the helper data was altered: put back the file that was made with this chip");
    *ret = helper;
    return BM_OK;
}
