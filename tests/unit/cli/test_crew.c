/* test_crew.c - a lot read by several confined processes is the lot read by one; what crashes them refuses the file. */
#include "../lot/kit.h"
#include "../lot/maker.h"

#include "cli/crew.h"
#include "proc/confine_list.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CHIPS 300 /* more than four runs of a worker */
#define Y2024 1704067200

struct told {
    uint64_t n;
    uint8_t leaves[BM_HASH]; /* one hash over all that was told, in order */
};

static enum bm_rc
tell_chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
          struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf all = { .max = 1 << 16 };
    struct told *told = ctx;

    (void)digest;
    assert_int_equal(index, told->n++);
    bm_buf_add(&all, told->leaves, BM_HASH);
    bm_lot_chip_build(&all, chip, der);
    bm_sha256(told->leaves, bm_buf_bytes(&all));
    return bm_buf_check(&all, "what was told", fail);
}

static void
own_file_make(struct bm_buf *file, struct bm_note_signer *signer)
{
    static struct bm_buf leaves[CHIPS];
    static struct bm_bytes views[CHIPS];
    static struct bm_leaf leaf;

    kit_signer(signer, "maker.example", 1);
    for (size_t i = 0; i < CHIPS; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "c-%zu", i);
        kit_leaf(&leaf, id, 1);
        leaves[i] = (struct bm_buf){ .max = BM_MAX_LEAF };
        assert_ok(bm_leaf_build(&leaves[i], &leaf, &kit_fail));
        views[i] = bm_buf_bytes(&leaves[i]);
    }
    assert_ok(kit_manifest(file, "EX-9", "Example", views, CHIPS, signer));
    for (size_t i = 0; i < CHIPS; i++)
        bm_buf_done(&leaves[i]);
}

/* By one process in the plain way, and by crews of several sizes: the same result, the same chips in the same order. */
static void
same_by_any_crew(const struct bm_lot_job *job)
{
    struct told alone = { .n = 0 };
    struct bm_lot_sink sink = { .chip = tell_chip, .ctx = &alone };
    struct bm_lot_result one, many;

    assert_ok(bm_lot_read(&one, job, &sink, &kit_fail));
    for (unsigned workers = 1; workers <= 5; workers += 2) {
        struct told told = { .n = 0 };

        sink.ctx = &told;
        assert_ok(bm_crew_read(&many, job, &sink, workers, &kit_fail));
        assert_int_equal(told.n, CHIPS);
        assert_memory_equal(told.leaves, alone.leaves, BM_HASH);
        assert_memory_equal(many.head.root, one.head.root, BM_HASH);
        assert_string_equal(many.head.lot, one.head.lot);
        assert_string_equal(many.signer, one.signer);
        assert_int_equal(many.checked, one.checked);
        assert_int_equal(many.signed_whole, one.signed_whole);
        assert_true(bm_bytes_equal(many.head_note, one.head_note));
    }
}

static void
own_manifests_are_read_alike(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 4 << 20 };
    struct bm_note_signer signer;
    struct bm_vendor vendor = { .name = "Example", .keys = &signer.key, .nkeys = 1 };
    struct bm_lot_job job = { .vendor = &vendor, .crypto = kit_crypto };
    struct bm_lot_result result;

    (void)state;
    own_file_make(&file, &signer);
    job.file = bm_buf_bytes(&file);
    same_by_any_crew(&job);
    file.p[file.n / 2] ^= 1;
    assert_refused(
        BM_EPOLICY, bm_crew_read(&result, &job, NULL, 2, &kit_fail),
        "lot EX-9: the tree head does not match its 300 leaves: the file was changed after Example signed it, ask them for it again");
}

