/* fuzz_infineon.c - the walk over a 7z: what comes out lies within what was asked for, and a reel's rows are grouped and lie in its text. */
#include "fuzz.h"

#include "lot/reel.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entries_are_within_bounds(bm_bytes(data, size));
    rows_are_grouped(bm_bytes(data, size));
    return 0;
}
