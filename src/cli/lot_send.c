/* lot_send.c - the second half of lot receive: the pin an operator signs, the leaves sent after it, and what stays in HOME/lots. */
#include "base/file.h"
#include "cli/factors_kept.h"
#include "cli/lot_receive.h"
#include "cli/places.h"
#include "digest/digest.h"
#include "wire/text.h"

#include <signal.h>
#include <unistd.h>

#define CHUNK 98304 /* bytes of leaves in one message: below BM_MAX_MESSAGE */

/* ---- the pin ---- */

/* The vendor's key that signed the head, as the signer will check it again. */
static enum bm_rc
vendor_key_take(struct bm_pin *pin, const struct receiving *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    struct bm_note note;
    uint64_t who = 0;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&note, r->result.head_note, fail)) != BM_OK ||
        (rc = bm_note_check_any(&note, r->maker.vendor.keys, r->maker.vendor.nkeys, &who, fail)) != BM_OK)
        return rc;
    if (who == 0)
        return bm_fail(fail, BM_EBUG, NULL, "a lot was read that no key has signed");
    bm_note_vkey_build(&vkey, &r->maker.vendor.keys[__builtin_ctzll(who)]);
    if ((rc = bm_buf_check(&vkey, "a vkey", fail)) != BM_OK)
        return rc;
    memcpy(pin->vendor_key, vkey.p, vkey.n);
    pin->vendor_key[vkey.n] = 0;
    return BM_OK;
}

static enum bm_rc
pin_make(struct bm_buf *note, struct receiving *r, struct bm_fail *fail)
{
    static const enum bm_lot_source sources[] = { [BM_FORMAT_BIRTHMARK] = BM_SOURCE_BIRTHMARK,
                                                  [BM_FORMAT_MICROCHIP] = BM_SOURCE_MICROCHIP,
                                                  [BM_FORMAT_INFINEON] = BM_SOURCE_INFINEON,
                                                  [BM_FORMAT_EK] = BM_SOURCE_EK,
                                                  [BM_FORMAT_CSV] = BM_SOURCE_CSV };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    const struct bm_lot_head *head = &r->result.head;
    struct bm_pin pin = { .source = sources[r->result.format], .kind = head->kind, .size = head->size };
    enum bm_rc rc;

    memcpy(pin.lot, head->lot, sizeof(pin.lot));
    memcpy(pin.vendor, head->vendor, sizeof(pin.vendor));
    memcpy(pin.root, head->root, sizeof(pin.root));
    pin.revision = head->revision;
    memcpy(pin.waived, r->waived.list, sizeof(pin.waived));
    pin.nwaived = r->waived.n;
    memcpy(pin.file, r->hash, sizeof(pin.file));
    bm_sha256(pin.receipt, bm_buf_bytes(&r->receipt));
    if (pin.source == BM_SOURCE_BIRTHMARK && (rc = vendor_key_take(&pin, r, fail)) != BM_OK)
        return rc;
    bm_pin_build(&text, &r->desk.head, &pin);
    return bm_desk_sign(&r->desk, &text, note, fail);
}

/* ---- sending ---- */

