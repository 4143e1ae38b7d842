#include "cli/exam.h"

#include "cli/crew.h"
#include "lot/rsa_list.h"

#include <stdio.h>
#include <stdlib.h>

void
bm_exam_done(struct bm_exam *exam)
{
    bm_progress_done(&exam->progress);
    free(exam->checks);
    bm_buf_done(&exam->rsa);
    exam->checks = NULL;
}

static void
finding_keep(struct bm_exam *exam, uint64_t index, const struct bm_finding *finding)
{
    struct bm_exam_check *check = &exam->checks[finding->check];

    if (check->found < BM_EXAM_EXAMPLES) {
        check->examples[check->found].index = index;
        memcpy(check->examples[check->found].sentence, finding->sentence, sizeof(finding->sentence));
    }
    check->found++;
}

void
bm_exam_find(struct bm_exam *exam, enum bm_check check, uint64_t index, const char *fmt, ...)
{
    struct bm_finding finding = { .check = check };
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(finding.sentence, sizeof(finding.sentence), fmt, ap);
    va_end(ap);
    finding_keep(exam, index, &finding);
}

/* Numbers that are multiplied with those of every other lot: no point lies on a curve here, so they are looked at again, whoever read them before. */
static enum bm_rc
rsa_add(struct bm_exam *exam, uint64_t index, const struct bm_leaf_skim_key *key, struct bm_fail *fail)
{
    struct bm_key rsa;
    enum bm_rc rc = bm_key_parse(&rsa, key->spki, fail);

    if (rc == BM_OK)
        bm_rsa_list_add(&exam->rsa, (uint32_t)index, &rsa);
    return rc;
}

static enum bm_rc
chip_take(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
          struct bm_fail *fail)
{
    const struct bm_leaf_skim *skim = &digest->skim;
    struct bm_exam *exam = ctx;
    enum bm_rc rc;

    for (size_t i = 0; i < chip->nfindings; i++)
        finding_keep(exam, index, &chip->findings[i]);
    exam->chips++;
    if (der.n == 0)
        return BM_OK;
    exam->keys += skim->nkeys;
    for (size_t i = 0; i < skim->nkeys; i++) {
        exam->by_alg[skim->keys[i].alg]++;
        if (skim->keys[i].alg == BM_KEY_RSA && (rc = rsa_add(exam, index, &skim->keys[i], fail)) != BM_OK)
            return rc;
    }
    exam->injected += skim->origin == BM_ORIGIN_INJECTED;
    return exam->leaf == NULL ? BM_OK : exam->leaf(exam->ctx, der, digest, fail);
}

static void
progress_take(void *ctx, uint64_t done, uint64_t total)
{
    struct bm_exam *exam = ctx;

    bm_progress_show(&exam->progress, done, total);
}

enum bm_rc
bm_exam_run(struct bm_exam *exam, const struct bm_lot_job *job, struct bm_lot_result *ret_result, struct bm_fail *fail)
{
    const struct bm_lot_sink sink = { .chip = chip_take, .progress = progress_take, .ctx = exam, .go_on = exam->go_on };
    enum bm_rc rc;

    if ((exam->checks = calloc(BM_CHECK__N, sizeof(*exam->checks))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a report");
    exam->progress.what = "checking";
    exam->progress.bytes = true;
    exam->rsa.max = BM_MAX_LOT_FILE;
    rc = bm_crew_read(ret_result, job, &sink, 0, fail);
    bm_progress_done(&exam->progress);
    return rc;
}

const char *
bm_lot_signed_word(const struct bm_lot_result *result)
{
    return result->signed_whole ? "whole" : result->signed_each ? "each" : "none";
}

/* Our own manifest carries bare keys: no certificate stands in it, and its signer is a key without dates. */
uint64_t
bm_exam_looked(const struct bm_exam *exam, enum bm_check check, const struct bm_lot_job *job, const struct bm_lot_result *result)
{
    bool certs = result->format != BM_FORMAT_BIRTHMARK;

    switch (check) {
    case BM_CHECK_SIGNATURE:
        return result->signed_each ? exam->chips : result->signed_whole;
    case BM_CHECK_KEY:
    case BM_CHECK_TEST_KEY:
    case BM_CHECK_KEY_TWICE:
    case BM_CHECK_OTHER_LOT: /* by the signer, before it pins: a receipt stands only where it did */
        return exam->keys;
    case BM_CHECK_CHAIN:
        return certs && job->vendor->roots.n > 0 ? exam->chips : 0;
    case BM_CHECK_SIGNER_TIME:
    case BM_CHECK_SIGNER_EXPIRED:
        return certs && result->first != 0 ? exam->chips : 0;
    case BM_CHECK_BROKEN_DER:
        return certs ? exam->chips : 0;
    case BM_CHECK_ROCA:
    case BM_CHECK_SHARED_FACTOR:
        return exam->by_alg[BM_KEY_RSA];
    case BM_CHECK_UNSIGNED:
    case BM_CHECK_DELIVERY:
    case BM_CHECK_FORM:
        return 1;
    case BM_CHECK_NO_ROOTS:
        return certs;
    case BM_CHECK_ENTRY:
    case BM_CHECK_ID_TWICE:
    case BM_CHECK_LABEL:
    case BM_CHECK_INJECTED:
    case BM_CHECK__N:
        break;
    }
    return exam->chips;
}

bool
bm_exam_first(const struct bm_exam *exam, enum bm_check_weight weight, enum bm_check *ret_check)
{
    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++) {
        if (exam->checks[check].found > 0 && bm_check_weight((enum bm_check)check) == weight) {
            *ret_check = (enum bm_check)check;
            return true;
        }
    }
    return false;
}

static enum bm_rc
check_add(json_t *array, enum bm_check check, const struct bm_exam_check *found, struct bm_fail *fail)
{
    static const char *const weights[] = { [BM_WEIGHT_NOTE] = "note", [BM_WEIGHT_WAIVABLE] = "waivable", [BM_WEIGHT_FATAL] = "refused" };
    json_t *examples = json_array();
    bool bad = examples == NULL;

    for (uint64_t i = 0; i < found->found && i < BM_EXAM_EXAMPLES; i++)
        bad |= json_array_append_new(examples, json_pack("{s:I, s:s}", "index", (json_int_t)found->examples[i].index, "sentence",
                                                         found->examples[i].sentence)) != 0;
    bad |= json_array_append_new(array,
                                 json_pack("{s:s, s:s, s:I, s:o}", "check", bm_check_word(check), "weight", weights[bm_check_weight(check)],
                                           "found", (json_int_t)found->found, "examples", examples)) != 0;
    return bad ? bm_json_check(NULL, fail) : BM_OK;
}

enum bm_rc
bm_exam_json(const struct bm_exam *exam, json_t **ret_array, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *array = json_array();
    enum bm_rc rc = bm_json_check(array, fail);

    for (unsigned check = BM_CHECK_SIGNATURE; rc == BM_OK && check < BM_CHECK__N; check++)
        if (exam->checks[check].found > 0)
            rc = check_add(array, (enum bm_check)check, &exam->checks[check], fail);
    if (rc == BM_OK)
        *ret_array = bm_take(array);
    return rc;
}
