/* test_journal.c - the journal gives back what was acknowledged, cuts what never was, and refuses to stand on anything else. */
#include "../testing.h"

#include "signer/journal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *const bodies[] = { "first", "", "the third, a little longer", "4" };

struct seen {
    size_t n;
    uint64_t at[8];
};

/* Record i has type i + 1 and the body of the table. */
static enum bm_rc
see(void *ctx, const struct bm_record *record, struct bm_fail *fail)
{
    struct seen *seen = ctx;

    (void)fail;
    assert_true(seen->n < BM_COUNT(bodies));
    assert_int_equal(record->type, seen->n + 1);
    assert_true(bm_bytes_equal(record->body, bm_bytes_str(bodies[seen->n])));
    seen->at[seen->n++] = record->at;
    return BM_OK;
}

static enum bm_rc
see_none(void *ctx, const struct bm_record *record, struct bm_fail *fail)
{
    (void)ctx;
    return bm_fail(fail, BM_EBUG, NULL, "a record at %llu", (unsigned long long)record->at);
}

static int
file_new(void)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static off_t
file_size(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    return st.st_size;
}

/* A journal of all bodies; where each begins, and behind the last where the file ends. */
static int
journal_make(uint64_t at[static BM_COUNT(bodies) + 1])
{
    struct bm_journal journal;
    struct bm_fail fail;
    int fd = file_new();

    assert_int_equal(bm_journal_open(&journal, fd, see_none, NULL, &fail), BM_OK);
    for (size_t i = 0; i < BM_COUNT(bodies); i++) {
        assert_int_equal(bm_journal_add(&journal, (uint8_t)(i + 1), bm_bytes_str(bodies[i]), &at[i], &fail), BM_OK);
        if (i % 2 == 1)
            assert_int_equal(bm_journal_sync(&journal, &fail), BM_OK);
    }
    assert_int_equal(bm_journal_sync(&journal, &fail), BM_OK);
    at[BM_COUNT(bodies)] = journal.size;
    bm_journal_close(&journal);
    return fd;
}

static void
what_was_added_comes_back(void **state)
{
    bm_cleanup(bm_fd_done) int fd = -1;
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = BM_MAX_RECORD };
    uint64_t at[BM_COUNT(bodies) + 1];
    struct seen seen = { .n = 0 };
    struct bm_journal journal;
    struct bm_record record;
    struct bm_fail fail;

    (void)state;
    fd = journal_make(at);
    assert_int_equal(bm_journal_open(&journal, fd, see, &seen, &fail), BM_OK);
    assert_int_equal(seen.n, BM_COUNT(bodies));
    assert_int_equal(journal.size, at[BM_COUNT(bodies)]);
    for (size_t i = 0; i < BM_COUNT(bodies); i++) {
        assert_int_equal(seen.at[i], at[i]);
        assert_int_equal(bm_journal_read(&journal, at[i], &buf, &record, &fail), BM_OK);
        assert_int_equal(record.type, i + 1);
        assert_true(bm_bytes_equal(record.body, bm_bytes_str(bodies[i])));
    }
    /* waiting ones too, and none beside */
    assert_int_equal(bm_journal_add(&journal, 9, bm_bytes_str("waits"), &at[0], &fail), BM_OK);
    assert_int_equal(bm_journal_read(&journal, at[0], &buf, &record, &fail), BM_OK);
    assert_true(bm_bytes_equal(record.body, bm_bytes_str("waits")));
    assert_int_equal(bm_journal_read(&journal, at[0] + 1, &buf, &record, &fail), BM_EBUG);
    assert_int_equal(bm_journal_read(&journal, 1u << 30, &buf, &record, &fail), BM_EBUG);
    bm_journal_close(&journal);
}

/* Every length at which a crash may have left the file: whole records stay, the torn one goes, and the journal goes on from there. */
static void
a_tail_torn_at_any_byte_is_cut(void **state)
{
    uint64_t at[BM_COUNT(bodies) + 1], more;
    struct bm_journal journal;
    struct bm_fail fail;

    (void)state;
    for (uint64_t end = 0;; end++) {
        bm_cleanup(bm_fd_done) int fd = journal_make(at);
        struct seen seen = { .n = 0 };
        size_t whole = 0;

        if (end > at[BM_COUNT(bodies)])
            break;
        while (whole < BM_COUNT(bodies) && at[whole + 1] <= end)
            whole++;
        assert_int_equal(ftruncate(fd, (off_t)end), 0);
        assert_int_equal(bm_journal_open(&journal, fd, see, &seen, &fail), BM_OK);
        assert_int_equal(seen.n, whole);
        assert_int_equal(file_size(fd), at[whole]);
        if (whole < BM_COUNT(bodies)) {
            assert_int_equal(bm_journal_add(&journal, (uint8_t)(whole + 1), bm_bytes_str(bodies[whole]), &more, &fail), BM_OK);
            assert_int_equal(bm_journal_sync(&journal, &fail), BM_OK);
            assert_int_equal(more, at[whole]);
            bm_journal_close(&journal);
            seen.n = 0;
            assert_int_equal(bm_journal_open(&journal, fd, see, &seen, &fail), BM_OK);
            assert_int_equal(seen.n, whole + 1);
        }
        bm_journal_close(&journal);
    }
}

static void
what_the_reader_says_of_a_record_comes_with_its_place(void **state)
{
    uint64_t at[BM_COUNT(bodies) + 1];
    bm_cleanup(bm_fd_done) int fd = journal_make(at);
    struct bm_journal journal;

    (void)state;
    assert_refused(BM_EBUG, bm_journal_open(&journal, fd, see_none, NULL, &kit_fail), "the signer's journal, byte 0: a record at 0");
}

