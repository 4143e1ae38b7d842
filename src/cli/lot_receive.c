/* lot_receive.c - lot receive: a chipmaker's file checked here, pinned by an operator's word, checked again by the signer. */
#include "cli/lot_receive.h"

#include "base/file.h"
#include "cli/factors_kept.h"
#include "cli/lot_row.h"
#include "cli/lot_waive.h"
#include "cli/verbs.h"

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
leaf_keep(void *ctx, struct bm_bytes der, const struct bm_leaf_digest *digest, struct bm_fail *fail)
{
    struct receiving *r = ctx;

    return bm_index_add_known(r->shelf.writer, der, digest, fail);
}

enum bm_rc
bm_lot_leaves(struct receiving *r, struct bm_fail *fail)
{
    r->exam.leaf = leaf_keep;
    r->exam.ctx = r;
    return bm_exam_run(&r->exam, &r->work.job, &r->result, fail);
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
    if (r->work.job.revision != 0 && r->result.format == BM_FORMAT_BIRTHMARK)
        return bm_fail(fail, BM_EINPUT, NULL, "lot %s says itself that it is revision %llu: leave --revision out", head->lot,
                       (unsigned long long)head->revision);
    if ((rc = bm_lot_test_check(head, call->home, fail)) != BM_OK)
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

        if (!bm_waiver_wanted(&r->waived, &r->exam, (enum bm_check)check) || bm_waive_names(r->ask.call, (enum bm_check)check))
            continue;
        rc = bm_fail(fail, BM_EPOLICY, NULL,
                     "%llu of its %llu chips fail the check %s, the first chip %llu: %s; see `birthmark lot inspect`, and ask %s",
                     (unsigned long long)found->found, (unsigned long long)r->exam.chips, bm_check_word((enum bm_check)check),
                     (unsigned long long)found->examples[0].index, found->examples[0].sentence, vendor);
    }
    return rc != BM_OK ? rc : bm_waive_propose(r, fail);
}

/* *ret_again: as of bm_lot_regain(), and then it is not judged once more. */
static enum bm_rc
lot_judge(struct receiving *r, struct bm_call *call, struct bm_buf *row, const char **ret_again, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = lot_check(r, call, fail)) != BM_OK || (rc = bm_lot_regain(r, row, ret_again, fail)) != BM_OK || *ret_again != NULL)
        return rc;
    if ((rc = bm_lot_newer(&r->ask, &r->result.head, r->result.format != BM_FORMAT_BIRTHMARK, fail)) != BM_OK)
        return rc;
    if ((rc = bm_factors_compare(&r->exam, &r->result, call->home, fail)) == BM_OK)
        rc = findings_refuse(r, fail);
    if (rc != BM_OK)
        bm_fail_prefix(fail, "%.100s", r->work.job.file_name);
    return rc != BM_OK ? rc : bm_shelf_end(&r->shelf, &r->result.head, fail);
}

static enum bm_rc
lot_read(struct receiving *r, struct bm_call *call, struct bm_buf *row, const char **ret_again, struct bm_fail *fail)
{
    enum bm_rc rc;

    r->work.job.now = r->desk.head.time;
    if ((rc = bm_lot_leaves(r, fail)) == BM_OK)
        return lot_judge(r, call, row, ret_again, fail);
    bm_fail_prefix(fail, "%.100s", r->work.job.file_name);
    return rc;
}

/* ---- all of it ---- */

/* What was odd and let in all the same: the receipt says it at length. */
static enum bm_rc
noted_add(json_t *row, const struct bm_exam *exam, struct bm_fail *fail)
{
    json_t *noted = json_array();
    bool bad = json_object_set_new(row, "noted", noted) != 0;

    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++)
        if (exam->checks[check].found > 0)
            bad |= json_array_append_new(noted, json_string(bm_check_word((enum bm_check)check))) != 0;
    return bad ? bm_json_check(NULL, fail) : BM_OK;
}

static enum bm_rc
row_print(const struct receiving *r, const struct bm_buf *row, const char *note, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *object = NULL;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&object, bm_buf_bytes(row), BM_MAX_JSON, fail)) != BM_OK ||
        (rc = bm_receipt_row(object, r->ask.call->home, fail)) != BM_OK ||
        (note == NULL && (rc = noted_add(object, &r->exam, fail)) != BM_OK))
        return rc;
    if (note != NULL && json_object_set_new(object, "note", json_string(note)) != 0)
        return bm_json_check(NULL, fail);
    return bm_lot_print(r->ask.call, object, fail);
}

/* What is large stands in files beside the lots, of which nothing stays. A file that is refused before anything of it could be read is on record too;
 * a file that is not there, a key of ours that does not open or words used wrongly say nothing about it. */
static enum bm_rc
file_take(struct receiving *r, struct bm_call *call, struct bm_fail *fail)
{
    char lots[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(lots, call->home, "lots", fail)) != BM_OK)
        return rc;
    if ((rc = bm_work_open(&r->work, call, &r->maker.vendor, lots, fail)) != BM_OK)
        return r->work.blamed ? refuse(r, fail) : rc;
    if ((rc = bm_maker_ask(&r->maker, &r->ask, bm_call_option(call, "vendor"), fail)) == BM_EPOLICY) {
        bm_fail_prefix(fail, "%.100s", r->work.job.file_name);
        return refuse(r, fail);
    }
    return rc != BM_OK ? rc : bm_shelf_open(&r->shelf, lots, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(receiving_done) struct receiving r = { .work = { .fd = -1 }, .shelf = { .fd = -1 } };
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_JSON };
    const char *again = NULL;
    uint64_t unused;
    enum bm_rc rc;

    if ((rc = bm_call_number(call, "expect", 1, BM_MAX_LOT_CHIPS, 1, &unused, fail)) != BM_OK ||
        (rc = bm_waive_words_check(call, fail)) != BM_OK || (rc = bm_ask_open(&r.ask, call, fail)) != BM_OK ||
        (rc = bm_desk_open(&r.desk, BM_ACT_PIN, &r.ask, fail)) != BM_OK || (rc = file_take(&r, call, fail)) != BM_OK ||
        (rc = bm_lot_again(&r, &row, &again, fail)) != BM_OK)
        return rc;
    if (again == NULL && lot_read(&r, call, &row, &again, fail) != BM_OK)
        return refuse(&r, fail);
    if (again == NULL && (rc = bm_lot_send(&r, &row, fail)) != BM_OK)
        return rc;
    return row_print(&r, &row, again, fail);
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
                 { .name = "revision",
                   .value = "N",
                   .help = "this list replaces what was received of the lot before (a foreign format has no number)" },
                 BM_OPTION_SIGNATURE,
                 BM_OPTION_COLUMN,
                 BM_OPTION_DECRYPT,
                 BM_OPTION_INJECTED,
                 { .name = "waive",
                   .value = "CHECK",
                   .help = "propose to let its vendor's lots fail this check for 30 days",
                   .many = true },
                 { .name = "reason", .value = "TEXT", .help = "why, for the record; at most 160 bytes" },
                 BM_OPTION_OPERATOR },
    .run = run,
};
