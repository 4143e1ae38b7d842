/* proposal.c - lot release, vendor waive: what two persons decide; proposal list, show, approve, reject: the second one's part. */
#include "cli/ca_kept.h"
#include "cli/chips.h"
#include "cli/lists.h"
#include "cli/lot_receive.h"
#include "cli/maker.h"
#include "cli/operator.h"
#include "cli/propose.h"
#include "cli/verbs.h"
#include "lot/check.h"

/* ---- the first person ---- */

static enum bm_rc
propose(struct bm_call *call, struct bm_allow *allow, uint64_t days, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = bm_call_line(call, "reason", sizeof(allow->reason) - 1, fail)) != BM_OK)
        return rc;
    (void)snprintf(allow->reason, sizeof(allow->reason), "%s", bm_call_option(call, "reason"));
    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_desk_open(&desk, bm_allow_act(allow->act), &ask, fail)) != BM_OK ||
        (rc = bm_propose(&ask, &desk, allow, days, &row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

static enum bm_rc
release_run(struct bm_call *call, struct bm_fail *fail)
{
    struct bm_allow allow = { .act = BM_ALLOW_RELEASE };
    enum bm_rc rc = bm_call_name(call, "a lot's name", call->words.v[0], fail);

    if (rc != BM_OK)
        return rc;
    (void)snprintf(allow.lot, sizeof(allow.lot), "%s", call->words.v[0]);
    return propose(call, &allow, 0, fail);
}

#define OPTION_REASON                                                                                  \
    {                                                                                                  \
        .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes", .needed = true \
    }

const struct bm_verb bm_verb_lot_release = {
    .words = "lot release",
    .arguments = "LOT",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Propose to let a lot out of quarantine; a second person approves.",
    .help = "example: birthmark lot release EX-001 --reason \"the chipmaker took EX-006 back, letter of 12 May\"\n",
    .options = { OPTION_REASON, BM_OPTION_OPERATOR },
    .run = release_run,
};

static enum bm_rc
waive_run(struct bm_call *call, struct bm_fail *fail)
{
    struct bm_allow allow = { .act = BM_ALLOW_WAIVE };
    const char *vendor = call->words.v[0], *word = call->words.v[1];
    enum bm_check check;
    uint64_t days = 0;
    enum bm_rc rc;

    if ((rc = bm_call_number(call, "days", 1, 366, BM_WAIVE_DAYS, &days, fail)) != BM_OK ||
        (rc = bm_maker_name(call, vendor, fail)) != BM_OK)
        return rc;
    if (bm_check_find(&check, word, fail) != BM_OK || bm_check_weight(check) != BM_WEIGHT_WAIVABLE)
        return bm_usage(call, fail, "%.40s " BM_WAIVABLE_WORDS, word);
    (void)snprintf(allow.vendor, sizeof(allow.vendor), "%s", vendor);
    (void)snprintf(allow.check, sizeof(allow.check), "%s", bm_check_word(check));
    return propose(call, &allow, days, fail);
}

const struct bm_verb bm_verb_vendor_waive = {
    .words = "vendor waive",
    .arguments = "NAME CHECK",
    .least = 2,
    .most = 2,
    .site = true,
    .purpose = "Propose that a vendor's lots may fail a check for a while; a second person approves.",
    .help = "Never for a signature that does not verify. What may be waived: broken-der, id-twice, roca, shared-factor, test-key.\n\n"
            "example: birthmark vendor waive \"Example Silicon\" broken-der --days 30 --reason \"known encoder, letter of 12 May\"\n",
    .options = { OPTION_REASON,
                 { .name = "days", .value = "N", .help = "until when, in days from now; default 30, at most 366" },
                 BM_OPTION_OPERATOR },
    .run = waive_run,
};

/* ---- the second ---- */

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "proposal", "PROPOSAL" }, { "state", "STATE" },  { "act", "ACT" }, { "vendor", "VENDOR" },
                                                { "check", "CHECK" },       { "lot", "LOT" },      { "by", "BY" },   { "second", "SECOND" },
                                                { "expires", "EXPIRES" },   { "reason", "REASON" } };
    const struct bm_list_what what = { .what = "proposal", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no proposals" };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_proposal_list = {
    .words = "proposal list",
    .arguments = "",
    .site = true,
    .purpose = "List what waits for a second person, and what became of the rest.",
    .help = "example: birthmark proposal list --state open\n",
    .options = { { .name = "state", .value = "WORD", .help = "open, approved or rejected" } },
    .run = list_run,
};

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    uint64_t n;
    enum bm_rc rc = bm_call_word_number(call, 0, "N", &n, fail);

    return rc != BM_OK ? rc : bm_show_run(call, "proposal", fail);
}

