/* ledger_verify.c - ledger verify: every leaf hashed here, against a checkpoint that the ledger's key signed. */
#include "cli/leaf.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "ledger/audit.h"
#include "wire/text.h"

#define CHUNK 256 /* leaves asked for at a time */

struct verifying {
    struct bm_ledger_check check;
    struct bm_progress progress;
    uint64_t size;
    struct bm_audit audit;
    struct bm_fail wrong; /* what the leaves say of an order is not what its balance says; told once they are known to be the ledger's */
};

static void
verifying_done(struct verifying *v)
{
    bm_progress_done(&v->progress);
    bm_audit_done(&v->audit);
}

/* Which lots each order has, as the records tell: the leaf of one with several names none. */
static enum bm_rc
order_lots(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    struct verifying *v = ctx;
    bm_cleanup(bm_json_done) json_t *row = NULL;
    const json_t *lots;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    lots = json_object_get(row, "lots");
    for (size_t i = 0; rc == BM_OK && i < json_array_size(lots); i++)
        if (json_is_string(json_array_get(lots, i)))
            rc = bm_audit_order_lot(&v->audit, bm_bytes_str(bm_json_text(row, "order")),
                                    bm_bytes_str(json_string_value(json_array_get(lots, i))), fail);
    return rc;
}

static enum bm_rc
books_keep(struct verifying *v, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_event event;
    enum bm_rc rc;

    if (v->wrong.rc != BM_OK)
        return BM_OK;
    if ((rc = bm_event_parse(&event, text, fail)) != BM_OK)
        return rc;
    rc = bm_audit_event(&v->audit, &event, &v->wrong);
    if (rc == BM_ENOMEM || rc == BM_EBUG)
        *fail = v->wrong;
    return rc == BM_ENOMEM || rc == BM_EBUG ? rc : BM_OK;
}

static enum bm_rc
leaf_check(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    struct verifying *v = ctx;
    bm_cleanup(bm_told_done) struct bm_told told = { .index = 0 };
    enum bm_rc rc = bm_told_parse(&told, json, fail);

    if (rc != BM_OK)
        return rc;
    if ((rc = bm_ledger_check_leaf(&v->check, told.index, told.salt, bm_buf_bytes(&told.event), fail)) != BM_OK ||
        (rc = books_keep(v, bm_buf_bytes(&told.event), fail)) != BM_OK)
        return rc;
    bm_progress_show(&v->progress, told.index + 1, v->size);
    return BM_OK;
}

/* The head is taken first, and just the leaves that it covers: a server that works on meanwhile stands in nobody's way. */
static enum bm_rc
all_check(struct verifying *v, struct bm_ask *ask, const struct bm_trust *trust, struct bm_checkpoint *ret_head, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf later = { .max = BM_MAX_NOTE };
    enum bm_rc rc;

    if ((rc = bm_ledger_ask(ask, 0, 0, NULL, NULL, &note, fail)) != BM_OK)
        return rc;
    if ((rc = bm_checkpoint_open(ret_head, bm_buf_bytes(&note), &trust->ledger, trust->ledger.name, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the ledger's checkpoint");
        return rc;
    }
    v->size = ret_head->size;
    if ((rc = bm_ask_list(ask, "order", "{}", order_lots, v, fail)) != BM_OK)
        return rc;
    while (v->check.frontier.size < v->size) {
        uint64_t before = v->check.frontier.size, left = v->size - before;

        if ((rc = bm_ledger_ask(ask, before, left < CHUNK ? (uint32_t)left : CHUNK, leaf_check, v, &later, fail)) != BM_OK)
            return rc;
        if (v->check.frontier.size == before)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "the ledger ends at leaf %llu, and its checkpoint was signed over %llu: leaves are missing",
                           (unsigned long long)before, (unsigned long long)v->size);
    }
    if ((rc = bm_ledger_check_close(&v->check, bm_buf_bytes(&note), &trust->ledger, trust->ledger.name, fail)) != BM_OK)
        return rc;
    if (v->wrong.rc != BM_OK)
        *fail = v->wrong;
    return v->wrong.rc;
}

static enum bm_rc
whole_print(const struct bm_call *call, const struct verifying *v, const struct bm_checkpoint *head, const struct bm_trust *trust,
            struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char root[2 * BM_HASH + 1];
    enum bm_rc rc;

    bm_hex(root, bm_bytes(head->root, BM_HASH));
    if (!call->json) {
        if (v->audit.balances > 0)
            (void)printf("balances: %llu closed orders, each as the leaves before it say\n", (unsigned long long)v->audit.balances);
        (void)printf("ledger%s: %llu leaves, tree head %.16s..., signed by %.32s...: whole\n", trust->test ? " of a site for TESTS" : "",
                     (unsigned long long)head->size, root, trust->ledger.name);
        return BM_OK;
    }
    row = json_pack("{s:s, s:I, s:s, s:s, s:I}", "ledger", "whole", "size", (json_int_t)head->size, "root", root, "origin", head->origin,
                    "balances", (json_int_t)v->audit.balances);
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    if (trust->test && json_object_set_new(row, "test", json_true()) != 0)
        return bm_json_check(NULL, fail);
    return bm_object_print(call, row, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(verifying_done) struct verifying v = { .progress = { .what = "ledger" } };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_checkpoint head;
    struct bm_trust trust;
    enum bm_rc rc;

    if (call->words.n > 0 && strstr(call->words.v[0], "://") != NULL)
        return bm_usage(call, fail, "a ledger is verified in a site's directory, not at a URL");
    if (call->words.n > 0)
        call->home = call->words.v[0];
    if ((rc = bm_home_find(call, fail)) != BM_OK || (rc = bm_ledger_trust(&trust, call, fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    if ((rc = all_check(&v, &ask, &trust, &head, fail)) == BM_OK)
        return whole_print(call, &v, &head, &trust, fail);
    if (rc == BM_EINPUT || rc == BM_EBUG) /* what it tells of itself does not hold: that is the finding */
        fail->rc = rc = BM_EPOLICY;
    return rc;
}

const struct bm_verb bm_verb_ledger_verify = {
    .words = "ledger verify",
    .arguments = "[DIR]",
    .most = 1,
    .purpose = "Hash every leaf again and compare with the signed head: nothing was changed, left out or put in, and each closed order's "
               "balance is what the leaves say.",
    .help = "The key is the one of trust.txt, not what a server says. An auditor keeps a trust.txt of his own and names it.\n\n"
            "example: birthmark ledger verify --trust ~/audit/example-works.trust.txt\n",
    .options = { { .name = "trust", .value = "FILE", .help = "whose key to believe; default: the site's trust.txt" } },
    .run = run,
};
