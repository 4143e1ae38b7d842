/* What anybody may ask of a certificate: OCSP over HTTP (RFC 6960 A.1, RFC 5019 5). */
#include "gate/gate.h"

#include "pki/ocsp.h"
#include "wire/text.h"

/* An answer to what is no question, as the protocol has it. */
static enum bm_rc
malformed(struct connection *c)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 16 };

    bm_ocsp_error_build(&der, BM_OCSP_MALFORMED);
    bm_connection_reply(c, "application/ocsp-response", bm_buf_bytes(&der));
    return BM_OK;
}

enum bm_rc
bm_serve_ocsp_post(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    return body.n == 0 ? malformed(c) : bm_ask(c, BM_G_OCSP, body, fail);
}

/* The three that may be encoded, and were found to be (request.c). */
static void
decode(struct bm_buf *plain, struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            bm_buf_add_u8(plain, text.p[i]);
            continue;
        }
        bm_buf_add_u8(plain, text.p[i + 1] == '3' ? '=' : (text.p[i + 2] | 0x20) == 'b' ? '+' : '/');
        i += 2;
    }
}

enum bm_rc
bm_serve_ocsp_get(struct connection *c, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf plain = { .max = 8192 }, der = { .max = BM_OCSP_QUESTION };
    struct bm_fail why = { .rc = BM_OK };

    decode(&plain, text);
    if (plain.bad || bm_b64_parse(&der, BM_B64_STD, bm_buf_bytes(&plain), &why) != BM_OK || der.bad || der.n == 0)
        return malformed(c);
    return bm_ask(c, BM_G_OCSP, bm_buf_bytes(&der), fail);
}

enum bm_rc
bm_answer_ocsp(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    unsigned seconds = bm_rd_u32(&answer);
    struct bm_bytes der = bm_rd_lv32(&answer, BM_MAX_MESSAGE);

    if (!bm_rd_end(&answer) || der.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's answer about certificates is malformed");
    bm_connection_reply_kept(c, "application/ocsp-response", der, c->get ? seconds : 0);
    return BM_OK;
}
