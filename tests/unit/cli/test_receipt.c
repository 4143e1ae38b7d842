/* test_receipt.c - receipts say what was looked at and read back as they were written; a lot's file as the command line names it. */
#include "kit.h"

#include "base/file.h"
#include "cli/job.h"
#include "cli/receipt.h"
#include "cli/verbs.h"

#include <sys/stat.h>

static struct bm_fail fail;

static void
receipt_make(struct bm_buf *buf, struct bm_receipt *receipt, uint64_t revision)
{
    static struct bm_exam_check checks[BM_CHECK__N];
    struct bm_exam exam = { .checks = checks, .chips = 16, .keys = 48 };
    struct bm_vendor vendor = { .name = "Example Silicon" };
    const struct bm_lot_job job = { .vendor = &vendor, .file_name = "EX\n001 \xff.manifest " };
    const struct bm_lot_result result = { .format = BM_FORMAT_BIRTHMARK, .signed_whole = true, .checked = 1, .signer = "maker 00" };

    checks[BM_CHECK_ID_TWICE].found = 1;
    checks[BM_CHECK_ID_TWICE].examples[0].index = 3;
    (void)snprintf(checks[BM_CHECK_ID_TWICE].examples[0].sentence, 100, "its id\tis twice there");
    *receipt = (struct bm_receipt){ .lot = "EX-001",
                                    .vendor = "Example Silicon",
                                    .revision = revision,
                                    .by = "anna",
                                    .received = 1700000000,
                                    .bytes = 48213,
                                    .chips = 16,
                                    .file = { 1 },
                                    .envelope = { 2 },
                                    .root = { 3 } };
    buf->max = BM_MAX_RECEIPT;
    bm_receipt_build(buf, receipt, &job, &result, &exam, &(struct bm_waived){ .n = 0 });
    assert_false(buf->bad);
}

static void
test_what_is_written_is_read(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 0 };
    struct bm_receipt receipt, back;

    (void)state;
    receipt_make(&text, &receipt, 2);
    assert_int_equal(bm_receipt_parse(&back, bm_buf_bytes(&text), &fail), BM_OK);
    assert_string_equal(back.lot, receipt.lot);
    assert_string_equal(back.vendor, receipt.vendor);
    assert_string_equal(back.by, receipt.by);
    assert_int_equal(back.revision, 2);
    assert_int_equal(back.bytes, 48213);
    assert_int_equal(back.chips, 16);
    assert_memory_equal(back.file, receipt.file, BM_HASH);
    assert_memory_equal(back.envelope, receipt.envelope, BM_HASH);
    assert_memory_equal(back.root, receipt.root, BM_HASH);
}

static void
test_every_check_is_accounted_for(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 0 };
    struct bm_receipt receipt;
    const char *s;

    (void)state;
    receipt_make(&text, &receipt, 1);
    bm_buf_add_u8(&text, 0);
    s = (const char *)text.p;
    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++) {
        char line[64];

        (void)snprintf(line, sizeof(line), "\ncheck %s ", bm_check_word((enum bm_check)check));
        assert_non_null(strstr(s, line));
    }
    assert_non_null(strstr(s, "\ncheck signature 1 PASSED 0\n"));
    assert_non_null(strstr(s, "\ncheck chain 0 SKIPPED 0\n"));
    assert_non_null(strstr(s, "\ncheck id-twice 16 FOUND 1\nfound id-twice 3 its id?is twice there\n"));
    assert_non_null(strstr(s, "\nsource EX?001 ?.manifest\n"));
    assert_null(strstr(s, "\nrevision"));
}

static void
test_every_truncation_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 0 };
    struct bm_receipt receipt;
    const char *checks;

    (void)state;
    receipt_make(&text, &receipt, 2);
    checks = memmem(text.p, text.n, "check ", 6);
    for (size_t n = 0; n < text.n; n++)
        if (n < (size_t)(checks - (const char *)text.p) || text.p[n - 1] != '\n')
            assert_int_equal(bm_receipt_parse(&receipt, bm_bytes(text.p, n), &fail), BM_EINPUT);
}

static void
row_take(struct bm_waived *waived, const struct bm_exam *exam, const char *vendor, const char *check, const char *until)
{
    char row[256];

    (void)snprintf(row, sizeof(row), "{\"vendor\":\"%s\",\"check\":\"%s\",\"until\":\"%s\",\"number\":\"%032d\"}", vendor, check, until, 7);
    assert_int_equal(bm_waived_take(waived, exam, "V", 1700000000, bm_bytes_str(row), &fail), BM_OK);
}

