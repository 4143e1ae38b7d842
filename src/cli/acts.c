/* acts.c - operator roles: the table of who may what, as all of the site goes by it. */
#include "cli/print.h"
#include "cli/verbs.h"
#include "record/acts.h"

static enum bm_rc
act_row(struct bm_list *list, enum bm_act act, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 4096 };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    row = json_pack("{s:s, s:s, s:s, s:s}", "act", bm_act_word(act), "title", bm_act_title(act), "wants",
                    bm_act_signed(act) ? "signature" : "name", "persons", bm_act_always_two(act) ? "two" : "one");
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    for (unsigned role = BM_ROLE_OFFICER; role < BM_ROLE__N; role++)
        if (json_object_set_new(row, bm_role_word((enum bm_role)role), json_boolean(bm_role_may((enum bm_role)role, act))) != 0)
            return bm_json_check(NULL, fail);
    return (rc = bm_json_print(&json, row, fail)) != BM_OK ? rc : bm_list_row(list, bm_buf_bytes(&json), fail);
}

static enum bm_rc
table_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "act", "ACT" },         { "title", "WHAT" },        { "wants", "WANTS" },
                                                { "persons", "PERSONS" }, { "officer", "OFFICER" },   { "custodian", "CUSTODIAN" },
                                                { "planner", "PLANNER" }, { "operator", "OPERATOR" }, { "auditor", "AUDITOR" },
                                                { "station", "STATION" } };
    bm_cleanup(
        bm_list_done) struct bm_list list = { .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no acts" };
    enum bm_rc rc = BM_OK;

    for (unsigned act = BM_ACT_PIN; rc == BM_OK && act < BM_ACT__N; act++)
        rc = act_row(&list, (enum bm_act)act, fail);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

const struct bm_verb bm_verb_operator_roles = {
    .words = "operator roles",
    .arguments = "",
    .purpose = "Show the table of roles: who may what, and what takes two persons.",
    .help = "What gives something wants a signature, what only takes away wants the name of an operator who may. All may read. A refusal\n"
            "by this table is an alarm, and stands in the ledger.\n\n"
            "example: birthmark operator roles\n",
    .run = table_run,
};
