#include "cli/shelf.h"

#include "base/file.h"
#include "cli/spool.h"

enum bm_rc
bm_shelf_open(struct bm_shelf *shelf, const char *dir, struct bm_fail *fail)
{
    enum bm_rc rc;

    *shelf = (struct bm_shelf){ .fd = -1 };
    if ((rc = bm_nameless(&shelf->fd, dir, fail)) != BM_OK)
        return rc;
    return bm_index_create(&shelf->writer, shelf->fd, fail);
}

enum bm_rc
bm_shelf_end(struct bm_shelf *shelf, const struct bm_lot_head *head, struct bm_fail *fail)
{
    uint8_t root[BM_HASH];
    uint64_t size = 0;
    enum bm_rc rc;

    if ((rc = bm_index_finish(shelf->writer, &size, root, fail)) != BM_OK)
        return rc;
    bm_index_writer_done(&shelf->writer);
    if (size != head->size || memcmp(root, head->root, BM_HASH) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "the index of lot %s has another tree than the lot", head->lot);
    return bm_index_open(&shelf->index, shelf->fd, fail);
}

enum bm_rc
bm_shelf_name(const struct bm_shelf *shelf, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_map_done) struct bm_map map = { .behind = 0 };
    char self[64];
    enum bm_rc rc;

    if (bm_nameless_name(shelf->fd, path))
        return BM_OK;
    /* a file system that gives no name to nameless files: a copy */
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", shelf->fd);
    if ((rc = bm_map_open(&map, self, SIZE_MAX, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, map.bytes, 0644, fail);
}

void
bm_shelf_done(struct bm_shelf *shelf)
{
    bm_index_writer_done(&shelf->writer);
    bm_index_done(&shelf->index);
    bm_fd_done(&shelf->fd);
}
