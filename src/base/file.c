#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
bm_fd_done(int *fd)
{
    int keep = errno;

    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = keep;
}

/* What a path names wrongly is the caller's to mend; the rest is the machine's. */
static enum bm_rc
errno_class(int err)
{
    switch (err) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:
        return BM_EINPUT;
    case ENOMEM:
        return BM_ENOMEM;
    default:
        return BM_EBUSY;
    }
}

static enum bm_rc
read_failed(const char *path, int err, struct bm_fail *fail)
{
    enum bm_rc rc = errno_class(err);

    if (err == ENOENT)
        return bm_fail(fail, rc, NULL, "%s is not there", path);
    return bm_fail(fail, rc, NULL, "%s cannot be read: %s", path, strerrordesc_np(err));
}

static enum bm_rc
write_failed(const char *path, int err, struct bm_fail *fail)
{
    enum bm_rc rc = errno_class(err);

    if (err == ENOSPC || err == EDQUOT)
        return bm_fail(fail, rc, NULL, "the disk is full: %s cannot be written", path);
    return bm_fail(fail, rc, NULL, "%s cannot be written: %s", path, strerrordesc_np(err));
}

/* Reads to the end of the file and not to the size it had: a growing file is cut at max, a shrinking one gives what is there. */
static enum bm_rc
read_all(struct bm_buf *buf, int fd, const char *path, struct bm_fail *fail)
{
    uint8_t part[8192];
    ssize_t got;

    for (;;) {
        got = read(fd, part, sizeof(part));
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return read_failed(path, errno, fail);
        if (got == 0)
            break;
        bm_buf_add(buf, part, (size_t)got);
        if (buf->bad)
            break;
    }
    explicit_bzero(part, sizeof(part)); /* key files come this way */
    return bm_buf_check(buf, path, fail);
}

enum bm_rc
bm_file_read(struct bm_buf *buf, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;
    struct stat st;
    size_t before = buf->n;
    enum bm_rc rc;

    /* O_NONBLOCK: a FIFO in the place of a file must not hold us up before we have seen what it is */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) == -1 || fstat(fd, &st) == -1)
        return read_failed(path, errno, fail);
    if (!S_ISREG(st.st_mode))
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not a file", path);
    if (buf->n > buf->max || (uint64_t)st.st_size > buf->max - buf->n)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is larger than %zu bytes", path, buf->max);
    if ((rc = read_all(buf, fd, path, fail)) != BM_OK && !buf->bad)
        buf->n = before;
    return rc;
}

static enum bm_rc
write_all(int fd, const char *path, struct bm_bytes bytes, struct bm_fail *fail)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);

        if (put == -1 && errno == EINTR)
            continue;
        if (put <= 0)
            return write_failed(path, put == 0 ? EIO : errno, fail);
        bytes.p += put;
        bytes.n -= (size_t)put;
    }
    return fsync(fd) == -1 ? write_failed(path, errno, fail) : BM_OK;
}

/* A rename lasts when its directory is on the disk too. */
static enum bm_rc
sync_directory_of(const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;
    const char *slash = strrchr(path, '/');
    char dir[BM_PATH];

    if (slash == NULL)
        memcpy(dir, ".", sizeof("."));
    else
        (void)snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || fsync(fd) == -1)
        return write_failed(path, errno, fail);
    return BM_OK;
}

static enum bm_rc
write_temporary(const char *tmp, const char *path, struct bm_bytes bytes, unsigned mode, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;

    /* one that a crashed process of our number left behind may have another mode or be a link */
    if (unlink(tmp) == -1 && errno != ENOENT)
        return write_failed(path, errno, fail);
    if ((fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode)) == -1)
        return write_failed(path, errno, fail);
    return write_all(fd, path, bytes, fail);
}

enum bm_rc
bm_file_write(const char *path, struct bm_bytes bytes, unsigned mode, struct bm_fail *fail)
{
    char tmp[BM_PATH];
    int n = snprintf(tmp, sizeof(tmp), "%s.tmp-%ld", path, (long)getpid());
    enum bm_rc rc;

    if (n < 0 || (size_t)n >= sizeof(tmp))
        return bm_fail(fail, BM_EINPUT, NULL, "the path is longer than %d bytes: %.60s...", BM_PATH - 32, path);
    rc = write_temporary(tmp, path, bytes, mode, fail);
    if (rc == BM_OK && rename(tmp, path) == -1)
        rc = write_failed(path, errno, fail);
    if (rc != BM_OK) {
        (void)unlink(tmp);
        return rc;
    }
    return sync_directory_of(path, fail);
}

enum bm_rc
bm_dir_make(const char *path, unsigned mode, struct bm_fail *fail)
{
    struct stat st;
    int err;

    if (mkdir(path, (mode_t)mode) == 0)
        return BM_OK;
    err = errno;
    if (err == EEXIST && stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "%s is there and is not a directory", path);
    if (err == ENOSPC || err == EDQUOT)
        return bm_fail(fail, BM_EBUSY, NULL, "the disk is full: %s cannot be made", path);
    return bm_fail(fail, errno_class(err), NULL, "the directory %s cannot be made: %s", path, strerrordesc_np(err));
}

enum bm_rc
bm_path_join(char ret_path[static BM_PATH], const char *dir, const char *name, struct bm_fail *fail)
{
    size_t nd = strlen(dir), nn = strlen(name);

    if (nd + 1 + nn + 1 > BM_PATH)
        return bm_fail(fail, BM_EINPUT, NULL, "the path is longer than %d bytes: %.60s...", BM_PATH - 1, dir);
    memmove(ret_path, dir, nd); /* dir may be ret_path itself */
    ret_path[nd] = '/';
    memcpy(ret_path + nd + 1, name, nn + 1);
    return BM_OK;
}

void
bm_dir_done(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}
