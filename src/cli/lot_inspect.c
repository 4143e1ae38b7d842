/* lot_inspect.c - lot inspect: what is in a lot's file, what verifies, what is odd; changes nothing. */
#include "base/env.h"
#include "cli/chips.h"
#include "cli/exam.h"
#include "cli/factors_kept.h"
#include "cli/job.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "cli/waived.h"
#include "wire/text.h"

#define EXAMPLES_SHOWN 3 /* of a check, to people; --json has all that were kept */

struct inspecting {
    struct bm_ask ask; /* not open where no site is asked */
    struct bm_maker maker;
    struct bm_work work;
    struct bm_exam exam;
    struct bm_waived waived;
    struct bm_lot_result result;
};

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

/* The first check that something failed which is refused always, or unless waived and is not; false: none. */
static bool
failing(const struct inspecting *in, enum bm_check_weight weight, enum bm_check *ret_check)
{
    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++)
        if (in->exam.checks[check].found > 0 && bm_check_weight((enum bm_check)check) == weight &&
            (weight == BM_WEIGHT_FATAL || bm_waived_find(&in->waived, (enum bm_check)check) == NULL)) {
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

static const char *
verdict(const struct inspecting *in)
{
    enum bm_check unused;

    return failing(in, BM_WEIGHT_FATAL, &unused) || is_others(in) ? "refused"
           : failing(in, BM_WEIGHT_WAIVABLE, &unused)             ? "refused unless waived"
                                                                  : "receivable";
}

/* A file that `lot receive` would refuse ends with 1: the report stands on stdout all the same. */
static enum bm_rc
verdict_tell(const struct inspecting *in, const char *path, struct bm_fail *fail)
{
    enum bm_check check = BM_CHECK_SIGNATURE;
    const struct bm_exam_check *found;
    bool fatal = failing(in, BM_WEIGHT_FATAL, &check);

    if (!fatal && is_others(in))
        return bm_fail(fail, BM_EPOLICY, NULL, "%s: it says that it is from %s, and you inspect it as from %s", path,
                       in->result.head.vendor, in->maker.vendor.name);
    if (!fatal && !failing(in, BM_WEIGHT_WAIVABLE, &check))
        return BM_OK;
    found = &in->exam.checks[check];
    if (fatal)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s: chip %llu: %s", path, (unsigned long long)found->examples[0].index,
                       found->examples[0].sentence);
    return bm_fail(fail, BM_EPOLICY, NULL, "%s: chip %llu: %s; `birthmark lot receive` with --waive %s proposes to let it pass", path,
                   (unsigned long long)found->examples[0].index, found->examples[0].sentence, bm_check_word(check));
}

/* ---- the report ---- */

/* Checks that looked at something and found nothing; and those that could look at nothing. Whether a chip stands in another lot is looked at on receipt. */
static enum bm_rc
looked_add(json_t *row, const struct inspecting *in, struct bm_fail *fail)
{
    json_t *passed = json_array(), *skipped = json_array();
    bool bad = json_object_set_new(row, "passed", passed) != 0;

    bad |= json_object_set_new(row, "skipped", skipped) != 0;
    for (unsigned i = BM_CHECK_SIGNATURE; i < BM_CHECK__N; i++) {
        enum bm_check check = (enum bm_check)i;
        bool looked = check != BM_CHECK_OTHER_LOT && bm_exam_looked(&in->exam, check, &in->work.job, &in->result) > 0;

        if (in->exam.checks[i].found == 0)
            bad |= json_array_append_new(looked ? passed : skipped, json_string(bm_check_word(check))) != 0;
    }
    return bad ? bm_json_check(NULL, fail) : BM_OK;
}

static enum bm_rc
findings_add(json_t *row, const struct inspecting *in, struct bm_fail *fail)
{
    json_t *findings = NULL, *one;
    size_t i;
    enum bm_rc rc = bm_exam_json(&in->exam, &findings, fail);

    if (rc != BM_OK)
        return rc;
    json_array_foreach(findings, i, one)
    {
        enum bm_check check = BM_CHECK_SIGNATURE;

        if (bm_check_find(&check, bm_field(one, "check"), fail) == BM_OK && bm_waived_find(&in->waived, check) != NULL)
            (void)json_object_set_new(one, "weight", json_string("waived"));
    }
    return json_object_set_new(row, "findings", findings) == 0 ? BM_OK : bm_json_check(NULL, fail);
}

