/* test_spawn.c - a child has the descriptors, arguments and environment that it was given and nothing else, and never outlives its parent. */
#include "base/base.h"
#include "proc/spawn.h"

#include "base/file.h"
#include "proc/channel.h"
#include "proc/places.h"

#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "birthmark-spawned"

/* Starts the program in this mode; *ret_fd hears it, *ret_ready is its readiness pipe. */
static enum bm_rc
start(struct bm_child *ret_child, const char *mode, int *ret_fd, int *ret_ready, struct bm_fail *fail)
{
    const char *args[] = { mode, "a b", NULL };
    int pair[2], ready[2];
    enum bm_rc rc;

    assert_int_equal(bm_channel_pair(pair, fail), BM_OK);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    /* The numbers cross on purpose: 4 wants what lies somewhere, and is a hole. */
    struct bm_spawn_fd fds[] = { { pair[1], 3 }, { -1, 4 }, { ready[1], BM_FD_READY } };
    struct bm_spawn what = { .program = PROGRAM, .args = args, .fds = fds, .nfds = BM_COUNT(fds) };
    rc = bm_spawn(ret_child, &what, fail);
    (void)close(pair[1]);
    (void)close(ready[1]);
    *ret_fd = pair[0];
    *ret_ready = ready[0];
    return rc;
}

static void
hear(int fd, char *ret_text, size_t size)
{
    static uint8_t buffer[BM_MAX_MESSAGE];
    struct bm_message message;
    struct bm_fail fail;
    enum bm_heard heard;

    assert_int_equal(bm_channel_recv(&heard, &message, fd, buffer, sizeof(buffer), 10000, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    (void)snprintf(ret_text, size, "%.*s", (int)message.body.n, (const char *)message.body.p);
}

static void
a_child_finds_what_it_was_given_and_nothing_else(void **state)
{
    struct bm_child child = { .pid = 0 };
    struct bm_fail fail = { .rc = BM_OK };
    char text[4096], byte;
    sigset_t term;
    int fd, ready;

    (void)state;
    assert_int_equal(setenv("SOFTHSM2_CONF", "/etc/hsm", 1), 0);
    assert_int_equal(setenv("LD_LIBRARY_PATH", "/evil", 1), 0);
    assert_int_equal(setenv("OPENSSL_CONF", "/evil", 1), 0);
    assert_int_equal(dup2(0, 77), 77); /* not close-on-exec: must not arrive */
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &term, NULL), 0);
    assert_int_equal(start(&child, "wait", &fd, &ready, &fail), BM_OK);
    (void)sigprocmask(SIG_UNBLOCK, &term, NULL);
    assert_int_equal(read(ready, &byte, 1), 1);
    assert_int_equal(byte, 'R');
    assert_int_equal(read(ready, &byte, 1), 0);
    hear(fd, text, sizeof(text));
    /* 1 and 2 are the parent's stderr, whatever that is here. */
    char *one = strstr(text, "fd 1 "), *three = strstr(text, "fd 3 ");
    assert_true(one != NULL && three != NULL && one < three);
    assert_string_equal(three, "fd 3 socket\nfd 4 null\nfd 100 other\ndeath 9 session 1 blocked 0\n");
    *one = '\0';
    assert_string_equal(text, "arg wait\narg a b\nenv SOFTHSM2_CONF=/etc/hsm\nfd 0 null\n");
    bm_children_stop(&child, 1, 5000);
    assert_int_equal(child.pid, 0);
    (void)close(77);
    (void)close(fd);
    (void)close(ready);
}

static void
an_end_is_told_with_its_reason(void **state)
{
    struct bm_child child = { .pid = 0 };
    struct bm_fail fail = { .rc = BM_OK };
    char text[256];
    int fd, ready;

    (void)state;
    assert_int_equal(start(&child, "exit", &fd, &ready, &fail), BM_OK);
    struct pollfd end = { .fd = child.pidfd, .events = POLLIN };
    assert_int_equal(poll(&end, 1, 10000), 1);
    assert_true(bm_child_ended(&child, text, sizeof(text)));
    assert_string_equal(text, "birthmark-spawned exited with status 7");
    assert_false(bm_child_ended(&child, text, sizeof(text)));
    (void)close(fd);
    (void)close(ready);

    assert_int_equal(start(&child, "wait", &fd, &ready, &fail), BM_OK);
    assert_false(bm_child_ended(&child, text, sizeof(text)));
    assert_int_equal(kill(child.pid, SIGSYS), 0);
    end.fd = child.pidfd;
    assert_int_equal(poll(&end, 1, 10000), 1);
    assert_true(bm_child_ended(&child, text, sizeof(text)));
    assert_string_equal(text, "birthmark-spawned was killed by signal 31 (it asked the kernel for what its confinement forbids)");
    (void)close(fd);
    (void)close(ready);
}

