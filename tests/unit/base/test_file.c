/* test_file.c - files are read with a ceiling and replaced whole or not at all. */
#include "base/file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[BM_PATH];

static const char *
path_of(const char *name)
{
    static char path[BM_PATH];
    struct bm_fail fail = { 0 };

    assert_int_equal(bm_path_join(path, dir, name, &fail), BM_OK);
    return path;
}

static int
directory_make(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "%s/bm-file-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
directory_remove(void **state)
{
    (void)state;
    (void)unlink(path_of("fifo"));
    (void)rmdir(path_of("sub"));
    return rmdir(dir);
}

static void
what_is_written_is_read_back(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 20000 };
    struct bm_fail fail = { 0 };
    uint8_t big[9000];
    struct stat st;

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 7);
    assert_int_equal(bm_file_write(path_of("a"), bm_bytes(big, sizeof(big)), 0600, &fail), BM_OK);
    assert_int_equal(stat(path_of("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(bm_file_read(&buf, path_of("a"), &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes(big, sizeof(big))));
    /* replaced, and shorter */
    assert_int_equal(bm_file_write(path_of("a"), bm_bytes_str("new"), 0600, &fail), BM_OK);
    bm_buf_reset(&buf);
    assert_int_equal(bm_file_read(&buf, path_of("a"), &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str("new")));
    assert_int_equal(unlink(path_of("a")), 0);
}

static void
a_file_past_the_ceiling_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 3 };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_file_write(path_of("b"), bm_bytes_str("four"), 0600, &fail), BM_OK);
    assert_int_equal(bm_file_read(&buf, path_of("b"), &fail), BM_EINPUT);
    assert_non_null(strstr(fail.text, "/b is larger than 3 bytes"));
    assert_int_equal(buf.n, 0);
    assert_int_equal(unlink(path_of("b")), 0);
}

static void
what_is_no_file_is_refused_with_its_path(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_file_read(&buf, path_of("absent"), &fail), BM_EINPUT);
    assert_non_null(strstr(fail.text, "/absent is not there"));
    assert_int_equal(bm_file_read(&buf, dir, &fail), BM_EINPUT);
    assert_non_null(strstr(fail.text, " is not a file"));
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(bm_file_read(&buf, path_of("fifo"), &fail), BM_EINPUT); /* and does not wait for a writer */
    assert_int_equal(bm_file_read(&buf, "/proc/self/mem", &fail), BM_EBUSY); /* a read that fails */
    assert_int_equal(bm_file_read(&buf, "/dev/null", &fail), BM_EINPUT);
}

static void
a_write_that_fails_leaves_the_old_file_and_no_rest(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    struct rlimit was, none = { 0 };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_file_write(path_of("c"), bm_bytes_str("old"), 0600, &fail), BM_OK);
    /* a file size limit of nothing stands in for a full disk */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    none.rlim_max = was.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(bm_file_write(path_of("c"), bm_bytes_str("new"), 0600, &fail), BM_EBUSY);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_non_null(strstr(fail.text, "/c cannot be written: "));
    assert_int_equal(bm_file_read(&buf, path_of("c"), &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str("old")));
    assert_int_equal(unlink(path_of("c")), 0);
    /* directory_remove() fails when a temporary file is left */
}

static void
a_file_in_an_absent_directory_is_refused(void **state)
{
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_file_write(path_of("absent/d"), bm_bytes_str("x"), 0600, &fail), BM_EINPUT);
}

static void
a_directory_is_made_once(void **state)
{
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_dir_make(path_of("sub"), 0700, &fail), BM_OK);
    assert_int_equal(bm_dir_make(path_of("sub"), 0700, &fail), BM_OK);
    assert_int_equal(bm_dir_make(path_of("absent/sub"), 0700, &fail), BM_EINPUT);
    assert_int_equal(bm_file_write(path_of("e"), bm_bytes_str("x"), 0600, &fail), BM_OK);
    assert_int_equal(bm_dir_make(path_of("e"), 0700, &fail), BM_EINPUT);
    assert_non_null(strstr(fail.text, "/e is there and is not a directory"));
    assert_int_equal(unlink(path_of("e")), 0);
}

static void
a_path_that_does_not_fit_is_refused(void **state)
{
    struct bm_fail fail = { 0 };
    char joined[BM_PATH], name[BM_PATH];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[BM_PATH - 3] = 0;
    assert_int_equal(bm_path_join(joined, "d", name, &fail), BM_OK);
    assert_int_equal(strlen(joined), BM_PATH - 1);
    name[BM_PATH - 3] = 'n';
    name[BM_PATH - 2] = 0;
    assert_int_equal(bm_path_join(joined, "d", name, &fail), BM_EINPUT);
    assert_int_equal(bm_path_join(joined, "a/b", "c", &fail), BM_OK);
    assert_int_equal(bm_path_join(joined, joined, "d", &fail), BM_OK);
    assert_string_equal(joined, "a/b/c/d");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_file_past_the_ceiling_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused_with_its_path),
        cmocka_unit_test(a_write_that_fails_leaves_the_old_file_and_no_rest),
        cmocka_unit_test(a_file_in_an_absent_directory_is_refused),
        cmocka_unit_test(a_directory_is_made_once),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
