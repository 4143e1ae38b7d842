/* shelf.h - a lot's index while the lot comes in: a file without a name until the lot is whole, then HOME/lots/ROOT.index. */
#ifndef BM_CLI_SHELF_H
#define BM_CLI_SHELF_H

#include "custody/index.h"
#include "lot/lot.h"

/* Zeroed but for fd = -1 is empty. */
struct bm_shelf {
    int fd;
    struct bm_index_writer *writer; /* until bm_shelf_end() */
    struct bm_index *index;         /* from then on */
};
bm_must_use enum bm_rc bm_shelf_open(struct bm_shelf *ret_shelf, const char *dir, struct bm_fail *fail);
/* All leaves were added to the writer: it must be the lot of this head (BM_EBUG). */
bm_must_use enum bm_rc bm_shelf_end(struct bm_shelf *shelf, const struct bm_lot_head *head, struct bm_fail *fail);
/* The whole index gets its name there, and is on the disk. */
bm_must_use enum bm_rc bm_shelf_name(const struct bm_shelf *shelf, const char *path, struct bm_fail *fail);
void bm_shelf_done(struct bm_shelf *shelf); /* for bm_cleanup(); what has no name by then is gone */

#endif
