/* test_index.c - a lot's index: what went in is found and proven, and nothing that is not whole is opened. */
#include "kit.h"

#include "custody/index_layout.h"

#define CHIPS 65

static struct bm_leaf leaves[CHIPS];

static int
make_chips(void **state)
{
    char id[16];

    (void)state;
    for (size_t i = 0; i < CHIPS; i++) {
        (void)snprintf(id, sizeof(id), "chip-%zu", i);
        kit_leaf(&leaves[i], id, i % 3 + 1);
    }
    return 0;
}

/* ---- found ---- */

static void
chip_is_there(const struct bm_index *index, struct bm_tree *tree, uint64_t i)
{
    struct bm_tree_source source = bm_tree_source(tree);
    struct bm_proof proof, want;
    uint64_t at = UINT64_MAX;
    bool found = false;

    for (size_t k = 0; k < leaves[i].nkeys; k++) {
        assert_ok(bm_index_find_key(index, leaves[i].keys[k].key.hash, &found, &at, &kit_fail));
        assert_true(found && at == i);
        at = UINT64_MAX;
        assert_ok(bm_index_find_ski(index, bm_key_ski(&leaves[i].keys[k].key).octets, &found, &at, &kit_fail));
        assert_true(found && at == i);
    }
    assert_ok(bm_index_find_id(index, leaves[i].id, &found, &at, &kit_fail));
    assert_true(found && at == i);
    assert_ok(bm_index_prove(index, i, &proof, &kit_fail));
    assert_ok(bm_inclusion_make(&want, &source, i, tree->size, &kit_fail));
    assert_int_equal(proof.n, want.n);
    assert_memory_equal(proof.hash, want.hash, want.n * BM_HASH);
}

static void
tree_add(struct bm_tree *tree, const struct bm_index *index, uint64_t i)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    uint8_t hash[BM_HASH];
    struct bm_bytes kept;

    assert_ok(bm_leaf_build(&der, &leaves[i], &kit_fail));
    assert_ok(bm_index_leaf(index, i, &kept, &kit_fail));
    assert_true(bm_bytes_equal(kept, bm_buf_bytes(&der)));
    bm_tree_leaf(hash, kept);
    assert_ok(bm_tree_append(tree, hash, &kit_fail));
}

static void
every_chip_is_found_and_proven_as_the_tree_does(void **state)
{
    static const size_t sizes[] = { 1, 2, 3, 7, 8, 9, 31, 32, 33, CHIPS };
    uint8_t root[BM_HASH], want[BM_HASH];

    (void)state;
    for (size_t s = 0; s < BM_COUNT(sizes); s++) {
        bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
        bm_cleanup(bm_tree_done) struct bm_tree tree;

        kit_lot(&lot, leaves, sizes[s]);
        bm_tree_init(&tree, sizes[s]);
        for (uint64_t i = 0; i < sizes[s]; i++)
            tree_add(&tree, lot.index, i);
        for (uint64_t i = 0; i < sizes[s]; i++)
            chip_is_there(lot.index, &tree, i);
        bm_index_root(lot.index, root);
        bm_tree_root(&tree, want);
        assert_memory_equal(root, want, BM_HASH);
        bm_index_forget(lot.index);
        chip_is_there(lot.index, &tree, sizes[s] - 1);
    }
}

static void
what_is_not_in_it_is_not_found(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    const struct bm_key *stranger = &leaves[CHIPS - 1].keys[0].key;
    struct bm_proof proof;
    struct bm_bytes der;
    uint64_t at = 0;
    bool found = true;

    (void)state;
    kit_lot(&lot, leaves, CHIPS - 1);
    assert_ok(bm_index_find_key(lot.index, stranger->hash, &found, &at, &kit_fail));
    assert_false(found);
    assert_ok(bm_index_find_ski(lot.index, bm_key_ski(stranger).octets, &found, &at, &kit_fail));
    assert_false(found);
    assert_ok(bm_index_find_id(lot.index, "chip", &found, &at, &kit_fail));
    assert_false(found);
    assert_rc(BM_EINPUT, bm_index_leaf(lot.index, CHIPS - 1, &der, &kit_fail));
    assert_rc(BM_EINPUT, bm_index_prove(lot.index, CHIPS - 1, &proof, &kit_fail));
}

static void
a_list_without_keys_is_found_by_its_ids(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    static struct bm_leaf two[2];
    uint8_t hash[BM_HASH];
    uint64_t at = 0;
    bool found = false;

    (void)state;
    kit_id_leaf(&two[0], "0123AA");
    kit_id_leaf(&two[1], "0123BB");
    kit_lot(&lot, two, 2);
    bm_leaf_id_hash(&two[1], hash);
    assert_ok(bm_index_find_key(lot.index, hash, &found, &at, &kit_fail));
    assert_true(found && at == 1);
    assert_ok(bm_index_find_id(lot.index, "0123AA", &found, &at, &kit_fail));
    assert_true(found && at == 0);
    assert_ok(bm_index_find_ski(lot.index, hash, &found, &at, &kit_fail));
    assert_false(found);
}

