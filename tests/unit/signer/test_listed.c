/* test_listed.c - what lots list is found in the journal again: every chip of them, and nothing that is only like one. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest/digest.h"
#include "signer/listed.h"
#include "signer/records.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHIPS 5000

static void
name_of(uint8_t ret[static BM_HASH], uint32_t i)
{
    bm_sha256(ret, bm_bytes(&i, sizeof(i)));
}

static void
tags_of(struct bm_buf *run, uint32_t first, uint32_t n)
{
    uint8_t name[BM_HASH];

    run->max = CHIPS * BM_TAG;
    bm_buf_reset(run);
    for (uint32_t i = first; i < first + n; i++) {
        name_of(name, i);
        bm_buf_add(run, name, BM_TAG);
    }
}

static void
a_set_meets_what_is_in_it_alone(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf run = { .max = 0 }, one = { .max = 0 };
    const uint8_t zero[BM_TAG] = { 0 };
    struct bm_tags tags;
    struct bm_fail fail;

    (void)state;
    tags_of(&run, 0, CHIPS);
    assert_int_equal(bm_tags_make(&tags, bm_buf_bytes(&run), 7, &fail), BM_OK);
    for (uint32_t i = 0; i < 2 * CHIPS; i++) {
        tags_of(&one, i, 1);
        assert_int_equal(bm_tags_meet(&tags, bm_buf_bytes(&one)), i < CHIPS);
    }
    assert_false(bm_tags_meet(&tags, bm_bytes(zero, BM_TAG))); /* which stands for a free place */
    bm_tags_done(&tags);
    assert_int_equal(bm_tags_make(&tags, bm_bytes(zero, BM_TAG), 7, &fail), BM_OK);
    assert_true(bm_tags_meet(&tags, bm_bytes(zero, BM_TAG)));
    assert_false(bm_tags_meet(&tags, bm_bytes(NULL, 0)));
    bm_tags_done(&tags);
}

/* A lot of so many chips, in runs of 1,000; its place in the journal. */
static void
lot_add(struct bm_lots *lots, struct bm_journal *journal, const char *name, uint32_t first, uint32_t n)
{
    bm_cleanup(bm_buf_done) struct bm_buf run = { .max = 0 }, body = { .max = BM_MAX_RECORD };
    struct bm_pin pin = { .kind = BM_LEAF_KEYS, .size = n };
    struct bm_fail fail;
    uint64_t at = 0;
    uint32_t lot;

    (void)snprintf(pin.lot, sizeof(pin.lot), "%s", name);
    pin.revision = lots->n;
    pin.root[0] = (uint8_t)(lots->n + 1);
    assert_int_equal(bm_lots_add(lots, &pin, &lot, &fail), BM_OK);
    lots->lots[lot].ntags = n;
    for (uint32_t i = 0; i < n; i += 1000) {
        struct bm_plain plain = { .rest = { 0 } };

        tags_of(&run, first + i, n - i < 1000 ? n - i : 1000);
        plain.rest = bm_buf_bytes(&run);
        bm_buf_reset(&body);
        bm_plain_build(&body, &plain);
        assert_int_equal(bm_journal_add(journal, BM_R_LOT_KEYS, bm_buf_bytes(&body), &at, &fail), BM_OK);
        if (i == 0)
            lots->lots[lot].tags_at = at;
    }
    assert_int_equal(bm_journal_write(journal, &fail), BM_OK);
}

static uint32_t
lot_of(const struct bm_lots *lots, struct bm_journal *journal, uint32_t chip)
{
    uint8_t name[BM_HASH];
    struct bm_fail fail;
    uint32_t lot = 12345;

    name_of(name, chip);
    assert_int_equal(bm_listed(lots, journal, name, &lot, &fail), BM_OK);
    return lot;
}

static void
a_chip_is_found_in_the_lot_that_counts(void **state)
{
    struct bm_journal journal = { .fd = memfd_create("journal", MFD_CLOEXEC), .waiting = { .max = BM_MAX_JOURNAL_BATCH } };
    struct bm_lots lots = { .n = 0 };

    (void)state;
    assert_true(journal.fd >= 0);
    assert_int_equal(lot_of(&lots, &journal, 1), BM_NONE);
    lot_add(&lots, &journal, "A", 0, 2500);
    lot_add(&lots, &journal, "B", 10000, 1);
    lot_add(&lots, &journal, "C", 2499, 1001);
    assert_int_equal(lot_of(&lots, &journal, 0), 0);
    assert_int_equal(lot_of(&lots, &journal, 2498), 0);
    assert_int_equal(lot_of(&lots, &journal, 10000), 1);
    assert_int_equal(lot_of(&lots, &journal, 3499), 2);
    assert_int_equal(lot_of(&lots, &journal, 3500), BM_NONE);
    assert_int_equal(lot_of(&lots, &journal, 2499), 0); /* of two that list it, one that serves */
    lots.lots[0].quarantined = true;
    assert_int_equal(lot_of(&lots, &journal, 2499), 2);
    assert_int_equal(lot_of(&lots, &journal, 2498), 0);

    lot_add(&lots, &journal, "A", 100, 10); /* a later revision takes its place: what that leaves out is in no lot */
    assert_int_equal(lot_of(&lots, &journal, 100), 0);
    assert_int_equal(lot_of(&lots, &journal, 2498), BM_NONE);
    assert_int_equal(lot_of(&lots, &journal, 2499), 2);
    bm_lots_done(&lots);
    (void)close(journal.fd);
    bm_journal_close(&journal);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_meets_what_is_in_it_alone),
        cmocka_unit_test(a_chip_is_found_in_the_lot_that_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
