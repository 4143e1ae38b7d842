/* rd.h - the cursor over untrusted bytes: the first short read poisons all later ones. */
#ifndef BM_RD_H
#define BM_RD_H

#include "base/bytes.h"

/* Reads forward; never past its end. When bad, every read gives zero or an empty view. */
struct bm_rd {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static inline struct bm_rd
bm_rd(struct bm_bytes bytes)
{
    return (struct bm_rd){ .p = bytes.p, .left = bytes.n };
}

uint8_t bm_rd_u8(struct bm_rd *rd);
uint16_t bm_rd_u16(struct bm_rd *rd); /* big endian, as all below */
uint32_t bm_rd_u32(struct bm_rd *rd);
uint64_t bm_rd_u64(struct bm_rd *rd);

/* A view of the next n bytes. No copy. */
struct bm_bytes bm_rd_take(struct bm_rd *rd, size_t n);

/* Copies exactly n bytes out; zeroes them when bad. */
void bm_rd_copy(struct bm_rd *rd, void *ret, size_t n);

/* A view of a field with a u16 or u32 length before it; a length above max poisons. */
struct bm_bytes bm_rd_lv16(struct bm_rd *rd, size_t max);
struct bm_bytes bm_rd_lv32(struct bm_rd *rd, size_t max);

/* All that is left. */
struct bm_bytes bm_rd_rest(struct bm_rd *rd);

/* True only when nothing was short and every byte was wanted. */
static inline bool
bm_rd_end(const struct bm_rd *rd)
{
    return !rd->bad && rd->left == 0;
}

#endif