static void
test_waivers_are_for_a_vendor_a_check_and_a_time(void **state)
{
    static struct bm_exam_check checks[BM_CHECK__N];
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_RECEIPT };
    const struct bm_exam exam = { .checks = checks, .chips = 1, .keys = 1 };
    const struct bm_vendor vendor = { .name = "V" };
    const struct bm_lot_job job = { .vendor = &vendor, .file_name = "f" };
    const struct bm_lot_result result = { .format = BM_FORMAT_EK, .signed_each = true };
    struct bm_receipt receipt = { .lot = "L", .vendor = "V", .by = "anna", .received = 1700000000, .bytes = 1, .chips = 1 };
    struct bm_waived waived = { .n = 0 };

    (void)state;
    checks[BM_CHECK_BROKEN_DER].found = checks[BM_CHECK_SIGNATURE].found = 1;
    row_take(&waived, &exam, "W", "broken-der", "2030-01-01T00:00:00Z"); /* another's */
    row_take(&waived, &exam, "V", "broken-der", "2023-01-01T00:00:00Z"); /* has ended */
    row_take(&waived, &exam, "V", "signature", "2030-01-01T00:00:00Z");  /* never */
    row_take(&waived, &exam, "V", "id-twice", "2030-01-01T00:00:00Z");   /* not needed */
    assert_int_equal(waived.n, 0);
    row_take(&waived, &exam, "V", "broken-der", "2030-01-01T00:00:00Z");
    row_take(&waived, &exam, "V", "broken-der", "2031-01-01T00:00:00Z");
    assert_int_equal(waived.n, 1);
    assert_non_null(bm_waived_find(&waived, BM_CHECK_BROKEN_DER));
    bm_receipt_build(&text, &receipt, &job, &result, &exam, &waived);
    assert_int_equal(bm_receipt_parse(&receipt, bm_buf_bytes(&text), &fail), BM_OK);
    bm_buf_add_u8(&text, 0);
    assert_non_null(strstr((const char *)text.p, "\ncheck broken-der 1 WAIVED 1\nfound broken-der 0\n"));
    assert_non_null(strstr((const char *)text.p, "\nwaived broken-der 00000000000000000000000000000007\n"));
}

/* ---- the file ---- */

static char dir[] = "/tmp/birthmark-receipt-XXXXXX";

static void
put(const char *name, const char *content)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(bm_file_write(path, bm_bytes_str(content), 0600, &fail), BM_OK);
}

static enum bm_rc
work_open(struct bm_work *work, const char *option, const char *value)
{
    static const struct bm_vendor vendor = { .name = "V" };
    char option_word[32];
    char *argv[] = { (char[]){ "birthmark" }, (char[]){ "lot" }, (char[]){ "inspect" }, dir, option_word, strdup(value) };
    struct bm_call call = { .verb = NULL };
    const char *group;
    enum bm_rc rc;

    (void)snprintf(option_word, sizeof(option_word), "%s", option);
    assert_int_equal(bm_call_parse(&call, &group, bm_verbs, 6, argv, &fail), BM_OK);
    rc = bm_work_open(work, &call, &vendor, NULL, &fail);
    bm_call_done(&call);
    if (rc != BM_OK || work->job.ncolumns == 0)
        free(argv[5]);
    return rc;
}

static void
test_a_folder_is_one_file(void **state)
{
    static const uint8_t want[] = "BMDIR1\n\0\0\0\0\5B.der\0\0\0\2bb\0\0\0\5a.der\0\0\0\1a";
    struct bm_work work;
    char path[128];

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(work_open(&work, "--lot", "X"), BM_EINPUT);
    assert_non_null(strstr(fail.text, "is empty"));
    bm_work_done(&work);
    put("a.der", "a");
    put("B.der", "bb");
    assert_int_equal(work_open(&work, "--lot", "X"), BM_OK);
    assert_int_equal(work.job.file.n, sizeof(want) - 1);
    assert_memory_equal(work.job.file.p, want, sizeof(want) - 1);
    assert_string_equal(work.job.file_name, dir + 5);
    bm_work_done(&work);
    (void)snprintf(path, sizeof(path), "%s/more", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(work_open(&work, "--lot", "X"), BM_EINPUT); /* nothing is left out in silence */
    assert_non_null(strstr(fail.text, "more is not a file"));
    bm_work_done(&work);
    assert_int_equal(rmdir(path), 0);
}

static void
test_columns_are_taken_apart(void **state)
{
    struct bm_work work;

    (void)state;
    assert_int_equal(work_open(&work, "--column", "key=Public=Key"), BM_OK);
    assert_int_equal(work.job.ncolumns, 1);
    assert_string_equal(work.job.columns[0].what, "key");
    assert_string_equal(work.job.columns[0].column, "Public=Key");
    free((void *)(uintptr_t)(work.job.columns[0].column - 4));
    bm_work_done(&work);
    assert_int_equal(work_open(&work, "--column", "=x"), BM_EINPUT);
    bm_work_done(&work);
    assert_int_equal(work_open(&work, "--column", "key="), BM_EINPUT);
    bm_work_done(&work);
}

static int
clean_up(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),     cmocka_unit_test(test_every_check_is_accounted_for),
        cmocka_unit_test(test_every_truncation_is_refused), cmocka_unit_test(test_a_folder_is_one_file),
        cmocka_unit_test(test_columns_are_taken_apart),     cmocka_unit_test(test_waivers_are_for_a_vendor_a_check_and_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, clean_up);
}
