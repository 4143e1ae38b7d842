/* table.h - hashes to numbers, compactly, a million of them at a time: open addressing, nothing is ever removed. */
#ifndef BM_TABLE_H
#define BM_TABLE_H

#include "base/bytes.h"
#include "base/limits.h"

struct bm_table {
    uint64_t seed; /* random, so that nobody who chooses keys chooses where they fall */
    uint8_t (*keys)[BM_HASH];
    uint32_t *values; /* 0: the place is free; else the value and one */
    size_t cap, n;
};

void bm_table_init(struct bm_table *ret_table, uint64_t seed);
void bm_table_done(struct bm_table *table);

/* Is it there, and with which value? */
bool bm_table_find(const struct bm_table *table, const uint8_t key[static BM_HASH], uint32_t *ret_value);
/* Room for so many more, so that adding them cannot fail half-way. */
bm_must_use enum bm_rc bm_table_reserve(struct bm_table *table, size_t more, struct bm_fail *fail);
/* It will be looked for soon: what memory is needed for that is fetched meanwhile. */
void bm_table_soon(const struct bm_table *table, const uint8_t key[static BM_HASH]);
/* Adds what is not there; *ret_value is the value that it has then, from before or this one. value < UINT32_MAX. */
bm_must_use enum bm_rc bm_table_add(struct bm_table *table, const uint8_t key[static BM_HASH], uint32_t value, uint32_t *ret_value,
                                    struct bm_fail *fail);
/* Adds, or changes the value. value < UINT32_MAX. */
bm_must_use enum bm_rc bm_table_put(struct bm_table *table, const uint8_t key[static BM_HASH], uint32_t value, struct bm_fail *fail);

#endif
