/* files_seal.c - sealed data in files, each in a box; files removed for good. */
#include "root/files.h"

#include "root/backend.h"
#include "root/box.h"
#include "wire/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SUFFIX ".sealed"
#define HEAD "birthmark sealed v1\n" /* then the box */
#define HEAD_BYTES (sizeof(HEAD) - 1)
#define FILE_NAME (BM_MAX_NAME + 8)

static const struct bm_files *
files_of(const struct bm_root *root)
{
    return (const struct bm_files *)root;
}

/* DIR/sealed and in it NAME.sealed; the paths fit: bm_files_init() saw to that. */
static enum bm_rc
path_of(char ret_dir[static BM_PATH], char ret_path[static BM_PATH], const struct bm_files *files, const char *name, struct bm_bytes bytes,
        struct bm_fail *fail)
{
    char file[FILE_NAME];
    enum bm_rc rc;

    if ((rc = bm_sealed_check(name, bytes, fail)) != BM_OK || (rc = bm_path_join(ret_dir, files->dir, "sealed", fail)) != BM_OK)
        return rc;
    (void)snprintf(file, sizeof(file), "%s" SUFFIX, name);
    return bm_path_join(ret_path, ret_dir, file, fail);
}

enum bm_rc
bm_files_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    const struct bm_files *files = files_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf box = { .max = HEAD_BYTES + BM_MAX_SEALED + BM_BOX_EXTRA };
    char dir[BM_PATH], path[BM_PATH];
    BM_SECRET(key);
    enum bm_rc rc;

    bm_buf_add_str(&box, HEAD);
    if ((rc = path_of(dir, path, files, name, bytes, fail)) != BM_OK || (rc = files->box_key(files, &key, fail)) != BM_OK ||
        (rc = bm_box_close(&box, key.b, name, bytes, fail)) != BM_OK || (rc = bm_dir_make(files->dir, 0700, fail)) != BM_OK ||
        (rc = bm_dir_make(dir, 0700, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&box), 0600, fail);
}

enum bm_rc
bm_files_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail)
{
    const struct bm_files *files = files_of(root);
    bm_cleanup(bm_buf_done) struct bm_buf box = { .max = HEAD_BYTES + BM_MAX_SEALED + BM_BOX_EXTRA };
    char dir[BM_PATH], path[BM_PATH];
    BM_SECRET(key);
    enum bm_rc rc;

    if ((rc = path_of(dir, path, files, name, bm_bytes(NULL, 0), fail)) != BM_OK)
        return rc;
    if (access(path, F_OK) == -1 && errno == ENOENT)
        return bm_fail(fail, BM_EPOLICY, NULL, "nothing is sealed as %s", name);
    if ((rc = bm_file_read(&box, path, fail)) != BM_OK)
        return rc;
    if (box.n < HEAD_BYTES || memcmp(box.p, HEAD, HEAD_BYTES) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%.300s does not hold sealed data", path);
    if ((rc = files->box_key(files, &key, fail)) != BM_OK)
        return rc;
    if ((rc = bm_box_open(bytes, key.b, name, bm_bytes(box.p + HEAD_BYTES, box.n - HEAD_BYTES), fail)) != BM_OK)
        bm_fail_prefix(fail, "the sealed data %s", name);
    return rc;
}

enum bm_rc
bm_files_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = NULL;
    char found[BM_MAX_SERVICES * 2][BM_MAX_NAME + 1], path[BM_PATH];
    const char *list[BM_COUNT(found)];
    const size_t suffix = sizeof(SUFFIX) - 1;
    const struct dirent *entry;
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_path_join(path, files_of(root)->dir, "sealed", fail)) != BM_OK)
        return rc;
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL && n < BM_COUNT(found)) {
        size_t len = strlen(entry->d_name);

        if (len <= suffix || len - suffix > BM_MAX_NAME || strcmp(entry->d_name + len - suffix, SUFFIX) != 0)
            continue; /* "." and "..", and what an interrupted write left behind */
        (void)snprintf(found[n], sizeof(found[n]), "%.*s", (int)(len - suffix), entry->d_name);
        list[n] = found[n];
        n++;
    }
    return bm_names_add(names, list, n, fail);
}

static enum bm_rc
away(const char *path, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EBUSY, NULL, "%.300s cannot be removed: %s", path, strerrordesc_np(errno));
}

static enum bm_rc
dir_sync(const char *dir, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd == -1 || fsync(fd) == -1 ? away(dir, fail) : BM_OK;
}

/* It does not come back before the removal lasts. *ret_found: it was there. */
static enum bm_rc
file_remove(const char *dir, const char *path, bool *ret_found, struct bm_fail *fail)
{
    *ret_found = unlink(path) == 0;
    if (!*ret_found)
        return errno == ENOENT ? BM_OK : away(path, fail);
    return dir_sync(dir, fail);
}

enum bm_rc
bm_files_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail)
{
    char dir[BM_PATH], path[BM_PATH];
    bool found;
    enum bm_rc rc;

    if ((rc = path_of(dir, path, files_of(root), name, bm_bytes(NULL, 0), fail)) != BM_OK ||
        (rc = file_remove(dir, path, &found, fail)) != BM_OK)
        return rc;
    return found ? BM_OK : bm_fail(fail, BM_EPOLICY, NULL, "nothing is sealed as %s", name);
}

/* DIR/KIND/SERVICE.pem */
static enum bm_rc
key_remove(const struct bm_files *files, const char *kind, const char *service, bool *ret_found, struct bm_fail *fail)
{
    char dir[BM_PATH], path[BM_PATH], name[FILE_NAME];
    enum bm_rc rc;

    (void)snprintf(name, sizeof(name), "%s.pem", service);
    if ((rc = bm_path_join(dir, files->dir, kind, fail)) != BM_OK || (rc = bm_path_join(path, dir, name, fail)) != BM_OK)
        return rc;
    return file_remove(dir, path, ret_found, fail);
}

/* The pending key first: while the live file stands, so does the identity. */
enum bm_rc
bm_files_retire(struct bm_root *root, const char *service, struct bm_fail *fail)
{
    bool pending, live;
    enum bm_rc rc;

    if ((rc = bm_service_check(service, fail)) != BM_OK || (rc = key_remove(files_of(root), "pending", service, &pending, fail)) != BM_OK ||
        (rc = key_remove(files_of(root), "live", service, &live, fail)) != BM_OK)
        return rc;
    return pending || live ? BM_OK : bm_fail(fail, BM_EPOLICY, NULL, "no live key for service %s", service);
}

/* Every file, what interrupted writes left behind too: they may hold keys. */
static enum bm_rc
dir_empty(const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = opendir(path);
    const struct dirent *entry;

    if (dir == NULL)
        return errno == ENOENT ? BM_OK : away(path, fail);
    while ((entry = readdir(dir)) != NULL) {
        char file[BM_PATH];
        enum bm_rc rc;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if ((rc = bm_path_join(file, path, entry->d_name, fail)) != BM_OK)
            return rc;
        if (unlink(file) == -1)
            return away(file, fail);
    }
    return dir_sync(path, fail);
}

enum bm_rc
bm_files_reset(struct bm_root *root, struct bm_fail *fail)
{
    static const char *const kinds[] = { "sealed", "pending", "live" };
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(kinds); i++) {
        char path[BM_PATH];

        if ((rc = bm_path_join(path, files_of(root)->dir, kinds[i], fail)) == BM_OK)
            rc = dir_empty(path, fail);
    }
    return rc;
}
