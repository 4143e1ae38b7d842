#include "base/base.h"
#include "proc/home.h"

#include "base/file.h"
#include "proc/channel.h"
#include "proc/clock.h"
#include "proc/places.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TRY_AGAIN 20 /* milliseconds */
#define BACKLOG 64   /* commands at once */

static enum bm_rc
home_open(int *ret_dir, const char *home, struct bm_fail *fail)
{
    int dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0 && (errno == ENOENT || errno == ENOTDIR))
        return bm_fail(fail, BM_EINPUT, NULL, "there is no site at %s; name its directory with --home, or make one with: birthmark init",
                       home);
    if (dir < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the home %s can't be used: %s", home, strerror(errno));
    *ret_dir = dir;
    return BM_OK;
}

static int
holder_read(int lock)
{
    char text[16] = "";
    ssize_t n = pread(lock, text, sizeof(text) - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;

    return pid > 0 && pid <= INT32_MAX ? (int)pid : 0;
}

static enum bm_rc
holder_write(int lock, const char *home, struct bm_fail *fail)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)n, 0) != n)
        return bm_fail(fail, BM_EBUSY, NULL, "%s/%s can't be written: %s", home, BM_LOCK_NAME, strerror(errno));
    return BM_OK;
}

enum bm_rc
bm_home_lock(int *ret_lock, int *ret_holder, const char *home, int patience, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int dir = -1;
    bm_cleanup(bm_fd_done) int lock = -1;
    int64_t until = bm_clock_ms() + patience;
    enum bm_rc rc;

    if ((rc = home_open(&dir, home, fail)) != BM_OK)
        return rc;
    lock = openat(dir, BM_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s/%s can't be opened: %s", home, BM_LOCK_NAME, strerror(errno));
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return bm_fail(fail, BM_EBUSY, NULL, "%s/%s can't be locked: %s", home, BM_LOCK_NAME, strerror(errno));
        if (bm_clock_ms() >= until) {
            *ret_holder = holder_read(lock);
            *ret_lock = -1;
            return BM_OK;
        }
        (void)poll(NULL, 0, TRY_AGAIN);
    }
    if ((rc = holder_write(lock, home, fail)) != BM_OK)
        return rc;
    *ret_lock = lock;
    lock = -1;
    return BM_OK;
}

/* The socket's address by way of the directory's descriptor: a home's path may be longer than the 107 bytes of sun_path. */
static struct sockaddr_un
control_address(int dir)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    (void)snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/%s", dir, BM_CONTROL_NAME);
    return to;
}

static int
control_bind(int fd, int dir)
{
    struct sockaddr_un to = control_address(dir);
    const void *any = &to;
    mode_t before = umask(0177); /* from its first moment nobody else may connect */
    int rc = bind(fd, any, sizeof(to));

    (void)umask(before);
    return rc;
}

enum bm_rc
bm_home_listen(int *ret_fd, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int dir = -1;
    bm_cleanup(bm_fd_done) int fd = -1;
    enum bm_rc rc;

    if ((rc = home_open(&dir, home, fail)) != BM_OK)
        return rc;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (unlinkat(dir, BM_CONTROL_NAME, 0) != 0 && errno != ENOENT) || control_bind(fd, dir) != 0 || listen(fd, BACKLOG) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s/%s can't be made: %s", home, BM_CONTROL_NAME, strerror(errno));
    *ret_fd = fd;
    fd = -1;
    return BM_OK;
}

enum bm_rc
bm_home_connect(int *ret_fd, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int dir = -1;
    bm_cleanup(bm_fd_done) int fd = -1;
    struct sockaddr_un to;
    const void *any = &to;
    enum bm_rc rc;

    if ((rc = home_open(&dir, home, fail)) != BM_OK)
        return rc;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no channel can be made: %s", strerror(errno));
    if ((rc = bm_channel_init(fd, fail)) != BM_OK)
        return rc;
    to = control_address(dir);
    if (connect(fd, any, sizeof(to)) != 0) {
        if (errno != ENOENT && errno != ECONNREFUSED)
            return bm_fail(fail, BM_EBUSY, NULL, "the server of %s can't be reached by %s: %s", home, BM_CONTROL_NAME, strerror(errno));
        *ret_fd = -1;
        return BM_OK;
    }
    *ret_fd = fd;
    fd = -1;
    return BM_OK;
}

void
bm_home_unlisten(const char *home)
{
    char path[BM_PATH];
    struct bm_fail fail;

    if (bm_path_join(path, home, BM_CONTROL_NAME, &fail) == BM_OK)
        (void)unlink(path);
}