const struct bm_verb bm_verb_proposal_show = {
    .words = "proposal show",
    .arguments = "N",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show one proposal, word for word as it was signed.",
    .help = "example: birthmark proposal show 3\n",
    .run = show_run,
};

/* The proposal's note with one line more: the second person's signature over the same text. */
static enum bm_rc
cosign(struct bm_buf *ret_both, const json_t *row, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE }, mine = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    const char *number = ask->call->words.v[0], *state = bm_json_text(row, "state");
    struct bm_bytes note = bm_bytes_str(bm_json_text(row, "note"));
    struct bm_note parts;
    enum bm_rc rc;

    if (strcmp(state, "open") != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "proposal %s is %s already: see `birthmark proposal list --state open`", number, state);
    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_desk_open(&desk, BM_ACT_WAIVE, ask, fail)) != BM_OK)
        return rc;
    if (strcmp(desk.head.by, bm_json_text(row, "by")) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "nobody approves their own proposal: %s is by %s, another operator approves it", number,
                       desk.head.by);
    bm_buf_add_bytes(&text, parts.text);
    if ((rc = bm_desk_sign(&desk, &text, &mine, fail)) != BM_OK)
        return rc;
    bm_buf_add_bytes(ret_both, note);
    bm_buf_add(ret_both, mine.p + text.n + 1, mine.n - text.n - 1);
    return bm_buf_check(ret_both, "the approval", fail);
}

static enum bm_rc
approval_send(struct bm_ask *ask, uint64_t n, const struct bm_buf *both, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    bm_buf_add_u64(&body, n);
    bm_buf_add_lv32(&body, bm_buf_bytes(both));
    if ((rc = bm_buf_check(&body, "the approval", fail)) != BM_OK)
        return rc;
    return bm_ask(ask, BM_C_APPROVE, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
}

static enum bm_rc
approve_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON }, both = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    const char *number = call->words.v[0];
    uint64_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_call_word_number(call, 0, "N", &n, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ask_show(&ask, "proposal", number, bm_row_keep, &text, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK || (rc = cosign(&both, row, &ask, fail)) != BM_OK)
        return rc;
    if (strcmp(bm_json_text(row, "act"), bm_act_word(BM_ACT_PIN)) == 0)
        rc = bm_lot_approve(&ask, bm_buf_bytes(&both), bm_bytes_str(bm_json_text(row, "head")), fail);
    else
        rc = approval_send(&ask, n, &both, fail);
    if (rc == BM_OK && strcmp(bm_json_text(row, "act"), bm_act_word(BM_ACT_CA)) == 0)
        rc = bm_ca_files(&ask, fail);
    return rc != BM_OK ? rc : bm_ask_show(&ask, "proposal", number, bm_object_row, call, fail);
}

const struct bm_verb bm_verb_proposal_approve = {
    .words = "proposal approve",
    .arguments = "N",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Sign somebody else's proposal: from then on it counts.",
    .help = "Your signature goes over the same words. Nobody approves their own proposal, and none is taken twice.\n\n"
            "example: birthmark proposal show 3\n         birthmark proposal approve 3 --operator berta\n",
    .options = { BM_OPTION_OPERATOR },
    .run = approve_run,
};

static enum bm_rc
reject_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *reason = bm_call_option(call, "reason");
    char by[BM_MAX_NAME + 1];
    uint64_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_call_word_number(call, 0, "N", &n, fail)) != BM_OK || (rc = bm_call_line(call, "reason", 160, fail)) != BM_OK ||
        (rc = bm_operator_name(call, by, fail)) != BM_OK)
        return rc;
    bm_buf_add_u64(&body, n);
    bm_buf_add_lv16(&body, bm_bytes_str(by));
    bm_buf_add_lv16(&body, bm_bytes_str(reason));
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return bm_ask(&ask, BM_C_REJECT, bm_buf_bytes(&body), bm_object_row, call, NULL, fail);
}

const struct bm_verb bm_verb_proposal_reject = {
    .words = "proposal reject",
    .arguments = "N",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Close a proposal that nobody shall approve any more.",
    .help = "example: birthmark proposal reject 3 --reason \"the chipmaker sent a better list\"\n",
    .options = { OPTION_REASON, BM_OPTION_OPERATOR },
    .run = reject_run,
};
