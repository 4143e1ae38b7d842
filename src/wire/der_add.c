/* der_add.c - the writing half of der.h. */
#include "wire/der.h"

#include "base/env.h"

#include <stdio.h>

size_t
bm_der_begin(struct bm_buf *buf, unsigned tag)
{
    bm_buf_add_u8(buf, (uint8_t)tag);
    return buf->n;
}

void
bm_der_end(struct bm_buf *buf, size_t at)
{
    size_t n = buf->n - at, octets = 0;
    uint8_t head[5];

    if (buf->bad)
        return;
    if (at > buf->n || n > UINT32_MAX) {
        buf->bad = true;
        return;
    }
    if (n < 0x80) {
        head[0] = (uint8_t)n;
    } else {
        while (n >> (8 * octets) != 0)
            octets++;
        head[0] = (uint8_t)(0x80 | octets);
        for (size_t i = 0; i < octets; i++)
            head[1 + i] = (uint8_t)(n >> (8 * (octets - 1 - i)));
    }
    if (bm_buf_grow(buf, 1 + octets) == NULL)
        return;
    memmove(buf->p + at + 1 + octets, buf->p + at, n);
    memcpy(buf->p + at, head, 1 + octets);
}

void
bm_der_add(struct bm_buf *buf, unsigned tag, struct bm_bytes content)
{
    size_t at = bm_der_begin(buf, tag);

    bm_buf_add_bytes(buf, content);
    bm_der_end(buf, at);
}

/* Magnitude -> INTEGER content: no leading zeros, a sign octet where the first bit is set. */
static void
add_magnitude(struct bm_buf *buf, unsigned tag, struct bm_bytes m)
{
    size_t at = bm_der_begin(buf, tag);

    while (m.n > 1 && m.p[0] == 0)
        m = bm_bytes(m.p + 1, m.n - 1);
    if (m.n > 0 && m.p[0] >= 0x80)
        bm_buf_add_u8(buf, 0);
    bm_buf_add_bytes(buf, m);
    bm_der_end(buf, at);
}

void
bm_der_add_uint(struct bm_buf *buf, unsigned tag, uint64_t v)
{
    uint8_t b[8];

    for (size_t i = 0; i < sizeof(b); i++)
        b[i] = (uint8_t)(v >> (56 - 8 * i));
    add_magnitude(buf, tag, bm_bytes(b, sizeof(b)));
}

void
bm_der_add_positive(struct bm_buf *buf, struct bm_bytes magnitude)
{
    bool zero = true;

    for (size_t i = 0; i < magnitude.n; i++)
        zero = zero && magnitude.p[i] == 0;
    /* a zero here is a number that was never made; the reader refuses it as well */
    if (zero)
        buf->bad = true;
    add_magnitude(buf, BM_DER_INTEGER, magnitude);
}

void
bm_der_add_bits(struct bm_buf *buf, struct bm_bytes content)
{
    size_t at = bm_der_begin(buf, BM_DER_BIT_STRING);

    bm_buf_add_u8(buf, 0);
    bm_buf_add_bytes(buf, content);
    bm_der_end(buf, at);
}

void
bm_der_add_boolean(struct bm_buf *buf, bool v)
{
    uint8_t octet = v ? 0xff : 0;

    bm_der_add(buf, BM_DER_BOOLEAN, bm_bytes(&octet, 1));
}

void
bm_der_add_null(struct bm_buf *buf)
{
    bm_der_add(buf, BM_DER_NULL, bm_bytes(NULL, 0));
}

static void
time_add(struct bm_buf *buf, struct bm_civil c, bool general)
{
    size_t at = bm_der_begin(buf, general ? BM_DER_GENERALIZED_TIME : BM_DER_UTC_TIME);

    if (c.year < 1950 || c.year > 9999)
        buf->bad = true;
    if (general)
        bm_buf_add_fmt(buf, "%04d", c.year);
    else
        bm_buf_add_fmt(buf, "%02d", c.year % 100);
    bm_buf_add_fmt(buf, "%02d%02d%02d%02d%02dZ", c.month, c.day, c.hour, c.minute, c.second);
    bm_der_end(buf, at);
}

void
bm_der_add_time(struct bm_buf *buf, int64_t t)
{
    struct bm_civil c = bm_time_civil(t);

    time_add(buf, c, c.year >= 2050);
}

void
bm_der_add_general_time(struct bm_buf *buf, int64_t t)
{
    time_add(buf, bm_time_civil(t), true);
}