static void
of_chips_with_one_id_the_first_is_found(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    static struct bm_leaf few[6];
    uint64_t at = 0;
    bool found = false;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(few); i++) {
        few[i] = leaves[i];
        if (i >= 2)
            memcpy(few[i].id, "twin", sizeof("twin"));
    }
    kit_lot(&lot, few, BM_COUNT(few));
    assert_ok(bm_index_find_id(lot.index, "twin", &found, &at, &kit_fail));
    assert_true(found && at == 2);
}

/* ---- refused when made ---- */

static void
two_chips_with_one_key_are_refused(void **state)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_fd_done) int fd = kit_file();
    struct bm_leaf twin = leaves[9];
    uint8_t root[BM_HASH];
    uint64_t size = 0;

    (void)state;
    twin.keys[0] = leaves[4].keys[leaves[4].nkeys - 1];
    assert_ok(bm_index_create(&writer, fd, &kit_fail));
    for (size_t i = 0; i < 9; i++)
        kit_add(writer, &leaves[i]);
    kit_add(writer, &twin);
    assert_refused(BM_EPOLICY, bm_index_finish(writer, &size, root, &kit_fail),
                   "chip 9 has a root key that chip 4 has too: the two cannot be told apart");
}

static void
two_chips_with_one_id_are_refused_where_there_are_no_keys(void **state)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_fd_done) int fd = kit_file();
    uint8_t root[BM_HASH];
    uint64_t size = 0;
    struct bm_leaf leaf;

    (void)state;
    kit_id_leaf(&leaf, "0123AA");
    assert_ok(bm_index_create(&writer, fd, &kit_fail));
    kit_add(writer, &leaf);
    kit_add(writer, &leaf);
    assert_refused(BM_EPOLICY, bm_index_finish(writer, &size, root, &kit_fail),
                   "chip 1 has an id that chip 0 has too: the two cannot be told apart");
}

static void
two_kinds_no_leaf_and_no_chip_are_refused(void **state)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    bm_cleanup(bm_fd_done) int fd = kit_file();
    uint8_t root[BM_HASH];
    uint64_t size = 0;
    struct bm_leaf leaf;

    (void)state;
    kit_id_leaf(&leaf, "0123AA");
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    assert_ok(bm_index_create(&writer, fd, &kit_fail));
    assert_refused(BM_EINPUT, bm_index_finish(writer, &size, root, &kit_fail), "a lot has at least one chip");
    kit_add(writer, &leaves[0]);
    assert_refused(BM_EINPUT, bm_index_add(writer, bm_buf_bytes(&der), &kit_fail), "chip 1 is listed by id in a lot of kind keys");
    assert_rc(BM_EINPUT, bm_index_add(writer, bm_bytes(der.p, der.n - 1), &kit_fail));
}

static void
a_full_disk_is_told(void **state)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_fd_done) int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    uint8_t root[BM_HASH];
    uint64_t size = 0;

    (void)state;
    assert_ok(bm_index_create(&writer, fd, &kit_fail));
    kit_add(writer, &leaves[0]);
    assert_refused(BM_EBUSY, bm_index_finish(writer, &size, root, &kit_fail), "the disk is full: the index of the lot cannot be written");
}

/* ---- refused when opened ---- */

static enum bm_rc
open_bytes(struct bm_bytes bytes)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_fd_done) int fd = kit_file();

    assert_int_equal(pwrite(fd, bytes.p, bytes.n, 0), bytes.n);
    return bm_index_open(&index, fd, &kit_fail);
}

static void
bytes_take(struct bm_buf *buf, const struct kit_lot *lot)
{
    struct stat st;

    assert_int_equal(fstat(lot->fd, &st), 0);
    assert_int_equal(pread(lot->fd, bm_buf_grow(buf, (size_t)st.st_size), (size_t)st.st_size, 0), st.st_size);
}

static void
every_truncation_and_every_changed_byte_of_the_header_is_refused(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };

    (void)state;
    kit_lot(&lot, leaves, 5);
    bytes_take(&file, &lot);
    assert_ok(open_bytes(bm_buf_bytes(&file)));
    for (size_t n = 0; n < file.n; n++)
        assert_refused_saying(BM_EBUG, open_bytes(bm_bytes(file.p, n)), "the index of the lot is damaged: ");
    for (size_t i = 0; i < BM_INDEX_HEADER; i++) {
        file.p[i] ^= 0x10;
        assert_refused_saying(BM_EBUG, open_bytes(bm_buf_bytes(&file)), "the index of the lot is damaged: ");
        file.p[i] ^= 0x10;
    }
    bm_buf_add_u8(&file, 0);
    assert_rc(BM_EBUG, open_bytes(bm_buf_bytes(&file)));
}

