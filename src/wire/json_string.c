#include "wire/json_string.h"

#include "wire/rd.h"
#include "wire/text.h"

#define STEP 32
#define SHORT 24 /* names, and most values: looked through byte by byte sooner than memchr() is called */

size_t
bm_json_string_size(struct bm_bytes text)
{
    size_t from = 0;

    for (; from < text.n && from < SHORT && text.p[from] != '\\'; from++)
        if (text.p[from] == '"')
            return from;
    while (from < text.n) {
        const uint8_t *quote = memchr(text.p + from, '"', text.n - from);
        size_t at = quote == NULL ? text.n : (size_t)(quote - text.p), slashes = 0;

        while (slashes < at - from && text.p[at - slashes - 1] == '\\')
            slashes++;
        if (slashes % 2 == 0 || at == text.n)
            return at;
        from = at + 1;
    }
    return text.n;
}

static bool
is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '\\';
}

/* How many bytes from the first on are printable ASCII and no backslash. In steps at first: a compiler makes vectors of them. */
static size_t
plain_size(struct bm_bytes text)
{
    size_t n = 0;

    for (; text.n - n >= STEP; n += STEP) {
        uint8_t odd = 0;

        for (size_t i = 0; i < STEP; i++)
            odd |= (uint8_t)((uint8_t)(text.p[n + i] - 0x20) > 0x7e - 0x20) | (uint8_t)(text.p[n + i] == '\\');
        if (odd != 0)
            break;
    }
    while (n < text.n && is_plain(text.p[n]))
        n++;
    return n;
}

static bool
hex4_take(struct bm_rd *rd, uint32_t *ret)
{
    struct bm_bytes digits = bm_rd_take(rd, 4);
    struct bm_fail ignored;
    uint8_t two[2];

    if (rd->bad || bm_hex_parse(two, sizeof(two), digits, &ignored) != BM_OK)
        return false;
    *ret = (uint32_t)two[0] << 8 | two[1];
    return true;
}

/* Behind the 'u': one character of the basic plane, or two halves of one of the others. */
static bool
unicode_take(struct bm_rd *rd, uint32_t *ret)
{
    uint32_t low;

    if (!hex4_take(rd, ret))
        return false;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return true;
    if (*ret > 0xdbff || bm_rd_u8(rd) != '\\' || bm_rd_u8(rd) != 'u' || !hex4_take(rd, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *ret = 0x10000 + ((*ret - 0xd800) << 10 | (low - 0xdc00));
    return true;
}

/* RFC 3629 3. */
static size_t
utf8_write(uint8_t ret[static 4], uint32_t c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        ret[i] = (uint8_t)(0x80 | (c & 0x3f));
    ret[0] = (uint8_t)(first[n] | c);
    return n;
}

/* Those that stand for control characters (b, f, n, r, t) are refused like these. */
static bool
escape_take(struct bm_rd *rd, struct bm_buf *room)
{
    uint8_t c = bm_rd_u8(rd), utf8[4] = { c };
    uint32_t code;
    size_t n = 1;

    if (c == 'u') {
        if (!unicode_take(rd, &code))
            return false;
        n = utf8_write(utf8, code);
    } else if (c != '"' && c != '\\' && c != '/') {
        return false;
    }
    bm_buf_add(room, utf8, n);
    return bm_utf8_size(utf8, n) == n;
}

static bool
escapes_resolve(struct bm_bytes *ret, struct bm_bytes inside, struct bm_buf *room)
{
    struct bm_rd rd = bm_rd(inside);
    size_t from, n;

    if (room == NULL || room->p == NULL || room->cap - room->n < inside.n)
        return false;
    for (from = room->n; rd.left > 0;) {
        if (rd.p[0] != '\\') {
            if ((n = bm_utf8_size(rd.p, rd.left)) == 0)
                return false;
            bm_buf_add_bytes(room, bm_rd_take(&rd, n));
            continue;
        }
        (void)bm_rd_u8(&rd);
        if (!escape_take(&rd, room))
            return false;
    }
    *ret = bm_bytes(room->p + from, room->n - from);
    return true;
}

bool
bm_json_string(struct bm_bytes *ret, struct bm_bytes inside, struct bm_buf *room)
{
    for (size_t i = plain_size(inside), n; i < inside.n; i += n) {
        if (inside.p[i] == '\\')
            return escapes_resolve(ret, inside, room);
        if ((n = bm_utf8_size(inside.p + i, inside.n - i)) == 0)
            return false;
    }
    *ret = inside;
    return true;
}
