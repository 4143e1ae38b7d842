/* order_balance.c - order balance: what became of every chip of an order's lots, proven from the ledger, with the site or far away from it. */
#include "cli/order_balance.h"

#include "base/file.h"
#include "cli/leaf.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "ledger/balance_note.h"

/* A row for people and machines. */
static enum bm_rc
balance_print(const struct bm_call *call, const struct bm_trust *trust, const struct bm_event *event, const struct bm_balance *b,
              uint64_t index, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char time[BM_TIME_TEXT];
    enum bm_rc rc;

    bm_time_print(time, event->time);
    row =
        json_pack("{s:s%, s:s, s:s%, s:s%, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I}", "order",
                  (const char *)event->order.p, event->order.n, "closed", time, "by", (const char *)event->by.p, event->by.n, "reason",
                  (const char *)event->reason.p, event->reason.n, "received", (json_int_t)b->received, "units", (json_int_t)b->units,
                  "issued", (json_int_t)b->issued, "elsewhere", (json_int_t)b->elsewhere, "withdrawn", (json_int_t)b->withdrawn, "retired",
                  (json_int_t)b->retired, "scrapped", (json_int_t)b->scrapped, "unused", (json_int_t)b->unused, "over", (json_int_t)b->over,
                  "reissues", (json_int_t)b->done[BM_COUNTED_REISSUE], "scraps", (json_int_t)b->done[BM_COUNTED_SCRAP], "repairs",
                  (json_int_t)b->done[BM_COUNTED_REPAIR], "ledger", trust->ledger.name, "leaf", (json_int_t)index);
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

static enum bm_rc
file_check(struct bm_call *call, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_BALANCE_NOTE };
    struct bm_balance_note note;
    struct bm_balance balance;
    struct bm_event event;
    struct bm_trust trust;
    enum bm_rc rc;

    if (bm_call_option(call, "trust") == NULL && (rc = bm_home_find(call, fail)) != BM_OK)
        return rc;
    if ((rc = bm_ledger_trust(&trust, call, fail)) != BM_OK || (rc = bm_file_read(&text, path, fail)) != BM_OK ||
        (rc = bm_balance_note_parse(&note, bm_buf_bytes(&text), fail)) != BM_OK ||
        (rc = bm_balance_note_check(&note, &trust.ledger, &event, &balance, fail)) != BM_OK)
        return rc;
    return balance_print(call, &trust, &event, &balance, note.index, fail);
}

static enum bm_rc
leaf_of(struct bm_ask *ask, const char *order, uint64_t *ret_leaf, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = bm_ask_show(ask, "order", order, bm_row_keep, &text, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    if (!json_is_integer(json_object_get(row, "balance_leaf")))
        return bm_fail(fail, BM_EPOLICY, NULL, "order %s is open, and a balance is made at its end: birthmark order close %s", order,
                       order);
    *ret_leaf = (uint64_t)json_integer_value(json_object_get(row, "balance_leaf"));
    return BM_OK;
}

enum bm_rc
bm_order_balance(struct bm_ask *ask, const char *order, const char *file, struct bm_fail *fail)
{
    bm_cleanup(bm_proved_done) struct bm_proved proved = { .have = false };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_BALANCE_NOTE };
    struct bm_balance_note note;
    struct bm_balance balance;
    struct bm_event event;
    struct bm_trust trust;
    uint64_t leaf;
    enum bm_rc rc;

    if ((rc = bm_ledger_trust(&trust, ask->call, fail)) != BM_OK || (rc = leaf_of(ask, order, &leaf, fail)) != BM_OK ||
        (rc = bm_prove_ask(&proved, ask, leaf, fail)) != BM_OK)
        return rc;
    note = (struct bm_balance_note){
        .index = leaf, .proof = proved.proof, .event = bm_buf_bytes(&proved.told.event), .checkpoint = bm_buf_bytes(&proved.note)
    };
    memcpy(note.salt, proved.told.salt, BM_SALT);
    if ((rc = bm_balance_note_check(&note, &trust.ledger, &event, &balance, fail)) != BM_OK)
        return rc;
    if (!bm_bytes_equal(event.order, bm_bytes_str(order)))
        return bm_fail(fail, BM_EPOLICY, NULL, "the server gives the balance of another order than %s", order);
    bm_balance_note_build(&text, &note);
    if (file != NULL &&
        ((rc = bm_buf_check(&text, "the balance", fail)) != BM_OK || (rc = bm_file_write(file, bm_buf_bytes(&text), 0644, fail)) != BM_OK))
        return rc;
    return balance_print(ask->call, &trust, &event, &balance, leaf, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *check = bm_call_option(call, "check");
    enum bm_rc rc;

    if ((check != NULL) == (call->words.n > 0))
        return bm_usage(call, fail, "name an order of this site, or a file with --check");
    if (check != NULL)
        return file_check(call, check, fail);
    if ((rc = bm_home_find(call, fail)) != BM_OK || (rc = bm_call_name(call, "an order's name", call->words.v[0], fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return bm_order_balance(&ask, call->words.v[0], bm_call_option(call, "o"), fail);
}

const struct bm_verb bm_verb_order_balance = {
    .words = "order balance",
    .arguments = "[NAME]",
    .most = 1,
    .purpose = "Show what became of every chip of a closed order's lots, proven; or check such a file anywhere.",
    .help =
        "The signer counts it when the order is closed: received + over = issued + elsewhere + withdrawn + retired + scrapped + unused\n"
        "(docs/formats/balance.md). The file holds leaf, proof and signed head: whoever has the site's trust.txt checks it without the "
        "site.\n\n"
        "example: birthmark order balance first -o first.balance\n"
        "         birthmark order balance --check first.balance --trust example-works.trust.txt\n",
    .options = { { .name = "o", .value = "FILE", .help = "write it, to be taken away" },
                 { .name = "check", .value = "FILE", .help = "check this one; no site is asked" },
                 { .name = "trust", .value = "FILE", .help = "whose key to believe; default: the site's trust.txt" } },
    .run = run,
};
