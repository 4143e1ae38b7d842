#include "base/base.h"
#include "proc/control_messages.h"

void
bm_c_refused_build(struct bm_buf *buf, const struct bm_c_refused *refused)
{
    bm_buf_add_u8(buf, refused->rc);
    bm_buf_add_u64(buf, refused->alarm);
    bm_buf_add_lv16(buf, refused->sentence);
}

enum bm_rc
bm_c_refused_parse(struct bm_c_refused *ret_refused, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_c_refused refused = { .rc = bm_rd_u8(&body) };

    refused.alarm = bm_rd_u64(&body);
    refused.sentence = bm_rd_lv16(&body, BM_MAX_EVENT);
    if (!bm_rd_end(&body) || refused.rc == BM_OK || refused.rc > BM_EBUG || refused.sentence.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's refusal is malformed");
    *ret_refused = refused;
    return BM_OK;
}
