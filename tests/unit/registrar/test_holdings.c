/* test_holdings.c - lots and their indexes: whose key it is, and what follows when two lots list one chip. */
#include "../testing.h"

#include "pki/private.h"
#include "record/site.h"
#include "registrar/conflict.h"
#include "wire/text.h"

#include <fcntl.h>
#include <unistd.h>

#define KEYS 6

static struct {
    char home[64];
    struct bm_store *store;
    struct bm_holdings holdings;
    struct bm_key key[KEYS];
} kit;

/* A chip: its id, where the id was read, and its key. */
struct chip {
    const char *id;
    enum bm_label_source source;
    int key; /* -1: kind id */
};

static void
leaf_add(struct bm_index_writer *writer, const struct chip *chip)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    static struct bm_leaf leaf;

    leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT, .id_source = chip->source, .nkeys = 1 };
    (void)snprintf(leaf.id, sizeof(leaf.id), "%s", chip->id);
    if (chip->key < 0) {
        leaf.kind = BM_LEAF_ID;
        leaf.rule = BM_ID_RULE_MICROCHIP_SN;
        leaf.nkeys = 0;
    } else {
        leaf.keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = kit.key[chip->key] };
    }
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    assert_ok(bm_index_add(writer, bm_buf_bytes(&der), &kit_fail));
}

static void
index_write(const struct chip *chips, size_t n, uint8_t ret_root[static BM_HASH])
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_fd_done) int fd = -1;
    char tmp[BM_PATH], path[BM_PATH], hex[2 * BM_HASH + 1];
    uint64_t size;

    (void)snprintf(tmp, sizeof(tmp), "%s/lots/new", kit.home);
    assert_true((fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) >= 0);
    assert_ok(bm_index_create(&writer, fd, &kit_fail));
    for (size_t i = 0; i < n; i++)
        leaf_add(writer, &chips[i]);
    assert_ok(bm_index_finish(writer, &size, ret_root, &kit_fail));
    bm_hex(hex, bm_bytes(ret_root, BM_HASH));
    (void)snprintf(path, sizeof(path), "%s/" BM_PLACE_INDEX, kit.home, hex);
    assert_int_equal(rename(tmp, path), 0);
}

/* A lot that is here, with its index. */
static int64_t
lot_add(const char *name, const char *source, const struct chip *chips, size_t n)
{
    struct bm_store_lot lot = { .vendor = "V", .size = n, .revision = 1 };
    int64_t id = 0;

    (void)snprintf(lot.name, sizeof(lot.name), "%s", name);
    (void)snprintf(lot.source, sizeof(lot.source), "%s", source);
    index_write(chips, n, lot.root);
    assert_ok(bm_store_lot_pinned(kit.store, &lot, 0, 0, &id, &kit_fail));
    assert_ok(bm_holdings_load(&kit.holdings, kit.store, &kit_fail));
    return id;
}

static int
site_make(void **state)
{
    char path[BM_PATH];

    (void)state;
    (void)snprintf(kit.home, sizeof(kit.home), "/tmp/birthmark-holdings-XXXXXX");
    assert_non_null(mkdtemp(kit.home));
    assert_ok(bm_path_join(path, kit.home, "lots", &kit_fail));
    assert_ok(bm_dir_make(path, 0755, &kit_fail));
    assert_ok(bm_path_join(path, kit.home, "db", &kit_fail));
    assert_ok(bm_store_open(&kit.store, path, &kit_fail));
    kit.holdings = (struct bm_holdings){ .home = kit.home };
    return 0;
}

static int
site_remove(void **state)
{
    char command[128];

    (void)state;
    bm_holdings_done(&kit.holdings);
    bm_store_done(&kit.store);
    (void)snprintf(command, sizeof(command), "rm -rf %s", kit.home);
    return system(command);
}

static int
keys_make(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        bm_cleanup(bm_private_done) struct bm_private *key = NULL;

        assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
        kit.key[i] = *bm_private_public(key);
    }
    return 0;
}

static const char *
lot_of(int key)
{
    struct bm_found_chip chip;

    assert_ok(bm_holdings_find_key(&kit.holdings, kit.store, kit.key[key].hash, &chip, &kit_fail));
    return chip.found ? chip.holding->lot.name : "";
}

/* ---- finding ---- */

