#include "merkle/tiles.h"

#include "wire/rd.h"

#include <stdio.h>

/* "x001/x234/067": groups of three digits, all but the last behind an x. 2^64 has 20 digits, seven groups. */
static size_t
number_print(char *ret, size_t room, uint64_t n)
{
    uint64_t groups[7];
    size_t count = 0, at = 0;

    do {
        groups[count++] = n % 1000;
        n /= 1000;
    } while (n != 0);
    while (count-- > 0)
        at += (size_t)snprintf(ret + at, room - at, count > 0 ? "x%03u/" : "%03u", (unsigned)groups[count]);
    return at;
}

void
bm_tile_print(char ret[static BM_TILE_PATH], const struct bm_tile *tile)
{
    size_t at;

    if (tile->entries)
        at = (size_t)snprintf(ret, BM_TILE_PATH, "tile/entries/");
    else
        at = (size_t)snprintf(ret, BM_TILE_PATH, "tile/%u/", tile->level);
    at += number_print(ret + at, BM_TILE_PATH - at, tile->n);
    if (tile->width != BM_TILE_WIDTH)
        (void)snprintf(ret + at, BM_TILE_PATH - at, ".p/%u", tile->width);
}

static bool
word_take(struct bm_rd *rd, const char *word)
{
    size_t n = strlen(word);

    if (rd->bad || rd->left < n || memcmp(rd->p, word, n) != 0)
        return false;
    (void)bm_rd_take(rd, n);
    return true;
}

/* Digits as they come; leading zeros and overflow are found when the path is printed again. */
static uint64_t
digits_take(struct bm_rd *rd, size_t most)
{
    uint64_t v = 0;

    for (size_t i = 0; i < most && !rd->bad && rd->left > 0 && rd->p[0] >= '0' && rd->p[0] <= '9'; i++)
        v = v * 10 + (uint64_t)(bm_rd_u8(rd) - '0');
    return v;
}

enum bm_rc
bm_tile_parse(struct bm_tile *ret, struct bm_bytes path, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(path);
    struct bm_tile tile = { .width = BM_TILE_WIDTH };
    char again[BM_TILE_PATH];
    bool ok = word_take(&rd, "tile/");

    tile.entries = ok && word_take(&rd, "entries/");
    if (!tile.entries) {
        tile.level = (unsigned)digits_take(&rd, 1);
        ok = ok && word_take(&rd, "/");
    }
    while (ok && word_take(&rd, "x")) {
        ok = !__builtin_mul_overflow(tile.n + digits_take(&rd, 3), 1000, &tile.n);
        ok = ok && word_take(&rd, "/");
    }
    ok = ok && !__builtin_add_overflow(tile.n, digits_take(&rd, 3), &tile.n);
    if (word_take(&rd, ".p/"))
        tile.width = (unsigned)digits_take(&rd, 3);
    ok = ok && bm_rd_end(&rd) && tile.level <= 7 && tile.width >= 1 && tile.width <= BM_TILE_WIDTH;
    if (ok) {
        bm_tile_print(again, &tile);
        ok = bm_bytes_equal(path, bm_bytes_str(again));
    }
    if (!ok)
        return bm_fail(fail, BM_EINPUT, "C2SP tlog-tiles", "this is not the path of a tile, such as tile/0/x001/067.p/5");
    *ret = tile;
    return BM_OK;
}
