/* test_manifest.c - our own manifests: what a chipmaker made is read, and no byte of it can be changed. */
#include "kit.h"

#define CHIPS 16
#define SIGNER "example-silicon.example/lots"

static struct bm_note_signer signer;
static struct bm_buf leaves[CHIPS];

struct told {
    uint64_t nleaves;
    struct kit_odd odd;
};

static enum bm_rc
tell_chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
          struct bm_fail *fail)
{
    struct told *told = ctx;

    (void)digest;
    (void)fail;
    assert_int_equal(index, told->nleaves);
    assert_true(bm_bytes_equal(der, bm_buf_bytes(&leaves[index])));
    told->nleaves++;
    kit_odd_take(&told->odd, index, chip);
    return BM_OK;
}

static enum bm_rc
make(struct bm_buf *file, size_t n)
{
    struct bm_bytes views[CHIPS];

    for (size_t i = 0; i < n; i++)
        views[i] = bm_buf_bytes(&leaves[i]);
    return kit_manifest(file, "EX-001", "Example Silicon", views, n, &signer);
}

static enum bm_rc
read_by(struct bm_lot_result *ret, struct bm_bytes file, const struct bm_note_key *keys, size_t nkeys, struct told *told)
{
    struct bm_vendor vendor = { .name = "example", .keys = keys, .nkeys = nkeys };
    struct bm_lot_sink sink = { .chip = tell_chip, .ctx = told };

    return kit_lot_read(ret, file, &vendor, &sink);
}

static int
make_chips(void **state)
{
    (void)state;
    kit_signer(&signer, SIGNER, 1);
    for (size_t i = 0; i < CHIPS; i++) {
        struct bm_leaf leaf;
        char id[16];

        (void)snprintf(id, sizeof(id), "chip-%zu", i);
        kit_leaf(&leaf, id, i % 3 + 1);
        leaves[i] = (struct bm_buf){ .max = BM_MAX_LEAF };
        assert_ok(bm_leaf_build(&leaves[i], &leaf, &kit_fail));
    }
    return bm_crypto_new(&kit_crypto, &kit_fail) == BM_OK ? 0 : -1;
}

static int
drop_chips(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHIPS; i++)
        bm_buf_done(&leaves[i]);
    bm_crypto_free(kit_crypto);
    return 0;
}

static void
sixteen_chips_are_read(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_lot_result result;
    struct told told = { .nleaves = 0 };

    (void)state;
    assert_ok(make(&file, CHIPS));
    assert_true(bm_manifest_reader.probe(bm_buf_bytes(&file)));
    assert_ok(read_by(&result, bm_buf_bytes(&file), &signer.key, 1, &told));
    assert_int_equal(told.nleaves, CHIPS);
    assert_int_equal(told.odd.n, 0);
    assert_int_equal(result.checked, 1);
    assert_int_equal(result.format, BM_FORMAT_BIRTHMARK);
    assert_string_equal(result.head.lot, "EX-001");
    assert_string_equal(result.head.vendor, "Example Silicon");
    assert_int_equal(result.head.size, CHIPS);
    assert_int_equal(strncmp(result.signer, SIGNER " ", strlen(SIGNER) + 1), 0);
    assert_true(result.head_note.n > 0 && result.head_note.p > file.p && result.head_note.p < file.p + file.n);
}

/* The root is the one of RFC 6962, computed here by its definition for two leaves: SHA-256(01 || SHA-256(00 || a) || SHA-256(00 || b)). */
static void
the_root_is_that_of_rfc_6962(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, node = { .max = 65 }, entry = { .max = BM_MAX_LEAF + 1 };
    struct bm_lot_result result;
    struct told told = { .nleaves = 0 };
    uint8_t hash[BM_HASH];

    (void)state;
    assert_ok(make(&file, 2));
    assert_ok(read_by(&result, bm_buf_bytes(&file), &signer.key, 1, &told));
    bm_buf_add_u8(&node, 1);
    for (size_t i = 0; i < 2; i++) {
        bm_buf_reset(&entry);
        bm_buf_add_u8(&entry, 0);
        bm_buf_add_bytes(&entry, bm_buf_bytes(&leaves[i]));
        bm_sha256(hash, bm_buf_bytes(&entry));
        bm_buf_add(&node, hash, BM_HASH);
    }
    bm_sha256(hash, bm_buf_bytes(&node));
    assert_memory_equal(result.head.root, hash, BM_HASH);
}

static void
every_changed_byte_and_every_truncation_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_lot_result result;
    struct told told = { .nleaves = 0 };

    (void)state;
    assert_ok(make(&file, 3));
    for (size_t n = 0; n < file.n; n++)
        assert_int_not_equal(read_by(&result, bm_bytes(file.p, n), &signer.key, 1, &told), BM_OK);
    for (size_t i = 0; i < file.n; i++) {
        file.p[i] ^= 1;
        if (read_by(&result, bm_buf_bytes(&file), &signer.key, 1, &told) == BM_OK)
            fail_msg("byte %zu changed and read all the same", i);
        file.p[i] ^= 1;
    }
    assert_int_equal(told.nleaves, 0); /* nothing was told before the tree was checked */
    bm_buf_add_u8(&file, 0);
    assert_refused(
        BM_EPOLICY, read_by(&result, bm_buf_bytes(&file), &signer.key, 1, &told),
        "lot EX-001: there is more in the file than its 3 chips: it was changed after Example Silicon signed it, ask them for it again");
}