static void
a_chip_is_found_by_key_and_by_identifier(void **state)
{
    static const struct chip chips[] = { { "A", BM_LABEL_SIGNED, 0 }, { "B", BM_LABEL_SIGNED, 1 } };
    struct bm_found_chip chip;

    (void)state;
    (void)lot_add("L-1", "birthmark", chips, 2);
    assert_string_equal(lot_of(1), "L-1");
    assert_string_equal(lot_of(2), "");
    assert_ok(bm_holdings_find_ski(&kit.holdings, kit.store, bm_key_ski(&kit.key[1]).octets, &chip, &kit_fail));
    assert_true(chip.found);
    assert_int_equal(chip.index, 1);
    assert_null(bm_holdings_blind(&kit.holdings));
}

static void
of_two_lots_the_one_that_serves_and_then_the_one_with_an_order(void **state)
{
    static const struct chip first[] = { { "A", BM_LABEL_SIGNED, 0 } },
                             second[] = { { "A", BM_LABEL_SIGNED, 0 }, { "B", BM_LABEL_SIGNED, 1 } };
    static const char lots[1][BM_MAX_NAME + 1] = { "L-2" };
    const struct bm_store_profile profiles[] = { { .name = "p", .service = "mqtt", .text = bm_bytes_str("p") } };

    (void)state;
    (void)lot_add("L-1", "birthmark", first, 1);
    (void)lot_add("L-2", "birthmark", second, 2);
    assert_string_equal(lot_of(0), "L-1");
    assert_ok(bm_store_order_put(kit.store, "o", 1, 0, BM_TIME_NEVER, lots, 1, profiles, 1, 2, &kit_fail));
    assert_string_equal(lot_of(0), "L-2");
    assert_ok(bm_store_lot_state(kit.store, "L-2", "quarantined", "why", &kit_fail));
    assert_ok(bm_holdings_load(&kit.holdings, kit.store, &kit_fail));
    assert_string_equal(lot_of(0), "L-1");
    assert_string_equal(lot_of(1), "L-2"); /* why it does not serve is the signer's word */
}

static void
an_index_that_is_away_or_damaged_is_none_until_it_is_back(void **state)
{
    static const struct chip chips[] = { { "A", BM_LABEL_SIGNED, 0 } };
    char path[BM_PATH], hex[2 * BM_HASH + 1];
    uint8_t root[BM_HASH];

    (void)state;
    (void)lot_add("L-1", "birthmark", chips, 1);
    bm_hex(hex, bm_bytes(kit.holdings.all[0].lot.root, BM_HASH));
    (void)snprintf(path, sizeof(path), "%s/" BM_PLACE_INDEX, kit.home, hex);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(lot_of(0), "");
    assert_string_equal(bm_holdings_blind(&kit.holdings), "L-1");
    index_write(chips, 1, root);
    assert_int_equal(truncate(path, 300), 0);
    assert_string_equal(lot_of(0), "");
    index_write(chips, 1, root);
    assert_string_equal(lot_of(0), "L-1");
    assert_int_equal(unlink(path), 0);
    assert_string_equal(lot_of(0), "L-1"); /* it stays open */
    assert_ok(bm_holdings_load(&kit.holdings, kit.store, &kit_fail));
    assert_string_equal(lot_of(0), "L-1");
}

/* ---- two lots ---- */

static void
look(struct bm_conflicts *conflicts, enum bm_lot_source source, const char *vendor, const struct chip *chips, size_t n)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    struct bm_pin pin = { .source = source, .size = n, .lot = "NEW" };
    bool more = true;

    (void)snprintf(pin.vendor, sizeof(pin.vendor), "%s", vendor);
    index_write(chips, n, pin.root);
    index = bm_holdings_index(&kit.holdings, pin.root, n);
    assert_non_null(index);
    while (more)
        assert_ok(bm_conflicts_look(conflicts, &kit.holdings, &pin, index, &more, &kit_fail));
}

