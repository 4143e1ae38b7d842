/* failing_disk.c - no more room for the real signer's journal (a limit of the file's size stands for it): it ends with a sentence and loses nothing. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "site_fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CHIPS 6

static void
assert_said(const struct fixture *f, const char *words)
{
    bm_cleanup(bm_buf_done) struct bm_buf said = { .max = 65536 };
    char path[BM_PATH];

    (void)snprintf(path, sizeof(path), "%s/signer.err", f->home);
    fixture_must(bm_file_read(&said, path, &fail));
    if (memmem(said.p, said.n, words, strlen(words)) == NULL)
        fail_msg("\"%.*s\" does not say \"%s\"", (int)said.n, (const char *)said.p, words);
}

/* In blocks of 512 bytes, as ulimit counts. */
static unsigned
journal_blocks(const struct fixture *f)
{
    char path[BM_PATH];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/" BM_PLACE_JOURNAL, f->home);
    assert_int_equal(stat(path, &st), 0);
    return (unsigned)st.st_size / 512;
}

/*
 * Issues until there is no room; then starts it again where there is. What was answered is there; what was asked last is done by asking again.
 * (strace cannot inject errors here: the kernel shows the skipped call to seccomp, which kills.)
 */
static void
fills_and_wakes(unsigned blocks)
{
    char limit[128];
    const char *prefix[] = { "sh", "-c", limit, "sh", NULL };
    struct fixture_answer answer;
    struct fixture_lot lot;
    struct fixture f;
    size_t issued = 0, i = 0;
    int status;

    fixture_make(&f);
    fixture_start(&f);
    fixture_lot_make(&f, &lot, "L1", CHIPS);
    fixture_pin(&f, &lot);
    fixture_order(&f, "order-1", &lot, CHIPS);
    assert_int_equal(fixture_stop(&f), 0);

    (void)snprintf(limit, sizeof(limit), "trap '' XFSZ; ulimit -f %u; exec \"$@\"", journal_blocks(&f) + blocks);
    f.prefix = prefix;
    fixture_start(&f);
    for (;; i++) {
        assert_true(i < CHIPS);
        fixture_issue(&f, &(struct fixture_request){ .lot = &lot, .chip = i }, &answer);
        if (answer.type == 0)
            break;
        assert_int_equal(answer.type, BM_S_ISSUED);
        issued++;
    }
    status = fixture_stop(&f);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_said(&f, "the signer's journal can't be written");

    f.prefix = NULL;
    fixture_start(&f); /* checks the whole ledger on */
    assert_true(f.certificates == issued || f.certificates == issued + 1);
    for (; i < CHIPS; i++) {
        fixture_issue(&f, &(struct fixture_request){ .lot = &lot, .chip = i }, &answer);
        assert_int_equal(answer.type, BM_S_ISSUED);
    }
    assert_int_equal(fixture_stop(&f), 0);
    fixture_lot_done(&lot);
    fixture_remove(&f);
}

/* proves: FAULTS F7 */
/* The room ends inside the intent, inside the done record, a certificate later. */
static void
a_disk_without_room(void **state)
{
    (void)state;
    for (unsigned blocks = 1; blocks <= 9; blocks++)
        fills_and_wakes(blocks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_disk_without_room) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