static void
one_changed_byte_is_refused_in_plain_words(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_lot_result result;
    struct told told = { .nleaves = 0 };

    (void)state;
    assert_ok(make(&file, CHIPS));
    file.p[file.n - 1] ^= 0x20;
    assert_refused(BM_EPOLICY, read_by(&result, bm_buf_bytes(&file), &signer.key, 1, &told),
                   "lot EX-001: the tree head does not match its 16 leaves: the file was changed after Example Silicon signed it, ask them "
                   "for it again");
}

static void
only_the_vendors_key_counts(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_lot_result result;
    struct told told = { .nleaves = 0 };
    struct bm_note_signer other, same_name;
    struct bm_note_key keys[2];

    (void)state;
    kit_signer(&other, "other.example/lots", 2);
    kit_signer(&same_name, SIGNER, 3);
    assert_ok(make(&file, CHIPS));
    assert_refused(BM_EPOLICY, read_by(&result, bm_buf_bytes(&file), &other.key, 1, &told),
                   "no key of example has signed the manifest: see whose it is, or add the new key to the vendor");
    assert_rc(BM_EPOLICY, read_by(&result, bm_buf_bytes(&file), &same_name.key, 1, &told));
    assert_rc(BM_EPOLICY, read_by(&result, bm_buf_bytes(&file), NULL, 0, &told));
    assert_int_equal(told.nleaves, 0);
    keys[0] = other.key;
    keys[1] = signer.key;
    assert_ok(read_by(&result, bm_buf_bytes(&file), keys, 2, &told));
}

static void
a_key_that_is_there_twice_is_refused_when_made_and_when_read(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, keep = { .max = BM_MAX_LEAF };
    struct bm_leaf leaf;

    (void)state;
    bm_buf_add_bytes(&keep, bm_buf_bytes(&leaves[5]));
    assert_ok(bm_leaf_parse(&leaf, bm_buf_bytes(&leaves[1]), &kit_fail));
    (void)snprintf(leaf.id, sizeof(leaf.id), "other");
    leaf.nkeys = 1;
    bm_buf_reset(&leaves[5]);
    assert_ok(bm_leaf_build(&leaves[5], &leaf, &kit_fail));
    assert_refused(BM_EPOLICY, make(&file, CHIPS),
                   "chip 5: other has a root key that chip 1 has too: two chips with one key cannot be told apart");
    assert_int_equal(file.n, 0);
    bm_buf_reset(&leaves[5]);
    bm_buf_add_bytes(&leaves[5], bm_buf_bytes(&keep));
}

static void
an_id_that_is_there_twice_is_found(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, keep = { .max = BM_MAX_LEAF };
    struct bm_lot_result result;
    struct told told = { .nleaves = 0 };
    struct bm_leaf leaf;

    (void)state;
    bm_buf_add_bytes(&keep, bm_buf_bytes(&leaves[5]));
    kit_leaf(&leaf, "chip-1", 1);
    bm_buf_reset(&leaves[5]);
    assert_ok(bm_leaf_build(&leaves[5], &leaf, &kit_fail));
    assert_ok(make(&file, CHIPS));
    assert_ok(read_by(&result, bm_buf_bytes(&file), &signer.key, 1, &told));
    assert_int_equal(told.odd.n, 1);
    assert_string_equal(told.odd.sentence[0], "5: its id chip-1 is that of chip 1 too: one id stands for two keys");
    bm_buf_reset(&leaves[5]);
    bm_buf_add_bytes(&leaves[5], bm_buf_bytes(&keep));
}

static void
lists_without_keys_are_told_apart_by_id(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, der = { .max = BM_MAX_LEAF };
    struct bm_leaf leaf;
    struct bm_bytes two[2];

    (void)state;
    kit_leaf(&leaf, "only-an-id", 0);
    leaf.kind = BM_LEAF_ID;
    leaf.rule = BM_ID_RULE_MICROCHIP_SN;
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    two[0] = two[1] = bm_buf_bytes(&der);
    assert_refused(BM_EPOLICY, kit_manifest(&file, "EX-002", "Example Silicon", two, 2, &signer),
                   "chip 1: its id only-an-id is that of chip 0 too, and the list has nothing else to tell them apart");
    two[1] = bm_buf_bytes(&leaves[0]);
    assert_refused(BM_EINPUT, kit_manifest(&file, "EX-002", "Example Silicon", two, 2, &signer),
                   "chip 1 (chip-0) is listed by keys in a lot of kind id");
    assert_ok(kit_manifest(&file, "EX-002", "Example Silicon", two, 1, &signer));
}

static void
names_that_cannot_be_read_back_are_not_signed(void **state)
{
    static const char *const bad[][2] = { { "", "Vendor" },
                                          { "EX 1", "Vendor" },
                                          { "EX-1", "" },
                                          { "EX-1", " V" },
                                          { "EX-1", "V\nsize 1" },
                                          { ".", "Vendor" },
                                          { "12345678901234567890123456789012345678901234567890123456789012345", "Vendor" } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
        struct bm_bytes one = bm_buf_bytes(&leaves[0]);

        assert_rc(BM_EINPUT, kit_manifest(&file, bad[i][0], bad[i][1], &one, 1, &signer));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_chips_are_read),
        cmocka_unit_test(the_root_is_that_of_rfc_6962),
        cmocka_unit_test(every_changed_byte_and_every_truncation_is_refused),
        cmocka_unit_test(one_changed_byte_is_refused_in_plain_words),
        cmocka_unit_test(only_the_vendors_key_counts),
        cmocka_unit_test(a_key_that_is_there_twice_is_refused_when_made_and_when_read),
        cmocka_unit_test(an_id_that_is_there_twice_is_found),
        cmocka_unit_test(lists_without_keys_are_told_apart_by_id),
        cmocka_unit_test(names_that_cannot_be_read_back_are_not_signed),
    };

    return cmocka_run_group_tests(tests, make_chips, drop_chips);
}
