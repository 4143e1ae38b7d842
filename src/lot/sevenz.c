#include "lot/sevenz.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#define HEADER 32 /* 7zFormat.txt, "SignatureHeader": magic, version, CRC, then where the archive's directory is and how long */
#define AT_CRC 8  /* of what follows it in the header */
#define AT_OFFSET 12
#define AT_SIZE 20
#define AT_DIRECTORY_CRC 28

static const uint8_t magic[] = { '7', 'z', 0xbc, 0xaf, 0x27, 0x1c };

bool
bm_sevenz_probe(struct bm_bytes bytes)
{
    return bytes.n >= sizeof(magic) && memcmp(bytes.p, magic, sizeof(magic)) == 0;
}

static uint64_t
little_endian(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* CRC-32 as 7z has it (ISO 3309): against damage, not against people. */
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

/* The directory is the last part of the file. libarchive would search for it, read over what follows, and pass by the checksums: not here. */
static bool
is_whole(struct bm_bytes bytes)
{
    uint64_t offset, size;

    if (bytes.n < HEADER || little_endian(bytes.p + AT_CRC, 4) != crc32(bytes.p + AT_OFFSET, HEADER - AT_OFFSET))
        return false;
    offset = little_endian(bytes.p + AT_OFFSET, 8);
    size = little_endian(bytes.p + AT_SIZE, 8);
    return size <= BM_MAX_ARCHIVE_DIRECTORY && offset <= bytes.n - HEADER && size == bytes.n - HEADER - offset &&
           little_endian(bytes.p + AT_DIRECTORY_CRC, 4) == crc32(bytes.p + HEADER + offset, (size_t)size);
}

static enum bm_rc
unreadable(const struct bm_sevenz *z, struct bm_fail *fail)
{
    const char *why = archive_error_string(z->archive);

    if (archive_errno(z->archive) == ENOMEM)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to expand the archive");
    return bm_fail(fail, BM_EINPUT, NULL, "the archive is damaged (%.100s): ask for it again", why != NULL ? why : "without a reason");
}

enum bm_rc
bm_sevenz_open(struct bm_sevenz *z, struct bm_bytes bytes, struct bm_sevenz_budget *budget, struct bm_fail *fail)
{
    if (!bm_sevenz_probe(bytes))
        return bm_fail(fail, BM_EINPUT, NULL, "it is not a 7z archive");
    if (budget->depth == BM_MAX_ARCHIVE_DEPTH)
        return bm_fail(fail, BM_EINPUT, NULL, "archives lie in each other more than %d deep", BM_MAX_ARCHIVE_DEPTH);
    if (!is_whole(bytes))
        return bm_fail(fail, BM_EINPUT, NULL, "the archive is damaged or cut off, or something stands behind its end: ask for it again");
    *z = (struct bm_sevenz){ .archive = archive_read_new(), .budget = budget };
    if (z->archive == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to expand the archive");
    budget->depth++;
    if (archive_read_support_format_7zip(z->archive) != ARCHIVE_OK || archive_read_open_memory(z->archive, bytes.p, bytes.n) != ARCHIVE_OK)
        return unreadable(z, fail);
    return BM_OK;
}

/* A name is for matching and for people. No file is ever made of it. */
static void
name_take(struct bm_sevenz_entry *entry, const char *path)
{
    const char *name = path;
    size_t n = 0;

    entry->clean = path != NULL && path[0] != 0;
    for (const char *p = path; p != NULL && *p != 0; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    for (; name != NULL && name[n] != 0 && n < BM_MAX_ARCHIVE_NAME; n++) {
        bool printable = name[n] >= ' ' && name[n] <= '~';

        entry->name[n] = printable ? name[n] : '?';
        entry->clean &= printable;
    }
    entry->clean &= name != NULL && name[n] == 0;
    entry->name[n] = 0;
}

static enum bm_rc
budget_take(struct bm_sevenz *z, struct archive_entry *found, struct bm_fail *fail)
{
    int64_t size = archive_entry_size_is_set(found) != 0 ? archive_entry_size(found) : 0;

    if (z->budget->entries == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the delivery has more than %d files in its archives: divide it", BM_MAX_ARCHIVE_ENTRIES);
    if (size < 0 || (uint64_t)size > z->budget->expanded)
        return bm_fail(fail, BM_EINPUT, NULL, "the delivery would expand to more than %u bytes: divide it", BM_MAX_ARCHIVE_EXPANDED);
    z->budget->entries--;
    z->budget->expanded -= (uint64_t)size;
    z->size = (uint64_t)size;
    return BM_OK;
}

enum bm_rc
bm_sevenz_next(struct bm_sevenz *z, bool *ret_have, struct bm_sevenz_entry *ret_entry, struct bm_fail *fail)
{
    struct archive_entry *found = NULL;
    int said = archive_read_next_header(z->archive, &found);
    enum bm_rc rc;

    *ret_have = said == ARCHIVE_OK || said == ARCHIVE_WARN; /* a warning: the name has characters that are not of this locale */
    if (!*ret_have)
        return said == ARCHIVE_EOF ? BM_OK : unreadable(z, fail);
    if ((rc = budget_take(z, found, fail)) != BM_OK)
        return rc;
    *ret_entry = (struct bm_sevenz_entry){ .size = z->size,
                                           .file = archive_entry_filetype(found) == AE_IFREG && archive_entry_hardlink(found) == NULL,
                                           .encrypted = archive_entry_is_encrypted(found) != 0 };
    name_take(ret_entry, archive_entry_pathname(found));
    return BM_OK;
}

enum bm_rc
bm_sevenz_read(struct bm_sevenz *z, struct bm_buf *buf, struct bm_fail *fail)
{
    uint64_t left = z->size;
    uint8_t more[1];
    la_ssize_t got;

    while (left > 0) {
        size_t part = left < BM_MAX_ARCHIVE_PART ? (size_t)left : BM_MAX_ARCHIVE_PART;
        uint8_t *to = bm_buf_grow(buf, part);

        if (to == NULL)
            return bm_buf_check(buf, "a file in the archive", fail);
        if ((got = archive_read_data(z->archive, to, part)) <= 0)
            return unreadable(z, fail);
        buf->n -= part - (size_t)got; /* the reader may give less than it was asked for */
        left -= (uint64_t)got;
    }
    /* the checksum is looked at where the data ends */
    return archive_read_data(z->archive, more, sizeof(more)) == 0 ? BM_OK : unreadable(z, fail);
}

void
bm_sevenz_done(struct bm_sevenz *z)
{
    if (z->archive == NULL)
        return;
    z->budget->depth--;
    (void)archive_read_free(z->archive);
    z->archive = NULL;
}
