/* test_turn.c - programs take turns at what a root keeps, by whatever URI they name it; a killed one's turn is over. */
#include "device/turn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct bm_fail fail;

/* Another program that has the turn. */
static pid_t
other_start(const char *uri)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int turn = -1;

        if (bm_turn_take(&turn, uri, 0, &fail) != BM_OK || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void
other_kill(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
assert_turn(const char *uri, enum bm_rc rc)
{
    bm_cleanup(bm_turn_done) int turn = -1;

    assert_int_equal(bm_turn_take(&turn, uri, 40, &fail), rc);
    if (rc == BM_OK)
        assert_true(turn >= 0);
    else
        assert_string_equal(fail.text, "another program is at work on what this root of trust keeps: try again when it has ended");
}

static void
one_program_at_a_time(void **state)
{
    static const struct {
        const char *uri, *same, *not_same;
    } cases[] = {
        { "tpm2:", "tpm2:device:/dev/tpmrm0;template=H-2", "tpm2:swtpm:port=1" },
        { "tpm2:swtpm:port=1", "tpm2:swtpm:port=1;template=H-2", "tpm2:swtpm:port=3" },
        { "pkcs11:token=test-turn;object=a?pin-source=/a", "pkcs11:token=test-turn;object=a?pin-value=1",
          "pkcs11:token=test-turn-2;object=a" },
        { "soft:/etc/../etc/passwd", "soft:/etc/passwd", "soft:/etc/group" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        const pid_t other = other_start(cases[i].uri);

        assert_turn(cases[i].uri, BM_EBUSY);
        assert_turn(cases[i].same, BM_EBUSY);
        assert_turn(cases[i].not_same, BM_OK);
        other_kill(other);
        assert_turn(cases[i].uri, BM_OK);
        assert_turn(cases[i].same, BM_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(one_program_at_a_time) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
