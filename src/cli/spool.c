#include "cli/spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART 262144 /* bytes in one write */

static enum bm_rc
failed(const char *what, int err, struct bm_fail *fail)
{
    if (err == ENOSPC || err == EDQUOT)
        return bm_fail(fail, BM_EBUSY, NULL, "the disk is full: the lot was not received");
    return bm_fail(fail, BM_EBUSY, NULL, "a file beside the lots cannot be %s: %s", what, strerrordesc_np(err));
}

/* Where the file system has no nameless files: one whose name is taken away before any signal is heard. */
static int
named_and_unnamed(const char *dir)
{
    char path[BM_PATH];
    sigset_t all, before;
    int fd = -1, n = snprintf(path, sizeof(path), "%s/.spool-XXXXXX", dir);

    if (n < 0 || (size_t)n >= sizeof(path))
        return -1;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    if ((fd = mkostemp(path, O_CLOEXEC)) >= 0)
        (void)unlink(path);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return fd;
}

enum bm_rc
bm_nameless(int *ret_fd, const char *dir, struct bm_fail *fail)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        fd = named_and_unnamed(dir);
    if (fd < 0)
        return failed("made", errno, fail);
    *ret_fd = fd;
    return BM_OK;
}

static enum bm_rc
write_all(int fd, struct bm_bytes bytes, struct bm_fail *fail)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return failed("written", put == 0 ? EIO : errno, fail);
        bytes.p += put;
        bytes.n -= (size_t)put;
    }
    return BM_OK;
}

enum bm_rc
bm_nameless_copy(int *ret_fd, struct bm_map *ret_map, const char *dir, const char *path, size_t max, struct bm_fail *fail)
{
    bm_cleanup(bm_map_done) struct bm_map source = { .behind = 0 };
    bm_cleanup(bm_fd_done) int fd = -1;
    char self[64];
    enum bm_rc rc;

    if ((rc = bm_map_open(&source, path, max, fail)) != BM_OK || (rc = bm_nameless(&fd, dir, fail)) != BM_OK)
        return rc;
    for (size_t at = 0; at < source.bytes.n; at += PART) {
        size_t n = source.bytes.n - at < PART ? source.bytes.n - at : PART;

        if ((rc = write_all(fd, bm_bytes(source.bytes.p + at, n), fail)) != BM_OK)
            return rc;
        bm_map_behind(&source, at);
    }
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if ((rc = bm_map_open(ret_map, self, max, fail)) != BM_OK)
        return rc;
    *ret_fd = fd;
    fd = -1;
    return BM_OK;
}

bool
bm_nameless_name(int fd, const char *path)
{
    char self[64], tmp[BM_PATH];
    int n = snprintf(tmp, sizeof(tmp), "%s.tmp-%ld", path, (long)getpid());

    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (n < 0 || (size_t)n >= sizeof(tmp) || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
        return false;
    (void)unlink(tmp);
    if (linkat(AT_FDCWD, self, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) != 0)
        return false;
    if (rename(tmp, path) == 0)
        return true;
    (void)unlink(tmp);
    return false;
}
