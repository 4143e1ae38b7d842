#include "lot/array.h"

#include "wire/json_cut.h"

static uint8_t
peek(const struct bm_rd *rd)
{
    return rd->left > 0 ? rd->p[0] : 0;
}

/* RFC 8259 2: exactly these four. Returns the byte behind them, 0 at the end. */
static uint8_t
space_skip(struct bm_rd *rd)
{
    while (rd->left > 0 && (rd->p[0] == ' ' || rd->p[0] == '\t' || rd->p[0] == '\n' || rd->p[0] == '\r'))
        (void)bm_rd_u8(rd);
    return peek(rd);
}

static enum bm_rc
end_take(struct bm_array *array, bool *ret_have, struct bm_fail *fail)
{
    (void)bm_rd_u8(&array->rd);
    (void)space_skip(&array->rd);
    if (!bm_rd_end(&array->rd))
        return bm_fail(fail, BM_EINPUT, "RFC 8259 2", "something stands behind the end of the list");
    array->ended = true;
    *ret_have = false;
    return BM_OK;
}

enum bm_rc
bm_array_next(struct bm_array *array, size_t max, bool *ret_have, struct bm_bytes *ret_object, struct bm_fail *fail)
{
    uint8_t want = array->begun ? ',' : '[', next = space_skip(&array->rd);
    bool first = !array->begun;
    size_t n;

    if (array->ended)
        return bm_fail(fail, BM_EBUG, NULL, "a list is read past its end");
    if (array->begun && next == ']')
        return end_take(array, ret_have, fail);
    if (next != want)
        return bm_fail(fail, BM_EINPUT, "RFC 8259 5", "this is not a JSON list of objects, or it is cut short");
    (void)bm_rd_u8(&array->rd);
    array->begun = true;
    next = space_skip(&array->rd);
    if (first && next == ']')
        return end_take(array, ret_have, fail);
    if (next != '{')
        return bm_fail(fail, BM_EINPUT, "RFC 8259 5", "this is not a JSON list of objects, or it is cut short");
    if ((n = bm_json_extent(bm_bytes(array->rd.p, array->rd.left < max ? array->rd.left : max))) == 0)
        return bm_fail(fail, BM_EINPUT, "RFC 8259 4", "an object of the list is cut short, or larger than %zu bytes", max);
    *ret_object = bm_rd_take(&array->rd, n);
    *ret_have = true;
    return BM_OK;
}
