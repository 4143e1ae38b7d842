/* lot_report.c - what lot inspect found, as a custodian acts on it. */
#include "cli/chips.h"
#include "cli/lot_inspect.h"
#include "wire/text.h"

#define EXAMPLES_SHOWN 3 /* of a check, to people; --json has all that were kept */

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

        if (bm_check_find(&check, bm_json_text(one, "check"), fail) == BM_OK && bm_waived_find(&in->waived, check) != NULL)
            (void)json_object_set_new(one, "weight", json_string("waived"));
    }
    return json_object_set_new(row, "findings", findings) == 0 ? BM_OK : bm_json_check(NULL, fail);
}

enum bm_rc
bm_inspect_report(json_t **ret_row, const struct inspecting *in, struct bm_fail *fail)
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
                    "verdict", bm_inspect_verdict(in));
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    if (result->head.test && json_object_set_new(row, "test", json_true()) != 0)
        return bm_json_check(NULL, fail);
    if ((rc = looked_add(row, in, fail)) != BM_OK || (rc = findings_add(row, in, fail)) != BM_OK)
        return rc;
    *ret_row = bm_take(row);
    return BM_OK;
}

/* The examples from `from` on of which one thing is said; text: "chips 1, 2: ...". */
static size_t
examples_join(struct bm_buf *text, const json_t *examples, size_t from, bool of_chips)
{
    const char *sentence = bm_json_text(json_array_get(examples, from), "sentence");
    size_t n = from;

    while (n < json_array_size(examples) && n < EXAMPLES_SHOWN &&
           strcmp(bm_json_text(json_array_get(examples, n), "sentence"), sentence) == 0)
        n++;
    if (of_chips)
        bm_buf_add_str(text, n - from > 1 ? "chips " : "chip ");
    for (size_t i = from; i < n && of_chips; i++)
        bm_buf_add_fmt(text, "%lld%s", (long long)json_integer_value(json_object_get(json_array_get(examples, i), "index")),
                       i + 1 < n ? ", " : ": ");
    bm_buf_add_str(text, sentence);
    bm_buf_add_u8(text, 0);
    return n;
}

/* "id-twice            3  waivable  chip 1: its id ..." */
static enum bm_rc
finding_print(const json_t *finding, bool of_chips, struct bm_fail *fail)
{
    const json_t *examples = json_object_get(finding, "examples");
    long long found = json_integer_value(json_object_get(finding, "found"));
    size_t at = (size_t)printf("%-14s  %7lld  %-8s  ", bm_json_text(finding, "check"), found, bm_json_text(finding, "weight"));
    enum bm_rc rc;

    for (size_t i = 0; i < json_array_size(examples) && i < EXAMPLES_SHOWN;) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1024 };

        (void)printf("%*s", i > 0 ? (int)at : 0, "");
        i = examples_join(&text, examples, i, of_chips);
        if ((rc = bm_buf_check(&text, "a finding", fail)) != BM_OK)
            return rc;
        bm_text_wrap((const char *)text.p, at);
    }
    if (found > EXAMPLES_SHOWN)
        (void)printf("%*sand %lld more\n", (int)at, "", found - EXAMPLES_SHOWN);
    return BM_OK;
}

/* What is told once a file has no chip that it is about. */
static bool
is_of_chips(const char *word)
{
    return strcmp(word, bm_check_word(BM_CHECK_UNSIGNED)) != 0 && strcmp(word, bm_check_word(BM_CHECK_NO_ROOTS)) != 0 &&
           strcmp(word, bm_check_word(BM_CHECK_DELIVERY)) != 0;
}

enum bm_rc
bm_inspect_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *head = json_copy((json_t *)(uintptr_t)row);
    const json_t *findings = json_object_get(row, "findings");
    enum bm_rc rc;

    if (call->json)
        return bm_object_print(call, row, fail);
    if ((rc = bm_json_check(head, fail)) != BM_OK)
        return rc;
    (void)json_object_del(head, "findings");
    if (json_integer_value(json_object_get(row, "keys")) == 0 &&
        *bm_json_text(row, "signer") == 0) { /* no chip could be taken: there is no tree */
        (void)json_object_del(head, "root");
        (void)json_object_del(head, "kind");
    }
    if ((rc = bm_object_print(call, head, fail)) != BM_OK || json_array_size(findings) == 0)
        return rc;
    (void)printf("\n%-14s  %7s  %-8s  %s\n", "CHECK", "FOUND", "WEIGHT", "FIRST");
    for (size_t i = 0; i < json_array_size(findings) && rc == BM_OK; i++) {
        const json_t *one = json_array_get(findings, i);

        rc = finding_print(one, is_of_chips(bm_json_text(one, "check")), fail);
    }
    return rc;
}
