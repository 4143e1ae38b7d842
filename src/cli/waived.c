/* waived.c - what two persons let a vendor's lots fail: which waivers stand for what was found in one of them. */
#include "cli/waived.h"

#include "wire/text.h"

struct asked {
    struct bm_waived *waived;
    const struct bm_exam *exam;
    const char *vendor;
    bm_time now;
};

enum bm_rc
bm_waived_take(struct bm_waived *waived, const struct bm_exam *exam, const char *vendor, bm_time now, struct bm_bytes json,
               struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_pin_waived one = { .check = "" };
    enum bm_check check;
    bm_time until = 0;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    if (rc != BM_OK)
        return rc;
    if (strcmp(bm_json_text(row, "vendor"), vendor) != 0 || bm_check_find(&check, bm_json_text(row, "check"), fail) != BM_OK ||
        bm_check_weight(check) != BM_WEIGHT_WAIVABLE || exam->checks[check].found == 0 ||
        bm_time_parse(&until, bm_json_text(row, "until"), fail) != BM_OK || until < now ||
        bm_hex_parse(one.proposal, BM_PROPOSAL, bm_bytes_str(bm_json_text(row, "number")), fail) != BM_OK ||
        bm_waived_find(waived, check) != NULL || waived->n == BM_MAX_PIN_WAIVED)
        return BM_OK;
    (void)snprintf(one.check, sizeof(one.check), "%s", bm_check_word(check));
    waived->list[waived->n++] = one;
    return BM_OK;
}

static enum bm_rc
row_take(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    const struct asked *asked = ctx;

    return bm_waived_take(asked->waived, asked->exam, asked->vendor, asked->now, json, fail);
}

const struct bm_pin_waived *
bm_waived_find(const struct bm_waived *waived, enum bm_check check)
{
    for (size_t i = 0; i < waived->n; i++)
        if (strcmp(waived->list[i].check, bm_check_word(check)) == 0)
            return &waived->list[i];
    return NULL;
}

bool
bm_waiver_wanted(const struct bm_waived *waived, const struct bm_exam *exam, enum bm_check check)
{
    return exam->checks[check].found > 0 && bm_check_weight(check) == BM_WEIGHT_WAIVABLE && bm_waived_find(waived, check) == NULL;
}

enum bm_rc
bm_waived_ask(struct bm_waived *ret_waived, struct bm_ask *ask, const struct bm_exam *exam, const char *vendor, bm_time now,
              struct bm_fail *fail)
{
    struct asked asked = { .waived = ret_waived, .exam = exam, .vendor = vendor, .now = now };
    enum bm_check unused;

    ret_waived->n = 0;
    if (!bm_exam_first(exam, BM_WEIGHT_WAIVABLE, &unused))
        return BM_OK;
    return bm_ask_list(ask, "proposal", "{\"state\":\"approved\"}", row_take, &asked, fail);
}
