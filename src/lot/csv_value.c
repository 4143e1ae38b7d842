#include "lot/csv_value.h"

#include "pki/cert.h"
#include "pki/raw.h"
#include "wire/text.h"

static bool
is_hex(struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f') || (text.p[i] >= 'A' && text.p[i] <= 'F')))
            return false;
    return text.n > 0 && text.n % 2 == 0;
}

static enum bm_rc
one_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    if (buf->n > 0)
        return bm_fail(fail, BM_EINPUT, NULL, "there are two where one should be");
    bm_buf_add_bytes(buf, der);
    return BM_OK;
}

enum bm_rc
bm_csv_decode(struct bm_buf *ret, const char *label, struct bm_bytes text, struct bm_fail *fail)
{
    uint8_t *room;

    bm_buf_reset(ret);
    if (text.n > 5 && memcmp(text.p, "-----", 5) == 0)
        return bm_pem_parse(text, label, one_block, ret, fail);
    if (is_hex(text)) {
        room = bm_buf_grow(ret, text.n / 2);
        return room != NULL ? bm_hex_parse(room, text.n / 2, text, fail) : bm_buf_check(ret, "a field", fail);
    }
    if (text.n > 0 && (memchr(text.p, '-', text.n) != NULL || memchr(text.p, '_', text.n) != NULL))
        return bm_b64_parse(ret, BM_B64_URL, text, fail);
    return bm_b64_parse(ret, BM_B64_LOOSE, text, fail);
}

enum bm_rc
bm_csv_key_read(struct bm_key *ret_key, struct bm_buf *decoded, struct bm_bytes text, struct bm_fail *fail)
{
    uint8_t point[1 + 2 * BM_P384] = { 4 };
    struct bm_bytes bytes;
    enum bm_rc rc;

    if ((rc = bm_csv_decode(decoded, "PUBLIC KEY", text, fail)) != BM_OK)
        return rc;
    bytes = bm_buf_bytes(decoded);
    if (bytes.n == 2 * BM_P256 || bytes.n == 2 * BM_P384) {
        memcpy(point + 1, bytes.p, bytes.n);
        return bm_key_from_point(ret_key, bm_bytes(point, bytes.n + 1), fail);
    }
    if (bytes.n > 0 && bytes.p[0] == 4)
        return bm_key_from_point(ret_key, bytes, fail);
    return bm_key_parse(ret_key, bytes, fail);
}
