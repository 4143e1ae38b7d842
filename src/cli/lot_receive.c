/* lot_receive.c - lot receive: a chipmaker's file checked here, pinned by an operator's word, checked again by the signer. */
#include "base/file.h"
#include "cli/exam.h"
#include "cli/factors_kept.h"
#include "cli/job.h"
#include "cli/maker.h"
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/receipt.h"
#include "cli/shelf.h"
#include "cli/verbs.h"
#include "cli/waived.h"
#include "digest/digest.h"
#include "wire/text.h"

#include <signal.h>
#include <unistd.h>

#define CHUNK 98304 /* bytes of leaves in one message: below BM_MAX_MESSAGE */

/* One receiving: the file, whose it is, what was read of it. */
struct receiving {
    struct bm_ask ask;
    struct bm_desk desk;
    struct bm_maker maker;
    struct bm_work work;
    uint8_t hash[BM_HASH]; /* of the file as it is kept */
    struct bm_shelf shelf; /* its leaves, and by what they are found */
    struct bm_buf receipt;
    struct bm_exam exam;
    struct bm_waived waived;
    struct bm_lot_result result;
    struct bm_progress sending;
};

static void
receiving_done(struct receiving *r)
{
    bm_exam_done(&r->exam);
    bm_progress_done(&r->sending);
    bm_ask_close(&r->ask);
    bm_desk_done(&r->desk);
    bm_maker_done(&r->maker);
    bm_work_done(&r->work);
    bm_buf_done(&r->receipt);
    bm_shelf_done(&r->shelf);
}

static enum bm_rc
leaf_keep(void *ctx, uint64_t index, struct bm_bytes der, struct bm_fail *fail)
{
    struct receiving *r = ctx;

    (void)index;
    return bm_index_add(r->shelf.writer, der, fail);
}

/* A refusal of ours is an alarm and a ledger leaf like those of the server. */
static enum bm_rc
refuse(struct receiving *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    const char *lot = r->result.head.lot, *named = bm_call_option(r->ask.call, "lot");
    const struct bm_fail why = *fail;
    enum bm_rc rc;

    if (why.rc != BM_EINPUT && why.rc != BM_EPOLICY)
        return why.rc;
    if (lot[0] == 0 && named != NULL)
        lot = named;
    bm_buf_add_lv16(&body, bm_bytes_str(lot));
    bm_buf_add_lv16(&body, bm_bytes_str(r->desk.head.by));
    bm_buf_add_lv16(&body, bm_bytes_str(why.text));
    /* its answer is the refusal, with the alarm's number; anything else is told in its place, since then nothing is on record */
    if ((rc = bm_buf_check(&body, "the refusal", fail)) == BM_OK &&
        (rc = bm_ask(&r->ask, BM_C_LOT_REFUSED, bm_buf_bytes(&body), NULL, NULL, NULL, fail)) == BM_OK)
        rc = bm_fail(fail, why.rc, NULL, "%s", why.text);
    return rc;
}

/* ---- reading ---- */

static enum bm_rc
lot_check(struct receiving *r, struct bm_call *call, struct bm_fail *fail)
{
    const char *vendor = bm_call_option(call, "vendor");
    const struct bm_lot_head *head = &r->result.head;
    uint64_t expect = 0;
    enum bm_rc rc;

    if ((rc = bm_call_number(call, "expect", 1, BM_MAX_LOT_CHIPS, head->size, &expect, fail)) != BM_OK)
        return rc;
    if (strcmp(head->vendor, vendor) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s says that it is from %s, and you receive it as from %s", head->lot, head->vendor,
                       vendor);
    if (expect != head->size)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s has %llu chips, and you expect %llu: count the reels, or ask %s for the right file",
                       head->lot, (unsigned long long)head->size, (unsigned long long)expect, vendor);
    return BM_OK;
}

/* What two persons waived for this vendor is let through, and named by pin and receipt; the signer looks the waivers up again. */
static enum bm_rc
findings_refuse(struct receiving *r, struct bm_fail *fail)
{
    const char *vendor = r->maker.vendor.name;
    enum bm_rc rc = bm_waived_ask(&r->waived, &r->ask, &r->exam, vendor, r->desk.head.time, fail);

    for (unsigned check = BM_CHECK_SIGNATURE; rc == BM_OK && check < BM_CHECK__N; check++) {
        const struct bm_exam_check *found = &r->exam.checks[check];

        if (found->found == 0 || bm_check_weight((enum bm_check)check) != BM_WEIGHT_WAIVABLE ||
            bm_waived_find(&r->waived, (enum bm_check)check) != NULL)
            continue;
        rc = bm_fail(fail, BM_EPOLICY, NULL,
                     "%llu of its %llu chips fail the check %s, the first chip %llu: %s. See `birthmark lot inspect`, and ask %s",
                     (unsigned long long)found->found, (unsigned long long)r->exam.chips, bm_check_word((enum bm_check)check),
                     (unsigned long long)found->examples[0].index, found->examples[0].sentence, vendor);
    }
    return rc;
}

