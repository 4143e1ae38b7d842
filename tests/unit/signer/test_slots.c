/* test_slots.c - a root key leads to one unit for good, whatever lots list it; identities are by unit and service. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest/digest.h"
#include "signer/slots.h"

static const uint8_t site[BM_HASH] = { 0x51 };

static void
key_of(uint8_t ret[static BM_HASH], uint32_t i)
{
    bm_sha256(ret, bm_bytes(&i, sizeof(i)));
}

#define KEYS(...) keys((const uint32_t[]){ __VA_ARGS__ }, BM_COUNT(((const uint32_t[]){ __VA_ARGS__ })))
static const uint8_t (*keys(const uint32_t *numbers, size_t n))[BM_HASH]
{
    static uint8_t made[4][BM_HASH];

    assert_true(n <= BM_COUNT(made));
    for (size_t i = 0; i < n; i++)
        key_of(made[i], numbers[i]);
    return (const uint8_t(*)[BM_HASH])made;
}

/* A chip that is listed under these keys, of which the first speaks. */
static enum bm_rc
use(struct bm_slots *slots, const uint8_t (*names)[BM_HASH], size_t n)
{
    struct bm_chip_names chip = { .n = n };
    struct bm_fail fail;
    uint32_t unit;

    memcpy(chip.names, names, n * BM_HASH);
    return bm_slots_name(slots, &chip, chip.names[0], site, &unit, &fail);
}
#define USE(slots, ...) use(slots, KEYS(__VA_ARGS__), BM_COUNT(((const uint32_t[]){ __VA_ARGS__ })))

static uint32_t
unit_of(const struct bm_slots *slots, uint32_t key)
{
    struct bm_fail fail;
    uint32_t unit = 12345;

    assert_int_equal(bm_slots_unit(slots, KEYS(key), 1, &unit, &fail), BM_OK);
    return unit;
}

static void
any_key_of_a_chip_leads_to_its_unit(void **state)
{
    struct bm_slots slots;

    (void)state;
    bm_slots_init(&slots, 99);
    assert_int_equal(USE(&slots, 1, 2, 3), BM_OK);
    assert_int_equal(USE(&slots, 4), BM_OK);
    assert_int_equal(slots.nunits, 2);
    assert_int_equal(unit_of(&slots, 1), unit_of(&slots, 2));
    assert_int_equal(unit_of(&slots, 1), unit_of(&slots, 3));
    assert_int_not_equal(unit_of(&slots, 1), unit_of(&slots, 4));
    assert_int_equal(unit_of(&slots, 5), BM_NONE);
    bm_slots_done(&slots);
}

/* A superseding list that adds a key joins the unit; one that would join two units is refused. */
static void
a_later_list_makes_no_second_unit(void **state)
{
    struct bm_slots slots;
    uint8_t device[BM_DEVICE];

    (void)state;
    bm_slots_init(&slots, 99);
    assert_int_equal(USE(&slots, 1), BM_OK);
    assert_int_equal(USE(&slots, 7), BM_OK);
    memcpy(device, slots.units[0].device, sizeof(device));
    assert_int_equal(USE(&slots, 1, 2), BM_OK);
    assert_int_equal(slots.nunits, 2);
    assert_int_equal(unit_of(&slots, 2), unit_of(&slots, 1));
    assert_memory_equal(slots.units[0].device, device, sizeof(device)); /* named at first use, for good */
    assert_int_equal(USE(&slots, 2, 7), BM_EBUG);
    assert_int_equal(bm_slots_device(&slots, device), 0);
    bm_slots_done(&slots);
}

/* SHA-256("birthmark/device/v1\n" || site || the smallest root-key hash), its first 10 bytes. */
static void
a_device_id_is_what_the_format_says(void **state)
{
    const uint8_t(*three)[BM_HASH] = KEYS(1, 2, 3);
    const uint8_t *least = three[0];
    struct bm_bytes pieces[3];
    struct bm_slots slots;
    uint8_t hash[BM_HASH];

    (void)state;
    for (size_t i = 1; i < 3; i++)
        least = memcmp(three[i], least, BM_HASH) < 0 ? three[i] : least;
    pieces[0] = bm_bytes_str("birthmark/device/v1\n");
    pieces[1] = bm_bytes(site, BM_HASH);
    pieces[2] = bm_bytes(least, BM_HASH);
    bm_sha256_pieces(hash, pieces, 3);
    bm_slots_init(&slots, 99);
    assert_int_equal(use(&slots, three, 3), BM_OK);
    assert_memory_equal(slots.units[0].device, hash, BM_DEVICE);
    bm_slots_done(&slots);
}

static uint32_t
take(struct bm_slots *slots, uint32_t unit, const char *service, uint8_t serial, uint32_t key)
{
    uint8_t hash[BM_HASH], number[BM_MAX_SERIAL] = { serial };
    struct bm_slots_use use = { .unit = unit, .service = bm_bytes_str(service), .serial = bm_bytes(number, sizeof(number)), .key = hash };
    struct bm_fail fail;
    uint32_t at = BM_NONE;

    key_of(hash, key);
    assert_int_equal(bm_slots_take(slots, &use, &at, &fail), BM_OK);
    return at;
}