static void
foreign_manifests_are_read_alike(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 8 << 20 };
    struct bm_lot_job job = { .name = "EXAMPLE1-8", .crypto = kit_crypto };
    struct bm_vendor vendor = { .name = "Example" };
    struct bm_lot_result result;
    struct bm_bytes signer;
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, BM_TIME_NEVER);
    for (size_t i = 0; i < CHIPS; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%08zx", i);
        bm_buf_add_str(&file, i == 0 ? "[" : ",");
        maker_entry(&file, &maker, id, 1);
    }
    bm_buf_add_str(&file, "]");
    signer = bm_buf_bytes(&maker.cert);
    vendor.signers = (struct bm_certs_list){ &signer, 1 };
    job.vendor = &vendor;
    job.file = bm_buf_bytes(&file);
    same_by_any_crew(&job);
    job.file.n -= 1;
    assert_refused(BM_EINPUT, bm_crew_read(&result, &job, NULL, 2, &kit_fail), "this is not a JSON list of objects, or it is cut short");
    maker_close(&maker);
}

/* What a library would load or open at its first use is not there for a confined process: a real 7z of 7z comes through all the same. */
static void
infineons_real_reel_is_read_confined(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 4 << 20 };
    const struct bm_vendor vendor = { .name = "Infineon" };
    struct bm_lot_job job = { .vendor = &vendor, .crypto = kit_crypto, .file_name = "reel.7z" };
    struct told told = { .n = 0 };
    const struct bm_lot_sink sink = { .chip = tell_chip, .ctx = &told };
    struct bm_lot_result result;

    (void)state;
    if (!kit_shared(&file, "data/infineon/manifest-infineon.7z"))
        kit_skip(KIT_NO_SHARED);
    job.file = bm_buf_bytes(&file);
    assert_ok(bm_crew_read(&result, &job, &sink, 1, &kit_fail));
    assert_int_equal(told.n, 200);
}

/* A page of the file that nobody may read: the worker that comes to it dies as a parser's bug would make it. */
static void
a_worker_that_dies_refuses_the_file(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 4 << 20 };
    struct bm_note_signer signer;
    struct bm_vendor vendor = { .name = "Example", .keys = &signer.key, .nkeys = 1 };
    struct bm_lot_job job = { .vendor = &vendor, .crypto = kit_crypto };
    struct bm_lot_result result;
    uint8_t *map;

    (void)state;
    own_file_make(&file, &signer);
    map = mmap(NULL, file.n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    memcpy(map, file.p, file.n);
    assert_int_equal(mprotect(map + (file.n / 2 & ~(size_t)4095), 4096, PROT_NONE), 0);
    job.file = bm_bytes(map, file.n);
    assert_refused(BM_EINPUT, bm_crew_read(&result, &job, NULL, 2, &kit_fail),
                   "the process that read the file ended at about chip 0: the file is refused, look where it comes from");
    (void)munmap(map, file.n);
}

/* ---- mock faults: what a reader that foreign bytes lead astray does ---- */

static void
loop(void *ctx, uint64_t at)
{
    volatile unsigned *turns = ctx;

    (void)at;
    for (;;)
        ++*turns;
}

/* All there is, to the last 16 bytes; nothing of it is ever used or given back. */
static void
hoard(void *ctx, uint64_t at)
{
    void *volatile *kept = ctx;

    (void)at;
    for (size_t n = 8 << 20; n >= 16;)
        if ((*kept = malloc(n)) == NULL)
            n /= 2;
}

static void
a_worker_that_never_ends_refuses_the_file(void **state)
{
    const struct bm_crew_bounds bounds = { .cpu = 1, .memory = 256u << 20 };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 4 << 20 };
    struct bm_note_signer signer;
    struct bm_vendor vendor = { .name = "Example", .keys = &signer.key, .nkeys = 1 };
    unsigned turns = 0;
    struct bm_lot_job job = { .vendor = &vendor, .crypto = kit_crypto, .behind = loop, .behind_ctx = &turns };
    struct bm_lot_result result;

    (void)state;
    own_file_make(&file, &signer);
    job.file = bm_buf_bytes(&file);
    assert_refused(
        BM_EINPUT, bm_crew_read_within(&result, &job, NULL, 2, &bounds, &kit_fail),
        "the file was not read in 1 seconds of processor time, and stands at about chip 0: it is refused, look where it comes from");
}

