/* test_leaf.c - chips: one set of keys has one encoding, and nothing else is read. */
#include "kit.h"

static void
built_and_read_back(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF }, again = { .max = BM_MAX_LEAF };
    static struct bm_leaf leaf, read; /* two are too large for a frame */

    (void)state;
    kit_leaf(&leaf, "0123f2408ea1fcf201", BM_MAX_CHIP_KEYS);
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    assert_ok(bm_leaf_parse(&read, bm_buf_bytes(&der), &kit_fail));
    assert_string_equal(read.id, "0123f2408ea1fcf201");
    assert_int_equal(read.root, BM_ROOT_SECURE_ELEMENT);
    assert_int_equal(read.nkeys, BM_MAX_CHIP_KEYS);
    for (size_t i = 0; i < leaf.nkeys; i++) {
        const struct bm_leaf_key *key = bm_leaf_key(&read, leaf.keys[i].key.hash);

        assert_non_null(key);
        assert_int_equal(key->use, leaf.keys[i].use);
        assert_true(i == 0 || memcmp(read.keys[i - 1].key.hash, read.keys[i].key.hash, BM_HASH) < 0);
    }
    assert_null(bm_leaf_key(&read, leaf.hashes[0]));
    assert_memory_equal(read.hashes[0], leaf.hashes[0], BM_HASH);
    assert_ok(bm_leaf_build(&again, &read, &kit_fail));
    assert_true(bm_bytes_equal(bm_buf_bytes(&der), bm_buf_bytes(&again)));
}

static void
the_order_of_keys_does_not_matter(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf one = { .max = BM_MAX_LEAF }, two = { .max = BM_MAX_LEAF };
    static struct bm_leaf leaf, turned;

    (void)state;
    kit_leaf(&leaf, "chip", 3);
    turned = leaf;
    turned.keys[0] = leaf.keys[2];
    turned.keys[2] = leaf.keys[0];
    assert_ok(bm_leaf_build(&one, &leaf, &kit_fail));
    assert_ok(bm_leaf_build(&two, &turned, &kit_fail));
    assert_true(bm_bytes_equal(bm_buf_bytes(&one), bm_buf_bytes(&two)));
}

static void
every_truncation_and_every_added_byte_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    struct bm_leaf leaf;

    (void)state;
    kit_leaf(&leaf, "chip", 2);
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    for (size_t n = 0; n < der.n; n++)
        assert_rc(BM_EINPUT, bm_leaf_parse(&leaf, bm_bytes(der.p, n), &kit_fail));
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_leaf_parse(&leaf, bm_buf_bytes(&der), &kit_fail));
}

/* What the reader refuses is written with other tools: the builder would not. */
static void
add_leaf(struct bm_buf *buf, unsigned version, unsigned kind, unsigned root, const char *id, const struct bm_leaf_key *const *keys,
         size_t nkeys, size_t hash_size, size_t nhashes)
{
    static const uint8_t hash[BM_HASH + 1];
    size_t all = bm_der_begin(buf, BM_DER_SEQUENCE), list;

    bm_der_add_uint(buf, BM_DER_INTEGER, version);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, kind);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, root);
    bm_der_add_uint(buf, BM_DER_ENUMERATED, BM_ORIGIN_UNSAID);
    bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(id));
    bm_der_add_uint(buf, BM_DER_ENUMERATED, BM_LABEL_SIGNED);
    if (kind == BM_LEAF_ID) {
        size_t binding = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));

        bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes(hash, BM_HASH));
        bm_der_add_uint(buf, BM_DER_ENUMERATED, BM_ID_RULE_MICROCHIP_SN);
        bm_der_end(buf, binding);
    }
    bm_der_end(buf, bm_der_begin(buf, BM_DER_SEQUENCE));
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    for (size_t i = 0; i < nkeys; i++) {
        size_t item = bm_der_begin(buf, BM_DER_SEQUENCE);

        bm_der_add_uint(buf, BM_DER_ENUMERATED, keys[i]->use);
        bm_buf_add_bytes(buf, bm_key_spki(&keys[i]->key));
        bm_der_end(buf, item);
    }
    bm_der_end(buf, list);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    for (size_t i = 0; i < nhashes; i++)
        bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes(hash, hash_size));
    bm_der_end(buf, list);
    bm_der_end(buf, all);
}

