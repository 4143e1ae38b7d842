/* print.h - what came out, for people (aligned tables) or for programs (JSON), on stdout; how far it is, on a terminal's stderr. */
#ifndef BM_PRINT_H
#define BM_PRINT_H

#include "cli/cli.h"
#include "wire/json.h"

/* A column of a table: which field of a row. */
struct bm_column {
    const char *field, *heading;
};
#define BM_MAX_COLUMNS 10

/*
 * A list: rows as they come. For programs an array of the rows as they are; for people a table whose widths fit its first rows. Nothing is printed before the
 * first row or the end, so that a refusal leaves stdout empty.
 */
#define BM_ROWS_HELD 256
struct bm_list {
    bool json;
    const struct bm_column *columns;
    size_t ncolumns;
    const char *nothing; /* for people, when there is no row: "no lots yet: ..." */
    json_t *held[BM_ROWS_HELD];
    size_t nheld;
    size_t width[BM_MAX_COLUMNS];
    uint64_t n; /* rows so far */
};
enum bm_rc bm_list_row(void *ctx, struct bm_bytes json, struct bm_fail *fail); /* a bm_row_fn; ctx: the list */
bm_must_use enum bm_rc bm_list_end(struct bm_list *list, struct bm_fail *fail);
void bm_list_done(struct bm_list *list);

/* An array of objects as a table of its own; columns in which nothing stands (null, 0) are left away, and an empty array prints nothing. */
bm_must_use enum bm_rc bm_rows_print(const json_t *array, const struct bm_column *columns, size_t n, struct bm_fail *fail);

/* Somebody's text on stdout, without its control characters; how many columns it takes. */
size_t bm_text_print(const char *text);
size_t bm_text_columns(const char *text);
/* The same up to the end of its line; on a terminal wrapped at blanks, with later lines indented to column `at`, where the text begins. */
void bm_text_wrap(const char *text, size_t at);
/* Appends a value as people read it and a NUL. lines: long members of an array on lines of their own. */
bm_must_use enum bm_rc bm_value_read(struct bm_buf *buf, const json_t *value, bool lines, struct bm_fail *fail);

/* One object: as it is, or a line a field. Text: a row from the registrar. */
bm_must_use enum bm_rc bm_object_print(const struct bm_call *call, const json_t *object, struct bm_fail *fail);
enum bm_rc bm_object_row(void *ctx, struct bm_bytes json, struct bm_fail *fail); /* a bm_row_fn; ctx: the struct bm_call */
/* A result of json_pack(): BM_ENOMEM when it is none. */
bm_must_use enum bm_rc bm_json_check(const json_t *json, struct bm_fail *fail);

/* "WHAT  ######......  60%  12.4 MB/s" over itself on stderr, when that is a terminal, at most ten times a second. Done: the line is cleared. */
struct bm_progress {
    const char *what;
    bool bytes; /* what is counted: bytes; else things */
    int64_t began, last;
    bool shown;
    bool quiet; /* no terminal: asked once, since some things are counted by the million */
};
void bm_progress_show(struct bm_progress *progress, uint64_t done, uint64_t total);
void bm_progress_done(struct bm_progress *progress); /* for bm_cleanup() */

#endif
