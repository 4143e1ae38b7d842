/* oid_text.c - object identifiers from their dotted form (parts.h). */
#include "pki/parts.h"

/* A decimal arc without a leading zero, and the '.' behind it. */
static bool
arc_take(const char **text, uint32_t *ret)
{
    const char *p = *text;
    uint64_t n = 0;

    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if ((n = n * 10 + (uint64_t)(*p - '0')) > UINT32_MAX)
            return false;
    if (*p == '.' && p[1] == 0)
        return false;
    *text = *p == '.' ? p + 1 : p;
    *ret = (uint32_t)n;
    return *p == '.' || *p == 0;
}

/* Seven bits an octet, most significant first, the top bit of all but the last set (X.690 8.19.2). */
static void
arc_add(struct bm_buf *buf, uint64_t arc)
{
    unsigned shift = 0;

    while (shift < 56 && arc >> (shift + 7) != 0)
        shift += 7;
    for (; shift > 0; shift -= 7)
        bm_buf_add_u8(buf, (uint8_t)(0x80 | (arc >> shift & 0x7f)));
    bm_buf_add_u8(buf, (uint8_t)(arc & 0x7f));
}

bool
bm_oid_text_add(struct bm_buf *buf, const char *text)
{
    uint32_t first = 0, arc = 0;

    if (!arc_take(&text, &first) || first > 2 || *text == 0 || !arc_take(&text, &arc) || (first < 2 && arc > 39))
        return false;
    arc_add(buf, (uint64_t)first * 40 + arc);
    while (*text != 0) {
        if (!arc_take(&text, &arc))
            return false;
        arc_add(buf, arc);
    }
    return true;
}
