/* lot_inspect.c - lot inspect: what is in a lot's file, what verifies, what is odd; changes nothing. */
#include "cli/lot_inspect.h"

#include "base/env.h"
#include "cli/factors_kept.h"
#include "cli/places.h"
#include "cli/verbs.h"

static void
inspecting_done(struct inspecting *in)
{
    bm_exam_done(&in->exam);
    bm_work_done(&in->work);
    bm_maker_done(&in->maker);
    bm_ask_close(&in->ask);
}

/* Whose it must be: --signer, --root, --format (no site), or --vendor of a site. */
static enum bm_rc
maker_find(struct inspecting *in, struct bm_call *call, struct bm_fail *fail)
{
    const char *vendor = bm_call_option(call, "vendor");
    enum bm_rc rc;

    if (bm_call_values(call, "signer")->n > 0 || bm_call_values(call, "root")->n > 0 || bm_call_option(call, "format") != NULL)
        return bm_maker_collect(&in->maker, call, vendor != NULL ? vendor : "the chipmaker", fail);
    if (vendor == NULL)
        return bm_usage(call, fail, "say whose lot it must be: --signer KEY, or --vendor NAME of a site");
    if ((rc = bm_home_find(call, fail)) != BM_OK || (rc = bm_ask_open(&in->ask, call, fail)) != BM_OK)
        return rc;
    return bm_maker_ask(&in->maker, &in->ask, vendor, fail);
}

static enum bm_rc
file_read(struct inspecting *in, struct bm_call *call, struct bm_fail *fail)
{
    const char *path = call->words.v[0];
    enum bm_rc rc;

    if ((rc = maker_find(in, call, fail)) != BM_OK || (rc = bm_work_open(&in->work, call, &in->maker.vendor, NULL, fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &in->work.job.now, fail)) != BM_OK)
        return rc;
    if ((rc = bm_exam_run(&in->exam, &in->work.job, &in->result, fail)) != BM_OK ||
        (rc = bm_factors_compare(&in->exam, &in->result, call->home, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", path);
        return rc;
    }
    if (in->ask.packet == NULL)
        return BM_OK;
    return bm_waived_ask(&in->waived, &in->ask, &in->exam, in->maker.vendor.name, in->work.job.now, fail);
}

/* ---- what comes of it ---- */

static bool
is_refused(const struct inspecting *in, enum bm_check *ret_check)
{
    return bm_exam_first(&in->exam, BM_WEIGHT_FATAL, ret_check);
}

static bool
wants_waiver(const struct inspecting *in, enum bm_check *ret_check)
{
    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++)
        if (bm_waiver_wanted(&in->waived, &in->exam, (enum bm_check)check)) {
            *ret_check = (enum bm_check)check;
            return true;
        }
    return false;
}

static bool
is_others(const struct inspecting *in)
{
    return in->ask.packet != NULL && strcmp(in->result.head.vendor, in->maker.vendor.name) != 0;
}

/* Of a site for tests, and looked at by one for production. */
static bool
is_tests(const struct inspecting *in)
{
    struct bm_fail unused;

    return in->ask.packet != NULL && bm_lot_test_check(&in->result.head, in->ask.call->home, &unused) != BM_OK;
}

const char *
bm_inspect_verdict(const struct inspecting *in)
{
    enum bm_check unused;

    return is_refused(in, &unused) || is_others(in) || is_tests(in) ? "refused"
           : wants_waiver(in, &unused)                              ? "refused unless waived"
                                                                    : "receivable";
}

/* A file that `lot receive` would refuse ends with 1: the report stands on stdout all the same. */
static enum bm_rc
verdict_tell(const struct inspecting *in, const char *path, struct bm_fail *fail)
{
    enum bm_check check = BM_CHECK_SIGNATURE;
    const struct bm_exam_check *found;
    bool fatal = is_refused(in, &check);
    enum bm_rc rc;

    if (!fatal && in->ask.packet != NULL && (rc = bm_lot_test_check(&in->result.head, in->ask.call->home, fail)) != BM_OK)
        return rc;
    if (!fatal && is_others(in))
        return bm_fail(fail, BM_EPOLICY, NULL, "%s: it says that it is from %s, and you inspect it as from %s", path,
                       in->result.head.vendor, in->maker.vendor.name);
    if (!fatal && !wants_waiver(in, &check))
        return BM_OK;
    found = &in->exam.checks[check];
    if (fatal)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s: chip %llu: %s", path, (unsigned long long)found->examples[0].index,
                       found->examples[0].sentence);
    return bm_fail(fail, BM_EPOLICY, NULL, "%s: chip %llu: %s; `birthmark lot receive` with --waive %s proposes to let it pass", path,
                   (unsigned long long)found->examples[0].index, found->examples[0].sentence, bm_check_word(check));
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(inspecting_done) struct inspecting in = { .work = BM_WORK_NONE, .exam = { .go_on = true } };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = file_read(&in, call, fail)) != BM_OK || (rc = bm_inspect_report(&row, &in, fail)) != BM_OK ||
        (rc = bm_inspect_print(call, row, fail)) != BM_OK)
        return rc;
    return verdict_tell(&in, call->words.v[0], fail);
}

const struct bm_verb bm_verb_lot_inspect = {
    .words = "lot inspect",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .purpose = "Read a lot's file as `lot receive` would, say what is in it and what is odd; change nothing.",
    .help = "With --signer, --root or --format it needs no site. Exit 0: `lot receive` would take it as it is, with the waivers that the\n"
            "site has. Exit 1: it would be refused, with the first reason; the report is printed all the same. Weights: refused, always;\n"
            "waivable, refused unless two persons waive it; waived; note, told only. Skipped: there was nothing to look at.\n\n"
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
