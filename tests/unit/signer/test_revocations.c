/* test_revocations.c - what a list holds at a time: revoked ones always, retired ones from their hour to their end, and never so many that no list is made. */
#include "signer/revocations.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#define NOW 1795469649
#define DAY 86400

static struct bm_fail fail;

struct serial {
    uint8_t b[4];
};

static struct serial
serial_of(unsigned n)
{
    return (struct serial){ { 0x40, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static void
retire(struct bm_revocations *list, unsigned n, bm_time time, bm_time not_after)
{
    struct serial serial = serial_of(n);

    assert_int_equal(bm_revocations_retire(list, bm_bytes(serial.b, sizeof(serial.b)), time, not_after, NOW, &fail), BM_OK);
}

static void
revoke(struct bm_revocations *list, unsigned n)
{
    struct serial serial = serial_of(n);

    assert_int_equal(bm_revocations_add(list, bm_bytes(serial.b, sizeof(serial.b)), 1, NOW, &fail), BM_OK);
}

/* How many there are at this time; *ret_found: with this serial, in how many places. */
static size_t
held(const struct bm_revocations *list, bm_time now, unsigned n, size_t *ret_found)
{
    struct bm_revoked *all = NULL;
    struct serial serial = serial_of(n);
    size_t count = 0, found = 0;

    assert_int_equal(bm_revocations_now(list, now, &all, &count, &fail), BM_OK);
    for (size_t i = 0; i < count; i++)
        found += all[i].nserial == sizeof(serial.b) && memcmp(all[i].serial, serial.b, sizeof(serial.b)) == 0;
    free(all);
    *ret_found = found;
    return count;
}

static void
a_retired_one_is_listed_from_its_hour_to_its_end(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = { .n = 0 };
    size_t found;

    (void)state;
    retire(&list, 1, NOW + 7 * DAY, NOW + 30 * DAY);
    assert_int_equal(held(&list, NOW + 7 * DAY - 1, 1, &found), 0);
    assert_int_equal(held(&list, NOW + 7 * DAY, 1, &found), 1);
    assert_int_equal(found, 1);
    assert_int_equal(held(&list, NOW + 30 * DAY, 1, &found), 1);
    assert_int_equal(held(&list, NOW + 30 * DAY + 1, 1, &found), 0);
}

static void
revoked_it_is_listed_at_once_once_and_for_good(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = { .n = 0 };
    const struct serial serial = serial_of(1);
    size_t found;

    (void)state;
    retire(&list, 1, NOW + 7 * DAY, NOW + 30 * DAY);
    retire(&list, 2, NOW + 7 * DAY, NOW + 30 * DAY);
    assert_true(bm_revocations_retires(&list, bm_bytes(serial.b, sizeof(serial.b))));
    revoke(&list, 1);
    assert_false(bm_revocations_retires(&list, bm_bytes(serial.b, sizeof(serial.b))));
    assert_int_equal(held(&list, NOW, 1, &found), 1);
    assert_int_equal(held(&list, NOW + 8 * DAY, 1, &found), 2);
    assert_int_equal(found, 1);
    assert_int_equal(held(&list, NOW + 40 * DAY, 1, &found), 1);
    assert_int_equal(found, 1);
}

/* Renewals are many and revocations few: the latter are never kept out by the former. */
static void
a_full_list_leaves_out_retired_ones_only(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = { .n = 0 };
    size_t found;

    (void)state;
    for (unsigned i = 0; i < 3 * BM_CRL_RETIRED_MOST; i++)
        retire(&list, i, NOW, NOW + 30 * DAY);
    revoke(&list, 100000);
    assert_int_equal(held(&list, NOW, 100000, &found), BM_CRL_RETIRED_MOST);
    assert_int_equal(found, 1);
    (void)held(&list, NOW, 3 * BM_CRL_RETIRED_MOST - 1, &found);
    assert_int_equal(found, 1); /* the latest */
    (void)held(&list, NOW, 0, &found);
    assert_int_equal(found, 0);
    for (unsigned i = 0; i < BM_CRL_RETIRED_MOST; i++)
        revoke(&list, 200000 + i);
    assert_int_equal(held(&list, NOW, 100000, &found), BM_CRL_RETIRED_MOST + 1);
}

static void
the_expired_are_forgotten(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = { .n = 0 };

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        retire(&list, i, NOW - 2 * DAY, NOW - DAY);
    assert_true(list.nretired < 100);
}

/* proves: RFC5280 5.3.1 certificateHold is on the list while it holds, and gone when it is let go */
static void
on_hold_until_it_is_let_go_or_revoked(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = { .n = 0 };
    struct bm_revoked *all = NULL;
    const struct serial one = serial_of(1), two = serial_of(2);
    size_t found, n = 0;

    (void)state;
    retire(&list, 1, NOW - DAY, NOW + 30 * DAY);
    for (unsigned twice = 0; twice < 2; twice++)
        for (unsigned i = 1; i <= 3; i++) {
            const struct serial serial = serial_of(i);

            assert_int_equal(bm_revocations_hold(&list, bm_bytes(serial.b, sizeof(serial.b)), NOW + twice, &fail), BM_OK);
        }
    assert_int_equal(held(&list, NOW, 1, &found), 3); /* it retires, too: once all the same */
    assert_int_equal(found, 1);
    assert_int_equal(bm_revocations_now(&list, NOW, &all, &n, &fail), BM_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(all[i].reason, 6);
        assert_int_equal(all[i].time, NOW);
    }
    free(all);
    revoke(&list, 2);
    bm_revocations_let_go(&list, bm_bytes(one.b, sizeof(one.b)));
    bm_revocations_let_go(&list, bm_bytes(two.b, sizeof(two.b)));
    assert_int_equal(held(&list, NOW, 2, &found), 3);
    assert_int_equal(found, 1); /* for good */
    (void)held(&list, NOW + 31 * DAY, 1, &found);
    assert_int_equal(found, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retired_one_is_listed_from_its_hour_to_its_end),
        cmocka_unit_test(revoked_it_is_listed_at_once_once_and_for_good),
        cmocka_unit_test(a_full_list_leaves_out_retired_ones_only),
        cmocka_unit_test(the_expired_are_forgotten),
        cmocka_unit_test(on_hold_until_it_is_let_go_or_revoked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