static void
a_stubborn_child_is_killed_after_the_patience(void **state)
{
    struct bm_child children[2] = { { .pid = 0 } };
    struct bm_fail fail = { .rc = BM_OK };
    char text[4096];
    int fd, ready;
    pid_t pid;

    (void)state;
    assert_int_equal(start(&children[0], "stubborn", &fd, &ready, &fail), BM_OK);
    hear(fd, text, sizeof(text));
    (void)poll(NULL, 0, 50); /* it ignores SIGTERM just after it has spoken */
    pid = children[0].pid;
    bm_children_stop(children, 2, 100);
    assert_int_equal(children[0].pid, 0);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    (void)close(fd);
    (void)close(ready);
}

/* Within five seconds; a zombie that its adopter has yet to reap is dead too. */
static bool
dead(pid_t pid)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    for (int i = 0; i < 500; i++) {
        char text[512] = "";
        bm_cleanup(bm_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || strstr(text, ") Z ") != NULL)
            return true;
        (void)poll(NULL, 0, 10);
    }
    return false;
}

static void
a_child_dies_with_its_parent(void **state)
{
    struct bm_fail fail = { .rc = BM_OK };
    int report[2], status;
    pid_t pid, grandchild = 0;
    struct bm_child child = { .pid = 0 };
    int fd, ready;
    char byte;

    (void)state;
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        if (start(&child, "stubborn", &fd, &ready, &fail) != BM_OK || write(report[1], &child.pid, sizeof(child.pid)) != sizeof(child.pid))
            _exit(1);
        (void)raise(read(ready, &byte, 1) == 1 ? SIGKILL : SIGTERM);
    }
    assert_int_equal(read(report[0], &grandchild, sizeof(grandchild)), (int)sizeof(grandchild));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(dead(grandchild));
    (void)close(report[0]);
    (void)close(report[1]);
}

static void
a_missing_program_is_said_with_the_places(void **state)
{
    struct bm_child child = { .pid = 0 };
    struct bm_spawn what = { .program = "birthmark-nothing" };
    struct bm_fail fail = { .rc = BM_OK };

    (void)state;
    assert_int_equal(bm_spawn(&child, &what, &fail), BM_EBUSY);
    assert_non_null(strstr(fail.text, "birthmark-nothing is neither in "));
    assert_int_equal(child.pid, 0);
}

static void
too_few_descriptors_are_said(void **state)
{
    struct bm_child child = { .pid = 0 };
    struct bm_spawn what = { .program = PROGRAM };
    struct bm_fail fail = { .rc = BM_OK };
    struct rlimit usual, few;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = (struct rlimit){ .rlim_cur = 200, .rlim_max = usual.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(bm_spawn(&child, &what, &fail), BM_EBUSY);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_non_null(strstr(fail.text, "can't be started: Too many open files"));
    assert_int_equal(child.pid, 0);
}

static void
a_descriptor_number_of_stdio_is_a_bug(void **state)
{
    struct bm_child child = { .pid = 0 };
    struct bm_spawn_fd fds[] = { { 0, 2 } };
    struct bm_spawn what = { .program = PROGRAM, .fds = fds, .nfds = 1 };
    struct bm_fail fail;

    (void)state;
    assert_int_equal(bm_spawn(&child, &what, &fail), BM_EBUG);
}

/* None may be left out in silence: the seventeenth is a bug, not a shorter command line. */
static void
too_many_arguments_are_a_bug(void **state)
{
    const char *args[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", NULL };
    struct bm_child child = { .pid = 0 };
    struct bm_spawn what = { .program = PROGRAM, .args = args };
    struct bm_fail fail;

    (void)state;
    assert_int_equal(bm_spawn(&child, &what, &fail), BM_EBUG);
    assert_int_equal(child.pid, 0);
}

static void
a_listening_socket_is_told_from_a_hole(void **state)
{
    bm_cleanup(bm_fd_done) int hole = open("/dev/null", O_RDWR | O_CLOEXEC);
    bm_cleanup(bm_fd_done) int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_false(bm_fd_listens(hole));
    assert_false(bm_fd_listens(tcp));
    assert_int_equal(listen(tcp, 1), 0);
    assert_true(bm_fd_listens(tcp));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_finds_what_it_was_given_and_nothing_else),
        cmocka_unit_test(an_end_is_told_with_its_reason),
        cmocka_unit_test(a_stubborn_child_is_killed_after_the_patience),
        cmocka_unit_test(a_child_dies_with_its_parent),
        cmocka_unit_test(a_missing_program_is_said_with_the_places),
        cmocka_unit_test(too_few_descriptors_are_said),
        cmocka_unit_test(a_descriptor_number_of_stdio_is_a_bug),
        cmocka_unit_test(too_many_arguments_are_a_bug),
        cmocka_unit_test(a_listening_socket_is_told_from_a_hole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
