/* alarm.c - alarm list, show, settle: what was refused and wants somebody's eyes. */
#include "cli/lists.h"
#include "cli/operator.h"
#include "cli/verbs.h"

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "alarm", "ALARM" }, { "time", "TIME" }, { "state", "STATE" }, { "kind", "KIND" }, { "sentence", "WHAT WAS REFUSED" }
    };
    const struct bm_list_what what = { .what = "alarm", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no alarms" };

    const char *state = bm_call_option(call, "state");

    if (state != NULL && strcmp(state, "open") != 0 && strcmp(state, "settled") != 0)
        return bm_usage(call, fail, "--state must be open or settled");
    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_alarm_list = {
    .words = "alarm list",
    .arguments = "",
    .site = true,
    .purpose = "List what was refused, and whether somebody has looked into it.",
    .help = "example: birthmark alarm list --state open\n",
    .options = { { .name = "state", .value = "WORD", .help = "open or settled" } },
    .run = list_run,
};

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    uint64_t alarm;
    enum bm_rc rc = bm_call_word_number(call, 0, "N", &alarm, fail);

    return rc != BM_OK ? rc : bm_show_run(call, "alarm", fail);
}

const struct bm_verb bm_verb_alarm_show = {
    .words = "alarm show",
    .arguments = "N",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show one alarm: who was refused what, and the ledger's leaf that says so.",
    .help = "example: birthmark alarm show 17\n",
    .run = show_run,
};

static enum bm_rc
settle_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *note = bm_call_option(call, "note");
    char by[BM_MAX_NAME + 1];
    uint64_t alarm = 0;
    enum bm_rc rc;

    if ((rc = bm_call_word_number(call, 0, "N", &alarm, fail)) != BM_OK || (rc = bm_call_line(call, "note", 255, fail)) != BM_OK)
        return rc;
    if ((rc = bm_operator_name(call, by, fail)) != BM_OK)
        return rc;
    bm_buf_add_u64(&body, alarm);
    bm_buf_add_lv16(&body, bm_bytes_str(by));
    bm_buf_add_lv16(&body, bm_bytes_str(note));
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ask(&ask, BM_C_ALARM_SETTLE, bm_buf_bytes(&body), NULL, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(&ask, "alarm", call->words.v[0], bm_object_row, call, fail);
}

const struct bm_verb bm_verb_alarm_settle = {
    .words = "alarm settle",
    .arguments = "N",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Say that an alarm was looked into, and what came of it.",
    .help = "The alarm stays on record, with the note and your name.\n\n"
            "example: birthmark alarm settle 17 --note \"reel mixed up at station 3; returned to stock\"\n",
    .options = { { .name = "note", .value = "TEXT", .help = "what came of it", .needed = true }, BM_OPTION_OPERATOR },
    .run = settle_run,
};
