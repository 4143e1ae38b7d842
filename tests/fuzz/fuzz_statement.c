/* fuzz_statement.c - the statements and site.conf have one text for one content: what is read is what would be written. */
#include "fuzz.h"

#include "record/site.h"
#include "record/statement.h"

static void
same(struct bm_buf *again, struct bm_bytes text)
{
    must(bm_bytes_equal(bm_buf_bytes(again), text));
}

static void
statement_again(const struct bm_statement_head *head, struct bm_bytes text)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    static struct bm_roles roles;
    struct bm_statement_head body_head;
    struct bm_fail fail = { 0 };
    struct bm_policy policy;
    struct bm_raise raise;
    struct bm_recover recover;
    struct bm_activation activation;
    struct bm_allow allow;
    struct bm_pin pin;

    if (head->kind == BM_STATEMENT_PIN && bm_pin_parse(&body_head, &pin, text, &fail) == BM_OK)
        bm_pin_build(&again, &body_head, &pin);
    else if (head->kind == BM_STATEMENT_ORDER && bm_order_parse(&body_head, &order, text, &fail) == BM_OK)
        bm_order_build(&again, &body_head, &order);
    else if (head->kind == BM_STATEMENT_ALLOW && bm_allow_parse(&body_head, &allow, text, &fail) == BM_OK)
        bm_allow_build(&again, &body_head, &allow);
    else if (head->kind == BM_STATEMENT_ROLES && bm_roles_parse(&body_head, &roles, text, &fail) == BM_OK)
        bm_roles_build(&again, &body_head, &roles);
    else if (head->kind == BM_STATEMENT_POLICY && bm_policy_parse(&body_head, &policy, text, &fail) == BM_OK)
        bm_policy_build(&again, &body_head, &policy);
    else if (head->kind == BM_STATEMENT_RAISE && bm_raise_parse(&body_head, &raise, text, &fail) == BM_OK)
        bm_raise_build(&again, &body_head, &raise);
    else if (head->kind == BM_STATEMENT_CA && bm_ca_statement_parse(&body_head, &ca, text, &fail) == BM_OK)
        bm_ca_statement_build(&again, &body_head, &ca);
    else if (head->kind == BM_STATEMENT_PROFILE && bm_activation_parse(&body_head, &activation, text, &fail) == BM_OK)
        bm_activation_build(&again, &body_head, &activation);
    else if (head->kind == BM_STATEMENT_RECOVER && bm_recover_parse(&body_head, &recover, text, &fail) == BM_OK)
        bm_recover_build(&again, &body_head, &recover);
    else {
        must(fail.text[0] != 0);
        return;
    }
    must(body_head.kind == head->kind && body_head.seq == head->seq);
    same(&again, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 1 << 17 };
    struct bm_bytes text = bm_bytes(data, size);
    static struct bm_site site;
    struct bm_statement_head head;
    struct bm_fail fail = { 0 };

    if (bm_statement_head_parse(&head, text, &fail) == BM_OK)
        statement_again(&head, text);
    if (bm_site_parse(&site, text, &fail) == BM_OK) {
        bm_site_build(&again, &site);
        same(&again, text);
    }
    return 0;
}
