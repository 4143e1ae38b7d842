/* lot_inspect.h - one inspection of a lot's file, as its parts share it. */
#ifndef BM_CLI_LOT_INSPECT_H
#define BM_CLI_LOT_INSPECT_H

#include "cli/ask.h"
#include "cli/exam.h"
#include "cli/job.h"
#include "cli/maker.h"
#include "cli/waived.h"

struct inspecting {
    struct bm_ask ask; /* not open where no site is asked */
    struct bm_maker maker;
    struct bm_work work;
    struct bm_exam exam;
    struct bm_waived waived;
    struct bm_lot_result result;
};

/* "receivable", "refused unless waived", "refused". */
const char *bm_inspect_verdict(const struct inspecting *in);

/* lot_report.c: what it is, who signed it, how much verified, what would be refused and what is only odd. */
bm_must_use enum bm_rc bm_inspect_report(json_t **ret_row, const struct inspecting *in, struct bm_fail *fail);
bm_must_use enum bm_rc bm_inspect_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail);

#endif
