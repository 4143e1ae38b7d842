/* test_reel.c - archives of Infineon's that are damaged or would swallow the machine are refused. */
#include "infineon_kit.h"

static void
damaged_archives_are_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, changed = { .max = 1 << 20 };
    struct bm_lot_result whole, result;
    size_t same = 0;

    (void)state;
    reel_pack(&file, &(struct recipe){ .ids = { "0A01" } });
    assert_ok(receive(&whole, bm_buf_bytes(&file), no_roots, false, NULL));
    for (size_t n = 0; n < file.n; n++)
        assert_rc(BM_EINPUT, receive(NULL, bm_bytes(file.p, n), no_roots, false, NULL));
    bm_buf_add_bytes(&changed, bm_buf_bytes(&file));
    for (size_t i = 0; i < file.n; i++) {
        changed.p[i] ^= 0x21;
        /* the archive's version number says nothing, and README.txt is not read */
        if (receive(&result, bm_buf_bytes(&changed), no_roots, false, NULL) == BM_OK) {
            assert_memory_equal(result.head.root, whole.head.root, BM_HASH);
            same++;
        }
        changed.p[i] ^= 0x21;
    }
    assert_true(same <= 2 + 2 * strlen(README) + 4); /* a rare letter takes up to 15 bits */
    bm_buf_add_u8(&changed, 0);
    assert_refused(BM_EINPUT, receive(NULL, bm_buf_bytes(&changed), no_roots, false, NULL),
                   "the archive is damaged or cut off, or something stands behind its end: ask for it again");
}

static void
archives_without_certificates_are_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct reels w;

    (void)state;
    reels_open(&w, 1 << 20);
    reels_add(&w, "README.txt", bm_bytes_str(README));
    reels_close(&w, &file);
    assert_refused(BM_EINPUT, receive(NULL, bm_buf_bytes(&file), no_roots, false, NULL),
                   "the archive holds none of Infineon's certificates (REEL_GUID_E0E0_Certs.7z with CHIP_E0E0.pem in it)");
    bm_buf_reset(&file);
    reels_open(&w, 1 << 20);
    reels_add(&w, "REEL1_guid_E0E0_Certs.7z", bm_bytes_str("no archive"));
    reels_close(&w, &file);
    assert_refused(BM_EINPUT, receive(NULL, bm_buf_bytes(&file), no_roots, false, NULL),
                   "REEL1_guid_E0E0_Certs.7z: it is not a 7z archive");
}

/* A delivery of one file of n zeros, which packs to next to nothing. */
static enum bm_rc
receive_zeros(const char *name, size_t n)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 24 };
    uint8_t *zeros = calloc(1, n);
    struct reels w;
    enum bm_rc rc;

    assert_non_null(zeros);
    reels_open(&w, 1 << 24);
    reels_add(&w, name, bm_bytes(zeros, n));
    reels_close(&w, &file);
    rc = receive(NULL, bm_buf_bytes(&file), no_roots, false, NULL);
    free(zeros);
    return rc;
}

static void
bombs_are_refused(void **state)
{
    static const uint8_t zeros[BM_MAX_PEM_FILE + 1];

    (void)state;
    assert_refused(BM_EINPUT, receive_zeros("REEL1_guid_E0E0_Certs.7z", BM_MAX_ARCHIVE_INNER + 1),
                   "REEL1_guid_E0E0_Certs.7z: a file in the archive is larger than 33554432 bytes");
    assert_refused(
        BM_EINPUT,
        receive_recipe(NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "0A02_E0E0.pem", .content = bm_bytes(zeros, sizeof(zeros)) },
                       NULL),
        "REEL1_guid_E0E0_Certs.7z: 0A02_E0E0.pem is larger than 16384 bytes, so it is no certificate");
}

static void
a_budget_is_for_all_archives_of_a_delivery(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_sevenz_budget budget = { .entries = 5, .expanded = 1 << 20 };
    bm_cleanup(bm_sevenz_done) struct bm_sevenz first = { .archive = NULL }, second = { .archive = NULL }, third = { .archive = NULL };
    struct bm_sevenz_entry entry;
    bool have = true;

    (void)state;
    reel_pack(&file, &(struct recipe){ .ids = { "0A01" } });
    assert_ok(bm_sevenz_open(&first, bm_buf_bytes(&file), &budget, &kit_fail));
    for (size_t i = 0; i < 4; i++) {
        assert_ok(bm_sevenz_next(&first, &have, &entry, &kit_fail));
        assert_true(have);
    }
    assert_string_equal(entry.name, "README.txt");
    assert_true(entry.clean && entry.file && !entry.encrypted && entry.size == 11);
    assert_ok(bm_sevenz_next(&first, &have, &entry, &kit_fail));
    assert_false(have);
    assert_ok(bm_sevenz_open(&second, bm_buf_bytes(&file), &budget, &kit_fail));
    assert_ok(bm_sevenz_next(&second, &have, &entry, &kit_fail));
    assert_refused(BM_EINPUT, bm_sevenz_next(&second, &have, &entry, &kit_fail),
                   "the delivery has more than 100000 files in its archives: divide it");
    assert_refused(BM_EINPUT, bm_sevenz_open(&third, bm_buf_bytes(&file), &budget, &kit_fail),
                   "archives lie in each other more than 2 deep");
    bm_sevenz_done(&second);
    budget = (struct bm_sevenz_budget){ .entries = 5, .expanded = 100, .depth = 1 };
    assert_ok(bm_sevenz_open(&second, bm_buf_bytes(&file), &budget, &kit_fail));
    /* by the size declared, before anything is expanded: what is passed over costs nothing either */
    assert_refused(BM_EINPUT, bm_sevenz_next(&second, &have, &entry, &kit_fail),
                   "the delivery would expand to more than 268435456 bytes: divide it");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_archives_are_refused),
        cmocka_unit_test(archives_without_certificates_are_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(a_budget_is_for_all_archives_of_a_delivery),
    };

    return kit_end(cmocka_run_group_tests(tests, pems_open, pems_close));
}
