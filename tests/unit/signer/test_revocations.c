/* test_revocations.c - into which lists certificates are spread; what a list holds at a time: revoked ones always, retired ones from their hour to their end, all of them. */
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
    uint8_t b[20];
};

/* As random as those of certificates, for tables. */
static struct serial
serial_of(unsigned n)
{
    struct serial serial = { { 0x40, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
    uint64_t mixed = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

    memcpy(&serial.b[4], &mixed, sizeof(mixed));
    memcpy(&serial.b[12], &mixed, sizeof(mixed));
    return serial;
}

#define CA 1
#define SERVICE 3

static struct bm_bucket_use
use_of(uint32_t number, uint32_t room, bm_time not_after)
{
    return (struct bm_bucket_use){ .ca = CA, .service = SERVICE, .number = number, .room = room, .not_after = not_after };
}

static uint32_t
take(struct bm_revocations *lists, uint32_t room, bm_time not_after)
{
    struct bm_bucket_use use = use_of(bm_bucket_next(lists, CA, SERVICE, room), room, not_after);
    uint32_t bucket = BM_NO_BUCKET;

    assert_int_equal(bm_bucket_take(lists, &use, NOW, &bucket, &fail), BM_OK);
    return bucket;
}

static uint32_t
number_taken(struct bm_revocations *lists, uint32_t room)
{
    uint32_t bucket = take(lists, room, NOW + DAY);

    return lists->buckets[bucket].number;
}

/* With one bucket, number 0 of them. */
static struct bm_revocations
lists_of(void)
{
    struct bm_revocations lists;

    bm_revocations_init(&lists, 7);
    assert_int_equal(take(&lists, BM_CRL_BUCKET, NOW + 90 * DAY), 0);
    return lists;
}

static void
retire(struct bm_revocations *lists, unsigned n, bm_time time, bm_time not_after)
{
    struct serial serial = serial_of(n);

    assert_int_equal(bm_revocations_retire(lists, 0, bm_bytes(serial.b, sizeof(serial.b)), time, not_after, NOW, &fail), BM_OK);
}

static void
revoke(struct bm_revocations *lists, unsigned n, uint8_t reason)
{
    struct serial serial = serial_of(n);

    assert_int_equal(bm_revocations_add(lists, 0, bm_bytes(serial.b, sizeof(serial.b)), reason, NOW, &fail), BM_OK);
}

/* How many there are at this time; *ret_found: with this serial, in how many places. */
static size_t
held(const struct bm_revocations *lists, bm_time now, unsigned n, size_t *ret_found)
{
    struct bm_revoked *all = NULL;
    struct serial serial = serial_of(n);
    size_t count = 0, found = 0;
    bm_time until;

    assert_int_equal(bm_revocations_now(&lists->buckets[0], now, &all, &count, &until, &fail), BM_OK);
    for (size_t i = 0; i < count; i++)
        found += all[i].nserial == sizeof(serial.b) && memcmp(all[i].serial, serial.b, sizeof(serial.b)) == 0;
    free(all);
    *ret_found = found;
    return count;
}

/* ---- buckets ---- */

static void
certificates_fill_one_bucket_after_the_other(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations lists = { .n = 0 };
    uint32_t bucket;
    struct bm_bucket_use use;

    (void)state;
    bm_revocations_init(&lists, 7);
    for (unsigned i = 0; i < 25; i++)
        assert_int_equal(number_taken(&lists, 10), 1 + i / 10);
    /* another size, service or CA has its own; numbers are the CA's */
    assert_int_equal(bm_bucket_next(&lists, CA, SERVICE, 9), 4);
    assert_int_equal(bm_bucket_next(&lists, CA, SERVICE + 1, 10), 4);
    assert_int_equal(bm_bucket_next(&lists, CA + 1, SERVICE, 10), 1);
    assert_int_equal(bm_bucket_next(&lists, CA, SERVICE, 10), 3);
    /* what no record can say */
    for (unsigned i = 0; i < 4; i++) {
        static const struct {
            uint32_t number, room;
        } wrong[] = { { 2, 10 } /* it is full */, { 3, 9 }, { 5, 10 }, { 4, BM_CRL_BUCKET + 1 } };

        use = use_of(wrong[i].number, wrong[i].room, NOW);
        assert_int_equal(bm_bucket_take(&lists, &use, NOW, &bucket, &fail), BM_EBUG);
    }
    use = (struct bm_bucket_use){ .ca = CA, .service = SERVICE + 1, .number = 3, .room = 10 };
    assert_int_equal(bm_bucket_take(&lists, &use, NOW, &bucket, &fail), BM_EBUG);
}

/* Those who fetched all lists have those of certificates that will be issued soon. */
static void
a_list_is_there_before_its_first_certificate(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations lists = lists_of();

    (void)state;
    assert_int_equal(bm_bucket_listed(&lists, CA, 3, 1, &fail), BM_OK);
    assert_int_equal(bm_bucket_listed(&lists, CA, 3, 1, &fail), BM_EBUG); /* it does not rise */
    assert_int_equal(bm_bucket_listed(&lists, CA, 3, 2, &fail), BM_OK);
    assert_int_equal(bm_bucket_listed(&lists, CA, 4, 1, &fail), BM_EBUG);
    assert_int_equal(bm_bucket_listed(&lists, CA, 0, 1, &fail), BM_EBUG);
    assert_int_equal(bm_bucket_next(&lists, CA, SERVICE, 10), 2);
    (void)take(&lists, 10, NOW);
    assert_int_equal(number_taken(&lists, 11), 3);
    assert_int_equal(lists.buckets[bm_bucket_find(&lists, CA, 3)].crl, 2);
    assert_int_equal(bm_bucket_listed(&lists, CA, 3, 2, &fail), BM_EBUG);
}

static void
a_bucket_ends_with_its_last_certificate(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations lists = { .n = 0 };
    const struct serial one = serial_of(1), other = serial_of(2);
    struct bm_revoked entry;
    uint32_t bucket;
    bm_time until;

    (void)state;
    bm_revocations_init(&lists, 7);
    (void)take(&lists, 2, NOW - 20 * DAY);
    assert_false(bm_bucket_ended(&lists.buckets[0], NOW)); /* it has room */
    (void)take(&lists, 2, NOW - 30 * DAY);
    revoke(&lists, 1, 1);
    assert_true(bm_bucket_ended(&lists.buckets[0], NOW) && !bm_bucket_ended(&lists.buckets[0], NOW - 14 * DAY));
    assert_int_equal(bm_revocations_of(&lists, bm_bytes(one.b, sizeof(one.b)), NOW, &entry, &bucket, &until), BM_LISTED);
    (void)take(&lists, 2, NOW + DAY); /* opens another, and forgets what the first held */
    assert_int_equal(lists.buckets[0].n, 0);
    assert_int_equal(bm_revocations_of(&lists, bm_bytes(one.b, sizeof(one.b)), NOW, &entry, &bucket, &until), BM_LISTED_ONCE);
    assert_int_equal(bm_revocations_of(&lists, bm_bytes(other.b, sizeof(other.b)), NOW, &entry, &bucket, &until), BM_LISTED_NOT);
    assert_int_equal(bucket, BM_NO_BUCKET);
}

/* The worst that can happen: all of them at once, retired, on hold and revoked. */
static void
no_list_ever_leaves_one_out(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations lists = lists_of();
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_MESSAGE - 1024 };
    static const uint8_t name[] = { 0x30, 0 };
    const struct bm_issuer issuer = { .subject = { name, sizeof(name) }, .alg = BM_SIG_ECDSA_SHA256 };
    struct bm_revoked *all = NULL;
    size_t found, n = 0;
    bm_time until;

    (void)state;
    for (unsigned i = 0; i < BM_CRL_BUCKET; i++) {
        const struct serial serial = serial_of(i);

        if (i % 3 != 0)
            retire(&lists, i, NOW, NOW + 30 * DAY);
        if (i % 3 == 1)
            assert_int_equal(bm_revocations_hold(&lists, 0, bm_bytes(serial.b, sizeof(serial.b)), NOW, &fail), BM_OK);
        if (i % 3 == 0)
            revoke(&lists, i, 4);
    }
    for (unsigned i = 0; i < BM_CRL_BUCKET; i += 97) {
        assert_int_equal(held(&lists, NOW, i, &found), BM_CRL_BUCKET);
        assert_int_equal(found, 1);
    }
    assert_int_equal(bm_revocations_now(&lists.buckets[0], NOW, &all, &n, &until, &fail), BM_OK);
    assert_int_equal(bm_crl_build(&tbs, &issuer, all, n, 1, NOW, NOW + DAY, &fail), BM_OK);
    free(all);
}

/* ---- what is on a list ---- */

static void
a_retired_one_is_listed_from_its_hour_to_its_end(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = lists_of();
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
    bm_cleanup(bm_revocations_done) struct bm_revocations list = lists_of();
    const struct serial serial = serial_of(1);
    size_t found;

    (void)state;
    retire(&list, 1, NOW + 7 * DAY, NOW + 30 * DAY);
    retire(&list, 2, NOW + 7 * DAY, NOW + 30 * DAY);
    assert_int_equal(bm_revocations_retires(&list, bm_bytes(serial.b, sizeof(serial.b))), 0);
    revoke(&list, 1, 1);
    assert_int_equal(bm_revocations_retires(&list, bm_bytes(serial.b, sizeof(serial.b))), BM_NO_BUCKET);
    assert_int_equal(held(&list, NOW, 1, &found), 1);
    assert_int_equal(held(&list, NOW + 8 * DAY, 1, &found), 2);
    assert_int_equal(found, 1);
    assert_int_equal(held(&list, NOW + 40 * DAY, 1, &found), 1);
    assert_int_equal(found, 1);
}

static void
the_expired_are_forgotten(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = lists_of();

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        retire(&list, i, NOW - 2 * DAY, NOW - DAY);
    assert_true(list.buckets[0].nretired < 100);
}

/* proves: RFC5280 5.3.1 certificateHold is on the list while it holds, and gone when it is let go */
static void
on_hold_until_it_is_let_go_or_revoked(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations list = lists_of();
    struct bm_revoked *all = NULL;
    const struct serial one = serial_of(1), two = serial_of(2);
    size_t found, n = 0;
    bm_time until;

    (void)state;
    retire(&list, 1, NOW - DAY, NOW + 30 * DAY);
    for (unsigned twice = 0; twice < 2; twice++)
        for (unsigned i = 1; i <= 3; i++) {
            const struct serial serial = serial_of(i);

            assert_int_equal(bm_revocations_hold(&list, 0, bm_bytes(serial.b, sizeof(serial.b)), NOW + twice, &fail), BM_OK);
        }
    assert_int_equal(held(&list, NOW, 1, &found), 3); /* it retires, too: once all the same */
    assert_int_equal(found, 1);
    assert_int_equal(bm_revocations_now(&list.buckets[0], NOW, &all, &n, &until, &fail), BM_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(all[i].reason, 6);
        assert_int_equal(all[i].time, NOW);
    }
    free(all);
    revoke(&list, 2, 1);
    bm_revocations_let_go(&list, 0, bm_bytes(one.b, sizeof(one.b)));
    bm_revocations_let_go(&list, 0, bm_bytes(two.b, sizeof(two.b)));
    assert_int_equal(held(&list, NOW, 2, &found), 3);
    assert_int_equal(found, 1); /* for good */
    (void)held(&list, NOW + 31 * DAY, 1, &found);
    assert_int_equal(found, 0);
}

/* RFC 5280 5.3.1: who has the key might use it now; who was suspended and is no more should be let in. */
static void
what_changes_is_said_once_and_urgent_when_it_is(void **state)
{
    static const uint8_t urgent[] = { 1, 2, 10 }, others[] = { 0, 3, 4, 5, 9 };
    bm_cleanup(bm_revocations_done) struct bm_revocations lists = lists_of();
    const struct bm_bucket *bucket = &lists.buckets[0];
    const struct serial held_one = serial_of(50);

    (void)state;
    assert_int_equal(lists.nchanged, 0);
    for (unsigned i = 0; i < sizeof(urgent) + sizeof(others); i++) {
        revoke(&lists, i, i < sizeof(urgent) ? urgent[i] : others[i - sizeof(urgent)]);
        assert_true(lists.nchanged == 1 && bucket->changed);
        assert_int_equal(bucket->urgent, i < sizeof(urgent));
        bm_revocations_told(&lists);
        assert_true(lists.nchanged == 0 && !bucket->changed && !bucket->urgent);
    }
    assert_int_equal(bm_revocations_hold(&lists, 0, bm_bytes(held_one.b, sizeof(held_one.b)), NOW, &fail), BM_OK);
    assert_true(bucket->urgent);
    bm_revocations_told(&lists);
    assert_int_equal(bm_revocations_hold(&lists, 0, bm_bytes(held_one.b, sizeof(held_one.b)), NOW, &fail), BM_OK);
    assert_int_equal(lists.nchanged, 0);
    bm_revocations_let_go(&lists, 0, bm_bytes(held_one.b, sizeof(held_one.b)));
    assert_true(bucket->urgent);
    bm_revocations_told(&lists);
    bm_revocations_let_go(&lists, 0, bm_bytes(held_one.b, sizeof(held_one.b)));
    assert_int_equal(lists.nchanged, 0);
}

static void
of_one_certificate_it_is_known_until_when(void **state)
{
    bm_cleanup(bm_revocations_done) struct bm_revocations lists = lists_of();
    const struct serial one = serial_of(1);
    const struct bm_bytes serial = bm_bytes(one.b, sizeof(one.b));
    struct bm_revoked entry;
    uint32_t bucket;
    bm_time until;

    (void)state;
    assert_int_equal(bm_revocations_of(&lists, serial, NOW, &entry, &bucket, &until), BM_LISTED_NOT);
    assert_int_equal(until, BM_TIME_NEVER);
    retire(&lists, 1, NOW + 7 * DAY, NOW + 30 * DAY);
    assert_int_equal(bm_revocations_of(&lists, serial, NOW, &entry, &bucket, &until), BM_LISTED_NOT);
    assert_true(until == NOW + 7 * DAY && bucket == 0);
    assert_int_equal(bm_revocations_of(&lists, serial, NOW + 7 * DAY, &entry, &bucket, &until), BM_LISTED);
    assert_true(entry.reason == 4 && entry.time == NOW + 7 * DAY);
    assert_int_equal(bm_revocations_hold(&lists, 0, serial, NOW, &fail), BM_OK);
    assert_int_equal(bm_revocations_of(&lists, serial, NOW, &entry, &bucket, &until), BM_LISTED);
    assert_int_equal(entry.reason, 6);
    revoke(&lists, 1, 1);
    assert_int_equal(bm_revocations_of(&lists, serial, NOW, &entry, &bucket, &until), BM_LISTED);
    assert_int_equal(entry.reason, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retired_one_is_listed_from_its_hour_to_its_end),
        cmocka_unit_test(revoked_it_is_listed_at_once_once_and_for_good),
        cmocka_unit_test(certificates_fill_one_bucket_after_the_other),
        cmocka_unit_test(a_list_is_there_before_its_first_certificate),
        cmocka_unit_test(a_bucket_ends_with_its_last_certificate),
        cmocka_unit_test(no_list_ever_leaves_one_out),
        cmocka_unit_test(what_changes_is_said_once_and_urgent_when_it_is),
        cmocka_unit_test(of_one_certificate_it_is_known_until_when),
        cmocka_unit_test(the_expired_are_forgotten),
        cmocka_unit_test(on_hold_until_it_is_let_go_or_revoked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
