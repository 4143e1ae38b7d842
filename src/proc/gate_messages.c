#include "base/base.h"
#include "proc/gate_messages.h"

#define SOURCE 64 /* a peer's address as text */

void
bm_g_enrol_build(struct bm_buf *buf, const struct bm_g_enrol *enrol)
{
    bm_buf_add_lv16(buf, enrol->label);
    bm_buf_add_lv16(buf, enrol->source);
    bm_buf_add_lv16(buf, enrol->peer);
    bm_buf_add_lv32(buf, enrol->body);
    bm_buf_add_lv32(buf, enrol->parts);
}

enum bm_rc
bm_g_enrol_parse(struct bm_g_enrol *ret_enrol, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_g_enrol enrol = { .label = bm_rd_lv16(&body, BM_MAX_NAME) };

    enrol.source = bm_rd_lv16(&body, SOURCE);
    enrol.peer = bm_rd_lv16(&body, BM_HASH);
    enrol.body = bm_rd_lv32(&body, BM_MAX_EVIDENCE);
    enrol.parts = bm_rd_lv32(&body, BM_MAX_EVIDENCE);
    if (!bm_rd_end(&body) || enrol.body.n == 0 || (enrol.peer.n != 0 && enrol.peer.n != BM_HASH))
        return bm_fail(fail, BM_EINPUT, NULL, "the gate's request to enrol is malformed");
    *ret_enrol = enrol;
    return BM_OK;
}

void
bm_g_certs_build(struct bm_buf *buf, const struct bm_g_certs *certs)
{
    if (certs->n > BM_COUNT(certs->cert)) {
        buf->bad = true;
        return;
    }
    bm_buf_add_lv16(buf, certs->device);
    bm_buf_add_u8(buf, (uint8_t)certs->n);
    for (size_t i = 0; i < certs->n; i++)
        bm_buf_add_lv16(buf, certs->cert[i]);
}

enum bm_rc
bm_g_certs_parse(struct bm_g_certs *ret_certs, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_g_certs certs = { .device = bm_rd_lv16(&body, BM_MAX_NAME) };

    certs.n = bm_rd_u8(&body);
    if (certs.n == 0 || certs.n > BM_COUNT(certs.cert))
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's answer has %zu certificates, it may have 1 to %zu", certs.n,
                       BM_COUNT(certs.cert));
    for (size_t i = 0; i < certs.n; i++)
        certs.cert[i] = bm_rd_lv16(&body, BM_MAX_CERT);
    if (!bm_rd_end(&body) || certs.cert[0].n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's answer with certificates is malformed");
    *ret_certs = certs;
    return BM_OK;
}

void
bm_g_refused_build(struct bm_buf *buf, const struct bm_g_refused *refused)
{
    bm_buf_add_u8(buf, refused->rc);
    bm_buf_add_lv16(buf, refused->sentence);
}

enum bm_rc
bm_g_refused_parse(struct bm_g_refused *ret_refused, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_g_refused refused = { .rc = bm_rd_u8(&body) };

    refused.sentence = bm_rd_lv16(&body, BM_MAX_EVENT);
    if (!bm_rd_end(&body) || refused.rc == BM_OK || refused.rc > BM_EBUG || refused.sentence.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's refusal is malformed");
    *ret_refused = refused;
    return BM_OK;
}
