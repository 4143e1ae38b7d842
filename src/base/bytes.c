#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

bool
bm_bytes_equal(struct bm_bytes a, struct bm_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
bm_bytes_equal_secret(struct bm_bytes a, struct bm_bytes b)
{
    volatile uint8_t differs = 0;

    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        differs = (uint8_t)(differs | (a.p[i] ^ b.p[i]));
    return differs == 0;
}

/* A buffer may have held a key: the old block is wiped before it goes back. */
static bool
enlarge(struct bm_buf *buf, size_t need)
{
    size_t cap = buf->cap == 0 ? 256 : buf->cap;
    uint8_t *p;

    while (cap < need)
        cap = cap > buf->max / 2 ? buf->max : cap * 2;
    if ((p = malloc(cap)) == NULL)
        return false;
    if (buf->n > 0)
        memcpy(p, buf->p, buf->n);
    if (buf->p != NULL)
        explicit_bzero(buf->p, buf->cap);
    free(buf->p);
    buf->p = p;
    buf->cap = cap;
    return true;
}

uint8_t *
bm_buf_grow(struct bm_buf *buf, size_t n)
{
    uint8_t *at;

    if (buf->bad || n > buf->max || buf->n > buf->max - n) {
        buf->bad = true;
        return NULL;
    }
    if (buf->cap - buf->n < n && !enlarge(buf, buf->n + n)) {
        buf->bad = buf->nomem = true;
        return NULL;
    }
    if (n == 0)
        return buf->p; /* NULL while empty, and no arithmetic on it */
    at = buf->p + buf->n;
    buf->n += n;
    return at;
}

void
bm_buf_add(struct bm_buf *buf, const void *p, size_t n)
{
    uint8_t *at;

    if (n == 0 || (at = bm_buf_grow(buf, n)) == NULL)
        return;
    memcpy(at, p, n);
}

void
bm_buf_add_bytes(struct bm_buf *buf, struct bm_bytes bytes)
{
    bm_buf_add(buf, bytes.p, bytes.n);
}

void
bm_buf_add_str(struct bm_buf *buf, const char *s)
{
    bm_buf_add(buf, s, strlen(s));
}

void
bm_buf_add_fmt(struct bm_buf *buf, const char *fmt, ...)
{
    va_list ap;
    uint8_t *at;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    /* vsnprintf ends with a NUL: ask for it, then give it back */
    if (n < 0 || (at = bm_buf_grow(buf, (size_t)n + 1)) == NULL) {
        buf->bad = true;
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf((char *)at, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->n--;
}

void
bm_buf_add_u8(struct bm_buf *buf, uint8_t v)
{
    bm_buf_add(buf, &v, 1);
}

static void
add_be(struct bm_buf *buf, uint64_t v, size_t width)
{
    uint8_t b[8];

    for (size_t i = 0; i < width; i++)
        b[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
    bm_buf_add(buf, b, width);
}

void
bm_buf_add_u16(struct bm_buf *buf, uint16_t v)
{
    add_be(buf, v, 2);
}

void
bm_buf_add_u32(struct bm_buf *buf, uint32_t v)
{
    add_be(buf, v, 4);
}

void
bm_buf_add_u64(struct bm_buf *buf, uint64_t v)
{
    add_be(buf, v, 8);
}

static void
add_lv(struct bm_buf *buf, struct bm_bytes v, size_t width, uint64_t most)
{
    if (v.n > most) {
        buf->bad = true;
        return;
    }
    add_be(buf, v.n, width);
    bm_buf_add_bytes(buf, v);
}

void
bm_buf_add_lv16(struct bm_buf *buf, struct bm_bytes v)
{
    add_lv(buf, v, 2, UINT16_MAX);
}

void
bm_buf_add_lv32(struct bm_buf *buf, struct bm_bytes v)
{
    add_lv(buf, v, 4, UINT32_MAX);
}

void
bm_buf_reset(struct bm_buf *buf)
{
    buf->n = 0;
    buf->bad = buf->nomem = false;
}

enum bm_rc
bm_buf_check(const struct bm_buf *buf, const char *what, struct bm_fail *fail)
{
    if (!buf->bad)
        return BM_OK;
    if (buf->nomem)
        return bm_fail(fail, BM_ENOMEM, NULL, "%s: there is no memory for it", what);
    return bm_fail(fail, BM_EINPUT, NULL, "%s is larger than %zu bytes", what, buf->max);
}

void
bm_buf_done(struct bm_buf *buf)
{
    if (buf->p != NULL)
        explicit_bzero(buf->p, buf->cap);
    free(buf->p);
    buf->p = NULL;
    buf->n = buf->cap = 0;
    buf->bad = buf->nomem = false;
}

enum bm_rc
bm_bytes_dup(uint8_t **ret_copy, struct bm_bytes bytes, struct bm_fail *fail)
{
    uint8_t *copy = malloc(bytes.n + 1);

    if (copy == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for %zu bytes", bytes.n);
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    copy[bytes.n] = 0;
    *ret_copy = copy;
    return BM_OK;
}