static void
a_worker_that_wants_too_much_memory_refuses_the_file(void **state)
{
    const struct bm_crew_bounds bounds = { .cpu = 10, .memory = 64u << 20 };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 4 << 20 };
    struct bm_note_signer signer;
    struct bm_vendor vendor = { .name = "Example", .keys = &signer.key, .nkeys = 1 };
    void *volatile kept = NULL;
    struct bm_lot_job job = { .vendor = &vendor, .crypto = kit_crypto, .behind = hoard, .behind_ctx = (void *)(uintptr_t)&kept };
    struct bm_lot_result result;

    (void)state;
    if (bm_extra_space) /* a sanitizer's build, which has no such bound */
        return;
    own_file_make(&file, &signer);
    job.file = bm_buf_bytes(&file);
    assert_refused(BM_EINPUT, bm_crew_read_within(&result, &job, NULL, 2, &bounds, &kit_fail),
                   "more than 64 MiB of memory are wanted to read the file: it is refused, look where it comes from");
}

/* Larger files have longer, and the bounds are far from what a good file needs. */
static void
bounds_follow_the_size(void **state)
{
    (void)state;
    assert_int_equal(bm_crew_bounds(0).cpu, 60);
    assert_int_equal(bm_crew_bounds(100u << 20).cpu, 1060);
    assert_int_equal(bm_crew_bounds(BM_MAX_LOT_FILE).memory, 3u << 29);
}

/* What a taken-over worker could send: every truncation and every changed front is refused, or is a chip that reads like any other. */
static void
chips_that_come_back_are_parsed_strictly(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF }, bytes = { .max = 1 << 16 }, again = { .max = 1 << 16 };
    static struct bm_lot_chip chip, back;
    struct bm_bytes view;

    (void)state;
    bm_lot_chip_reset(&chip);
    kit_leaf(&chip.leaf, "chip", 1);
    chip.have = true;
    chip.time = 77;
    bm_lot_chip_find(&chip, BM_CHECK_LABEL, "an oddity");
    assert_ok(bm_leaf_build(&der, &chip.leaf, &kit_fail));
    bm_lot_chip_build(&bytes, &chip, bm_buf_bytes(&der));
    assert_ok(bm_lot_chip_parse(&back, &view, bm_buf_bytes(&bytes), &kit_fail));
    bm_lot_chip_build(&again, &back, view);
    assert_true(bm_bytes_equal(bm_buf_bytes(&bytes), bm_buf_bytes(&again)));
    for (size_t n = 0; n < bytes.n; n++)
        assert_rc(BM_EINPUT, bm_lot_chip_parse(&back, &view, bm_bytes(bytes.p, n), &kit_fail));
    bytes.p[0] = 2;
    assert_rc(BM_EINPUT, bm_lot_chip_parse(&back, &view, bm_buf_bytes(&bytes), &kit_fail));
}

/* The leaf among it is looked at where it is joined to the others. */
static void
a_leaf_that_comes_back_is_skimmed_strictly(void **state)
{
    const struct bm_lot_job job = { .crypto = kit_crypto };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    bm_cleanup(bm_join_done) struct bm_join *join = NULL;
    static struct bm_lot_chip chip;

    (void)state;
    bm_lot_chip_reset(&chip);
    kit_leaf(&chip.leaf, "chip", 2);
    chip.have = true;
    assert_ok(bm_leaf_build(&der, &chip.leaf, &kit_fail));
    assert_ok(bm_join_new(&join, &job, NULL, &kit_fail));
    for (size_t n = 0; n < der.n; n++)
        assert_rc(BM_EINPUT, bm_join_chip(join, &chip, bm_bytes(der.p, n), &kit_fail));
    assert_ok(bm_join_chip(join, &chip, bm_buf_bytes(&der), &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_manifests_are_read_alike),
        cmocka_unit_test(foreign_manifests_are_read_alike),
        cmocka_unit_test(infineons_real_reel_is_read_confined),
        cmocka_unit_test(a_worker_that_dies_refuses_the_file),
        cmocka_unit_test(a_worker_that_never_ends_refuses_the_file),
        cmocka_unit_test(a_worker_that_wants_too_much_memory_refuses_the_file),
        cmocka_unit_test(bounds_follow_the_size),
        cmocka_unit_test(chips_that_come_back_are_parsed_strictly),
        cmocka_unit_test(a_leaf_that_comes_back_is_skimmed_strictly),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
