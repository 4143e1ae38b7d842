/* site.c - site show: what this site is and holds. */
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/verbs.h"

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return bm_ask(&ask, BM_C_SITE, bm_bytes(NULL, 0), bm_object_row, call, NULL, fail);
}

const struct bm_verb bm_verb_site_show = {
    .words = "site show",
    .arguments = "",
    .site = true,
    .purpose = "Show what this site is: name, ledger key, how much it signed, how its processes are confined.",
    .help = "Answered by the running server, or by processes that run as long as this command.\n\nexample: birthmark site show\n",
    .run = show_run,
};