static enum bm_rc
lot_read(struct receiving *r, struct bm_call *call, struct bm_fail *fail)
{
    enum bm_rc rc;

    r->work.job.now = r->desk.head.time;
    r->exam.leaf = leaf_keep;
    r->exam.ctx = r;
    rc = bm_exam_run(&r->exam, &r->work.job, &r->result, fail);
    if (rc == BM_OK)
        rc = bm_factors_compare(&r->exam, &r->result, call->home, fail);
    if (rc == BM_OK)
        rc = findings_refuse(r, fail);
    if (rc != BM_OK)
        bm_fail_prefix(fail, "%.100s", r->work.job.file_name);
    if (rc != BM_OK || (rc = lot_check(r, call, fail)) != BM_OK || (rc = bm_lot_newer(&r->ask, &r->result.head, fail)) != BM_OK)
        return rc;
    return bm_shelf_end(&r->shelf, &r->result.head, fail);
}

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

static enum bm_rc
lot_send(struct receiving *r, struct bm_buf *row, struct bm_fail *fail)
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

/* ---- all of it ---- */

/* The same bytes again are no second lot, and no alarm. */
static enum bm_rc
again_look(struct receiving *r, struct bm_buf *row, bool *ret_again, struct bm_fail *fail)
{
    struct bm_call *call = r->ask.call;
    const char *lot = bm_call_option(call, "lot");
    struct bm_receipt receipt;
    uint64_t expect = 0;
    enum bm_rc rc;

    bm_sha256(r->hash, r->work.job.file);
    r->work.job.behind(r->work.job.behind_ctx, r->work.job.file.n);
    if ((rc = bm_lot_arrived(ret_again, &receipt, row, &r->ask, r->maker.vendor.name, r->hash, fail)) != BM_OK || !*ret_again)
        return rc;
    if ((rc = bm_call_number(call, "expect", 1, BM_MAX_LOT_CHIPS, receipt.chips, &expect, fail)) != BM_OK)
        return rc;
    *ret_again = expect == receipt.chips && (lot == NULL || strcmp(lot, receipt.lot) == 0);
    return BM_OK;
}

static enum bm_rc
row_print(const struct bm_call *call, const struct bm_buf *row, bool again, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *object = NULL;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&object, bm_buf_bytes(row), BM_MAX_JSON, fail)) != BM_OK ||
        (rc = bm_receipt_row(object, call->home, fail)) != BM_OK)
        return rc;
    if (again && json_object_set_new(object, "note", json_string("received already: nothing was changed")) != 0)
        return bm_json_check(NULL, fail);
    return bm_object_print(call, object, fail);
}

/* What is large stands in files beside the lots, of which nothing stays. */
static enum bm_rc
file_open(struct receiving *r, struct bm_call *call, struct bm_fail *fail)
{
    char lots[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(lots, call->home, "lots", fail)) != BM_OK ||
        (rc = bm_work_open(&r->work, call, &r->maker.vendor, lots, fail)) != BM_OK)
        return rc;
    return bm_shelf_open(&r->shelf, lots, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(receiving_done) struct receiving r = { .work = { .fd = -1 }, .shelf = { .fd = -1 } };
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_JSON };
    bool again = false;
    uint64_t unused;
    enum bm_rc rc;

    if ((rc = bm_call_number(call, "expect", 1, BM_MAX_LOT_CHIPS, 1, &unused, fail)) != BM_OK ||
        (rc = file_open(&r, call, fail)) != BM_OK || (rc = bm_ask_open(&r.ask, call, fail)) != BM_OK ||
        (rc = bm_maker_ask(&r.maker, &r.ask, bm_call_option(call, "vendor"), fail)) != BM_OK ||
        (rc = bm_desk_open(&r.desk, BM_STATEMENT_PIN, &r.ask, fail)) != BM_OK || (rc = again_look(&r, &row, &again, fail)) != BM_OK)
        return rc;
    if (!again && lot_read(&r, call, fail) != BM_OK)
        return refuse(&r, fail);
    if (!again && (rc = lot_send(&r, &row, fail)) != BM_OK)
        return rc;
    return row_print(call, &row, again, fail);
}

const struct bm_verb bm_verb_lot_receive = {
    .words = "lot receive",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Receive a chipmaker's lot: check signature, tree, count and duplicates, and pin it.",
    .help = "All or nothing. What is wrong with a file is said in one line, and stands as an alarm in the ledger. The file is kept\n"
            "as it came in HOME/lots, with a receipt beside it. The same file again changes nothing. What the pin says is signed with an "
            "operator's key; the signer computes the tree again.\n\n"
            "example: birthmark lot receive EX-001.manifest --vendor \"Example Silicon\" --expect 2\n",
    .options = { { .name = "vendor", .value = "NAME", .help = "whose it must be, as of `vendor add`", .needed = true },
                 { .name = "expect", .value = "N", .help = "how many chips you were sent" },
                 { .name = "lot", .value = "ID", .help = "the lot's name, where the file has none of its own" },
                 BM_OPTION_SIGNATURE,
                 BM_OPTION_COLUMN,
                 BM_OPTION_DECRYPT,
                 BM_OPTION_INJECTED,
                 BM_OPTION_OPERATOR },
    .run = run,
};
