/* fuzz_infineon.c - the walk over a 7z: what comes out lies within what was asked for, and a reel's rows are grouped and lie in its text. */
#include "fuzz.h"

#include "lot/reel.h"

static uint32_t
crc32(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffffU;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0);
    }
    return ~crc;
}

static void
little_endian(uint8_t *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void
entries_are_within_bounds(struct bm_bytes file)
{
    struct bm_sevenz_budget budget = { .entries = 100, .expanded = 1 << 20 };
    bm_cleanup(bm_sevenz_done) struct bm_sevenz z = { .archive = NULL };
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = 1 << 20 };
    struct bm_sevenz_entry entry;
    struct bm_fail fail = { 0 };
    bool have = false;

    if (bm_sevenz_open(&z, file, &budget, &fail) != BM_OK)
        return;
    for (int i = 0; bm_sevenz_next(&z, &have, &entry, &fail) == BM_OK && have; i++) {
        must(i < 100 && entry.size <= 1 << 20 && strlen(entry.name) <= BM_MAX_ARCHIVE_NAME);
        for (const char *p = entry.name; *p != 0; p++)
            must(*p >= ' ' && *p <= '~' && *p != '/');
        bm_buf_reset(&content);
        if (i % 2 == 0 && bm_sevenz_read(&z, &content, &fail) == BM_OK)
            must(content.n == entry.size);
    }
    must(!have || fail.text[0] != 0);
}

static void
rows_are_grouped(struct bm_bytes file)
{
    bm_cleanup(bm_reel_done) struct bm_reel reel = { .rows = NULL };
    struct bm_fail fail = { 0 };
    size_t at = 0, n;

    if (bm_reel_open(&reel, file, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    must(reel.nrows > 0);
    while ((n = bm_reel_chip(&reel, at)) > 0) {
        for (size_t i = at; i < at + n; i++)
            must(reel.rows[i].at + reel.rows[i].n <= reel.text.n && reel.rows[i].archive < reel.narchives && reel.rows[i].chip[0] != 0);
        must(at + n == reel.nrows || strcmp(reel.rows[at].chip, reel.rows[at + n].chip) < 0);
        at += n;
    }
    must(at == reel.nrows);
}

/* The same bytes with the header that they need to be read further: the directory's length as it says or as it fits, checksums that are right. */
static void
header_mend(struct bm_buf *file)
{
    uint64_t directory = 0;
    uint8_t *p = file->p;

    for (int i = 7; i >= 0; i--)
        directory = directory << 8 | p[20 + i];
    if (directory > file->n - 32)
        directory = (file->n - 32) / 2;
    memcpy(p, "7z\xbc\xaf\x27\x1c\0\4", 8);
    little_endian(p + 12, file->n - 32 - directory, 8);
    little_endian(p + 20, directory, 8);
    little_endian(p + 28, crc32(p + file->n - directory, (size_t)directory), 4);
    little_endian(p + 8, crc32(p + 12, 20), 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf mended = { .max = size };

    entries_are_within_bounds(bm_bytes(data, size));
    rows_are_grouped(bm_bytes(data, size));
    bm_buf_add(&mended, data, size);
    if (mended.bad || size < 32)
        return 0;
    header_mend(&mended);
    entries_are_within_bounds(bm_buf_bytes(&mended));
    rows_are_grouped(bm_buf_bytes(&mended));
    return 0;
}
