#include "wire/text.h"

static const char hex_digits[] = "0123456789abcdef";

void
bm_hex(char *ret, struct bm_bytes bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        ret[2 * i] = hex_digits[bytes.p[i] >> 4];
        ret[2 * i + 1] = hex_digits[bytes.p[i] & 15];
    }
    ret[2 * bytes.n] = 0;
}

static int
hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum bm_rc
bm_hex_parse(uint8_t *ret, size_t n, struct bm_bytes text, struct bm_fail *fail)
{
    if (n > SIZE_MAX / 2 || text.n != 2 * n)
        return bm_fail(fail, BM_EINPUT, NULL, "%zu hexadecimal digits must stand here, not %zu", 2 * n, text.n);
    for (size_t i = 0; i < text.n; i++)
        if (hex_value(text.p[i]) < 0)
            return bm_fail(fail, BM_EINPUT, NULL, "character %zu is not a hexadecimal digit", i + 1);
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint8_t)(hex_value(text.p[2 * i]) << 4 | hex_value(text.p[2 * i + 1]));
    return BM_OK;
}

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
bm_b64_add(struct bm_buf *buf, enum bm_b64 kind, struct bm_bytes bytes)
{
    const char *digits = kind == BM_B64_URL ? b64_url : b64_std;

    char out[256];
    size_t n = 0;

    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t have = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t v = (uint32_t)bytes.p[i] << 16;

        if (have > 1)
            v |= (uint32_t)bytes.p[i + 1] << 8;
        if (have > 2)
            v |= bytes.p[i + 2];
        for (size_t k = 0; k < 4; k++)
            out[n++] = k <= have ? digits[v >> (18 - 6 * k) & 63] : '=';
        if (kind == BM_B64_URL)
            n -= 3 - have;
        if (n > sizeof(out) - 4) {
            bm_buf_add(buf, out, n);
            n = 0;
        }
    }
    bm_buf_add(buf, out, n);
}

/* A digit's value and one; 0: not of the alphabet. */
static const uint8_t values_std[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11,
    ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
    ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};
static const uint8_t values_url[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11,
    ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
    ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static const uint8_t *
b64_values(enum bm_b64 kind)
{
    return kind == BM_B64_URL ? values_url : values_std;
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where decoding stands: up to three digits that do not make whole bytes yet. */
struct b64_in {
    uint32_t bits;
    size_t ndigits; /* 0 to 3 */
    size_t npad;
};

/* NULL, or what is wrong with the text. */
static const char *
b64_take(struct bm_buf *buf, struct b64_in *in, enum bm_b64 kind, uint8_t c)
{
    uint8_t v = b64_values(kind)[c];

    if (kind == BM_B64_LOOSE && is_space(c))
        return NULL;
    if (c == '=' && kind != BM_B64_URL) {
        in->npad++;
        return in->ndigits + in->npad > 4 || in->ndigits < 2 ? "the padding is wrong" : NULL;
    }
    if (v == 0)
        return "it has a character that is not of the alphabet";
    if (in->npad > 0)
        return "it goes on after its padding";
    in->bits = in->bits << 6 | (v - 1u);
    if (++in->ndigits == 4) {
        uint8_t three[3] = { (uint8_t)(in->bits >> 16), (uint8_t)(in->bits >> 8), (uint8_t)in->bits };

        bm_buf_add(buf, three, sizeof(three));
        in->bits = 0;
        in->ndigits = 0;
    }
    return NULL;
}

/* The last one or two bytes. One text for one byte string: the bits left over are zero, the padding whole (RFC 4648 3.2, 3.5). */
static const char *
b64_finish(struct bm_buf *buf, const struct b64_in *in, enum bm_b64 kind)
{
    if (in->ndigits == 0)
        return in->npad == 0 ? NULL : "the padding is wrong";
    if (in->ndigits == 1 || (kind != BM_B64_URL && in->ndigits + in->npad != 4))
        return "it is cut short or its padding is missing";
    /* req: RFC4648 3.5 pad bits are zero */
    if (in->bits & (in->ndigits == 2 ? 15u : 3u))
        return "its last digit has bits that say nothing";
    if (in->ndigits == 3)
        bm_buf_add_u8(buf, (uint8_t)(in->bits >> 10));
    bm_buf_add_u8(buf, (uint8_t)(in->bits >> (in->ndigits == 3 ? 2 : 4)));
    return NULL;
}

/* Whole groups of four digits, which nearly all of any text is, as far as nothing else stands between. How many characters it took. */
static size_t
b64_groups(struct bm_buf *buf, enum bm_b64 kind, struct bm_bytes text)
{
    const uint8_t *values = b64_values(kind);
    uint8_t out[192];
    size_t i = 0, n = 0;

    for (; text.n - i >= 4; i += 4) {
        const uint8_t *p = text.p + i;
        uint32_t a = values[p[0]] - 1u, b = values[p[1]] - 1u, c = values[p[2]] - 1u, d = values[p[3]] - 1u, v;

        if (((a | b | c | d) & 0x80) != 0) /* one was 0 */
            break;
        v = a << 18 | b << 12 | c << 6 | d;
        out[n++] = (uint8_t)(v >> 16);
        out[n++] = (uint8_t)(v >> 8);
        out[n++] = (uint8_t)v;
        if (n == sizeof(out)) {
            bm_buf_add(buf, out, n);
            n = 0;
        }
    }
    bm_buf_add(buf, out, n);
    return i;
}

enum bm_rc
bm_b64_parse(struct bm_buf *buf, enum bm_b64 kind, struct bm_bytes text, struct bm_fail *fail)
{
    struct b64_in in = { 0 };
    size_t before = buf->n;
    const char *wrong = NULL;

    for (size_t i = 0; i < text.n && wrong == NULL && !buf->bad; i++) {
        if (in.ndigits == 0 && in.npad == 0)
            i += b64_groups(buf, kind, bm_bytes(text.p + i, text.n - i));
        if (i < text.n)
            wrong = b64_take(buf, &in, kind, text.p[i]);
    }
    if (wrong == NULL && !buf->bad)
        wrong = b64_finish(buf, &in, kind);
    if (wrong != NULL) {
        buf->n = before;
        return bm_fail(fail, BM_EINPUT, "RFC 4648", "the base64 cannot be read: %s", wrong);
    }
    return bm_buf_check(buf, "the base64", fail);
}

size_t
bm_utf8_size(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if (n == 1)
        return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
    if (n == 2)
        return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : 2; /* U+0080 to U+009F control too */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    return n;
}

bool
bm_name_ok(const char *name, size_t max)
{
    size_t n = 0;

    if (name[0] == '.' || name[0] == '-')
        return false;
    for (; name[n] != 0; n++) {
        char c = name[n];

        if (n == max || !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return n > 0;
}
