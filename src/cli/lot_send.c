/* lot_send.c - the second half of lot receive: the pin an operator signs, the leaves sent after it, and what stays in HOME/lots. */
#include "base/file.h"
#include "cli/factors_kept.h"
#include "cli/lot_receive.h"
#include "cli/places.h"
#include "digest/digest.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <signal.h>
#include <unistd.h>

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

static int
hash_order(const void *a, const void *b)
{
    return memcmp(a, b, BM_HASH);
}

static bool
self_issued(struct bm_bytes der)
{
    struct bm_cert_loose cert;
    struct bm_fail ignored = { .rc = BM_OK };

    return bm_cert_loose_parse(&cert, der, &ignored) == BM_OK && bm_bytes_equal(cert.issuer, cert.subject);
}

/* Where the chain of a TPM's endorsement key may end, for the signer: as lots are checked (lot/chain.h), in the vendor's roots; where none is, in all. */
static enum bm_rc
ek_roots_take(struct bm_pin *pin, const struct bm_vendor *vendor, struct bm_fail *fail)
{
    bool roots = false;
    size_t n = 0;

    if (pin->source == BM_SOURCE_MICROCHIP) /* its roots name chips by their ids, and stand in their leaves */
        return BM_OK;
    for (size_t i = 0; i < vendor->roots.n; i++)
        roots = roots || self_issued(vendor->roots.der[i]);
    for (size_t i = 0; i < vendor->roots.n; i++) {
        uint8_t hash[BM_HASH];

        bm_sha256(hash, vendor->roots.der[i]);
        if ((roots && !self_issued(vendor->roots.der[i])) || bm_vendor_retired(vendor, hash))
            continue;
        if (n == BM_MAX_PIN_EK_ROOTS)
            return bm_fail(fail, BM_EPOLICY, NULL, "vendor %s has more than %d roots: make a vendor for each maker", vendor->name,
                           BM_MAX_PIN_EK_ROOTS);
        memcpy(pin->ek_roots[n++], hash, BM_HASH);
    }
    qsort(pin->ek_roots, n, BM_HASH, hash_order);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || memcmp(pin->ek_roots[i - 1], pin->ek_roots[i], BM_HASH) != 0)
            memmove(pin->ek_roots[pin->nek_roots++], pin->ek_roots[i], BM_HASH);
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
    if ((rc = ek_roots_take(&pin, r->work.job.vendor, fail)) != BM_OK)
        return rc;
    bm_pin_build(&text, &r->desk.head, &pin);
    return bm_desk_sign(&r->desk, &text, note, fail);
}

/* ---- sending ---- */

enum bm_rc
bm_lot_begin(struct bm_ask *ask, struct bm_bytes note, struct bm_bytes head_note, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    bm_buf_add_lv32(&body, note);
    bm_buf_add_lv32(&body, head_note);
    if ((rc = bm_buf_check(&body, "the pin", fail)) != BM_OK)
        return rc;
    return bm_ask(ask, BM_C_LOT_BEGIN, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
}

static enum bm_rc
pin_begin(struct receiving *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    enum bm_rc rc = pin_make(&note, r, fail);

    return rc != BM_OK ? rc : bm_lot_begin(&r->ask, bm_buf_bytes(&note), r->result.head_note, fail);
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

/* The index stands where the server reads it, before it is asked to. The site holds no lot with this root, as the answer to its beginning said: what lies
 * there under the name was never pinned. */
static enum bm_rc
index_keep(const struct receiving *r, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = kept_path(r, BM_PLACE_INDEX, path, fail);

    return rc != BM_OK ? rc : bm_shelf_name(&r->shelf, path, fail);
}

/* The file as it came and its receipt stand there before anything counts on them. The receipt comes last: writing it puts the directory on the disk. */
static enum bm_rc
file_keep(struct receiving *r, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = kept_path(r, BM_PLACE_LOT, path, fail)) == BM_OK && (rc = bm_work_keep(&r->work, path, fail)) == BM_OK &&
        (rc = bm_factors_keep(&r->exam, &r->result, r->ask.call->home, fail)) == BM_OK &&
        (rc = kept_path(r, BM_PLACE_RECEIPT, path, fail)) == BM_OK)
        rc = bm_file_write(path, bm_buf_bytes(&r->receipt), 0644, fail);
    return rc;
}

/* ---- step by step ---- */

static void
stops_name(sigset_t *ret_stops)
{
    (void)sigemptyset(ret_stops);
    (void)sigaddset(ret_stops, SIGINT);
    (void)sigaddset(ret_stops, SIGTERM);
    (void)sigaddset(ret_stops, SIGHUP);
}

