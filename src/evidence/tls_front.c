#include "evidence/tls_front.h"

#include "wire/rd.h"

#define VERSION 1

enum bm_rc
bm_tls_front_parse(struct bm_tls_front *ret, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_tls_front front = { .csr = { 0 } };
    uint16_t version = bm_rd_u16(&rd);

    bm_rd_copy(&rd, front.peer, BM_HASH);
    front.csr = bm_rd_lv16(&rd, BM_MAX_CSR);
    if (version != VERSION || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "the request of a TLS client is not of version %d, cut short, or has bytes after its end",
                       VERSION);
    *ret = front;
    return BM_OK;
}

void
bm_tls_front_build(struct bm_buf *buf, const struct bm_tls_front *front)
{
    bm_buf_add_u16(buf, VERSION);
    bm_buf_add(buf, front->peer, BM_HASH);
    bm_buf_add_lv16(buf, front->csr);
}