static void
what_was_not_written_to_its_end_is_no_index(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };

    (void)state;
    kit_lot(&lot, leaves, 5);
    bytes_take(&file, &lot);
    memset(file.p, 0, BM_INDEX_HEADER);
    assert_refused(BM_EBUG, open_bytes(bm_buf_bytes(&file)),
                   "the index of the lot is damaged: it does not begin as one, or was not written to its end");
}

/* Asks for everything that this chip is known by; answers may be wrong, and nothing else may be. */
static void
ask_all(const struct bm_index *index, uint64_t i)
{
    struct bm_proof proof;
    struct bm_bytes der;
    uint64_t at = 0;
    bool found = false;

    (void)(bm_index_leaf(index, i, &der, &kit_fail) == BM_OK);
    (void)(bm_index_prove(index, i, &proof, &kit_fail) == BM_OK);
    if (bm_index_find_key(index, leaves[i].keys[0].key.hash, &found, &at, &kit_fail) == BM_OK && found)
        assert_int_equal(at, i);
    if (bm_index_find_ski(index, bm_key_ski(&leaves[i].keys[0].key).octets, &found, &at, &kit_fail) == BM_OK && found)
        assert_true(at < bm_index_size(index));
    if (bm_index_find_id(index, leaves[i].id, &found, &at, &kit_fail) == BM_OK && found)
        assert_true(at < bm_index_size(index));
}

static void
a_damaged_file_finds_nothing_false_and_does_not_crash(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };

    (void)state;
    kit_lot(&lot, leaves, 9);
    bytes_take(&file, &lot);
    for (size_t at = BM_INDEX_HEADER; at < file.n; at++) {
        bm_cleanup(bm_index_done) struct bm_index *index = NULL;
        const uint8_t bad = file.p[at] ^ (uint8_t)(0x80 >> at % 8);

        assert_int_equal(pwrite(lot.fd, &bad, 1, (off_t)at), 1);
        if (bm_index_open(&index, lot.fd, &kit_fail) == BM_OK)
            for (uint64_t i = 0; i < 9; i++)
                ask_all(index, i);
        assert_int_equal(pwrite(lot.fd, file.p + at, 1, (off_t)at), 1);
    }
}

/* Two hashes may begin alike: the record is only where to look. */
static void
a_record_that_begins_alike_is_passed_over(void **state)
{
    bm_cleanup(kit_lot_done) struct kit_lot lot = { .fd = -1 };
    struct bm_index_layout layout = { .kind = BM_LEAF_KEYS };
    uint8_t one[BM_INDEX_RECORD], two[BM_INDEX_RECORD], twin[BM_INDEX_RECORD];
    static struct bm_leaf pair[2]; /* a key each */
    uint64_t at = 0, second;
    bool found = false;

    (void)state;
    pair[0] = leaves[0];
    pair[1] = leaves[3];
    kit_lot(&lot, pair, 2);
    layout.chips = layout.names = 2;
    for (uint64_t i = 0; i < 2; i++) {
        struct bm_bytes der;

        assert_ok(bm_index_leaf(lot.index, i, &der, &kit_fail));
        layout.leaf_bytes += der.n;
    }
    bm_index_layout_place(&layout);
    assert_int_equal(pread(lot.fd, one, sizeof(one), (off_t)layout.table[BM_INDEX_KEYS]), sizeof(one));
    assert_int_equal(pread(lot.fd, two, sizeof(two), (off_t)layout.table[BM_INDEX_KEYS] + BM_INDEX_RECORD), sizeof(two));
    memcpy(twin, one, sizeof(twin)); /* the first record's chip, under the second one's hash */
    memcpy(twin, two, BM_INDEX_PREFIX);
    assert_int_equal(pwrite(lot.fd, twin, sizeof(twin), (off_t)layout.table[BM_INDEX_KEYS]), sizeof(twin));
    second = two[BM_INDEX_RECORD - 1];
    assert_ok(bm_index_find_key(lot.index, pair[second].keys[0].key.hash, &found, &at, &kit_fail));
    assert_true(found && at == second);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chip_is_found_and_proven_as_the_tree_does),
        cmocka_unit_test(what_is_not_in_it_is_not_found),
        cmocka_unit_test(a_list_without_keys_is_found_by_its_ids),
        cmocka_unit_test(of_chips_with_one_id_the_first_is_found),
        cmocka_unit_test(two_chips_with_one_key_are_refused),
        cmocka_unit_test(two_chips_with_one_id_are_refused_where_there_are_no_keys),
        cmocka_unit_test(two_kinds_no_leaf_and_no_chip_are_refused),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(every_truncation_and_every_changed_byte_of_the_header_is_refused),
        cmocka_unit_test(what_was_not_written_to_its_end_is_no_index),
        cmocka_unit_test(a_damaged_file_finds_nothing_false_and_does_not_crash),
        cmocka_unit_test(a_record_that_begins_alike_is_passed_over),
    };

    return cmocka_run_group_tests(tests, make_chips, NULL);
}
