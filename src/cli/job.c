#include "cli/job.h"

#include "base/file.h"
#include "cli/envelope.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_SIGNATURE_FILE (1u << 20) /* CMS with a chain: some KiB */
#define FOLDER "BMDIR1\n"             /* and its NUL: 8 bytes */

void
bm_work_done(struct bm_work *work)
{
    bm_map_done(&work->map);
    bm_fd_done(&work->fd);
    bm_buf_done(&work->content);
    bm_buf_done(&work->signature);
    bm_crypto_done(&work->crypto);
}

/* ---- a folder ---- */

struct names {
    struct dirent **list;
    int n;
};

static void
names_done(struct names *names)
{
    for (int i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
}

static int
is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* By bytes, in whatever language the custodian works: the same folder is the same file everywhere. */
static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum bm_rc
member_read(struct bm_buf *file, const char *dir, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = BM_MAX_LOT_FILE };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, dir, name, fail)) != BM_OK || (rc = bm_file_read(&content, path, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(file, bm_bytes_str(name));
    bm_buf_add_lv32(file, bm_buf_bytes(&content));
    return bm_buf_check(file, "the folder", fail);
}

/* Every file in it and nothing left out: what is no file is refused by name. */
static enum bm_rc
folder_read(struct bm_buf *file, const char *dir, struct bm_fail *fail)
{
    bm_cleanup(names_done) struct names names = { .list = NULL };
    bm_cleanup(bm_progress_done) struct bm_progress progress = { .what = "reading the folder" };
    enum bm_rc rc = BM_OK;

    if ((names.n = scandir(dir, &names.list, is_entry, by_bytes)) < 0) {
        names.n = 0;
        return bm_fail(fail, BM_EBUSY, NULL, "the folder %s cannot be read", dir);
    }
    if (names.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the folder %s is empty: give the one with the certificates", dir);
    if (names.n > BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EINPUT, NULL, "the folder %s has more than %d files: divide it", dir, BM_MAX_LOT_CHIPS);
    bm_buf_add(file, FOLDER, sizeof(FOLDER));
    for (int i = 0; i < names.n && rc == BM_OK; i++) {
        bm_progress_show(&progress, (uint64_t)i, (uint64_t)names.n);
        rc = member_read(file, dir, names.list[i]->d_name, fail);
    }
    return rc;
}

static enum bm_rc
source_read(struct bm_work *work, const char *path, const char *dir, struct bm_fail *fail)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    enum bm_rc rc;

    if (there && S_ISDIR(st.st_mode)) {
        rc = folder_read(&work->content, path, fail);
        work->job.file = bm_buf_bytes(&work->content);
        work->blamed = rc == BM_EINPUT;
        return rc;
    }
    rc = dir != NULL ? bm_nameless_copy(&work->fd, &work->map, dir, path, BM_MAX_LOT_FILE, fail)
                     : bm_map_open(&work->map, path, BM_MAX_LOT_FILE, fail);
    work->job.file = work->map.bytes;
    work->blamed = rc == BM_EINPUT && there && S_ISREG(st.st_mode);
    return rc;
}

/* ---- an envelope ---- */

/* What came enveloped is kept open: the site's directory is as confidential as its keys. */
static enum bm_rc
envelope_open(struct bm_work *work, const char *word, struct bm_fail *fail)
{
    bm_cleanup(bm_envelope_key_done) struct bm_envelope_key key = { .file = NULL };
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = BM_MAX_LOT_FILE };
    bm_cleanup(bm_progress_done) struct bm_progress progress = { .what = "opening the envelope", .bytes = true };
    enum bm_rc rc;

    if ((rc = bm_envelope_key_open(&key, word, fail)) != BM_OK)
        return rc;
    if ((rc = bm_envelope_open(&content, work->job.file, &key, &progress, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%.100s", work->path);
        work->blamed = rc == BM_EINPUT || rc == BM_EPOLICY;
        return rc;
    }
    bm_sha256(work->envelope, work->job.file);
    work->enveloped = true;
    bm_map_done(&work->map);
    bm_fd_done(&work->fd);
    bm_buf_done(&work->content);
    work->content = content;
    content = (struct bm_buf){ .max = 0 };
    work->job.file = bm_buf_bytes(&work->content);
    return BM_OK;
}

static enum bm_rc
envelope_take(struct bm_work *work, struct bm_call *call, struct bm_fail *fail)
{
    const char *path = bm_call_option(call, "decrypt");
    bool is = bm_is_envelope(work->job.file);

    if (is && path == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "%.100s is confidential: give the key that opens it with --decrypt KEY", work->path);
    work->blamed = !is && path != NULL;
    if (work->blamed)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "%.100s is not confidential, so --decrypt has nothing to open: see whether it is the right file", work->path);
    return is ? envelope_open(work, path, fail) : BM_OK;
}

/* ---- what is said about it ---- */

static enum bm_rc
columns_take(struct bm_work *work, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *values = bm_call_values(call, "column");

    if (values->n > BM_MAX_COLUMN_MAPS)
        return bm_usage(call, fail, "--column is taken %d times at most", BM_MAX_COLUMN_MAPS);
    for (size_t i = 0; i < values->n; i++) {
        const char *equals = strchr(values->v[i], '=');
        size_t n = equals != NULL ? (size_t)(equals - values->v[i]) : 0;

        if (n == 0 || n > BM_MAX_NAME || equals[1] == 0)
            return bm_usage(call, fail, "--column is WHAT=COLUMN, such as key=\"Public Key\", not \"%.60s\"", values->v[i]);
        (void)snprintf(work->what[i], sizeof(work->what[i]), "%.*s", (int)n, values->v[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(work->what[k], work->what[i]) == 0)
                return bm_usage(call, fail, "--column says twice which column is the %s", work->what[i]);
        work->columns[i] = (struct bm_column_map){ .what = work->what[i], .column = equals + 1 };
    }
    work->job.columns = work->columns;
    work->job.ncolumns = values->n;
    return BM_OK;
}

/* "/media/usb/reel 7/" -> "reel 7". */
static void
name_take(struct bm_work *work, const char *path)
{
    size_t end = strlen(path), start;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    (void)snprintf(work->path, sizeof(work->path), "%.*s", (int)(end - start), path + start);
    work->job.file_name = work->path;
}

static void
behind(void *ctx, uint64_t at)
{
    struct bm_work *work = ctx;

    if (work->map.bytes.n > 0)
        bm_map_behind(&work->map, at);
}

/* An empty one is not "none". */
static enum bm_rc
signature_read(struct bm_work *work, const char *path, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    if (path == NULL || (rc = bm_file_read(&work->signature, path, fail)) != BM_OK)
        return rc;
    return work->signature.n > 0 ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "the signature %s is empty: ask for it again", path);
}

enum bm_rc
bm_work_open(struct bm_work *work, struct bm_call *call, const struct bm_vendor *vendor, const char *dir, struct bm_fail *fail)
{
    const char *path = call->words.v[0], *lot = bm_call_option(call, "lot"), *signature = bm_call_option(call, "signature");
    enum bm_rc rc;

    *work = (struct bm_work){ .fd = -1, .content = { .max = BM_MAX_LOT_FILE }, .signature = { .max = MAX_SIGNATURE_FILE } };
    work->job.vendor = vendor;
    work->job.name = lot;
    if ((rc = bm_call_number(call, "revision", 1, INT32_MAX, 0, &work->job.revision, fail)) != BM_OK)
        return rc;
    work->job.injected = bm_call_option(call, "injected") != NULL;
    name_take(work, path);
    if ((lot != NULL && (rc = bm_call_name(call, "a lot's name", lot, fail)) != BM_OK) || (rc = columns_take(work, call, fail)) != BM_OK ||
        (rc = bm_crypto_new(&work->crypto, fail)) != BM_OK || (rc = source_read(work, path, dir, fail)) != BM_OK ||
        (rc = envelope_take(work, call, fail)) != BM_OK || (rc = signature_read(work, signature, fail)) != BM_OK)
        return rc;
    work->job.crypto = work->crypto;
    work->job.behind = behind;
    work->job.behind_ctx = work;
    work->job.signature = bm_buf_bytes(&work->signature);
    return BM_OK;
}

enum bm_rc
bm_work_keep(struct bm_work *work, const char *path, struct bm_fail *fail)
{
    if (work->fd >= 0 && bm_nameless_name(work->fd, path))
        return BM_OK;
    return bm_file_write(path, work->job.file, 0644, fail);
}
