/* site.c - site show, recover: what this site is and holds; and an old copy of its store, caught up. */
#include "cli/ask.h"
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    bool test = false;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_site_test(&test, call->home, fail)) != BM_OK ||
        (rc = bm_ask(&ask, BM_C_SITE, bm_bytes(NULL, 0), bm_row_keep, &text, NULL, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    if (test && json_object_set_new(row, "test", json_string("for tests: no production site takes anything of it")) != 0)
        return bm_json_check(NULL, fail);
    return bm_object_print(call, row, fail);
}

const struct bm_verb bm_verb_site_show = {
    .words = "site show",
    .arguments = "",
    .site = true,
    .purpose = "Show what this site is: name, ledger key, how much it signed, how its processes are confined.",
    .help = "Answered by the running server, or by processes that run as long as this command.\n\nexample: birthmark site show\n",
    .run = show_run,
};

/* What neither journal nor lots' files have. */
#define ALONE "vendors added or retired, notes on alarms, proposals that nobody has decided"

static enum bm_rc
old_take(struct bm_ask *ask, uint64_t *ret_holds, uint64_t *ret_held, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *site = NULL;
    const json_t *old;
    enum bm_rc rc;

    if ((rc = bm_ask(ask, BM_C_SITE, bm_bytes(NULL, 0), bm_row_keep, &row, NULL, fail)) != BM_OK ||
        (rc = bm_json_parse(&site, bm_buf_bytes(&row), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    old = json_object_get(site, "old");
    if (!json_is_object(old))
        return bm_fail(fail, BM_EPOLICY, NULL, "the store holds all that it ever held: there is nothing to recover");
    *ret_holds = (uint64_t)json_integer_value(json_object_get(old, "holds"));
    *ret_held = (uint64_t)json_integer_value(json_object_get(old, "held"));
    return BM_OK;
}

static enum bm_rc
recover(struct bm_call *call, struct bm_ask *ask, const char *reason, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_recover said = { .store = 0 };
    uint64_t held = 0;
    enum bm_rc rc;

    if ((rc = old_take(ask, &said.store, &held, fail)) != BM_OK || (rc = bm_desk_open(&desk, BM_ACT_RECOVER, ask, fail)) != BM_OK)
        return rc;
    (void)snprintf(said.reason, sizeof(said.reason), "%s", reason);
    bm_recover_build(&text, &desk.head, &said);
    if ((rc = bm_desk_send(&desk, ask, &text, NULL, 0, NULL, NULL, fail)) != BM_OK)
        return rc;
    row = json_pack("{s:I, s:I, s:s}", "held", (json_int_t)held, "recovered_from", (json_int_t)said.store, "not_in_the_journal", ALONE);
    return (rc = bm_json_check(row, fail)) != BM_OK ? rc : bm_object_print(call, row, fail);
}

static enum bm_rc
recover_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *reason = bm_call_option(call, "reason");
    enum bm_rc rc;

    if (reason == NULL)
        return bm_usage(call, fail, "say with --reason what happened to the store: it goes on record");
    if (strlen(reason) > 160)
        return bm_usage(call, fail, "--reason has at most 160 bytes");
    return (rc = bm_ask_open(&ask, call, fail)) != BM_OK ? rc : recover(call, &ask, reason, fail);
}

const struct bm_verb bm_verb_site_recover = {
    .words = "site recover",
    .arguments = "",
    .site = true,
    .purpose = "Catch an old copy of the store up from the signer's journal.",
    .help = "When server and commands say that the store is an old copy, and no newer one is there. A security officer's signature is on\n"
            "record with it, and an alarm is raised. What stood in the store alone is as the copy has it: " ALONE ".\n"
            "An old copy of the journal is never taken.\n\n"
            "example: birthmark site recover --reason 'disk replaced, store from the backup of 21 November'\n",
    .options = { { .name = "reason", .value = "TEXT", .help = "what happened, for the record" }, BM_OPTION_OPERATOR },
    .run = recover_run,
};
