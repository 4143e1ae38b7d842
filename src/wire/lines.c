#include "wire/lines.h"

#include "base/env.h"
#include "base/limits.h"
#include "wire/text.h"

/* Neither empty nor with a space at an end, every character printable: what a line, a key and a value have in common. */
static bool
text_ok(struct bm_bytes text)
{
    size_t n;

    if (text.n == 0 || text.p[0] == ' ' || text.p[text.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.n; i += n)
        if ((n = bm_utf8_size(text.p + i, text.n - i)) == 0)
            return false;
    return true;
}

static void
refuse(struct bm_lines *lines, const char *why)
{
    if (!lines->bad)
        bm_fail_note(lines->fail, BM_EINPUT, NULL, "%s: line %u %s", lines->what, lines->line, why);
    lines->bad = true;
    lines->rd = (struct bm_rd){ .bad = true };
}

/* The next line without its LF; empty and bad when there is no whole, clean line. Moves the cursor past it. */
static struct bm_bytes
line_take(struct bm_lines *lines)
{
    const uint8_t *end = lines->rd.left > 0 ? memchr(lines->rd.p, '\n', lines->rd.left) : NULL;
    struct bm_bytes line;

    if (lines->bad)
        return bm_bytes(NULL, 0);
    lines->line++;
    if (end == NULL) {
        refuse(lines, lines->rd.left == 0 ? "is missing" : "does not end with a line feed");
        return bm_bytes(NULL, 0);
    }
    line = bm_rd_take(&lines->rd, (size_t)(end - lines->rd.p));
    (void)bm_rd_u8(&lines->rd);
    if (text_ok(line))
        return line;
    refuse(lines, "must be text in UTF-8, without control characters and without a space at its beginning or end");
    return bm_bytes(NULL, 0);
}

struct bm_lines
bm_lines_open(struct bm_bytes text, const char *head, const char *what, struct bm_fail *fail)
{
    struct bm_lines lines = { .rd = bm_rd(text), .what = what, .fail = fail };
    struct bm_bytes line = line_take(&lines);

    if (!lines.bad && !bm_bytes_equal(line, bm_bytes_str(head))) {
        bm_fail_note(fail, BM_EINPUT, NULL, "%s: line 1 must be \"%s\"", what, head);
        lines.bad = true;
        lines.rd = (struct bm_rd){ .bad = true };
    }
    return lines;
}

static bool
key_is_next(const struct bm_lines *lines, const char *key)
{
    size_t n = strlen(key);

    return !lines->bad && lines->rd.left > n && memcmp(lines->rd.p, key, n) == 0 && lines->rd.p[n] == ' ';
}

static void
refuse_key(struct bm_lines *lines, const char *key)
{
    lines->line++;
    bm_fail_note(lines->fail, BM_EINPUT, NULL, "%s: line %u must be \"%s\" with its value", lines->what, lines->line, key);
    lines->bad = true;
    lines->rd = (struct bm_rd){ .bad = true };
}

struct bm_bytes
bm_lines_want(struct bm_lines *lines, const char *key)
{
    struct bm_bytes line;
    size_t skip = strlen(key) + 1;

    if (lines->bad)
        return bm_bytes(NULL, 0);
    if (!key_is_next(lines, key)) {
        refuse_key(lines, key);
        return bm_bytes(NULL, 0);
    }
    line = line_take(lines);
    if (line.n > skip && line.p[skip] != ' ')
        return bm_bytes(line.p + skip, line.n - skip);
    refuse(lines, "must have one space between its key and its value");
    return bm_bytes(NULL, 0);
}

bool
bm_lines_have(struct bm_lines *lines, const char *key, struct bm_bytes *ret_value)
{
    struct bm_bytes value;

    if (!key_is_next(lines, key))
        return false;
    value = bm_lines_want(lines, key);
    if (lines->bad)
        return false;
    *ret_value = value;
    return true;
}

void
bm_lines_name(struct bm_lines *lines, const char *key, char *ret, size_t max)
{
    struct bm_bytes value = bm_lines_want(lines, key);

    ret[0] = 0;
    if (lines->bad)
        return;
    if (value.n <= max) {
        memcpy(ret, value.p, value.n);
        ret[value.n] = 0;
        if (bm_name_ok(ret, max))
            return;
        ret[0] = 0;
    }
    refuse(lines, "must hold a name: letters, digits, '.', '_' and '-', not beginning with '.' or '-'");
}

/* Decimal, no sign, no leading zero, no overflow. */
static bool
decimal(struct bm_bytes text, uint64_t *ret)
{
    uint64_t v = 0;

    if (text.n == 0 || (text.n > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text.p[i] - '0', &v))
            return false;
    }
    *ret = v;
    return true;
}

uint64_t
bm_lines_u64(struct bm_lines *lines, const char *key, uint64_t least, uint64_t most)
{
    struct bm_bytes value = bm_lines_want(lines, key);
    uint64_t v = 0;

    if (lines->bad)
        return 0;
    if (decimal(value, &v) && v >= least && v <= most)
        return v;
    bm_fail_note(lines->fail, BM_EINPUT, NULL, "%s: line %u: %s must be a number from %llu to %llu", lines->what, lines->line, key,
                 (unsigned long long)least, (unsigned long long)most);
    lines->bad = true;
    lines->rd = (struct bm_rd){ .bad = true };
    return 0;
}

/* Canonical: lower case only, as bm_hex() writes it. */
static bool
has_upper(struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 'A' && text.p[i] <= 'F')
            return true;
    return false;
}

void
bm_lines_hex(struct bm_lines *lines, const char *key, uint8_t *ret, size_t n)
{
    struct bm_bytes value = bm_lines_want(lines, key);

    memset(ret, 0, n);
    if (lines->bad)
        return;
    if (has_upper(value)) {
        refuse(lines, "must have its hexadecimal digits in lower case");
    } else if (bm_hex_parse(ret, n, value, lines->fail) != BM_OK) {
        bm_fail_prefix(lines->fail, "%s: line %u: %s", lines->what, lines->line, key);
        lines->bad = true;
        lines->rd = (struct bm_rd){ .bad = true };
    }
}

int64_t
bm_lines_time(struct bm_lines *lines, const char *key)
{
    struct bm_bytes value = bm_lines_want(lines, key);
    char text[BM_TIME_TEXT] = "";
    bm_time t = 0;

    if (lines->bad)
        return 0;
    if (value.n < sizeof(text))
        memcpy(text, value.p, value.n);
    if (bm_time_parse(&t, text, lines->fail) == BM_OK)
        return t;
    bm_fail_prefix(lines->fail, "%s: line %u: %s", lines->what, lines->line, key);
    lines->bad = true;
    lines->rd = (struct bm_rd){ .bad = true };
    return 0;
}

enum bm_rc
bm_lines_close(struct bm_lines *lines)
{
    if (!lines->bad && lines->rd.left > 0) {
        lines->line++;
        refuse(lines, "is not expected: it is unknown, repeated or out of its order");
    }
    return lines->bad ? lines->fail->rc : BM_OK;
}

void
bm_lines_add(struct bm_buf *buf, const char *key, const char *value)
{
    if (!text_ok(bm_bytes_str(key)) || strchr(key, ' ') != NULL || !text_ok(bm_bytes_str(value))) {
        buf->bad = true;
        return;
    }
    bm_buf_add_fmt(buf, "%s %s\n", key, value);
}
