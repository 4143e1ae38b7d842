/* lot_again.c - the same file again: no second lot, and no alarm. Where the lot's index is gone, it is made anew from the file. */
#include "cli/lot_receive.h"

#include "base/file.h"
#include "cli/places.h"
#include "digest/digest.h"
#include "wire/text.h"

#include <fcntl.h>

/* Is there an index, and of this lot? */
static bool
index_stands(const char *path, const struct bm_receipt *receipt)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t root[BM_HASH];
    struct bm_fail unused;

    if (fd < 0 || bm_index_open(&index, fd, &unused) != BM_OK)
        return false;
    bm_index_root(index, root);
    return memcmp(root, receipt->root, BM_HASH) == 0;
}

/* The file was judged when it was received: only its leaves are wanted, and they must give the tree that was pinned. */
static enum bm_rc
index_make(struct receiving *r, const struct bm_receipt *receipt, const char *path, struct bm_fail *fail)
{
    enum bm_rc rc;

    r->work.job.now = receipt->received;
    if ((rc = bm_lot_leaves(r, fail)) != BM_OK)
        return rc;
    if (memcmp(r->result.head.root, receipt->root, BM_HASH) != 0)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "the index of lot %s is missing, and with these options the file gives another tree: give those of its receipt's day",
            receipt->lot);
    if ((rc = bm_shelf_end(&r->shelf, &r->result.head, fail)) != BM_OK)
        return rc;
    return bm_shelf_name(&r->shelf, path, fail);
}

enum bm_rc
bm_lot_again(struct receiving *r, struct bm_buf *row, const char **ret_note, struct bm_fail *fail)
{
    struct bm_call *call = r->ask.call;
    const char *lot = bm_call_option(call, "lot");
    char path[BM_PATH], root[2 * BM_HASH + 1];
    struct bm_receipt receipt;
    uint64_t expect = 0;
    bool again;
    enum bm_rc rc;

    *ret_note = NULL;
    bm_sha256(r->hash, r->work.job.file);
    r->work.job.behind(r->work.job.behind_ctx, r->work.job.file.n);
    if ((rc = bm_lot_arrived(&again, &receipt, row, &r->ask, r->maker.vendor.name, r->hash, fail)) != BM_OK || !again)
        return rc;
    if ((rc = bm_call_number(call, "expect", 1, BM_MAX_LOT_CHIPS, receipt.chips, &expect, fail)) != BM_OK)
        return rc;
    if (expect != receipt.chips || (lot != NULL && strcmp(lot, receipt.lot) != 0))
        return BM_OK;
    bm_hex(root, bm_bytes(receipt.root, BM_HASH));
    if ((rc = bm_place_path(path, call->home, BM_PLACE_INDEX, root, fail)) != BM_OK)
        return rc;
    *ret_note = "received already: nothing was changed";
    if (index_stands(path, &receipt))
        return BM_OK;
    *ret_note = "received already: its index was missing, and was made anew";
    return index_make(r, &receipt, path, fail);
}