static void
a_flipped_bit_anywhere_is_refused(void **state)
{
    uint64_t at[BM_COUNT(bodies) + 1];
    bm_cleanup(bm_fd_done) int fd = journal_make(at);
    struct bm_journal journal;
    struct bm_fail fail;

    (void)state;
    for (uint64_t i = 0; i < at[BM_COUNT(bodies)]; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct seen seen = { .n = 0 };
            uint8_t byte;

            assert_int_equal(pread(fd, &byte, 1, (off_t)i), 1);
            byte = (uint8_t)(byte ^ 1u << bit);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
            assert_int_equal(bm_journal_open(&journal, fd, see, &seen, &fail), BM_EBUG);
            assert_non_null(strstr(fail.text, "journal is damaged at byte"));
            assert_int_equal(file_size(fd), at[BM_COUNT(bodies)]); /* nothing was cut */
            byte = (uint8_t)(byte ^ 1u << bit);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
        }
}

/* Each record is chained to all before it: none can be taken out, doubled or put elsewhere. */
static void
records_out_of_their_place_are_refused(void **state)
{
    uint64_t at[BM_COUNT(bodies) + 1];
    bm_cleanup(bm_fd_done) int fd = journal_make(at);
    bm_cleanup(bm_fd_done) int other = file_new();
    uint8_t bytes[1024];
    size_t n = (size_t)at[BM_COUNT(bodies)];
    struct seen seen = { .n = 0 };
    struct bm_journal journal;
    struct bm_fail fail;

    (void)state;
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), n);
    assert_int_equal(pwrite(other, bytes, (size_t)at[1], 0), at[1]);
    assert_int_equal(pwrite(other, bytes + at[2], n - (size_t)at[2], (off_t)at[1]), n - at[2]); /* the second is left out */
    assert_int_equal(bm_journal_open(&journal, other, see, &seen, &fail), BM_EBUG);
}

static void
a_full_disk_ends_it_and_is_never_tried_again(void **state)
{
    char path[] = "/tmp/bm-journal-XXXXXX";
    bm_cleanup(bm_fd_done) int full = -1;
    bm_cleanup(bm_fd_done) int fd = mkstemp(path);
    struct bm_journal journal;
    struct bm_fail fail;
    uint64_t at;

    (void)state;
    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(bm_journal_open(&journal, fd, see_none, NULL, &fail), BM_OK);
    if ((full = open("/dev/full", O_RDWR | O_CLOEXEC)) < 0)
        kit_skip("there is no /dev/full");
    journal.fd = full;
    assert_int_equal(bm_journal_add(&journal, 1, bm_bytes_str("first"), &at, &fail), BM_OK);
    assert_int_equal(bm_journal_sync(&journal, &fail), BM_EBUG);
    assert_non_null(strstr(fail.text, "the disk is full"));
    journal.fd = fd; /* there is room again, and nobody believes it */
    assert_int_equal(bm_journal_sync(&journal, &fail), BM_EBUG);
    assert_int_equal(file_size(fd), 0);
    bm_journal_close(&journal);
}

/* /dev/null takes every write and refuses every fdatasync. */
static void
a_failed_fdatasync_is_never_tried_again(void **state)
{
    bm_cleanup(bm_fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bm_cleanup(bm_fd_done) int fd = file_new();
    struct bm_journal journal;
    struct bm_fail fail;
    uint64_t at;

    (void)state;
    assert_true(null >= 0);
    assert_int_equal(bm_journal_open(&journal, fd, see_none, NULL, &fail), BM_OK);
    journal.fd = null;
    assert_int_equal(bm_journal_add(&journal, 1, bm_bytes_str("first"), &at, &fail), BM_OK);
    assert_int_equal(bm_journal_sync(&journal, &fail), BM_EBUG);
    assert_non_null(strstr(fail.text, "can't be made durable"));
    journal.fd = fd;
    assert_int_equal(bm_journal_sync(&journal, &fail), BM_EBUG);
    bm_journal_close(&journal);
}

static void
a_record_longer_than_any_is_refused(void **state)
{
    bm_cleanup(bm_fd_done) int fd = file_new();
    uint8_t *body = calloc(1, BM_MAX_RECORD + 1);
    struct bm_journal journal;
    struct bm_fail fail;
    uint64_t at;

    (void)state;
    assert_non_null(body);
    assert_int_equal(bm_journal_open(&journal, fd, see_none, NULL, &fail), BM_OK);
    assert_int_equal(bm_journal_add(&journal, 1, bm_bytes(body, BM_MAX_RECORD + 1), &at, &fail), BM_EBUG);
    assert_int_equal(bm_journal_add(&journal, 1, bm_bytes(body, BM_MAX_RECORD), &at, &fail), BM_OK);
    assert_int_equal(bm_journal_sync(&journal, &fail), BM_OK);
    bm_journal_close(&journal);
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_comes_back),
        cmocka_unit_test(a_tail_torn_at_any_byte_is_cut),
        cmocka_unit_test(what_the_reader_says_of_a_record_comes_with_its_place),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(records_out_of_their_place_are_refused),
        cmocka_unit_test(a_full_disk_ends_it_and_is_never_tried_again),
        cmocka_unit_test(a_failed_fdatasync_is_never_tried_again),
        cmocka_unit_test(a_record_longer_than_any_is_refused),
    };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
