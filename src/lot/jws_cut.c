#include "lot/jws_cut.h"

static uint8_t
next(struct bm_rd *rd)
{
    while (rd->left > 0 && (rd->p[0] == ' ' || rd->p[0] == '\t' || rd->p[0] == '\n' || rd->p[0] == '\r'))
        (void)bm_rd_u8(rd);
    return rd->left > 0 ? rd->p[0] : 0;
}

static void
mark_take(struct bm_rd *rd, uint8_t mark)
{
    if (next(rd) != mark)
        rd->bad = true;
    (void)bm_rd_u8(rd);
}

/* Printable ASCII up to the next quote, without a backslash. */
static struct bm_bytes
string_take(struct bm_rd *rd)
{
    struct bm_bytes text;
    const uint8_t *end;

    mark_take(rd, '"');
    end = rd->bad || rd->left == 0 ? NULL : memchr(rd->p, '"', rd->left);
    if (end == NULL) {
        rd->bad = true;
        return bm_bytes(NULL, 0);
    }
    text = bm_rd_take(rd, (size_t)(end - rd->p));
    (void)bm_rd_u8(rd);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e || text.p[i] == '\\')
            rd->bad = true;
    return text;
}

static bool
is(struct bm_bytes text, const char *word)
{
    return bm_bytes_equal(text, bm_bytes_str(word));
}

/* { "uniqueId": "..." } */
static struct bm_bytes
header_take(struct bm_rd *rd)
{
    struct bm_bytes value;

    mark_take(rd, '{');
    if (!is(string_take(rd), "uniqueId"))
        rd->bad = true;
    mark_take(rd, ':');
    value = string_take(rd);
    mark_take(rd, '}');
    return value;
}

static void
member_take(struct bm_rd *rd, struct bm_jws_parts *parts)
{
    struct bm_bytes name = string_take(rd);
    struct bm_bytes *value = is(name, "payload")     ? &parts->payload
                             : is(name, "protected") ? &parts->protected_text
                             : is(name, "signature") ? &parts->signature
                             : is(name, "header")    ? &parts->unique_id
                                                     : NULL;

    mark_take(rd, ':');
    if (value == NULL || value->p != NULL) /* unknown, or there twice */
        rd->bad = true;
    else
        *value = value == &parts->unique_id ? header_take(rd) : string_take(rd);
}

enum bm_rc
bm_jws_cut(struct bm_jws_parts *ret_parts, struct bm_bytes object, struct bm_fail *fail)
{
    struct bm_jws_parts parts = { .payload = { .p = NULL } };
    struct bm_rd rd = bm_rd(object);

    mark_take(&rd, '{');
    for (int i = 0; i < 4 && !rd.bad; i++) {
        if (i > 0)
            mark_take(&rd, ',');
        member_take(&rd, &parts);
    }
    mark_take(&rd, '}');
    (void)next(&rd);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, "RFC 7515 7.2.2",
                       "it is not an object of payload, protected, header with a uniqueId, and signature, each once and no others");
    *ret_parts = parts;
    return BM_OK;
}