static void
what_is_out_of_range_is_refused(void **state)
{
    static struct bm_leaf leaf, read; /* two are too large for a frame */
    const struct bm_leaf_key *sorted[2], *turned[2], *twice[2];

    static const char *const ids[] = { "",        "has space",
                                       "slash/",  "12345678901234567890123456789012345678901234567890123456789012345",
                                       "nul\x01", "\xc3\xbc" };

    (void)state;
    kit_leaf(&leaf, "chip", 2);
    sorted[0] = &leaf.keys[memcmp(leaf.keys[0].key.hash, leaf.keys[1].key.hash, BM_HASH) < 0 ? 0 : 1];
    sorted[1] = sorted[0] == &leaf.keys[0] ? &leaf.keys[1] : &leaf.keys[0];
    turned[0] = sorted[1];
    turned[1] = sorted[0];
    twice[0] = twice[1] = sorted[0];
    const struct {
        unsigned version, kind, root;
        const struct bm_leaf_key *const *keys;
        size_t nkeys, hash_size, nhashes;
        enum bm_rc want;
    } cases[] = {
        { 2, 1, 1, sorted, 2, 32, 2, BM_OK },     { 2, 2, 4, sorted, 0, 32, 8, BM_OK },     { 1, 1, 1, sorted, 2, 32, 0, BM_EINPUT },
        { 3, 1, 1, sorted, 2, 32, 0, BM_EINPUT }, { 2, 0, 1, sorted, 2, 32, 0, BM_EINPUT }, { 2, 3, 1, sorted, 2, 32, 0, BM_EINPUT },
        { 2, 1, 0, sorted, 2, 32, 0, BM_EINPUT }, { 2, 1, 5, sorted, 2, 32, 0, BM_EINPUT }, { 2, 1, 1, turned, 2, 32, 0, BM_EINPUT },
        { 2, 1, 1, twice, 2, 32, 0, BM_EINPUT },  { 2, 1, 1, sorted, 0, 32, 0, BM_EINPUT }, { 2, 2, 1, sorted, 1, 32, 0, BM_EINPUT },
        { 2, 1, 1, sorted, 2, 31, 1, BM_EINPUT }, { 2, 1, 1, sorted, 2, 33, 1, BM_EINPUT }, { 2, 1, 1, sorted, 2, 0, 1, BM_EINPUT },
        { 2, 1, 1, sorted, 2, 32, 9, BM_EINPUT },
    };
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };

        add_leaf(&der, cases[i].version, cases[i].kind, cases[i].root, "chip", cases[i].keys, cases[i].nkeys, cases[i].hash_size,
                 cases[i].nhashes);
        if (bm_leaf_parse(&read, bm_buf_bytes(&der), &kit_fail) != cases[i].want)
            fail_msg("case %zu: %s", i, kit_fail.text);
    }
    for (size_t i = 0; i < BM_COUNT(ids); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };

        add_leaf(&der, 2, 1, 1, ids[i], sorted, 2, 32, 0);
        assert_rc(BM_EINPUT, bm_leaf_parse(&read, bm_buf_bytes(&der), &kit_fail));
    }
}

static void
labels_are_sorted_and_not_there_twice(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    static struct bm_leaf leaf, read;

    (void)state;
    kit_leaf(&leaf, "chip", 1);
    leaf.origin = BM_ORIGIN_INJECTED;
    leaf.id_source = BM_LABEL_FILE_NAME;
    assert_true(bm_leaf_label_add(&leaf, BM_LABEL_REEL, BM_LABEL_SIGNED, bm_bytes_str("R-7")));
    assert_true(bm_leaf_label_add(&leaf, BM_LABEL_DATE, BM_LABEL_COLUMN, bm_bytes_str("2025-06-01")));
    assert_true(bm_leaf_label_add(&leaf, BM_LABEL_REEL, BM_LABEL_SIGNED, bm_bytes_str("R-8")));
    assert_false(bm_leaf_label_add(&leaf, "empty", BM_LABEL_SIGNED, bm_bytes_str("")));
    assert_false(bm_leaf_label_add(&leaf, "lines", BM_LABEL_SIGNED, bm_bytes_str("a\nb")));
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    assert_ok(bm_leaf_parse(&read, bm_buf_bytes(&der), &kit_fail));
    assert_int_equal(read.nlabels, 2);
    assert_int_equal(read.origin, BM_ORIGIN_INJECTED);
    assert_int_equal(read.id_source, BM_LABEL_FILE_NAME);
    assert_string_equal(read.labels[0].name, BM_LABEL_DATE);
    assert_string_equal(bm_leaf_label(&read, BM_LABEL_REEL), "R-8");
    assert_null(bm_leaf_label(&read, BM_LABEL_FIRMWARE));
    (void)snprintf(leaf.labels[1].name, sizeof(leaf.labels[1].name), "%s", leaf.labels[0].name);
    assert_rc(BM_EINPUT, bm_leaf_build(&der, &leaf, &kit_fail));
}

static void
nine_keys_are_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    const struct bm_leaf_key *keys[BM_MAX_CHIP_KEYS + 1];
    struct bm_leaf leaf;

    (void)state;
    kit_leaf(&leaf, "chip", BM_MAX_CHIP_KEYS);
    for (size_t i = 0; i < BM_COUNT(keys); i++)
        keys[i] = &leaf.keys[i % BM_MAX_CHIP_KEYS];
    add_leaf(&der, 2, 1, 1, "chip", keys, BM_COUNT(keys), 32, 0);
    assert_refused(BM_EINPUT, bm_leaf_parse(&leaf, bm_buf_bytes(&der), &kit_fail), "the chip has more than 8 root keys");
}

static void
the_builder_refuses_what_the_reader_would(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    static struct bm_leaf leaf, bad;

    (void)state;
    kit_leaf(&leaf, "chip", 2);
    bad = leaf;
    bad.keys[1] = bad.keys[0];
    assert_refused(BM_EINPUT, bm_leaf_build(&der, &bad, &kit_fail), "the chip chip has one root key twice");
    bad = leaf;
    bad.nkeys = 0;
    assert_rc(BM_EINPUT, bm_leaf_build(&der, &bad, &kit_fail));
    bad.kind = BM_LEAF_ID;
    assert_refused(BM_EINPUT, bm_leaf_build(&der, &bad, &kit_fail),
                   "the chip chip is listed by its id, and it is not said how a certificate shows that id");
    bad.rule = BM_ID_RULE_MICROCHIP_SN;
    assert_ok(bm_leaf_build(&der, &bad, &kit_fail));
    bad = leaf;
    bad.id[0] = '/';
    assert_rc(BM_EINPUT, bm_leaf_build(&der, &bad, &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_and_read_back),
        cmocka_unit_test(the_order_of_keys_does_not_matter),
        cmocka_unit_test(every_truncation_and_every_added_byte_is_refused),
        cmocka_unit_test(what_is_out_of_range_is_refused),
        cmocka_unit_test(labels_are_sorted_and_not_there_twice),
        cmocka_unit_test(nine_keys_are_refused),
        cmocka_unit_test(the_builder_refuses_what_the_reader_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
