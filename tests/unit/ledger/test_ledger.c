/* test_ledger.c - leaves kept in tiles give the same tree as leaves in memory, at every size, and a changed leaf is found. */
#include "ledger/ledger.h"

#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), BM_OK)

struct fixture {
    char dir[64];
    char path[128];
    struct bm_store *store;
    struct bm_fail fail;
};

static int
setup(void **state)
{
    struct fixture *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    (void)snprintf(t->dir, sizeof(t->dir), "/tmp/bm-ledger-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    (void)snprintf(t->path, sizeof(t->path), "%s/birthmark.db", t->dir);
    OK(bm_store_open(&t->store, t->path, &t->fail));
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    static const char *const suffixes[] = { "", "-wal" };
    struct fixture *t = *state;

    bm_store_close(t->store);
    for (size_t i = 0; i < BM_COUNT(suffixes); i++) {
        char path[192];

        (void)snprintf(path, sizeof(path), "%s%s", t->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(t->dir), 0);
    free(t);
    return 0;
}

/* An event of its own for every index. */
static struct bm_event
event_make(struct bm_buf *text, uint64_t i)
{
    char count[24];
    struct bm_event event = { .kind = BM_EVENT_REFUSED_COUNTED, .time = 1700000000 + (bm_time)i };

    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)i + 1);
    event.count = bm_bytes_str(count);
    bm_buf_reset(text);
    bm_event_build(text, &event);
    event.count = bm_bytes(NULL, 0);
    return event;
}

static void
append(struct fixture *t, struct bm_ledger *ledger, uint64_t i)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1000 };
    const uint8_t salt[BM_SALT] = { (uint8_t)i };
    struct bm_event event = event_make(&text, i);

    OK(bm_ledger_append(ledger, i, &event, salt, bm_buf_bytes(&text), bm_bytes(NULL, 0), &t->fail));
}

static void
tiles_give_the_tree_that_the_leaves_give(void **state)
{
    struct fixture *t = *state;
    const uint64_t sizes[] = { 1, 2, 255, 256, 257, 600, 1024, 1300 };
    struct bm_ledger ledger;
    uint64_t at = 0;

    OK(bm_ledger_open(&ledger, t->store, &t->fail));
    for (size_t k = 0; k < BM_COUNT(sizes); k++) {
        uint8_t live[BM_HASH], again[BM_HASH], made[BM_HASH];
        struct bm_tree_source source;
        struct bm_ledger reopened;

        OK(bm_store_begin(t->store, &t->fail));
        for (; at < sizes[k]; at++)
            append(t, &ledger, at);
        OK(bm_store_commit(t->store, &t->fail));
        OK(bm_ledger_open(&reopened, t->store, &t->fail));
        bm_frontier_root(&ledger.frontier, live);
        bm_frontier_root(&reopened.frontier, again);
        assert_memory_equal(live, again, BM_HASH);
        source = bm_ledger_source(&ledger);
        OK(bm_root_make(made, &source, at, &t->fail));
        assert_memory_equal(live, made, BM_HASH);
    }
}

static void
every_leaf_is_proved_from_tiles(void **state)
{
    struct fixture *t = *state;
    struct bm_tree_source source;
    struct bm_ledger ledger;
    uint8_t root[BM_HASH];

    OK(bm_ledger_open(&ledger, t->store, &t->fail));
    for (uint64_t i = 0; i < 300; i++)
        append(t, &ledger, i);
    bm_frontier_root(&ledger.frontier, root);
    source = bm_ledger_source(&ledger);
    for (uint64_t i = 0; i < 300; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf hash = { .max = BM_HASH };
        struct bm_proof proof;

        OK(bm_store_leaf_hashes(t->store, i, 1, &hash, &t->fail));
        OK(bm_inclusion_make(&proof, &source, i, 300, &t->fail));
        OK(bm_inclusion_check(&proof, i, 300, hash.p, root, &t->fail));
    }
}

static void
a_leaf_out_of_turn_is_a_bug(void **state)
{
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1000 };
    const uint8_t salt[BM_SALT] = { 0 };
    struct bm_event event = event_make(&text, 0);
    struct bm_ledger ledger;

    OK(bm_ledger_open(&ledger, t->store, &t->fail));
    assert_int_equal(bm_ledger_append(&ledger, 1, &event, salt, bm_buf_bytes(&text), bm_bytes(NULL, 0), &t->fail), BM_EBUG);
}

static void
a_changed_cut_or_extended_ledger_does_not_close(void **state)
{
    struct fixture *t = *state;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1000 };
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = 4000 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer;
    struct bm_checkpoint checkpoint = { .origin = "ledger.example/1", .size = 5 };
    const uint8_t seed[BM_NOTE_KEY] = { 7 };

    OK(bm_note_signer_init(&signer, "ledger.example/1", seed, &t->fail));
    for (int change = -1; change <= 5; change++) {
        struct bm_ledger_check check = { .frontier = { .size = 0 } };

        for (uint64_t i = 0; i < 5; i++) {
            uint8_t salt[BM_SALT] = { (uint8_t)i };

            (void)event_make(&text, i);
            if (change == (int)i)
                salt[31] ^= 1;
            OK(bm_ledger_check_leaf(&check, i, salt, bm_buf_bytes(&text), &t->fail));
        }
        if (change == -1) {
            bm_frontier_root(&check.frontier, checkpoint.root);
            OK(bm_checkpoint_sign(&note, &checkpoint, &signer, &t->fail));
        }
        if (change == 5) {
            const uint8_t salt[BM_SALT] = { 5 };

            OK(bm_ledger_check_leaf(&check, 5, salt, bm_buf_bytes(&text), &t->fail));
        }
        assert_int_equal(bm_ledger_check_close(&check, bm_buf_bytes(&note), &signer.key, "ledger.example/1", &t->fail),
                         change == -1 ? BM_OK : BM_EPOLICY);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tiles_give_the_tree_that_the_leaves_give, setup, teardown),
        cmocka_unit_test_setup_teardown(every_leaf_is_proved_from_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(a_leaf_out_of_turn_is_a_bug, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_cut_or_extended_ledger_does_not_close, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
