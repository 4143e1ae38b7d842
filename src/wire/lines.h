/*
 * lines.h - "key value" text: the form of statements, profiles and manifest heads, which people read and keys sign.
 *
 *   birthmark/order/v1        first line: what it is, with its version
 *   site 9f3c...41            then one "key SP value" a line, in the order that the format's table gives
 *   lot EX-001                a repeated key stands on adjacent lines
 *
 * Canonical by construction: UTF-8 without control characters, LF ends every line, one space, no trailing space, no empty line, keys in the
 * order asked for. Bytes that parse are the only bytes that print the same content.
 */
#ifndef BM_LINES_H
#define BM_LINES_H

#include "wire/rd.h"

struct bm_lines {
    struct bm_rd rd;
    const char *what; /* "order", for sentences */
    struct bm_fail *fail;
    unsigned line; /* of the line taken last, from 1 */
    bool bad;      /* sticky: the sentence is in *fail */
};

/* Begins at the first line, which must be `head`. what and fail must outlive it. */
struct bm_lines bm_lines_open(struct bm_bytes text, const char *head, const char *what, struct bm_fail *fail);

/* The value of the next line, which must have this key. Empty and bad when not. A view: not NUL-terminated. */
struct bm_bytes bm_lines_want(struct bm_lines *lines, const char *key);
/* The same when the next line has this key; otherwise false and nothing is consumed. */
bool bm_lines_have(struct bm_lines *lines, const char *key, struct bm_bytes *ret_value);

/* Typed values; bad with a sentence when the value has another shape. */
void bm_lines_name(struct bm_lines *lines, const char *key, char *ret, size_t max);            /* ret has max + 1 bytes; bm_name_ok() */
uint64_t bm_lines_u64(struct bm_lines *lines, const char *key, uint64_t least, uint64_t most); /* decimal, no sign, no leading zero */
void bm_lines_hex(struct bm_lines *lines, const char *key, uint8_t *ret, size_t n);            /* lower case; zeroed when bad */
int64_t bm_lines_time(struct bm_lines *lines, const char *key);                                /* 2026-11-23T21:34:09Z */

/* BM_OK when every line was wanted and nothing was bad. */
bm_must_use enum bm_rc bm_lines_close(struct bm_lines *lines);

/* Writing: bm_buf_add_fmt(&buf, "quantity %u\n", n) does; this refuses (poisons) a value with control characters. */
void bm_lines_add(struct bm_buf *buf, const char *key, const char *value);

#endif
