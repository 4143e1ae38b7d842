/* may_issue_inside.h - what the parts of the decision share: the request, and how a "no" is said. */
#ifndef BM_MAY_ISSUE_INSIDE_H
#define BM_MAY_ISSUE_INSIDE_H

#include "evidence/may_issue.h"

struct bm_request {
    const struct bm_claim *claim;
    const struct bm_state *state;
};

/* The sentence, with the words in braces filled in; returns rc. */
enum bm_rc bm_request_refuse(const struct bm_request *in, enum bm_rc rc, const char *say, struct bm_fail *fail);

/* The rules that hold for every request, from top to bottom; later: it renews, or is allowed later, so what is of enrolments alone does not bind it. */
bm_must_use enum bm_rc bm_request_rules(const struct bm_request *in, bool later, struct bm_fail *fail);

#endif
