/* table.c - lists as aligned tables for people, or as JSON for programs. */
#include "cli/print.h"

#include "base/limits.h"

#include <stdio.h>

#define WIDEST 80 /* of a column but the last: longer values push their row */

static enum bm_rc
widths_take(struct bm_list *list, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t c = 0; c < list->ncolumns; c++) {
        list->width[c] = strlen(list->columns[c].heading);
        for (size_t i = 0; i < list->nheld; i++) {
            bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
            size_t n;

            if ((rc = bm_value_read(&text, json_object_get(list->held[i], list->columns[c].field), false, fail)) != BM_OK)
                return rc;
            n = bm_text_columns((const char *)text.p);
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
    size_t at = 0;
    enum bm_rc rc;

    for (size_t c = 0; c < list->ncolumns; c++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
        size_t used;

        if ((rc = bm_value_read(&text, json_object_get(row, list->columns[c].field), false, fail)) != BM_OK)
            return rc;
        if (c + 1 == list->ncolumns) {
            bm_text_wrap((const char *)text.p, at);
            break;
        }
        used = bm_text_print((const char *)text.p);
        pad(used, list->width[c]);
        at += (used > list->width[c] ? used : list->width[c]) + 2;
    }
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

/* ---- an array of objects ---- */

static bool
is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

static bool
column_empty(const json_t *array, const char *field)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!is_nothing(json_object_get(json_array_get(array, i), field)))
            return false;
    return true;
}

enum bm_rc
bm_rows_print(const json_t *array, const struct bm_column *columns, size_t n, struct bm_fail *fail)
{
    bm_cleanup(bm_list_done) struct bm_list list = { .nothing = "" };
    struct bm_column used[BM_MAX_COLUMNS];
    enum bm_rc rc = BM_OK;

    for (size_t c = 0; c < n; c++)
        if (!column_empty(array, columns[c].field))
            used[list.ncolumns++] = columns[c];
    list.columns = used;
    for (size_t i = 0; i < json_array_size(array) && rc == BM_OK; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };

        if ((rc = bm_json_print(&text, json_array_get(array, i), fail)) == BM_OK)
            rc = bm_list_row(&list, bm_buf_bytes(&text), fail);
    }
    return rc != BM_OK || list.n == 0 ? rc : bm_list_end(&list, fail);
}
