/* reels.h - 7z archives made in memory, for the tests of Infineon's format. */
#ifndef BM_TEST_REELS_H
#define BM_TEST_REELS_H

#include "kit.h"

#include <archive.h>
#include <archive_entry.h>

/* Zeroed is closed. */
struct reels {
    struct archive *archive;
    uint8_t *out;
    size_t cap, used;
};

static inline void
reels_open(struct reels *w, size_t cap)
{
    *w = (struct reels){ .archive = archive_write_new(), .out = malloc(cap), .cap = cap };
    assert_true(w->archive != NULL && w->out != NULL);
    assert_int_equal(archive_write_set_format_7zip(w->archive), ARCHIVE_OK);
    assert_int_equal(archive_write_set_format_option(w->archive, "7zip", "compression", "deflate"), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(w->archive, w->out, cap, &w->used), ARCHIVE_OK);
}

static inline void
reels_add(struct reels *w, const char *name, struct bm_bytes content)
{
    struct archive_entry *entry = archive_entry_new();

    assert_non_null(entry);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)content.n);
    assert_int_equal(archive_write_header(w->archive, entry), ARCHIVE_OK);
    if (content.n > 0)
        assert_int_equal(archive_write_data(w->archive, content.p, content.n), content.n);
    archive_entry_free(entry);
}

/* Appends the archive. */
static inline void
reels_close(struct reels *w, struct bm_buf *buf)
{
    assert_int_equal(archive_write_close(w->archive), ARCHIVE_OK);
    bm_buf_add(buf, w->out, w->used);
    assert_ok(bm_buf_check(buf, "the archive", &kit_fail));
    assert_int_equal(archive_write_free(w->archive), ARCHIVE_OK);
    free(w->out);
}

#endif
