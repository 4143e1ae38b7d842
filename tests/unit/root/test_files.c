/* test_files.c - sealed data in files: power cuts at every change to the disk, boxes that were changed or moved, what a reset finds. */
#include "../testing.h"

#include "root/root.h"

#include "cut.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], uri[128];

static struct bm_root *
open_root(void)
{
    struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, uri, &kit_fail));
    return root;
}

static enum bm_rc
do_seal(struct bm_root *root)
{
    return root->ops->seal(root, "disk", bm_bytes_str("new"), &kit_fail);
}

static enum bm_rc
do_retire(struct bm_root *root)
{
    return root->ops->retire(root, "mqtt", &kit_fail);
}

static enum bm_rc
do_reset(struct bm_root *root)
{
    return root->ops->reset(root, &kit_fail);
}

/* In a process of its own that ends at the n-th change to the disk; true when it came to its end before. */
static bool
cut(enum bm_rc (*what)(struct bm_root *root), unsigned n)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct bm_root *root = open_root();

        cut_at(n);
        _exit(what(root) == BM_OK ? 0 : 1);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
    return WEXITSTATUS(status) == 0;
}

static void
identity_make(struct bm_root *root)
{
    static const uint8_t bytes[] = {
#include "certificate.inc"
    };
    const struct bm_bytes cert = bm_bytes(bytes, sizeof(bytes));
    struct bm_key key;

    assert_ok(root->ops->key_new(root, "mqtt", &key, &kit_fail));
    assert_ok(root->ops->commit(root, "mqtt", &cert, 1, &kit_fail));
    assert_ok(root->ops->key_new(root, "mqtt", &key, &kit_fail));
}

static bool
unsealed_is(struct bm_root *root, const char *want)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };

    assert_ok(root->ops->unseal(root, "disk", &bytes, &kit_fail));
    return bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(want));
}

static void
sealed_data_survive_power_cuts(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root();
    unsigned n = 0, cuts = 0;
    bool done;

    (void)state;
    do {
        assert_ok(root->ops->reset(root, &kit_fail));
        assert_ok(root->ops->seal(root, "disk", bm_bytes_str("old"), &kit_fail));
        done = cut(do_seal, ++n);
        cuts += !done;
        assert_true(unsealed_is(root, "new") || (!done && unsealed_is(root, "old")));
    } while (!done);
    assert_true(cuts >= 5); /* directories, unlink, write, sync, rename, sync of the directory */
}

static void
retiring_survives_power_cuts(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root();
    unsigned n = 0;
    bool done;

    (void)state;
    do {
        bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE };
        enum bm_sig_alg alg;
        enum bm_rc rc;

        assert_ok(root->ops->reset(root, &kit_fail));
        identity_make(root);
        done = cut(do_retire, ++n);
        rc = root->ops->certs(root, "mqtt", &certs, &kit_fail);
        assert_true(rc == BM_EPOLICY || (rc == BM_OK && !done));
        if (rc == BM_OK)
            assert_ok(root->ops->key_sign(root, "mqtt", false, bm_bytes_str("x"), &alg, &signature, &kit_fail));
    } while (!done);
    assert_true(n > 4);
}

/* Cut off, a reset is done again, and then nothing is left: not what an interrupted write left behind either. */
static void
a_reset_that_is_done_again_is_whole(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root();
    unsigned n = 0;
    bool done;

    (void)state;
    do {
        char left[300];
        int fd;

        identity_make(root);
        assert_ok(root->ops->seal(root, "disk", bm_bytes_str("old"), &kit_fail));
        (void)snprintf(left, sizeof(left), "%s/key.pem.d/live/mqtt.pem.tmp-1", dir);
        assert_int_not_equal(fd = open(left, O_WRONLY | O_CREAT, 0600), -1);
        (void)close(fd);
        done = cut(do_reset, ++n);
        assert_ok(root->ops->reset(root, &kit_fail));
        (void)snprintf(left, sizeof(left), "test -z \"$(find %s/key.pem.d -type f)\" && test -s %s/key.pem", dir, dir);
        assert_int_equal(system(left), 0);
    } while (!done);
}

static void
what_was_changed_or_moved_is_not_opened(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root();
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };
    char command[400];

    (void)state;
    assert_ok(root->ops->seal(root, "disk", bm_bytes_str("old"), &kit_fail));
    (void)snprintf(command, sizeof(command),
                   "cd %s/key.pem.d/sealed && cp disk.sealed moved.sealed && head -c 40 disk.sealed >short.sealed && : >empty.sealed", dir);
    assert_int_equal(system(command), 0);
    assert_refused(BM_EPOLICY, root->ops->unseal(root, "moved", &bytes, &kit_fail),
                   "the sealed data moved: it was changed, or sealed by another device");
    assert_refused(BM_EPOLICY, root->ops->unseal(root, "short", &bytes, &kit_fail),
                   "the sealed data short: it is too short to be sealed data");
    assert_rc(BM_EPOLICY, root->ops->unseal(root, "empty", &bytes, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "does not hold sealed data"));
    (void)snprintf(command, sizeof(command),
                   "cd %s && rm key.pem && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>x", dir);
    assert_int_equal(system(command), 0);
    assert_refused(BM_EPOLICY, root->ops->unseal(root, "disk", &bytes, &kit_fail),
                   "the sealed data disk: it was changed, or sealed by another device");
    assert_int_equal(bytes.n, 0);
}

static int
start(void **state)
{
    static struct bm_leaf leaf;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/birthmark-files-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(uri, sizeof(uri), "soft:%s/key.pem", dir);
    root = open_root();
    return root->ops->identify(root, true, &leaf, &certs, &kit_fail) == BM_OK ? 0 : -1;
}

static int
stop(void **state)
{
    char command[100];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_data_survive_power_cuts),
        cmocka_unit_test(retiring_survives_power_cuts),
        cmocka_unit_test(a_reset_that_is_done_again_is_whole),
        cmocka_unit_test(what_was_changed_or_moved_is_not_opened),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
