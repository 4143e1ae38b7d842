#include "cli/print.h"

#include "base/limits.h"
#include "proc/clock.h"
#include "wire/text.h"

#include <stdio.h>
#include <unistd.h>

#define WIDEST 80      /* of a column but the last: longer values push their row */
#define BAR 24         /* characters of a full bar */
#define BAR_EVERY 100  /* milliseconds */
#define RATE_AFTER 500 /* milliseconds: a rate over less says nothing */

void
bm_json_done(json_t **json)
{
    json_decref(*json);
}

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

static size_t
text_print(const char *text)
{
    return text_walk(text, true);
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

static enum bm_rc
value_read(struct bm_buf *buf, const json_t *value, bool lines, struct bm_fail *fail)
{
    value_text(buf, value, lines);
    bm_buf_add_u8(buf, 0);
    return bm_buf_check(buf, "a value", fail);
}

/* ---- lists ---- */

static enum bm_rc
widths_take(struct bm_list *list, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t c = 0; c < list->ncolumns; c++) {
        list->width[c] = strlen(list->columns[c].heading);
        for (size_t i = 0; i < list->nheld; i++) {
            bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
            size_t n;

            if ((rc = value_read(&text, json_object_get(list->held[i], list->columns[c].field), false, fail)) != BM_OK)
                return rc;
            n = text_walk((const char *)text.p, false);
            if (n > list->width[c] && n <= WIDEST)
                list->width[c] = n;
        }
    }
    return BM_OK;
}

static void
pad(size_t used, size_t width)
{
    (void)printf("%*s", (int)(used < width ? width - used : 0) + 2, "");
}

static enum bm_rc
table_row(const struct bm_list *list, const json_t *row, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t c = 0; c < list->ncolumns; c++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
        size_t used;

        if ((rc = value_read(&text, json_object_get(row, list->columns[c].field), false, fail)) != BM_OK)
            return rc;
        used = text_print((const char *)text.p);
        if (c + 1 < list->ncolumns)
            pad(used, list->width[c]);
    }
    (void)putchar('\n');
    return BM_OK;
}

static enum bm_rc
held_print(struct bm_list *list, struct bm_fail *fail)
{
    enum bm_rc rc = widths_take(list, fail);

    for (size_t c = 0; rc == BM_OK && c < list->ncolumns; c++) {
        (void)fputs(list->columns[c].heading, stdout);
        if (c + 1 < list->ncolumns)
            pad(strlen(list->columns[c].heading), list->width[c]);
        else
            (void)putchar('\n');
    }
    for (size_t i = 0; rc == BM_OK && i < list->nheld; i++)
        rc = table_row(list, list->held[i], fail);
    return rc;
}

static void
held_drop(struct bm_list *list)
{
    for (size_t i = 0; i < list->nheld; i++)
        json_decref(list->held[i]);
    list->nheld = 0;
}

void
bm_list_done(struct bm_list *list)
{
    held_drop(list);
}

enum bm_rc
bm_list_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    struct bm_list *list = ctx;
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    list->n++;
    if (list->json) {
        (void)printf("%s%.*s", list->n == 1 ? "[" : ",\n ", (int)json.n, (const char *)json.p);
        return BM_OK;
    }
    if (list->n > BM_ROWS_HELD)
        return table_row(list, row, fail);
    list->held[list->nheld++] = bm_take(row);
    if (list->nheld < BM_ROWS_HELD)
        return BM_OK;
    rc = held_print(list, fail);
    held_drop(list);
    return rc;
}

enum bm_rc
bm_list_end(struct bm_list *list, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    if (list->json)
        (void)puts(list->n == 0 ? "[]" : "]");
    else if (list->n == 0)
        (void)puts(list->nothing);
    else if (list->n < BM_ROWS_HELD)
        rc = held_print(list, fail);
    held_drop(list);
    return rc;
}

/* ---- one object ---- */

/* A value of several lines (a checkpoint) keeps them, one below the other. */
static enum bm_rc
field_print(const char *key, size_t width, const json_t *value, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    size_t used = strlen(key);
    char *line, *end;
    enum bm_rc rc = value_read(&text, value, true, fail);

    if (rc != BM_OK)
        return rc;
    (void)fputs(key, stdout);
    for (line = (char *)text.p; line != NULL && (*line != 0 || used > 0); line = end, used = 0) {
        if ((end = strchr(line, '\n')) != NULL)
            *end++ = 0;
        pad(used, width);
        (void)text_print(line);
        (void)putchar('\n');
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

/* ---- how far ---- */

/* "12.4 MB/s", "830 /s". */
static void
rate_print(const struct bm_progress *progress, uint64_t done, int64_t now)
{
    uint64_t past = (uint64_t)(now - progress->began), rate = past > 0 ? done * 1000 / past : 0;

    if (progress->bytes)
        (void)fprintf(stderr, "  %llu.%llu MB/s\033[K", (unsigned long long)(rate / 1000000), (unsigned long long)(rate / 100000 % 10));
    else
        (void)fprintf(stderr, "  %llu /s\033[K", (unsigned long long)rate);
}

void
bm_progress_show(struct bm_progress *progress, uint64_t done, uint64_t total)
{
    int64_t now = bm_clock_ms();
    int full;

    if (progress->began == 0)
        progress->began = now;
    if (done >= total || now - progress->last < BAR_EVERY || isatty(STDERR_FILENO) != 1)
        return;
    progress->last = now;
    progress->shown = true;
    full = (int)(done * BAR / total);
    (void)fprintf(stderr, "\r%s  %.*s%.*s  %3llu%%", progress->what, full, "########################", BAR - full,
                  "........................", (unsigned long long)(done * 100 / total));
    if (now - progress->began >= RATE_AFTER)
        rate_print(progress, done, now);
}

void
bm_progress_done(struct bm_progress *progress)
{
    if (progress->shown)
        (void)fprintf(stderr, "\r\033[K");
    progress->shown = false;
}
