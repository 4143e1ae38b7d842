/* text.h - bytes as text: hexadecimal, base64 in both alphabets (RFC 4648), what is a printable character, what is a name. */
#ifndef BM_TEXT_H
#define BM_TEXT_H

#include "base/bytes.h"

/* Lower-case hex and a NUL; ret needs 2 * bytes.n + 1. */
void bm_hex(char *ret, struct bm_bytes bytes);
/* Exactly n bytes from exactly 2n lower- or upper-case digits. */
bm_must_use enum bm_rc bm_hex_parse(uint8_t *ret, size_t n, struct bm_bytes text, struct bm_fail *fail);

enum bm_b64 {
    BM_B64_STD,   /* '+' '/', padded */
    BM_B64_URL,   /* '-' '_', unpadded (RFC 7515 2) */
    BM_B64_LOOSE, /* reading only: standard alphabet, any ASCII white space between digits (RFC 8951 3.1: wrapped and unwrapped) */
};

/* Appends text, without line breaks. */
void bm_b64_add(struct bm_buf *buf, enum bm_b64 kind, struct bm_bytes bytes);
/* Appends the decoded bytes. Refuses other characters, wrong padding and non-zero trailing bits, so one byte string has one text. */
bm_must_use enum bm_rc bm_b64_parse(struct bm_buf *buf, enum bm_b64 kind, struct bm_bytes text, struct bm_fail *fail);

/* Bytes of the UTF-8 character at p (RFC 3629, left > 0), or 0 when there is none or it is a control character (C0, DEL, C1). */
size_t bm_utf8_size(const uint8_t *p, size_t left);

/* 1 to max characters of [A-Za-z0-9._-], not beginning with '.' or '-': names of lots, orders, profiles, services, vendors, chips. */
bool bm_name_ok(const char *name, size_t max);

#endif