static void
who_vouches_decides_who_is_kept_out(void **state)
{
    static const struct {
        const char *other;         /* source of the lot that is here, with chip "A", key 0, and "Z", key 5 */
        enum bm_label_source is;   /* where its ids come from */
        enum bm_lot_source source; /* of the one that comes in */
        struct chip chip;
        enum bm_verdict verdict;
        const char *says;
    } cases[] = {
        /* the very same chip: only lists that are signed as a whole claim it */
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_BIRTHMARK, { "A", BM_LABEL_SIGNED, 0 }, BM_VERDICT_BOTH, "ask the chipmaker which list" },
        { "csv", BM_LABEL_SIGNED, BM_SOURCE_CSV, { "A", BM_LABEL_SIGNED, 0 }, BM_VERDICT_BOTH, "stands in lot OLD too, as A" },
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_MICROCHIP, { "A", BM_LABEL_SIGNED, 0 }, BM_VERDICT_NEW, "OLD stays as it is" },
        { "microchip", BM_LABEL_SIGNED, BM_SOURCE_MICROCHIP, { "A", BM_LABEL_SIGNED, 0 }, BM_VERDICT_NEW, "nobody signed the list of NEW" },
        { "microchip", BM_LABEL_SIGNED, BM_SOURCE_BIRTHMARK, { "A", BM_LABEL_SIGNED, 0 }, BM_VERDICT_OLD, "NEW is taken" },
        { "csv", BM_LABEL_COLUMN, BM_SOURCE_CSV, { "A", BM_LABEL_SIGNED, 0 }, BM_VERDICT_OLD, "nobody signed the list of OLD" },
        { "ek", BM_LABEL_COMPUTED, BM_SOURCE_EK, { "A", BM_LABEL_COMPUTED, 0 }, BM_VERDICT_NEW, "nobody signed the list of NEW" },
        { "infineon", BM_LABEL_FILE_NAME, BM_SOURCE_INFINEON, { "A", BM_LABEL_FILE_NAME, 0 }, BM_VERDICT_NEW, NULL },
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_EK, { "A", BM_LABEL_CERTIFICATE, 0 }, BM_VERDICT_NEW, NULL },
        /* one key with two ids: both are vouched for, or not */
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_MICROCHIP, { "B", BM_LABEL_SIGNED, 0 }, BM_VERDICT_BOTH, "stands in lot OLD too, as A" },
        { "ek", BM_LABEL_CERTIFICATE, BM_SOURCE_EK, { "B", BM_LABEL_CERTIFICATE, 0 }, BM_VERDICT_BOTH, NULL },
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_CSV, { "B", BM_LABEL_COLUMN, 0 }, BM_VERDICT_NEW, NULL },
        { "infineon", BM_LABEL_FILE_NAME, BM_SOURCE_MICROCHIP, { "B", BM_LABEL_SIGNED, 0 }, BM_VERDICT_OLD, NULL },
        { "csv", BM_LABEL_COLUMN, BM_SOURCE_CSV, { "B", BM_LABEL_COLUMN, 0 }, BM_VERDICT_NEW, NULL },
        /* one id with two keys: a column or a file name is no id */
        { "birthmark",
          BM_LABEL_SIGNED,
          BM_SOURCE_BIRTHMARK,
          { "A", BM_LABEL_SIGNED, 1 },
          BM_VERDICT_BOTH,
          "has another root key in lot OLD" },
        { "microchip", BM_LABEL_SIGNED, BM_SOURCE_MICROCHIP, { "A", BM_LABEL_SIGNED, 1 }, BM_VERDICT_BOTH, NULL },
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_CSV, { "A", BM_LABEL_COLUMN, 1 }, BM_VERDICT_NONE, NULL },
        { "infineon", BM_LABEL_FILE_NAME, BM_SOURCE_BIRTHMARK, { "A", BM_LABEL_SIGNED, 1 }, BM_VERDICT_NONE, NULL },
        /* listed by its id alone, where the other lists its key */
        { "microchip", BM_LABEL_SIGNED, BM_SOURCE_MICROCHIP, { "A", BM_LABEL_SIGNED, -1 }, BM_VERDICT_NEW, NULL },
        /* nothing in common */
        { "birthmark", BM_LABEL_SIGNED, BM_SOURCE_BIRTHMARK, { "B", BM_LABEL_SIGNED, 1 }, BM_VERDICT_NONE, NULL },
    };

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_conflicts_done) struct bm_conflicts conflicts = { .n = 0 };
        const struct chip here[] = { { "A", cases[i].is, 0 }, { "Z", cases[i].is, 5 } };
        enum bm_verdict verdict;

        assert_int_equal(site_make(state), 0);
        (void)lot_add("OLD", cases[i].other, here, 2);
        look(&conflicts, cases[i].source, "V", &cases[i].chip, 1);
        verdict = conflicts.n == 0 ? BM_VERDICT_NONE : bm_conflicts_worst(&conflicts)->verdict;
        if (verdict != cases[i].verdict)
            fail_msg("case %zu: verdict %d, not %d", i, (int)verdict, (int)cases[i].verdict);
        if (cases[i].says != NULL && strstr(conflicts.all[0].sentence, cases[i].says) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, conflicts.all[0].sentence, cases[i].says);
        assert_int_equal(site_remove(state), 0);
    }
}

