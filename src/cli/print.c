#include "cli/print.h"

#include "base/limits.h"
#include "wire/text.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WRAP_LEAST 24 /* columns: in less nothing is wrapped */

enum bm_rc
bm_json_check(const json_t *json, struct bm_fail *fail)
{
    return json != NULL ? BM_OK : bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for what came out, or a text in it is not UTF-8");
}

/* Columns that text takes, printed or not. A control character of somebody else's never reaches a terminal. */
static size_t
text_walk(const char *text, bool print)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text), columns = 0;

    while (left > 0) {
        size_t n = bm_utf8_size(p, left);

        if (print)
            (void)fwrite(n > 0 ? (const void *)p : "?", 1, n > 0 ? n : 1, stdout);
        n = n > 0 ? n : 1;
        p += n;
        left -= n;
        columns++;
    }
    return columns;
}

size_t
bm_text_print(const char *text)
{
    return text_walk(text, true);
}

size_t
bm_text_columns(const char *text)
{
    return text_walk(text, false);
}

static size_t
stdout_width(void)
{
    struct winsize size = { .ws_col = 0 };

    return isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : SIZE_MAX;
}

/* Bytes of text that stand on a line of so many columns: up to the last blank that fits, or all of a word that does not. */
static size_t
line_end(const char *text, size_t room)
{
    size_t columns = 0, end = 0, i;

    for (i = 0; text[i] != 0; i++) {
        if (text[i] == ' ' && columns > room)
            return end > 0 ? end : i;
        if (text[i] == ' ')
            end = i;
        columns += ((uint8_t)text[i] & 0xc0) != 0x80;
    }
    return columns <= room || end == 0 ? i : end;
}

void
bm_text_wrap(const char *text, size_t at)
{
    const size_t width = stdout_width(), room = width != SIZE_MAX && width > at + WRAP_LEAST ? width - at : SIZE_MAX;
    char line[1024];

    for (bool first = true; first || *text != 0; first = false) {
        size_t n = room == SIZE_MAX ? strlen(text) : line_end(text, room);

        if (!first)
            (void)printf("%*s", (int)at, "");
        if (n >= sizeof(line) || n == strlen(text)) {
            (void)bm_text_print(text);
            text += strlen(text);
        } else {
            (void)snprintf(line, sizeof(line), "%.*s", (int)n, text);
            (void)bm_text_print(line);
            text += n + strspn(text + n, " ");
        }
        (void)putchar('\n');
    }
}

static void value_text(struct bm_buf *buf, const json_t *value, bool lines);

/* Members with commas; long ones (objects, hashes) on lines of their own where there is room for lines. */
static void
array_text(struct bm_buf *buf, const json_t *value, bool lines)
{
    const json_t *first = json_array_get(value, 0);
    bool tall = lines && (json_is_object(first) || (json_is_string(first) && json_string_length(first) > 40));

    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0)
            bm_buf_add_str(buf, tall ? "\n" : ", ");
        value_text(buf, json_array_get(value, i), false);
    }
}

static void
object_text(struct bm_buf *buf, const json_t *value)
{
    json_t *object = (json_t *)(uintptr_t)value; /* jansson iterates without const */
    bool first = true;

    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at), first = false) {
        bm_buf_add_fmt(buf, "%s%s ", first ? "" : ", ", json_object_iter_key(at));
        value_text(buf, json_object_iter_value(at), false);
    }
}

/* A value as people read it; nothing as "-". */
static void
value_text(struct bm_buf *buf, const json_t *value, bool lines)
{
    size_t n = buf->n;

    if (json_is_string(value))
        bm_buf_add_str(buf, json_string_value(value));
    else if (json_is_integer(value))
        bm_buf_add_fmt(buf, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        bm_buf_add_str(buf, json_is_true(value) ? "yes" : "no");
    else if (json_is_array(value))
        array_text(buf, value, lines);
    else if (json_is_object(value))
        object_text(buf, value);
    if (buf->n == n)
        bm_buf_add_str(buf, "-");
}

enum bm_rc
bm_value_read(struct bm_buf *buf, const json_t *value, bool lines, struct bm_fail *fail)
{
    value_text(buf, value, lines);
    bm_buf_add_u8(buf, 0);
    return bm_buf_check(buf, "a value", fail);
}

/* ---- one object ---- */

/* A value of several lines (a checkpoint) keeps them, one below the other. */
static enum bm_rc
field_print(const char *key, size_t width, const json_t *value, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    size_t used = strlen(key);
    char *line, *end;
    enum bm_rc rc = bm_value_read(&text, value, true, fail);

    if (rc != BM_OK)
        return rc;
    (void)fputs(key, stdout);
    for (line = (char *)text.p; line != NULL && (*line != 0 || used > 0); line = end, used = 0) {
        if ((end = strchr(line, '\n')) != NULL)
            *end++ = 0;
        (void)printf("%*s", (int)(width + 2 - used), "");
        bm_text_wrap(line, width + 2);
    }
    return BM_OK;
}

enum bm_rc
bm_object_print(const struct bm_call *call, const json_t *object, struct bm_fail *fail)
{
    json_t *borrowed = (json_t *)(uintptr_t)object; /* jansson iterates without const */
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4 * BM_MAX_JSON };
    size_t width = 0;
    enum bm_rc rc = BM_OK;

    if (call->json) {
        if ((rc = bm_json_print(&text, object, fail)) == BM_OK)
            (void)printf("%.*s\n", (int)text.n, (const char *)text.p);
        return rc;
    }
    for (void *at = json_object_iter(borrowed); at != NULL; at = json_object_iter_next(borrowed, at))
        if (strlen(json_object_iter_key(at)) > width)
            width = strlen(json_object_iter_key(at));
    for (void *at = json_object_iter(borrowed); rc == BM_OK && at != NULL; at = json_object_iter_next(borrowed, at))
        rc = field_print(json_object_iter_key(at), width, json_object_iter_value(at), fail);
    return rc;
}

enum bm_rc
bm_object_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    return rc != BM_OK ? rc : bm_object_print(ctx, row, fail);
}
