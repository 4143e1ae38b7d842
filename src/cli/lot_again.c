/* lot_again.c - the same file again: no second lot, and no alarm. What is gone or damaged beside the lots is made anew from the file. */
#include "cli/lot_receive.h"

#include "base/file.h"
#include "cli/factors_kept.h"
#include "cli/places.h"
#include "digest/digest.h"
#include "wire/text.h"

#include <fcntl.h>
#include <unistd.h>

static const char unchanged[] = "received already: nothing was changed";
static const char anew[] = "received already: its index was missing or damaged, and was made anew";

/* An index holds nothing but what its leaves say: made from them once more it must be the same, byte for byte. */
static enum bm_rc
copy_make(struct receiving *r, struct bm_index *index, uint8_t ret_root[static BM_HASH], struct bm_fail *fail)
{
    const uint64_t chips = bm_index_size(index);
    struct bm_bytes der;
    uint64_t size;
    enum bm_rc rc;

    r->sending.what = "checking the index";
    for (uint64_t i = 0; i < chips; i++) {
        if ((rc = bm_index_leaf(index, i, &der, fail)) != BM_OK || (rc = bm_index_add(r->shelf.writer, der, fail)) != BM_OK)
            return rc;
        if (i % 4096 == 0)
            bm_progress_show(&r->sending, i, chips);
    }
    bm_progress_done(&r->sending);
    return bm_index_finish(r->shelf.writer, &size, ret_root, fail);
}

/* Is there an index, of this lot, and with nothing in it changed; and the list of its RSA keys? */
static bool
index_stands(struct receiving *r, const char *path, const uint8_t root[static BM_HASH])
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_map_done) struct bm_map kept = { .behind = 0 }, copy = { .behind = 0 };
    bm_cleanup(bm_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t is[BM_HASH];
    struct bm_fail unused;
    char self[64];

    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", r->shelf.fd);
    return fd >= 0 && bm_index_open(&index, fd, &unused) == BM_OK && copy_make(r, index, is, &unused) == BM_OK &&
           memcmp(is, root, BM_HASH) == 0 && bm_map_open(&kept, path, SIZE_MAX, &unused) == BM_OK &&
           bm_map_open(&copy, self, SIZE_MAX, &unused) == BM_OK && bm_bytes_equal(kept.bytes, copy.bytes) &&
           bm_factors_stand(bm_index_nrsa(index), root, r->ask.call->home);
}

/* The index gets its name, the list of RSA keys stands beside it, and the server looks into the new ones. */
static enum bm_rc
index_name(struct receiving *r, const char *path, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_shelf_end(&r->shelf, &r->result.head, fail)) != BM_OK || (rc = bm_shelf_name(&r->shelf, path, fail)) != BM_OK ||
        (rc = bm_factors_compare(&r->exam, &r->result, NULL, fail)) != BM_OK)
        return rc;
    if ((rc = bm_factors_keep(&r->exam, &r->result, r->ask.call->home, fail)) != BM_OK)
        return rc;
    return bm_ask(&r->ask, BM_C_LOT_INDEX, bm_bytes(r->result.head.root, BM_HASH), NULL, NULL, NULL, fail);
}

/* The file was judged when it was received: only its leaves are wanted, and they must give the tree that was pinned. Who signed it may have been retired
 * since. */
static enum bm_rc
index_make(struct receiving *r, const struct bm_receipt *receipt, const char *path, struct bm_fail *fail)
{
    char lots[BM_PATH];
    enum bm_rc rc;

    bm_shelf_done(&r->shelf); /* what was copied to look at the old one */
    r->work.job.now = receipt->received;
    r->maker.vendor.nretired = 0;
    if ((rc = bm_path_join(lots, r->ask.call->home, "lots", fail)) != BM_OK || (rc = bm_shelf_open(&r->shelf, lots, fail)) != BM_OK ||
        (rc = bm_lot_leaves(r, fail)) != BM_OK)
        return rc;
    if (memcmp(r->result.head.root, receipt->root, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the index of lot %s is missing or damaged, and with these options the file gives another tree: give those of its "
                       "receipt's day",
                       receipt->lot);
    return index_name(r, path, fail);
}

static enum bm_rc
place_of(const struct receiving *r, const char *place, const uint8_t root[static BM_HASH], char ret_path[static BM_PATH],
         struct bm_fail *fail)
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(root, BM_HASH));
    return bm_place_path(ret_path, r->ask.call->home, place, hex, fail);
}

enum bm_rc
bm_lot_again(struct receiving *r, struct bm_buf *row, const char **ret_note, struct bm_fail *fail)
{
    struct bm_call *call = r->ask.call;
    const char *lot = bm_call_option(call, "lot");
    char path[BM_PATH];
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
    if ((rc = place_of(r, BM_PLACE_INDEX, receipt.root, path, fail)) != BM_OK)
        return rc;
    *ret_note = unchanged;
    if (index_stands(r, path, receipt.root))
        return BM_OK;
    *ret_note = anew;
    return index_make(r, &receipt, path, fail);
}

/* Are these the chips of a lot that the site holds, and is nothing there that says so? A lot is its tree, and the index says no more than that. */
enum bm_rc
bm_lot_regain(struct receiving *r, struct bm_buf *row, const char **ret_note, struct bm_fail *fail)
{
    const struct bm_lot_head *head = &r->result.head;
    char receipt[BM_PATH], path[BM_PATH];
    bool held;
    enum bm_rc rc;

    *ret_note = NULL;
    if ((rc = place_of(r, BM_PLACE_RECEIPT, head->root, receipt, fail)) != BM_OK ||
        (rc = place_of(r, BM_PLACE_INDEX, head->root, path, fail)) != BM_OK || access(receipt, F_OK) == 0)
        return rc;
    if ((rc = bm_lot_held(&held, row, &r->ask, head->lot, head->root, fail)) != BM_OK)
        return rc;
    if (!held) {
        bm_buf_reset(row);
        return BM_OK;
    }
    *ret_note = access(path, F_OK) == 0 ? unchanged : anew;
    return index_name(r, path, fail);
}
