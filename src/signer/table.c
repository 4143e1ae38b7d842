#include "signer/table.h"

#include "base/base.h"
#include "base/large.h"

#define FIRST 64

__extension__ typedef unsigned __int128 wide_int;

/* Full at seven eighths; grown by a half, or to what is asked for where that is more: at the worst 36 * 8/7 * 3/2 = 62 bytes a key are held, and 42 after
 * a large lot. */
static bool
fits(const struct bm_table *table, size_t n)
{
    return n <= table->cap / 8 * 7;
}

void
bm_table_init(struct bm_table *ret_table, uint64_t seed)
{
    *ret_table = (struct bm_table){ .seed = seed | 1 };
}

void
bm_table_done(struct bm_table *table)
{
    bm_large_free(table->keys, table->cap, sizeof(*table->keys));
    bm_large_free(table->values, table->cap, sizeof(*table->values));
    *table = (struct bm_table){ .seed = table->seed };
}

/* Keys are hashes already: mixed with the seed, scaled to the capacity without a division. */
static size_t
place(const struct bm_table *table, const uint8_t *key)
{
    uint64_t a, b;
    wide_int wide;

    memcpy(&a, key, sizeof(a));
    memcpy(&b, key + sizeof(a), sizeof(b));
    wide = (a ^ table->seed) * (wide_int)(b | 1);
    wide = ((uint64_t)wide ^ (uint64_t)(wide >> 64)) * (wide_int)table->cap;
    return (size_t)(wide >> 64);
}

/* Where the key stands, or the free place where it would. cap > 0. */
static size_t
seek(const struct bm_table *table, const uint8_t *key)
{
    size_t at = place(table, key);

    while (table->values[at] != 0 && memcmp(table->keys[at], key, BM_HASH) != 0)
        at = at + 1 == table->cap ? 0 : at + 1;
    return at;
}

bool
bm_table_find(const struct bm_table *table, const uint8_t key[static BM_HASH], uint32_t *ret_value)
{
    size_t at;

    if (table->n == 0)
        return false;
    at = seek(table, key);
    if (table->values[at] == 0)
        return false;
    *ret_value = table->values[at] - 1;
    return true;
}

void
bm_table_soon(const struct bm_table *table, const uint8_t key[static BM_HASH])
{
    size_t at;

    if (table->n == 0)
        return;
    at = place(table, key);
    __builtin_prefetch(&table->values[at], 1);
    __builtin_prefetch(&table->keys[at][0], 1);
    __builtin_prefetch(&table->keys[at][BM_HASH - 1], 1);
}

static enum bm_rc
grow(struct bm_table *table, size_t cap, struct bm_fail *fail)
{
    struct bm_table wider = { .seed = table->seed, .cap = cap, .n = table->n };

    wider.keys = bm_large_new(cap, sizeof(*wider.keys));
    wider.values = bm_large_new(cap, sizeof(*wider.values));
    if (wider.keys == NULL || wider.values == NULL) {
        bm_table_done(&wider);
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a table of %zu keys", cap);
    }
    for (size_t i = 0; i < table->cap; i++) {
        size_t at;

        if (table->values[i] == 0)
            continue;
        at = seek(&wider, table->keys[i]);
        memcpy(wider.keys[at], table->keys[i], BM_HASH);
        wider.values[at] = table->values[i];
    }
    bm_table_done(table);
    *table = wider;
    return BM_OK;
}

enum bm_rc
bm_table_reserve(struct bm_table *table, size_t more, struct bm_fail *fail)
{
    size_t wider = table->cap == 0 ? FIRST : table->cap + table->cap / 2, enough;

    if (more > UINT32_MAX - table->n)
        return bm_fail(fail, BM_ENOMEM, NULL, "a table of more than %u keys", UINT32_MAX);
    if (fits(table, table->n + more))
        return BM_OK;
    enough = ((table->n + more) / 7 + 1) * 8;
    return grow(table, wider > enough ? wider : enough, fail);
}

/* Where the key stands from now on; *ret_new: it was not there, and has no value yet. */
static enum bm_rc
stand(struct bm_table *table, const uint8_t *key, uint32_t value, size_t *ret_at, bool *ret_new, struct bm_fail *fail)
{
    enum bm_rc rc;
    size_t at;

    if (value == UINT32_MAX)
        return bm_fail(fail, BM_EBUG, NULL, "a table's value is out of range");
    if ((rc = bm_table_reserve(table, 1, fail)) != BM_OK)
        return rc;
    at = seek(table, key);
    *ret_new = table->values[at] == 0;
    if (*ret_new) {
        memcpy(table->keys[at], key, BM_HASH);
        table->n++;
    }
    *ret_at = at;
    return BM_OK;
}

enum bm_rc
bm_table_add(struct bm_table *table, const uint8_t key[static BM_HASH], uint32_t value, uint32_t *ret_value, struct bm_fail *fail)
{
    bool is_new = false;
    size_t at = 0;
    enum bm_rc rc = stand(table, key, value, &at, &is_new, fail);

    if (rc != BM_OK)
        return rc;
    if (is_new)
        table->values[at] = value + 1;
    *ret_value = table->values[at] - 1;
    return BM_OK;
}

enum bm_rc
bm_table_put(struct bm_table *table, const uint8_t key[static BM_HASH], uint32_t value, struct bm_fail *fail)
{
    bool is_new = false;
    size_t at = 0;
    enum bm_rc rc = stand(table, key, value, &at, &is_new, fail);

    if (rc == BM_OK)
        table->values[at] = value + 1;
    return rc;
}