static void
every_lot_is_compared_and_the_withdrawn_and_quarantined_too(void **state)
{
    static const struct chip first[] = { { "A", BM_LABEL_SIGNED, 0 } }, second[] = { { "B", BM_LABEL_SIGNED, 1 } },
                             third[] = { { "C", BM_LABEL_COLUMN, 2 } }, fourth[] = { { "D", BM_LABEL_SIGNED, 3 } };
    static const struct chip all[] = { { "A", BM_LABEL_SIGNED, 0 }, { "B", BM_LABEL_SIGNED, 1 }, { "C", BM_LABEL_SIGNED, 2 } };
    bm_cleanup(bm_conflicts_done) struct bm_conflicts conflicts = { .n = 0 };

    (void)state;
    (void)lot_add("L-1", "birthmark", first, 1);
    (void)lot_add("L-2", "birthmark", second, 1);
    (void)lot_add("L-3", "csv", third, 1);
    (void)lot_add("L-4", "birthmark", fourth, 1);
    assert_ok(bm_store_lot_state(kit.store, "L-2", "quarantined", "why", &kit_fail));
    assert_ok(bm_store_lot_state(kit.store, "L-3", "withdrawn", "why", &kit_fail));
    assert_ok(bm_holdings_load(&kit.holdings, kit.store, &kit_fail));
    look(&conflicts, BM_SOURCE_BIRTHMARK, "W", all, 3);
    assert_int_equal(conflicts.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(conflicts.all[i].verdict, BM_VERDICT_BOTH); /* from a withdrawn list no chip comes back by itself */
}

static void
ids_are_one_vendors_own(void **state)
{
    static const struct chip here[] = { { "A", BM_LABEL_SIGNED, 0 } }, there[] = { { "A", BM_LABEL_SIGNED, 1 } };
    bm_cleanup(bm_conflicts_done) struct bm_conflicts conflicts = { .n = 0 };

    (void)state;
    (void)lot_add("L-1", "birthmark", here, 1);
    look(&conflicts, BM_SOURCE_BIRTHMARK, "W", there, 1);
    assert_int_equal(conflicts.n, 0);
}

static void
a_lot_that_cannot_be_looked_into_lets_no_other_in(void **state)
{
    static const struct chip here[] = { { "A", BM_LABEL_SIGNED, 0 } }, there[] = { { "B", BM_LABEL_SIGNED, 1 } };
    bm_cleanup(bm_conflicts_done) struct bm_conflicts conflicts = { .n = 0 };
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    struct bm_pin pin = { .source = BM_SOURCE_BIRTHMARK, .size = 1, .lot = "NEW", .vendor = "V" };
    char path[BM_PATH], hex[2 * BM_HASH + 1];
    bool more;

    (void)state;
    (void)lot_add("L-1", "birthmark", here, 1);
    bm_hex(hex, bm_bytes(kit.holdings.all[0].lot.root, BM_HASH));
    (void)snprintf(path, sizeof(path), "%s/" BM_PLACE_INDEX, kit.home, hex);
    assert_int_equal(unlink(path), 0);
    index_write(there, 1, pin.root);
    index = bm_holdings_index(&kit.holdings, pin.root, 1);
    assert_refused_saying(BM_EPOLICY, bm_conflicts_look(&conflicts, &kit.holdings, &pin, index, &more, &kit_fail),
                          "must be compared with every other: the index of lot L-1 is missing or damaged");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, site_make, site_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_chip_is_found_by_key_and_by_identifier),
        TEST(of_two_lots_the_one_that_serves_and_then_the_one_with_an_order),
        TEST(an_index_that_is_away_or_damaged_is_none_until_it_is_back),
        cmocka_unit_test(who_vouches_decides_who_is_kept_out),
        TEST(every_lot_is_compared_and_the_withdrawn_and_quarantined_too),
        TEST(ids_are_one_vendors_own),
        TEST(a_lot_that_cannot_be_looked_into_lets_no_other_in),
    };

    return cmocka_run_group_tests(tests, keys_make, NULL);
}