/* They wait while files have names: what was begun is taken away first. */
static enum bm_rc
stop_heard(struct bm_fail *fail)
{
    static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
    sigset_t waiting;

    (void)sigpending(&waiting);
    for (size_t i = 0; i < BM_COUNT(stops); i++)
        if (sigismember(&waiting, stops[i]) == 1)
            return bm_fail(fail, BM_EBUSY, NULL, "you stopped it: nothing was received");
    return BM_OK;
}

/* The server takes the leaves from the index and compares the lot with the others, until it asks for no more. */
enum bm_rc
bm_lot_steps(struct bm_ask *ask, uint64_t size, struct bm_fail *fail)
{
    bm_cleanup(bm_progress_done) struct bm_progress progress = { .what = "receiving" };
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = 16 };
    bool more = true;
    enum bm_rc rc = BM_OK;

    while (more && rc == BM_OK) {
        struct bm_rd rd;
        uint64_t gone;

        bm_buf_reset(&end);
        if ((rc = stop_heard(fail)) != BM_OK || (rc = bm_ask(ask, BM_C_LOT_NEXT, bm_bytes(NULL, 0), NULL, NULL, &end, fail)) != BM_OK)
            break;
        rd = bm_rd(bm_buf_bytes(&end));
        gone = bm_rd_u64(&rd);
        more = bm_rd_u8(&rd) != 0;
        if (!bm_rd_end(&rd))
            rc = bm_fail(fail, BM_EBUG, NULL, "the server tells of the lot's progress in another way than this command reads it");
        bm_progress_show(&progress, gone, size);
    }
    return rc;
}

/* The signer's word. A refusal leaves nothing, unless the lot stands in quarantine all the same: it contradicts another. */
static enum bm_rc
pin_end(struct receiving *r, struct bm_buf *row, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf unused = { .max = BM_MAX_JSON };
    enum bm_rc rc = bm_ask(&r->ask, BM_C_LOT_END, bm_bytes(NULL, 0), bm_row_keep, row, NULL, fail);
    const uint64_t alarm = r->ask.call->alarm; /* of the refusal; the question after it has none */
    struct bm_fail also;
    bool held = false;

    if (rc != BM_EINPUT && rc != BM_EPOLICY)
        return rc;
    if (bm_lot_held(&held, &unused, &r->ask, r->result.head.lot, r->result.head.root, &also) == BM_OK && !held)
        kept_drop(r);
    r->ask.call->alarm = alarm;
    return rc;
}

static enum bm_rc
named_send(struct receiving *r, struct bm_buf *row, struct bm_fail *fail)
{
    enum bm_rc rc = index_keep(r, fail);

    if (rc == BM_OK)
        rc = bm_lot_steps(&r->ask, r->result.head.size, fail);
    if (rc == BM_OK)
        rc = file_keep(r, fail);
    if (rc == BM_OK)
        return pin_end(r, row, fail);
    kept_drop(r);
    return rc;
}

/* Where two persons pin: all of it stands there for the second one, who sends it. */
static enum bm_rc
named_propose(struct receiving *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, behind = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    bm_buf_add_lv32(&behind, r->result.head_note);
    if ((rc = bm_buf_check(&behind, "the head note", fail)) == BM_OK && (rc = pin_make(&note, r, fail)) == BM_OK &&
        (rc = index_keep(r, fail)) == BM_OK && (rc = file_keep(r, fail)) == BM_OK)
        rc = bm_desk_proposed(&r->desk, &r->ask, &note, bm_buf_bytes(&behind), fail);
    if (r->ask.call->proposal == 0)
        kept_drop(r);
    return rc;
}

/* From the first file with a name to the signer's word nothing interrupts in the middle of a step: before it nothing is there, after it the lot is whole. */
enum bm_rc
bm_lot_send(struct receiving *r, struct bm_buf *row, struct bm_fail *fail)
{
    const bool two = r->desk.head.seq == 0;
    sigset_t stops, before;
    enum bm_rc rc;

    if ((two && (rc = bm_lot_waits(&r->ask, r->result.head.lot, fail)) != BM_OK) || (rc = receipt_make(r, fail)) != BM_OK ||
        (!two && (rc = pin_begin(r, fail)) != BM_OK))
        return rc;
    stops_name(&stops);
    (void)sigprocmask(SIG_BLOCK, &stops, &before);
    rc = two ? named_propose(r, fail) : named_send(r, row, fail);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}
