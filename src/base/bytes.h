/* bytes.h - views of bytes that somebody else owns, and a buffer that grows up to a ceiling. */
#ifndef BM_BYTES_H
#define BM_BYTES_H

#include "base/base.h"

/* A view. Owns nothing; p may be NULL when n is 0. */
struct bm_bytes {
    const uint8_t *p;
    size_t n;
};

static inline struct bm_bytes
bm_bytes(const void *p, size_t n)
{
    return (struct bm_bytes){ .p = p, .n = n };
}

static inline struct bm_bytes
bm_bytes_str(const char *s)
{
    return bm_bytes(s, strlen(s));
}

bool bm_bytes_equal(struct bm_bytes a, struct bm_bytes b);        /* not for secrets */
bool bm_bytes_equal_secret(struct bm_bytes a, struct bm_bytes b); /* constant time in the content, not in the length */

/*
 * A buffer that is appended to. Zeroed with a max is empty and ready: struct bm_buf b = { .max = BM_MAX_MESSAGE };
 * An append past max, or without memory, sets `bad` and drops this and every later append: check once, at the end, with bm_buf_check().
 */
struct bm_buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max; /* ceiling in bytes; 0 = nothing fits */
    bool bad;
    bool nomem; /* bad for want of memory, not for the ceiling */
};

/* In the caller's array of n bytes: full at n, never moved, and not to be freed with bm_buf_done(). */
static inline struct bm_buf
bm_buf_in(uint8_t *array, size_t n)
{
    return (struct bm_buf){ .p = array, .cap = n, .max = n };
}

void bm_buf_add(struct bm_buf *buf, const void *p, size_t n);
void bm_buf_add_bytes(struct bm_buf *buf, struct bm_bytes bytes);
void bm_buf_add_str(struct bm_buf *buf, const char *s);
void bm_buf_add_fmt(struct bm_buf *buf, const char *fmt, ...) bm_printf(2, 3);
void bm_buf_add_u8(struct bm_buf *buf, uint8_t v);
void bm_buf_add_u16(struct bm_buf *buf, uint16_t v); /* big endian, as all below */
void bm_buf_add_u32(struct bm_buf *buf, uint32_t v);
void bm_buf_add_u64(struct bm_buf *buf, uint64_t v);
void bm_buf_add_lv16(struct bm_buf *buf, struct bm_bytes v); /* u16 length, then the bytes; longer than 65535 is bad */
void bm_buf_add_lv32(struct bm_buf *buf, struct bm_bytes v); /* u32 length, then the bytes */

/* Room for n more bytes, uninitialised, counted as appended; NULL (and bad) when there is none. Valid until the next append. */
uint8_t *bm_buf_grow(struct bm_buf *buf, size_t n);

/* Forget the content, keep the memory and the max; a bad buffer is good again. */
void bm_buf_reset(struct bm_buf *buf);

/* BM_OK, BM_ENOMEM, or BM_EINPUT with "WHAT is larger than N bytes". */
bm_must_use enum bm_rc bm_buf_check(const struct bm_buf *buf, const char *what, struct bm_fail *fail);

static inline struct bm_bytes
bm_buf_bytes(const struct bm_buf *buf)
{
    return bm_bytes(buf->p, buf->n);
}

/* Frees the memory and empties; the max stays. Wipes first, since buffers hold keys too. For bm_cleanup(). */
void bm_buf_done(struct bm_buf *buf);

/* malloc that is never 0 bytes; NULL without memory. A copy of a view, NUL-terminated past its end; freed with free(). */
bm_must_use enum bm_rc bm_bytes_dup(uint8_t **ret_copy, struct bm_bytes bytes, struct bm_fail *fail);

#endif
