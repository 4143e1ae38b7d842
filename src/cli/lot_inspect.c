/* lot_inspect.c - lot inspect: what is in a lot's file, what verifies, what is odd; changes nothing. */
#include "cli/ask.h"
#include "cli/exam.h"
#include "cli/factors_kept.h"
#include "cli/job.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "wire/text.h"

/* Whose it must be: --signer, --root, --format (no site), or --vendor of a site. */
static enum bm_rc
maker_find(struct bm_maker *ret_maker, struct bm_call *call, struct bm_fail *fail)
{
    const char *vendor = bm_call_option(call, "vendor");
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    if (bm_call_values(call, "signer")->n > 0 || bm_call_values(call, "root")->n > 0 || bm_call_option(call, "format") != NULL)
        return bm_maker_collect(ret_maker, call, vendor != NULL ? vendor : "the chipmaker", fail);
    if (vendor == NULL)
        return bm_usage(call, fail, "say whose lot it must be: --signer KEY, or --vendor NAME of a site");
    if ((rc = bm_home_find(call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return bm_maker_ask(ret_maker, &ask, vendor, fail);
}

/* A file that `lot receive` would refuse ends with 1: the report stands on stdout all the same. */
static enum bm_rc
findings_tell(const struct bm_exam *exam, const char *path, struct bm_fail *fail)
{
    enum bm_check check;

    if (!bm_exam_first(exam, BM_WEIGHT_FATAL, &check))
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL, "%s: chip %llu: %s", path, (unsigned long long)exam->checks[check].examples[0].index,
                   exam->checks[check].examples[0].sentence);
}

/* What a custodian acts on: what it is, who signed it, how much verified, what would be refused and what is only odd. */
static enum bm_rc
report_make(json_t **ret_row, const struct bm_exam *exam, const struct bm_lot_result *result, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *findings = NULL;
    char root[2 * BM_HASH + 1];
    enum bm_check unused;
    const char *verdict = bm_exam_first(exam, BM_WEIGHT_FATAL, &unused)      ? "refused"
                          : bm_exam_first(exam, BM_WEIGHT_WAIVABLE, &unused) ? "refused unless waived"
                                                                             : "receivable";
    enum bm_rc rc = bm_exam_json(exam, &findings, fail);

    if (rc != BM_OK)
        return rc;
    bm_hex(root, bm_bytes(result->head.root, BM_HASH));
    *ret_row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:s, s:O}", "lot", result->head.lot, "vendor",
                         result->head.vendor, "format", bm_lot_format_word(result->format), "kind", bm_leaf_kind_word(result->head.kind),
                         "chips", (json_int_t)exam->chips, "keys", (json_int_t)exam->keys, "revision", (json_int_t)result->head.revision,
                         "root", root, "signer", result->signer, "signed", bm_lot_signed_word(result), "signatures",
                         (json_int_t)result->checked, "verdict", verdict, "findings", findings);
    return bm_json_check(*ret_row, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    bm_cleanup(bm_work_done) struct bm_work work = BM_WORK_NONE;
    bm_cleanup(bm_json_done) json_t *row = NULL;
    bm_cleanup(bm_exam_done) struct bm_exam exam = { .go_on = true };
    const char *path = call->words.v[0];
    struct bm_lot_result result;
    enum bm_rc rc;

    if ((rc = maker_find(&maker, call, fail)) != BM_OK || (rc = bm_work_open(&work, call, &maker.vendor, NULL, fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &work.job.now, fail)) != BM_OK)
        return rc;
    if ((rc = bm_exam_run(&exam, &work.job, &result, fail)) != BM_OK ||
        (rc = bm_factors_compare(&exam, &result, call->home, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", path);
        return rc;
    }
    if ((rc = report_make(&row, &exam, &result, fail)) != BM_OK || (rc = bm_object_print(call, row, fail)) != BM_OK)
        return rc;
    return findings_tell(&exam, path, fail);
}

const struct bm_verb bm_verb_lot_inspect = {
    .words = "lot inspect",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .purpose = "Read a lot's file as `lot receive` would, say what is in it and what is odd; change nothing.",
    .help = "With --signer, --root or --format it needs no site. Refused, with the reason, when it is not what that signer signed.\n\n"
            "example: birthmark lot inspect EX-001.manifest --signer maker.pub --vendor \"Example Silicon\"\n"
            "         birthmark lot inspect ECC608C-TNGTLSU-B.json --vendor Microchip\n",
    .options = { { .name = "vendor", .value = "NAME", .help = "a vendor of the site; with --signer: the name it should bear" },
                 { .name = "signer", .value = "KEY", .help = "as of `vendor add`", .many = true },
                 { .name = "root", .value = "CA.pem", .help = "as of `vendor add`", .many = true },
                 { .name = "format", .value = "WORD", .help = "as of `vendor add`" },
                 { .name = "lot", .value = "ID", .help = "the lot's name, where the file has none" },
                 BM_OPTION_SIGNATURE,
                 BM_OPTION_COLUMN,
                 BM_OPTION_DECRYPT,
                 BM_OPTION_INJECTED },
    .run = run,
};
