#include "base/map.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP (size_t)4194304 /* bytes that are given back at once; a multiple of every page's size */

static enum bm_rc
open_failed(const char *path, int err, struct bm_fail *fail)
{
    if (err == ENOENT || err == ENOTDIR)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not there", path);
    return bm_fail(fail, err == ENOMEM ? BM_ENOMEM : BM_EBUSY, NULL, "%s cannot be read: %s", path, strerrordesc_np(err));
}

enum bm_rc
bm_map_open(struct bm_map *ret_map, const char *path, size_t max, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;
    struct stat st;
    void *p;

    /* O_NONBLOCK: a FIFO in the place of a file must not hold us up before we have seen what it is */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) == -1 || fstat(fd, &st) == -1)
        return open_failed(path, errno, fail);
    if (!S_ISREG(st.st_mode))
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not a file", path);
    if ((uint64_t)st.st_size > max)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is larger than %zu bytes", path, max);
    *ret_map = (struct bm_map){ .behind = 0 };
    if (st.st_size == 0)
        return BM_OK;
    if ((p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        return open_failed(path, errno, fail);
    ret_map->bytes = bm_bytes(p, (size_t)st.st_size);
    return BM_OK;
}

/* The address as the system wants it: to be changed, though nothing is written through it. */
static void *
address(const struct bm_map *map, size_t at)
{
    return (void *)((uintptr_t)map->bytes.p + at);
}

void
bm_map_behind(struct bm_map *map, uint64_t at)
{
    if (at < map->behind)
        map->behind = 0;
    if (at > map->bytes.n || at - map->behind < STEP)
        return;
    at -= at % STEP;
    (void)madvise(address(map, map->behind), (size_t)at - map->behind, MADV_DONTNEED); /* advice: without it memory is used longer */
    map->behind = (size_t)at;
}

void
bm_map_done(struct bm_map *map)
{
    if (map->bytes.n > 0)
        (void)munmap(address(map, 0), map->bytes.n);
    *map = (struct bm_map){ .behind = 0 };
}