static enum bm_rc
begin(struct receiving *r, const char *vendor, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    if ((rc = pin_make(&note, r, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, r->result.head_note);
    bm_buf_add_lv16(&body, bm_bytes_str(vendor));
    if ((rc = bm_buf_check(&body, "the pin", fail)) != BM_OK)
        return rc;
    return bm_ask(&r->ask, BM_C_LOT_BEGIN, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
}

/* As many leaves from *at on as one message takes. */
static enum bm_rc
chunk_send(struct receiving *r, uint64_t *at, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE };
    bm_cleanup(bm_buf_done) struct bm_buf chunk = { .max = BM_MAX_MESSAGE };
    const uint64_t from = *at;
    struct bm_bytes der;
    enum bm_rc rc;

    for (; *at < r->result.head.size && chunk.n < CHUNK; ++*at) {
        if ((rc = bm_index_leaf(r->shelf.index, *at, &der, fail)) != BM_OK)
            return rc;
        bm_buf_add_lv16(&chunk, der);
    }
    bm_index_forget(r->shelf.index);
    bm_buf_add_u32(&body, (uint32_t)(*at - from));
    bm_buf_add_bytes(&body, bm_buf_bytes(&chunk));
    if ((rc = bm_buf_check(&body, "a part of the lot", fail)) != BM_OK)
        return rc;
    return bm_ask(&r->ask, BM_C_LOT_LEAVES, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
}

/* What was looked at, before anything counts on it. */
static enum bm_rc
receipt_make(struct receiving *r, struct bm_fail *fail)
{
    const struct bm_lot_head *head = &r->result.head;
    struct bm_receipt receipt = {
        .revision = head->revision, .received = r->desk.head.time, .bytes = r->work.job.file.n, .chips = head->size
    };

    memcpy(receipt.lot, head->lot, sizeof(receipt.lot));
    memcpy(receipt.vendor, head->vendor, sizeof(receipt.vendor));
    memcpy(receipt.by, r->desk.head.by, sizeof(receipt.by));
    memcpy(receipt.file, r->hash, BM_HASH);
    memcpy(receipt.envelope, r->work.envelope, BM_HASH);
    memcpy(receipt.root, head->root, BM_HASH);
    r->receipt.max = BM_MAX_RECEIPT;
    bm_receipt_build(&r->receipt, &receipt, &r->work.job, &r->result, &r->exam, &r->waived);
    return bm_buf_check(&r->receipt, "the receipt", fail);
}

static enum bm_rc
kept_path(const struct receiving *r, const char *place, char path[static BM_PATH], struct bm_fail *fail)
{
    char root[2 * BM_HASH + 1];

    bm_hex(root, bm_bytes(r->result.head.root, BM_HASH));
    return bm_place_path(path, r->ask.call->home, place, root, fail);
}

static void
kept_drop(const struct receiving *r)
{
    static const char *const places[] = { BM_PLACE_RECEIPT, BM_PLACE_LOT, BM_PLACE_INDEX };
    struct bm_fail unused;
    char path[BM_PATH];

    bm_factors_drop(&r->result, r->ask.call->home);
    for (size_t i = 0; i < BM_COUNT(places); i++)
        if (kept_path(r, places[i], path, &unused) == BM_OK)
            (void)unlink(path);
}

/* The file as it came and its receipt stand there before anything counts on them; a lot that is refused after all leaves none. The site holds no lot
 * with this root, as the answer to its beginning said: what lies there under the name was never pinned. The receipt comes last: writing it puts the
 * directory on the disk. */
static enum bm_rc
file_keep(struct receiving *r, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    /* a file system that gives no name to nameless files keeps no index: then the registrar's own records serve */
    if ((rc = kept_path(r, BM_PLACE_INDEX, path, fail)) == BM_OK)
        (void)bm_nameless_name(r->shelf.fd, path);
    if (rc == BM_OK && (rc = kept_path(r, BM_PLACE_LOT, path, fail)) == BM_OK && (rc = bm_work_keep(&r->work, path, fail)) == BM_OK &&
        (rc = bm_factors_keep(&r->exam, &r->result, r->ask.call->home, fail)) == BM_OK &&
        (rc = kept_path(r, BM_PLACE_RECEIPT, path, fail)) == BM_OK)
        rc = bm_file_write(path, bm_buf_bytes(&r->receipt), 0644, fail);
    if (rc != BM_OK)
        kept_drop(r);
    return rc;
}

/* From the first file to the signer's word nothing interrupts: before it nothing is there, after it the lot is whole. */
static enum bm_rc
lot_end(struct receiving *r, struct bm_buf *row, struct bm_fail *fail)
{
    sigset_t stop, before;
    enum bm_rc rc;

    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGINT);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &stop, &before);
    if ((rc = file_keep(r, fail)) == BM_OK &&
        ((rc = bm_ask(&r->ask, BM_C_LOT_END, bm_bytes(NULL, 0), bm_row_keep, row, NULL, fail)) == BM_EINPUT || rc == BM_EPOLICY))
        kept_drop(r);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

enum bm_rc
bm_lot_send(struct receiving *r, struct bm_buf *row, struct bm_fail *fail)
{
    uint64_t at = 0;
    enum bm_rc rc;

    r->sending.what = "receiving";
    r->sending.bytes = true;
    if ((rc = receipt_make(r, fail)) != BM_OK || (rc = begin(r, bm_call_option(r->ask.call, "vendor"), fail)) != BM_OK)
        return rc;
    while (at < r->result.head.size && rc == BM_OK) {
        rc = chunk_send(r, &at, fail);
        bm_progress_show(&r->sending, at, r->result.head.size);
    }
    bm_progress_done(&r->sending);
    return rc != BM_OK ? rc : lot_end(r, row, fail);
}