/* What a custodian acts on: what it is, who signed it, how much verified, what would be refused and what is only odd. */
static enum bm_rc
report_make(json_t **ret_row, const struct inspecting *in, struct bm_fail *fail)
{
    const struct bm_lot_result *result = &in->result;
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char root[2 * BM_HASH + 1];
    enum bm_rc rc;

    bm_hex(root, bm_bytes(result->head.root, BM_HASH));
    row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:s}", "lot", result->head.lot, "vendor", result->head.vendor,
                    "format", bm_lot_format_word(result->format), "kind", bm_leaf_kind_word(result->head.kind), "chips",
                    (json_int_t)in->exam.chips, "keys", (json_int_t)in->exam.keys, "revision", (json_int_t)result->head.revision, "root",
                    root, "signer", result->signer, "signed", bm_lot_signed_word(result), "signatures", (json_int_t)result->checked,
                    "verdict", verdict(in));
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = looked_add(row, in, fail)) != BM_OK ||
        (rc = findings_add(row, in, fail)) != BM_OK)
        return rc;
    *ret_row = bm_take(row);
    return BM_OK;
}

/* "id-twice            3  waivable  chip 1: its id ..." */
static void
finding_print(const json_t *finding, bool of_chips)
{
    const json_t *examples = json_object_get(finding, "examples");
    long long found = json_integer_value(json_object_get(finding, "found"));
    size_t at = (size_t)printf("%-14s  %7lld  %-8s  ", bm_field(finding, "check"), found, bm_field(finding, "weight"));

    for (size_t i = 0; i < json_array_size(examples) && i < EXAMPLES_SHOWN; i++) {
        const json_t *example = json_array_get(examples, i);
        long long index = json_integer_value(json_object_get(example, "index"));
        char text[sizeof(((struct bm_finding *)NULL)->sentence) + 32] = "";

        if (of_chips)
            (void)snprintf(text, sizeof(text), "chip %lld: ", index);
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", bm_field(example, "sentence"));
        (void)printf("%*s", i > 0 ? (int)at : 0, "");
        bm_text_wrap(text, at);
    }
    if (found > EXAMPLES_SHOWN)
        (void)printf("%*sand %lld more\n", (int)at, "", found - EXAMPLES_SHOWN);
}

/* What is told once a file has no chip that it is about. */
static bool
is_of_chips(const char *word)
{
    return strcmp(word, bm_check_word(BM_CHECK_UNSIGNED)) != 0 && strcmp(word, bm_check_word(BM_CHECK_NO_ROOTS)) != 0 &&
           strcmp(word, bm_check_word(BM_CHECK_DELIVERY)) != 0;
}

static enum bm_rc
report_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *head = json_copy((json_t *)(uintptr_t)row);
    const json_t *findings = json_object_get(row, "findings"), *one;
    enum bm_rc rc;
    size_t i;

    if (call->json)
        return bm_object_print(call, row, fail);
    if ((rc = bm_json_check(head, fail)) != BM_OK)
        return rc;
    (void)json_object_del(head, "findings");
    if (json_integer_value(json_object_get(row, "keys")) == 0 &&
        *bm_field(row, "signer") == 0) { /* no chip could be taken: there is no tree */
        (void)json_object_del(head, "root");
        (void)json_object_del(head, "kind");
    }
    if ((rc = bm_object_print(call, head, fail)) != BM_OK || json_array_size(findings) == 0)
        return rc;
    (void)printf("\n%-14s  %7s  %-8s  %s\n", "CHECK", "FOUND", "WEIGHT", "FIRST");
    json_array_foreach(findings, i, one) finding_print(one, is_of_chips(bm_field(one, "check")));
    return BM_OK;
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(inspecting_done) struct inspecting in = { .work = BM_WORK_NONE, .exam = { .go_on = true } };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = file_read(&in, call, fail)) != BM_OK || (rc = report_make(&row, &in, fail)) != BM_OK ||
        (rc = report_print(call, row, fail)) != BM_OK)
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
