/* The ledger's books kept once more: a balance that the leaves before it do not say is refused, whoever signed it. */
#include "ledger/audit.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEX "abababababababababababababababababababababababababababababababab"
#define HEAD(kind) "birthmark/event/v1\nkind " kind "\ntime 2026-11-23T21:34:09Z\n"
#define PINNED(lot, n) HEAD("lot-pinned") "lot " lot "\nstatement " HEX "\ncount " n "\n"
#define OPENED(order, lot) HEAD("order-opened") "lot " lot "\norder " order "\nstatement " HEX "\ncount 9\n"
#define ISSUED(device, lot, order) \
    HEAD("identity-issued")        \
    "device " device "\nchip " HEX "\nlot " lot "\norder " order "\nservice mqtt\nserial 0a1b\ncertificate " HEX "\n"
#define SCRAPPED(order, n, was) HEAD("chips-scrapped") "lot L\norder " order "\ncount " n "\nreason bent\nwas " was "\n"
#define REPAIRED(device) \
    HEAD("device-moved") "device " device "\nchip " HEX "\nlot M\norder O\nwhat repair\nreason flooded\nstate repaired\nwas issued L\n"
#define CLOSED(order, numbers) HEAD("order-closed") "order " order "\ncount 3\nreason done\nbalance " numbers "\n"

static struct bm_fail why;

/* What comes of these leaves, the last one alone. */
static enum bm_rc
leaves(struct bm_audit *audit, const char *const *texts, size_t n)
{
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; i < n; i++) {
        struct bm_event event;

        assert_int_equal(bm_event_parse(&event, bm_bytes_str(texts[i]), &why), BM_OK);
        rc = bm_audit_event(audit, &event, &why);
        assert_true(i == n - 1 || rc == BM_OK);
    }
    return rc;
}

/* Ten chips; three units, of which one has two services, one is repaired with a chip of another lot, one scrapped beside a chip that nobody used. */
#define STORY                                                                                                                \
    PINNED("L", "10"), PINNED("M", "2"), OPENED("O", "L"), OPENED("P", "L"), ISSUED("d1", "L", "O"), ISSUED("d1", "L", "O"), \
        ISSUED("d2", "L", "O"), ISSUED("d3", "L", "O"), ISSUED("d4", "L", "P"),                                              \
        SCRAPPED("O", "2", "unused 1 issued 1 withdrawn 0 counted 1"), REPAIRED("d2")
#define TRUE_OF_O "received 10 units 3 issued 1 elsewhere 1 withdrawn 0 retired 1 scrapped 2 unused 5 over 0 reissues 0 scraps 1 repairs 1"

static void
a_balance_is_what_the_leaves_say(void **state)
{
    bm_cleanup(bm_audit_done) struct bm_audit audit = { .nlots = 0 };
    static const char *const story[] = { STORY, CLOSED("O", TRUE_OF_O),
                                         CLOSED("P",
                                                "received 10 units 1 issued 1 elsewhere 1 withdrawn 0 retired 1 scrapped 2 unused 5 over 0 "
                                                "reissues 0 scraps 0 repairs 0") };

    (void)state;
    assert_int_equal(leaves(&audit, story, BM_COUNT(story)), BM_OK);
    assert_int_equal(audit.balances, 2);
}

static void
a_forged_balance_is_refused(void **state)
{
    /* Each adds up: a unit more than was counted, a scrap that nobody said, a chip unused that is a unit, one repair less. */
    static const char *const forged[] = {
        "received 10 units 2 issued 1 elsewhere 1 withdrawn 0 retired 1 scrapped 2 unused 5 over 0 reissues 0 scraps 1 repairs 1",
        "received 10 units 3 issued 1 elsewhere 1 withdrawn 0 retired 1 scrapped 3 unused 4 over 0 reissues 0 scraps 2 repairs 1",
        "received 10 units 3 issued 0 elsewhere 1 withdrawn 0 retired 1 scrapped 2 unused 6 over 0 reissues 0 scraps 1 repairs 1",
        "received 11 units 3 issued 1 elsewhere 1 withdrawn 0 retired 1 scrapped 2 unused 6 over 0 reissues 0 scraps 1 repairs 1",
        "received 10 units 3 issued 1 elsewhere 1 withdrawn 0 retired 1 scrapped 2 unused 5 over 0 reissues 0 scraps 1 repairs 0",
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(forged); i++) {
        bm_cleanup(bm_audit_done) struct bm_audit audit = { .nlots = 0 };
        bm_cleanup(bm_buf_done) struct bm_buf closed = { .max = 4096 };
        const char *texts[] = { STORY, NULL };

        bm_buf_add_fmt(&closed, HEAD("order-closed") "order O\ncount 3\nreason done\nbalance %s\n", forged[i]);
        bm_buf_add_u8(&closed, 0);
        texts[BM_COUNT(texts) - 1] = (const char *)closed.p;
        assert_int_equal(leaves(&audit, texts, BM_COUNT(texts)), BM_EPOLICY);
        assert_non_null(strstr(why.text, "the balance of order O is wrong: it says received"));
    }
}

/* The leaf names no lot where there are several: somebody must say which, and the wrong ones do not fit. */
static void
an_order_of_several_lots_needs_their_names(void **state)
{
    static const char *const story[] = { PINNED("L", "10"), PINNED("M", "2"), HEAD("order-opened") "order O\nstatement " HEX "\ncount 9\n",
                                         CLOSED("O",
                                                "received 12 units 0 issued 0 elsewhere 0 withdrawn 0 retired 0 scrapped 0 unused 12 over "
                                                "0 reissues 0 scraps 0 repairs 0") };
    bm_cleanup(bm_audit_done) struct bm_audit none = { .nlots = 0 }, one = { .nlots = 0 }, both = { .nlots = 0 };

    (void)state;
    assert_int_equal(leaves(&none, story, BM_COUNT(story) - 1), BM_EPOLICY);
    assert_int_equal(bm_audit_order_lot(&one, bm_bytes_str("O"), bm_bytes_str("L"), &why), BM_OK);
    assert_int_equal(leaves(&one, story, BM_COUNT(story)), BM_EPOLICY);
    assert_int_equal(bm_audit_order_lot(&both, bm_bytes_str("O"), bm_bytes_str("L"), &why), BM_OK);
    assert_int_equal(bm_audit_order_lot(&both, bm_bytes_str("O"), bm_bytes_str("M"), &why), BM_OK);
    assert_int_equal(leaves(&both, story, BM_COUNT(story)), BM_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_balance_is_what_the_leaves_say),
        cmocka_unit_test(a_forged_balance_is_refused),
        cmocka_unit_test(an_order_of_several_lots_needs_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
