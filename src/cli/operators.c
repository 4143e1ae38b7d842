/* operators.c - operator list: who may sign what. */
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <unistd.h>

static const char *
may(enum bm_role role)
{
    switch (role) {
    case BM_ROLE_ADMIN:
        return "all";
    case BM_ROLE_CUSTODIAN:
        return "receive lots";
    case BM_ROLE_PLANNER:
        return "open orders";
    case BM_ROLE_FLEET:
        return "allow reissue";
    }
    return "nothing";
}

static enum bm_rc
operator_add(struct bm_list *list, const char *home, const struct bm_operator *person, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 4096 };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char path[BM_PATH];
    enum bm_rc rc;

    bm_note_vkey_build(&vkey, &person->key);
    if ((rc = bm_buf_check(&vkey, "a vkey", fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_OPERATOR_KEY, person->name, fail)) != BM_OK)
        return rc;
    row = json_pack("{s:s, s:s, s:s, s:b, s:s%}", "operator", person->name, "role", bm_role_word(person->role), "may", may(person->role),
                    "key_here", access(path, F_OK) == 0, "vkey", (const char *)vkey.p, vkey.n);
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_json_print(&json, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&json), fail);
}

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "operator", "OPERATOR" }, { "role", "ROLE" }, { "may", "MAY" }, { "key_here", "KEY HERE" }, { "vkey", "VKEY" }
    };
    bm_cleanup(bm_list_done) struct bm_list list = {
        .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no operators"
    };
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    enum bm_rc rc = bm_site_read(&site, call->home, fail);

    for (size_t i = 0; rc == BM_OK && i < site->operators.noperators; i++)
        rc = operator_add(&list, call->home, &site->operators.operators[i], fail);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

const struct bm_verb bm_verb_operator_list = {
    .words = "operator list",
    .arguments = "",
    .site = true,
    .purpose = "List the operators that the site was founded with, and what each may sign.",
    .help = "Their keys were pinned in the signer's journal at `birthmark init`. KEY HERE: the private key lies in HOME/operators.\n\n"
            "example: birthmark operator list\n",
    .run = list_run,
};
