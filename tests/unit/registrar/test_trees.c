/* test_trees.c - the proof that a chip stands in its lot comes from the lot's index, and from the store's hashes where there is no good one. */
#include "../testing.h"

#include "record/site.h"
#include "registrar/trees.h"
#include "wire/text.h"

#include <fcntl.h>
#include <sys/mman.h>

#define CHIPS 5

static struct {
    char home[64], index[BM_PATH];
    struct bm_store *store;
    struct bm_store_lot lot;
    uint8_t hash[CHIPS][BM_HASH];
} kit;

/* Leaves of kind id: they need no keys. */
static void
index_write(int fd)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    struct bm_leaf leaf = { .kind = BM_LEAF_ID, .root = BM_ROOT_SECURE_ELEMENT, .rule = BM_ID_RULE_MICROCHIP_SN };

    assert_ok(bm_index_create(&writer, fd, &kit_fail));
    for (unsigned i = 0; i < CHIPS; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };

        (void)snprintf(leaf.id, sizeof(leaf.id), "0123%02X", i);
        assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
        assert_ok(bm_index_add(writer, bm_buf_bytes(&der), &kit_fail));
        bm_tree_leaf(kit.hash[i], bm_buf_bytes(&der));
    }
    assert_ok(bm_index_finish(writer, &kit.lot.size, kit.lot.root, &kit_fail));
}

static int
site_make(void **state)
{
    char path[BM_PATH], hex[2 * BM_HASH + 1];
    int fd = memfd_create("index", MFD_CLOEXEC);

    (void)state;
    (void)snprintf(kit.home, sizeof(kit.home), "/tmp/birthmark-trees-XXXXXX");
    assert_non_null(mkdtemp(kit.home));
    assert_ok(bm_path_join(path, kit.home, "lots", &kit_fail));
    assert_ok(bm_dir_make(path, 0755, &kit_fail));
    assert_ok(bm_path_join(path, kit.home, "db", &kit_fail));
    assert_ok(bm_store_open(&kit.store, path, &kit_fail));
    index_write(fd);
    assert_int_equal(close(fd), 0);
    bm_hex(hex, bm_bytes(kit.lot.root, BM_HASH));
    (void)snprintf(kit.index, sizeof(kit.index), "%s/" BM_PLACE_INDEX, kit.home, hex);
    assert_ok(bm_store_lot_arrive(kit.store, "L", 1, "V", "birthmark", CHIPS, kit.lot.root, 0, &kit.lot.id, &kit_fail));
    return 0;
}

static int
site_remove(void **state)
{
    char command[128];

    (void)state;
    bm_store_close(kit.store);
    (void)snprintf(command, sizeof(command), "rm -rf %s", kit.home);
    return system(command);
}

static void
index_place(void)
{
    bm_cleanup(bm_fd_done) int fd = open(kit.index, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    index_write(fd);
}

static void
is_proved(struct bm_trees *trees)
{
    struct bm_proof proof;

    for (uint64_t i = 0; i < CHIPS; i++) {
        assert_ok(bm_trees_prove(trees, kit.store, &kit.lot, i, &proof, &kit_fail));
        assert_ok(bm_inclusion_check(&proof, i, CHIPS, kit.hash[i], kit.lot.root, &kit_fail));
    }
    assert_rc(BM_EINPUT, bm_trees_prove(trees, kit.store, &kit.lot, CHIPS, &proof, &kit_fail));
}

static void
the_index_is_enough(void **state)
{
    bm_cleanup(bm_trees_done) struct bm_trees trees = { .home = kit.home };

    (void)state;
    index_place();
    is_proved(&trees);
    assert_int_equal(unlink(kit.index), 0);
    is_proved(&trees); /* it stays open */
}

static void
without_a_good_one_the_store_must_have_the_hashes(void **state)
{
    bm_cleanup(bm_trees_done) struct bm_trees trees = { .home = kit.home };
    struct bm_proof proof;

    (void)state;
    assert_rc(BM_EBUG, bm_trees_prove(&trees, kit.store, &kit.lot, 0, &proof, &kit_fail));
    index_place();
    assert_int_equal(truncate(kit.index, 300), 0);
    assert_rc(BM_EBUG, bm_trees_prove(&trees, kit.store, &kit.lot, 0, &proof, &kit_fail));
    assert_ok(bm_store_lot_hashes_put(kit.store, kit.lot.id, bm_bytes(kit.hash, sizeof(kit.hash)), &kit_fail));
    is_proved(&trees);
}

static void
an_index_of_another_tree_proves_nothing(void **state)
{
    bm_cleanup(bm_trees_done) struct bm_trees trees = { .home = kit.home };
    struct bm_store_lot other = kit.lot;
    struct bm_proof proof;
    char path[BM_PATH], hex[2 * BM_HASH + 1];

    (void)state;
    index_place();
    other.root[0] ^= 1;
    other.id = kit.lot.id + 1;
    bm_hex(hex, bm_bytes(other.root, BM_HASH));
    (void)snprintf(path, sizeof(path), "%s/" BM_PLACE_INDEX, kit.home, hex);
    assert_int_equal(rename(kit.index, path), 0);
    assert_rc(BM_EBUG, bm_trees_prove(&trees, kit.store, &other, 0, &proof, &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_is_enough),
        cmocka_unit_test(without_a_good_one_the_store_must_have_the_hashes),
        cmocka_unit_test(an_index_of_another_tree_proves_nothing),
    };

    return cmocka_run_group_tests(tests, site_make, site_remove);
}