static void
identities_are_by_unit_and_service(void **state)
{
    const uint8_t first[BM_MAX_SERIAL] = { 0x41 }, second[BM_MAX_SERIAL] = { 0x42 };
    struct bm_slots slots;
    uint8_t key[BM_HASH];
    uint32_t mqtt;
    bool live;

    (void)state;
    bm_slots_init(&slots, 99);
    assert_int_equal(USE(&slots, 1), BM_OK);
    assert_int_equal(USE(&slots, 2), BM_OK);
    assert_int_equal(bm_slots_identity(&slots, 0, bm_bytes_str("mqtt")), BM_NONE);
    mqtt = take(&slots, 0, "mqtt", 0x41, 100);
    assert_int_not_equal(take(&slots, 0, "ota", 0x51, 101), mqtt);
    assert_int_not_equal(take(&slots, 1, "mqtt", 0x61, 102), mqtt);
    assert_int_equal(bm_slots_identity(&slots, 0, bm_bytes_str("mqtt")), mqtt);
    assert_int_equal(bm_slots_serial(&slots, bm_bytes(first, sizeof(first)), &live), mqtt);
    assert_true(live);

    assert_int_equal(take(&slots, 0, "mqtt", 0x42, 103), mqtt); /* replaced: the same slot, the earlier serial is no longer live */
    assert_int_equal(bm_slots_serial(&slots, bm_bytes(first, sizeof(first)), &live), mqtt);
    assert_false(live);
    assert_int_equal(bm_slots_serial(&slots, bm_bytes(second, sizeof(second)), &live), mqtt);
    assert_true(live);
    slots.identities[mqtt].state = BM_IDENTITY_REVOKED;
    (void)bm_slots_serial(&slots, bm_bytes(second, sizeof(second)), &live);
    assert_false(live);

    key_of(key, 100); /* used once, used for good; and root keys are no operational keys */
    assert_true(bm_slots_key_used(&slots, key));
    key_of(key, 1);
    assert_true(bm_slots_key_used(&slots, key));
    key_of(key, 104);
    assert_false(bm_slots_key_used(&slots, key));
    bm_slots_done(&slots);
}

static void
a_table_finds_a_hundred_thousand_and_nothing_else(void **state)
{
    const uint32_t n = 100000;
    struct bm_table table;
    struct bm_fail fail;
    uint8_t key[BM_HASH];
    uint32_t value;

    (void)state;
    bm_table_init(&table, 7);
    for (uint32_t i = 0; i < n; i++) {
        key_of(key, i);
        assert_int_equal(bm_table_put(&table, key, i, &fail), BM_OK);
    }
    assert_int_equal(table.n, n);
    for (uint32_t i = 0; i < n; i++) {
        key_of(key, i);
        assert_true(bm_table_find(&table, key, &value));
        assert_int_equal(value, i);
        key_of(key, i + n);
        assert_false(bm_table_find(&table, key, &value));
    }
    assert_int_equal(bm_table_add(&table, key, 5, &value, &fail), BM_OK); /* new: the value that was given */
    assert_int_equal(value, 5);
    assert_int_equal(bm_table_add(&table, key, 6, &value, &fail), BM_OK); /* there: the value that it has */
    assert_int_equal(value, 5);
    assert_int_equal(table.n, n + 1);
    assert_true(table.cap * (BM_HASH + sizeof(uint32_t)) <= 62u * n);
    bm_table_done(&table);
}

/* A key that nobody knows is remembered until its chip is used, by whichever of its keys; what is scrapped stays so. */
static void
what_is_held_stays_held(void **state)
{
    struct bm_slots slots;
    struct bm_fail fail;

    (void)state;
    bm_slots_init(&slots, 99);
    assert_int_equal(USE(&slots, 1, 2), BM_OK);
    assert_false(bm_slots_held(&slots, KEYS(2), 1, BM_UNIT_WITHDRAWN));
    assert_int_equal(bm_slots_hold(&slots, KEYS(2), 1, BM_UNIT_WITHDRAWN, &fail), BM_OK);
    assert_true(bm_slots_held(&slots, KEYS(1, 2), 2, BM_UNIT_WITHDRAWN));
    assert_int_equal(bm_slots_state(&slots, 0, KEYS(1), 1), BM_UNIT_WITHDRAWN);
    assert_int_equal(bm_slots_hold(&slots, KEYS(1), 1, BM_UNIT_SCRAPPED, &fail), BM_OK);
    assert_int_equal(bm_slots_hold(&slots, KEYS(1), 1, BM_UNIT_WITHDRAWN, &fail), BM_OK);
    assert_int_equal(bm_slots_state(&slots, 0, KEYS(1), 1), BM_UNIT_SCRAPPED);

    assert_int_equal(bm_slots_hold(&slots, KEYS(4), 1, BM_UNIT_SCRAPPED, &fail), BM_OK);
    assert_int_equal(bm_slots_hold(&slots, KEYS(4), 1, BM_UNIT_WITHDRAWN, &fail), BM_OK);
    assert_int_equal(slots.nunits, 1); /* it takes no unit, so it can use none up */
    assert_int_equal(bm_slots_state(&slots, BM_NONE, KEYS(3, 4), 2), BM_UNIT_SCRAPPED);
    assert_int_equal(bm_slots_state(&slots, BM_NONE, KEYS(3), 1), BM_UNIT_FREE);
    assert_int_equal(USE(&slots, 3, 4), BM_OK);
    assert_int_equal(slots.units[1].state, BM_UNIT_SCRAPPED);
    assert_int_equal(USE(&slots, 5), BM_OK);
    assert_int_equal(slots.units[2].state, BM_UNIT_FREE);
    bm_slots_done(&slots);
}

