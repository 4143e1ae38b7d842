/* policy.c - policy show, set: which acts take two persons at this site. */
#include "cli/operator.h"
#include "cli/print.h"
#include "cli/verbs.h"

static enum bm_rc
show(struct bm_call *call, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *site = NULL, *row = NULL;
    enum bm_rc rc;

    if ((rc = bm_ask(ask, BM_C_SITE, bm_bytes(NULL, 0), bm_row_keep, &text, NULL, fail)) != BM_OK ||
        (rc = bm_json_parse(&site, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    row = json_pack("{s:s, s:I, s:s}", "two_persons", bm_json_text(site, "two_persons"), "persons",
                    json_integer_value(json_object_get(site, "persons")), "authority", bm_json_text(site, "authority"));
    return (rc = bm_json_check(row, fail)) != BM_OK ? rc : bm_object_print(call, row, fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc = bm_ask_open(&ask, call, fail);

    return rc != BM_OK ? rc : show(call, &ask, fail);
}

const struct bm_verb bm_verb_policy_show = {
    .words = "policy show",
    .arguments = "",
    .site = true,
    .purpose = "Show which acts take two persons here, and how many persons there are.",
    .help = "example: birthmark policy show\n",
    .run = show_run,
};

static enum bm_rc
acts_take(struct bm_policy *ret_policy, struct bm_call *call, struct bm_fail *fail)
{
    enum bm_act act = BM_ACT__N;

    ret_policy->two = 0;
    for (size_t i = 0; i < call->words.n; i++) {
        if (bm_act_parse(&act, bm_bytes_str(call->words.v[i]), fail) != BM_OK)
            return bm_usage(call, fail, "%.40s is no act: see `birthmark operator roles`", call->words.v[i]);
        if (bm_act_always_one(act))
            return bm_usage(call, fail,
                            bm_act_signed(act) ? "%s never takes two persons" : "%s only takes away, and never takes two persons",
                            bm_act_word(act));
        if (!bm_act_always_two(act))
            ret_policy->two |= 1u << act;
    }
    return BM_OK;
}

static enum bm_rc
set_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_policy policy;
    enum bm_rc rc;

    if ((rc = acts_take(&policy, call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_desk_open(&desk, BM_ACT_POLICY, &ask, fail)) != BM_OK)
        return rc;
    bm_policy_build(&text, &desk.head, &policy);
    if ((rc = bm_desk_send(&desk, &ask, &text, NULL, 0, NULL, NULL, fail)) != BM_OK)
        return rc;
    return show(call, &ask, fail);
}

const struct bm_verb bm_verb_policy_set = {
    .words = "policy set",
    .arguments = "[ACT...]",
    .most = BM_ACT__N,
    .site = true,
    .purpose = "Say which acts take two persons from now on; none: only those that always do.",
    .help =
        "The signer itself looks for both signatures. Where two persons could decide it, this takes two as well. A policy protects "
        "itself:\n"
        "as long as it names any act, who the operators are takes two persons too. An officer alone may still revoke somebody, as long as\n"
        "two are left for each act: have three persons.\n\n"
        "example: birthmark policy set pin order raise reissue\n",
    .options = { BM_OPTION_OPERATOR },
    .run = set_run,
};
