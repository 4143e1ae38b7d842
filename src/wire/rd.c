#include "wire/rd.h"

struct bm_bytes
bm_rd_take(struct bm_rd *rd, size_t n)
{
    struct bm_bytes view = { .p = rd->p, .n = n };

    if (rd->bad || n > rd->left) {
        *rd = (struct bm_rd){ .bad = true };
        return bm_bytes(NULL, 0);
    }
    if (n > 0)
        rd->p += n;
    rd->left -= n;
    return view;
}

static uint64_t
be(struct bm_rd *rd, size_t width)
{
    struct bm_bytes view = bm_rd_take(rd, width);
    uint64_t v = 0;

    for (size_t i = 0; i < view.n; i++)
        v = v << 8 | view.p[i];
    return v;
}

uint8_t
bm_rd_u8(struct bm_rd *rd)
{
    return (uint8_t)be(rd, 1);
}

uint16_t
bm_rd_u16(struct bm_rd *rd)
{
    return (uint16_t)be(rd, 2);
}

uint32_t
bm_rd_u32(struct bm_rd *rd)
{
    return (uint32_t)be(rd, 4);
}

uint64_t
bm_rd_u64(struct bm_rd *rd)
{
    return be(rd, 8);
}

void
bm_rd_copy(struct bm_rd *rd, void *ret, size_t n)
{
    struct bm_bytes view = bm_rd_take(rd, n);

    if (view.n == n && n > 0)
        memcpy(ret, view.p, n);
    else
        memset(ret, 0, n);
}

static struct bm_bytes
lv(struct bm_rd *rd, size_t width, size_t max)
{
    uint64_t n = be(rd, width);

    if (n > max)
        *rd = (struct bm_rd){ .bad = true };
    return bm_rd_take(rd, (size_t)n);
}

struct bm_bytes
bm_rd_lv16(struct bm_rd *rd, size_t max)
{
    return lv(rd, 2, max);
}

struct bm_bytes
bm_rd_lv32(struct bm_rd *rd, size_t max)
{
    return lv(rd, 4, max);
}

struct bm_bytes
bm_rd_rest(struct bm_rd *rd)
{
    return bm_rd_take(rd, rd->left);
}