/* What can't be: bm_slots_find() says so before anything is on record. */
static void
a_chip_is_never_another(void **state)
{
    struct bm_chip_names chip = { .n = 1 }, listed = { .n = 1, .by_id = true };
    struct bm_slots slots;
    struct bm_fail fail;
    uint8_t key[BM_HASH];
    uint32_t unit = 12345;
    bool other;

    (void)state;
    bm_slots_init(&slots, 99);
    assert_int_equal(USE(&slots, 1), BM_OK);
    key_of(chip.names[0], 100); /* its root key is one that was certified as an operational key */
    (void)take(&slots, 0, "mqtt", 0x41, 100);
    assert_int_equal(bm_slots_find(&slots, &chip, chip.names[0], site, &other), BM_NONE);
    assert_true(other);
    key_of(chip.names[0], 2);
    assert_int_equal(bm_slots_find(&slots, &chip, chip.names[0], site, &other), BM_NONE);
    assert_false(other);

    key_of(listed.names[0], 50); /* listed by its id: bound to the first root key that speaks, which is nobody else's */
    key_of(key, 1);
    assert_int_equal(bm_slots_find(&slots, &listed, key, site, &other), BM_NONE);
    assert_true(other);
    key_of(key, 3);
    assert_int_equal(bm_slots_find(&slots, &listed, key, site, &other), BM_NONE);
    assert_false(other);
    assert_int_equal(bm_slots_name(&slots, &listed, key, site, &unit, &fail), BM_OK);
    assert_int_equal(unit_of(&slots, 3), unit);
    assert_int_equal(bm_slots_find(&slots, &listed, key, site, &other), unit);
    assert_false(other);
    key_of(key, 4);
    assert_int_equal(bm_slots_find(&slots, &listed, key, site, &other), unit);
    assert_true(other);
    bm_slots_done(&slots);
}

static void
chips_change_places_and_devices_do_not(void **state)
{
    struct bm_slots slots;
    struct bm_fail fail;
    uint32_t device, spare;

    (void)state;
    bm_slots_init(&slots, 99);
    assert_int_equal(USE(&slots, 1, 2), BM_OK);
    assert_int_equal(USE(&slots, 5), BM_OK);
    assert_int_equal(USE(&slots, 6), BM_OK);
    device = unit_of(&slots, 1);
    spare = unit_of(&slots, 5);
    bm_slots_live(&slots, device, BM_LIFE_SUSPENDED);
    bm_slots_swap(&slots, device, spare);
    bm_slots_live(&slots, device, BM_LIFE_REPAIRED);
    assert_int_equal(unit_of(&slots, 5), device);
    assert_int_equal(unit_of(&slots, 1), spare);
    assert_int_equal(unit_of(&slots, 2), spare);
    assert_int_equal(unit_of(&slots, 6), 2);
    assert_int_equal(slots.units[device].state, BM_UNIT_ACTIVE);
    assert_int_equal(slots.units[spare].state, BM_UNIT_RETIRED);
    assert_int_equal(bm_slots_hold(&slots, KEYS(1, 2), 2, BM_UNIT_WITHDRAWN, &fail), BM_OK); /* a recall says nothing new of it */
    bm_slots_live(&slots, spare, BM_LIFE_ACTIVE);
    assert_int_equal(slots.units[spare].state, BM_UNIT_RETIRED);
    bm_slots_done(&slots);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_key_of_a_chip_leads_to_its_unit),
        cmocka_unit_test(a_later_list_makes_no_second_unit),
        cmocka_unit_test(a_device_id_is_what_the_format_says),
        cmocka_unit_test(identities_are_by_unit_and_service),
        cmocka_unit_test(what_is_held_stays_held),
        cmocka_unit_test(a_chip_is_never_another),
        cmocka_unit_test(chips_change_places_and_devices_do_not),
        cmocka_unit_test(a_table_finds_a_hundred_thousand_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
