#include "lot/ek_dir.h"

#include "wire/rd.h"
#include "wire/text.h"

#include <stdlib.h>

#define MAX_FILE_NAME 255

/* "A12-rsa.pem" and "A12.ecc.crt": the stem is "A12". */
static void
stem_find(struct bm_ek_file *file)
{
    size_t n = file->name.n, dot = n;

    file->nstem = n;
    while (dot > 0 && file->name.p[dot - 1] != '.')
        dot--;
    for (int whole = 0; whole < 2 && !file->tagged; whole++) {
        size_t until = whole == 1 || dot == 0 ? n : dot - 1;

        if (until < 5 || (file->name.p[until - 4] != '-' && file->name.p[until - 4] != '.'))
            continue;
        file->tagged = memcmp(file->name.p + until - 3, "rsa", 3) == 0 || memcmp(file->name.p + until - 3, "ecc", 3) == 0;
        if (file->tagged)
            file->nstem = until - 4;
    }
}

static int
bytes_compare(struct bm_bytes a, struct bm_bytes b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int
file_compare(const void *left, const void *right)
{
    const struct bm_ek_file *a = left, *b = right;
    int order = bytes_compare(bm_bytes(a->name.p, a->nstem), bm_bytes(b->name.p, b->nstem));

    return order != 0 ? order : bytes_compare(a->name, b->name);
}

/* It is said to people, so nothing in it may move their cursor. */
static bool
name_ok(struct bm_bytes name)
{
    for (size_t i = 0, n; i < name.n; i += n)
        if ((n = bm_utf8_size(name.p + i, name.n - i)) == 0)
            return false;
    return name.n > 0;
}

/* Counts the files, or takes them. files: NULL to count. */
static enum bm_rc
files_read(struct bm_ek_file *files, size_t *ret_n, struct bm_bytes dir, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(dir);

    (void)bm_rd_take(&rd, BM_DIR_MAGIC_SIZE);
    for (*ret_n = 0; !bm_rd_end(&rd); ++*ret_n) {
        struct bm_ek_file file = { .name = bm_rd_lv32(&rd, MAX_FILE_NAME) };

        file.content = bm_rd_lv32(&rd, BM_MAX_LOT_FILE);
        if (rd.bad || !name_ok(file.name))
            return bm_fail(fail, BM_EINPUT, NULL, "the directory is cut short, or the name of a file in it is not printable text");
        if (files == NULL)
            continue;
        stem_find(&file);
        files[*ret_n] = file;
    }
    if (*ret_n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "there is no file in the directory");
    return BM_OK;
}

static void
files_done(struct bm_ek_file **files)
{
    free(*files);
}

enum bm_rc
bm_ek_dir_read(struct bm_ek_file **ret_files, size_t *ret_n, struct bm_bytes dir, struct bm_fail *fail)
{
    bm_cleanup(files_done) struct bm_ek_file *files = NULL;
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = files_read(NULL, &n, dir, fail)) != BM_OK)
        return rc;
    if ((files = calloc(n, sizeof(*files))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the directory's files");
    if ((rc = files_read(files, &n, dir, fail)) != BM_OK)
        return rc;
    qsort(files, n, sizeof(*files), file_compare);
    for (size_t i = 1; i < n; i++)
        if (bm_bytes_equal(files[i - 1].name, files[i].name))
            return bm_fail(fail, BM_EINPUT, NULL, "the directory has two files of one name");
    *ret_files = bm_take(files);
    *ret_n = n;
    return BM_OK;
}
