/* test_confined.c - what a confined process is besides its two filters: nobody, without privileges, mute, and dead when its parent is. */
#include "fate.h"

#include "proc/channel.h"
#include "proc/confine.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <syslog.h>

/* SoftHSM does this for every error that it meets. */
static int
log_then_socket(void)
{
    syslog(LOG_ERR, "the token is away");
    return judge(socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
}

static int
do_connect(void)
{
    static const struct sockaddr nowhere = { .sa_family = AF_UNIX };

    return judge(connect(0, &nowhere, sizeof(nowhere)) == 0);
}

static void
a_module_that_logs_is_muted_not_killed(void **state)
{
    static const struct bm_confine_plan plan = { .name = "signer", .files = true, .syslog_mute = true };
    struct bm_fail fail;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(bm_confine(&plan, &fail) == BM_OK ? log_then_socket() : 99);
    assert_int_equal(fate_of(pid), REFUSED);
    pid = fork();
    if (pid == 0)
        _exit(bm_confine(&plan, &fail) == BM_OK ? do_connect() : 99);
    assert_int_equal(fate_of(pid), DIES);
}

/* Runs check() in a child that was confined as nobody; 0 = all true. */
static int
as_nobody(int (*check)(void))
{
    static const struct bm_confine_plan plan = { .name = "gate", .listen_accept = true, .nobody = true };
    pid_t pid = fork();
    struct bm_fail fail;

    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(98);
        if (bm_confine(&plan, &fail) != BM_OK) {
            (void)fprintf(stderr, "%s\n", fail.text);
            _exit(99);
        }
        _exit(check());
    }
    return fate_of(pid);
}

static int
is_nobody(void)
{
    char text[BM_CONFINE_TEXT];

    bm_confine_probe(text);
    return getuid() == 65534 && geteuid() == 65534 && getgid() == 65534 && strstr(text, "uid 65534") != NULL ? 0 : 1;
}

static void
a_gate_started_as_root_becomes_nobody(void **state)
{
    (void)state;
    if (geteuid() != 0)
        kit_skip("only root can become nobody");
    assert_int_equal(as_nobody(is_nobody), 0);
}

/* A word of the child's status file, read by the parent while the child waits. */
static bool
status_has(pid_t pid, const char *line)
{
    char path[64], text[4096];
    FILE *file;
    size_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    assert_non_null(file);
    n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    (void)fclose(file);
    if (strstr(text, line) == NULL)
        print_error("%s is missing in:\n%s", line, text);
    return strstr(text, line) != NULL;
}

static void
the_kernel_shows_no_capability_and_no_new_privileges(void **state)
{
    static const struct bm_confine_plan plan = { .name = "gate", .nobody = true };
    struct bm_message out = { .type = 1 }, in;
    struct bm_fail fail;
    enum bm_heard heard;
    uint8_t buffer[64];
    int pair[2];
    pid_t pid;

    (void)state;
    assert_int_equal(bm_channel_pair(pair, &fail), BM_OK);
    pid = fork();
    if (pid == 0) {
        if (bm_confine(&plan, &fail) != BM_OK || bm_channel_send(pair[1], &out, &fail) != BM_OK)
            _exit(99);
        _exit(bm_channel_recv(&heard, &in, pair[1], buffer, sizeof(buffer), 10000, &fail) == BM_OK ? 0 : 98);
    }
    assert_int_equal(bm_channel_recv(&heard, &in, pair[0], buffer, sizeof(buffer), 10000, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    assert_true(status_has(pid, "NoNewPrivs:\t1\n"));
    assert_true(status_has(pid, "Seccomp:\t2\n"));
    assert_true(status_has(pid, "CapPrm:\t0000000000000000\n"));
    assert_true(status_has(pid, "CapEff:\t0000000000000000\n"));
    assert_true(status_has(pid, "CapInh:\t0000000000000000\n"));
    assert_true(status_has(pid, "CapAmb:\t0000000000000000\n"));
    assert_int_equal(bm_channel_send(pair[0], &out, &fail), BM_OK);
    assert_int_equal(fate_of(pid), 0);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static int
dies_with_parent(void)
{
    /* Still set after the change of uid, which makes the kernel forget it; prctl(PR_GET_PDEATHSIG) is not on the list, so the parent asks. */
    return poll(NULL, 0, 20000) == 0 ? 1 : 2;
}

static void
the_parent_death_signal_outlives_the_change_of_uid(void **state)
{
    static const struct bm_confine_plan plan = { .name = "gate", .nobody = true };
    int alive[2], status;
    struct bm_fail fail;
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        pid_t grandchild = fork();

        if (grandchild == 0) {
            if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || bm_confine(&plan, &fail) != BM_OK || write(alive[1], "R", 1) != 1)
                _exit(99);
            _exit(dies_with_parent());
        }
        (void)poll(NULL, 0, 20000);
        _exit(1);
    }
    (void)close(alive[1]);
    assert_int_equal(read(alive[0], &byte, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* The last writer is the grandchild: the pipe ends when it dies, in milliseconds, not when its twenty seconds are over. */
    struct pollfd end = { .fd = alive[0], .events = POLLIN };
    assert_int_equal(poll(&end, 1, 5000), 1);
    assert_int_equal(read(alive[0], &byte, 1), 0);
    (void)close(alive[0]);
}

static void
a_missing_directory_is_said_and_nothing_starts(void **state)
{
    static const struct bm_confine_dir dir = { .path = "/nowhere/at/all" };
    static const struct bm_confine_plan plan = { .name = "registrar", .dirs = &dir, .ndirs = 1, .files = true };
    pid_t pid = fork();
    struct bm_fail fail;

    (void)state;
    if (pid == 0)
        _exit(bm_confine(&plan, &fail) == BM_EBUSY && strstr(fail.text, "/nowhere/at/all") != NULL ? 0 : 1);
    assert_int_equal(fate_of(pid), 0);
}

static void
an_unconfined_process_says_none(void **state)
{
    char text[BM_CONFINE_TEXT];

    (void)state;
    bm_confine_probe(text);
    assert_string_equal(text, "none");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_that_logs_is_muted_not_killed),
        cmocka_unit_test(a_gate_started_as_root_becomes_nobody),
        cmocka_unit_test(the_kernel_shows_no_capability_and_no_new_privileges),
        cmocka_unit_test(the_parent_death_signal_outlives_the_change_of_uid),
        cmocka_unit_test(a_missing_directory_is_said_and_nothing_starts),
        cmocka_unit_test(an_unconfined_process_says_none),
    };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
