/* The books of lots and orders, and the text of their numbers. */
#include "record/books.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct bm_fail why;

#define assert_ok(call) assert_int_equal(call, BM_OK)

static struct bm_balance
balance_of(const struct bm_books *books, uint32_t order, uint32_t lot)
{
    char text[BM_MAX_BALANCE];
    struct bm_balance balance, again;

    bm_books_balance(books, order, &lot, 1, &balance);
    bm_balance_print(text, &balance);
    assert_ok(bm_balance_parse(&again, bm_bytes_str(text), &why)); /* it adds up */
    assert_memory_equal(&again, &balance, sizeof(again));
    return balance;
}

#define NUMBERS(b, ...)                                                                                                         \
    do {                                                                                                                        \
        const uint64_t want[] = { __VA_ARGS__ }, is[] = { (b).received, (b).units,    (b).issued, (b).elsewhere, (b).withdrawn, \
                                                          (b).retired,  (b).scrapped, (b).unused, (b).over };                   \
        assert_memory_equal(is, want, sizeof(want));                                                                            \
    } while (0)

/* Lot 0 of ten chips, lot 1 of two; orders 0 and 1 over lot 0. */
static void
every_chip_is_in_one_place(void **state)
{
    bm_cleanup(bm_books_done) struct bm_books books = { .nlots = 0 };

    (void)state;
    assert_ok(bm_books_lot(&books, 0, 10, &why));
    assert_ok(bm_books_lot(&books, 1, 2, &why));
    NUMBERS(balance_of(&books, 0, 0), 10, 0, 0, 0, 0, 0, 0, 10, 0);
    for (int i = 0; i < 4; i++)
        assert_ok(bm_books_unit(&books, 0, 0, &why));
    assert_ok(bm_books_unit(&books, 1, 0, &why));
    NUMBERS(balance_of(&books, 0, 0), 10, 4, 4, 1, 0, 0, 0, 5, 0);
    NUMBERS(balance_of(&books, 1, 0), 10, 1, 1, 4, 0, 0, 0, 5, 0);
    assert_ok(bm_books_chips(&books, 0, BM_BOOKS_NONE, &(struct bm_was){ .unused = 2 }, BM_WHERE_WITHDRAWN, &why));
    assert_ok(
        bm_books_chips(&books, 0, 0, &(struct bm_was){ .unused = 1, .issued = 1, .withdrawn = 1, .counted = 1 }, BM_WHERE_SCRAPPED, &why));
    NUMBERS(balance_of(&books, 0, 0), 10, 4, 3, 1, 1, 0, 3, 2, 0);
    assert_ok(bm_books_repair(&books, 0, 0, BM_WHERE_ISSUED, 1, &why)); /* the new chip is of a lot that the order has not */
    NUMBERS(balance_of(&books, 0, 0), 10, 4, 2, 1, 1, 1, 3, 2, 0);
    NUMBERS(balance_of(&books, 0, 1), 2, 4, 1, 0, 0, 0, 0, 1, 0);
    assert_ok(bm_books_repair(&books, 0, 0, BM_WHERE_SCRAPPED, 0, &why)); /* what is scrapped stays so */
    NUMBERS(balance_of(&books, 0, 0), 10, 4, 3, 1, 1, 1, 3, 1, 0);
    assert_ok(bm_books_reissue(&books, 0, &why));
    assert_int_equal(balance_of(&books, 0, 0).done[BM_COUNTED_REISSUE], 1);
    assert_int_equal(balance_of(&books, 0, 0).done[BM_COUNTED_SCRAP], 1);
    assert_int_equal(balance_of(&books, 0, 0).done[BM_COUNTED_REPAIR], 2);
    assert_ok(bm_books_lot(&books, 0, 7, &why)); /* a revision that left out what was used */
    NUMBERS(balance_of(&books, 0, 0), 7, 4, 3, 1, 1, 1, 3, 0, 2);
}

#define USED "issued 3 elsewhere 1 withdrawn 1 retired 1 scrapped 2 unused 1 over 0 reissues 0 scraps 1 repairs 1"
#define GOOD "received 9 units 4 " USED

static void
a_text_that_does_not_add_up_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        GOOD " ",
        GOOD " x 1",
        "units 4 received 9 issued 3 elsewhere 1 withdrawn 1 retired 1 scrapped 2 unused 1 over 0 reissues 0 scraps 1 repairs 1",
        "received 09 units 4 " USED,
        "received 9 units 4 issued 4 elsewhere 1 withdrawn 1 retired 1 scrapped 2 unused 1 over 0 reissues 0 scraps 1 repairs 1",
        "received 9 units 4 issued 3 elsewhere 1 withdrawn 1 retired 1 scrapped 2 unused 2 over 1 reissues 0 scraps 1 repairs 1",
        "received 9 units 4 issued 3  elsewhere 1 withdrawn 1 retired 1 scrapped 2 unused 1 over 0 reissues 0 scraps 1 repairs 1",
        "received 9 units -4 " USED,
        "received 9000000000000000000 units 4 " USED,
    };
    struct bm_balance balance;
    struct bm_was was;

    (void)state;
    assert_ok(bm_balance_parse(&balance, bm_bytes_str(GOOD), &why));
    for (size_t n = 0; n < strlen(GOOD); n++)
        assert_int_equal(bm_balance_parse(&balance, bm_bytes(GOOD, n), &why), BM_EINPUT);
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_int_equal(bm_balance_parse(&balance, bm_bytes_str(bad[i]), &why), BM_EINPUT);
    assert_ok(bm_was_parse(&was, bm_bytes_str("unused 1 issued 2 withdrawn 3 counted 4"), &why));
    assert_int_equal(was.counted, 4);
    assert_int_equal(bm_was_parse(&was, bm_bytes_str("unused 1 issued 2 withdrawn 3"), &why), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chip_is_in_one_place),
        cmocka_unit_test(a_text_that_does_not_add_up_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
