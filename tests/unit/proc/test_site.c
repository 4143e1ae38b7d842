/* test_site.c - one home has one writer; a command finds it with and without a server; what is started ends with who started it. */
#include "base/base.h"
#include "proc/site.h"

#include "base/file.h"
#include "proc/channel.h"
#include "proc/home.h"
#include "proc/listen.h"

#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uint8_t buffer[BM_MAX_MESSAGE];

static int
setup(void **state)
{
    static char home[32];

    (void)snprintf(home, sizeof(home), "/tmp/bm-site-XXXXXX");
    assert_non_null(mkdtemp(home));
    *state = home;
    return 0;
}

static int
teardown(void **state)
{
    const char *home = *state;
    DIR *dir = opendir(home);
    const struct dirent *e;

    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), e->d_name, 0);
    (void)closedir(dir);
    assert_int_equal(rmdir(home), 0);
    return 0;
}

static void
text_put(const char *home, const char *name, const char *text)
{
    char path[BM_PATH];
    struct bm_fail fail;

    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    assert_int_equal(bm_file_write(path, bm_bytes_str(text), 0600, &fail), BM_OK);
}

/* Asks and returns the id of the answer: the registrar's process id. 0 = it went away instead. */
static uint64_t
ask(int channel, uint16_t type)
{
    struct bm_message out = { .type = type, .id = 1, .body = bm_bytes_str("how are you") }, in;
    struct bm_fail fail;
    enum bm_heard heard;

    assert_int_equal(bm_channel_send(channel, &out, &fail), BM_OK);
    assert_int_equal(bm_channel_recv(&heard, &in, channel, buffer, sizeof(buffer), 10000, &fail), BM_OK);
    if (heard == BM_HEARD_END)
        return 0;
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    assert_true(bm_bytes_equal(in.body, bm_bytes_str("how are you")));
    return in.id;
}

/* How many lines of HOME/started begin with this name; *ret_last is the last one's process. */
static int
started(const char *home, const char *name, int *ret_last)
{
    char path[BM_PATH], word[32];
    FILE *file;
    int n = 0, pid;

    (void)snprintf(path, sizeof(path), "%s/started", home);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fscanf(file, "%31s %d", word, &pid) == 2)
        if (strcmp(word, name) == 0) {
            n++;
            *ret_last = pid;
        }
    (void)fclose(file);
    return n;
}

/* No process of this number runs any more (a zombie that its adopter has yet to reap does not). */
static bool
gone(int pid)
{
    char path[64], text[256] = "";
    bm_cleanup(bm_fd_done) int fd = -1;

    for (int i = 0; i < 300; i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || strstr(text, ") Z ") != NULL)
            return true;
        bm_fd_done(&fd);
        (void)poll(NULL, 0, 10);
    }
    return false;
}

static void
a_command_alone_starts_registrar_and_signer_and_ends_them(void **state)
{
    const char *home = *state;
    struct bm_connection site = { .open = false };
    struct bm_fail fail = { .rc = BM_OK };
    int pid = 0, holder = 0, lock = -1;

    assert_int_equal(bm_site_connect(&site, home, &fail), BM_OK);
    assert_true(site.lock >= 0);
    assert_true(ask(site.channel, 1) == (uint64_t)site.registrar.pid);
    /* Meanwhile the home is ours. */
    assert_int_equal(bm_home_lock(&lock, &holder, home, 0, &fail), BM_OK);
    assert_int_equal(lock, -1);
    assert_int_equal(holder, getpid());
    bm_site_close(&site);
    bm_site_close(&site);
    assert_int_equal(started(home, "signer", &pid), 1);
    assert_true(gone(pid));
    assert_int_equal(started(home, "registrar", &pid), 1);
    assert_true(gone(pid));
    assert_int_equal(started(home, "gate", &pid), 0);
    assert_int_equal(bm_home_lock(&lock, &holder, home, 0, &fail), BM_OK);
    assert_true(lock >= 0);
    (void)close(lock);
}

static void
what_a_child_says_when_it_cannot_start_is_the_reason(void **state)
{
    const char *home = *state;
    struct bm_connection site = { .open = false };
    struct bm_fail fail = { .rc = BM_OK };
    int pid = 0;

    text_put(home, "signer.refuse", "the token is locked; unlock it with its PIN");
    assert_int_equal(bm_site_connect(&site, home, &fail), BM_EBUSY);
    assert_string_equal(fail.text, "the token is locked; unlock it with its PIN");
    assert_false(site.open);
    (void)started(home, "registrar", &pid);
    assert_true(pid == 0 || gone(pid));
}

static void
a_broken_confinement_ends_the_conversation(void **state)
{
    const char *home = *state;
    struct bm_connection site = { .open = false };
    struct bm_fail fail = { .rc = BM_OK };
    char text[256];

    assert_int_equal(bm_site_connect(&site, home, &fail), BM_OK);
    assert_true(ask(site.channel, 9) == 0);
    struct pollfd end = { .fd = site.registrar.pidfd, .events = POLLIN };
    assert_int_equal(poll(&end, 1, 5000), 1);
    assert_true(bm_child_ended(&site.registrar, text, sizeof(text)));
    assert_string_equal(text, "birthmark-registrar was killed by signal 31 (it asked the kernel for what its confinement forbids)");
    bm_site_close(&site);
}

static void
where_there_is_no_directory_there_is_no_site(void **state)
{
    struct bm_connection site = { .open = false };
    struct bm_fail fail = { .rc = BM_OK };

    (void)state;
    assert_int_equal(bm_site_connect(&site, "/nowhere/at/all", &fail), BM_EINPUT);
    assert_string_equal(fail.text, "there is no site at /nowhere/at/all; name its directory with --home, or make one with: birthmark init");
}

struct daemon {
    pid_t pid;
    int out; /* its stdout and stderr */
};

/* birthmarkd lies beside this program. */
static struct daemon
daemon_start(const char *home, const char *listen)
{
    int out[2];
    struct daemon d = { .pid = 0 };
    char path[BM_PATH];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

    assert_true(n > 0);
    path[n] = '\0';
    (void)snprintf(strrchr(path, '/') + 1, 32, "birthmarkd");
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    d.pid = fork();
    if (d.pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && dup2(out[1], 1) == 1 && dup2(out[1], 2) == 2)
            (void)execl(path, "birthmarkd", "--home", home, "--listen", listen, "--gates", "2", (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    d.out = out[0];
    return d;
}

/* The next line that it prints, within ten seconds; "" at its end. */
static void
daemon_line(const struct daemon *d, char *ret_line, size_t size)
{
    size_t n = 0;
    struct pollfd p = { .fd = d->out, .events = POLLIN };

    while (n < size - 1 && poll(&p, 1, 10000) == 1 && read(d->out, ret_line + n, 1) == 1 && ret_line[n] != '\n')
        n++;
    ret_line[n] = '\0';
}

static int
daemon_end(struct daemon *d)
{
    int status;

    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    (void)close(d->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
daemon_serves(const struct daemon *d, const char *home, char *ret_where, size_t size)
{
    char line[256], expect[256];

    daemon_line(d, line, sizeof(line));
    assert_int_equal(sscanf(line, "birthmark serves https://%63s", ret_where), 1);
    (void)snprintf(expect, sizeof(expect), "birthmark serves https://%s (home %s)", ret_where, home);
    assert_string_equal(line, expect);
    assert_true(size >= 64);
}

static void
a_server_serves_commands_and_stops_when_asked(void **state)
{
    const char *home = *state;
    struct bm_connection site = { .open = false };
    struct bm_fail fail = { .rc = BM_OK };
    char where[64], path[BM_PATH];
    struct daemon d = daemon_start(home, "127.0.0.1:0");
    struct stat about;
    int pid = 0;

    daemon_serves(&d, home, where, sizeof(where));
    (void)snprintf(path, sizeof(path), "%s/control", home);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bm_site_connect(&site, home, &fail), BM_OK);
        assert_int_equal(site.lock, -1);
        assert_int_equal(started(home, "registrar", &pid), 1);
        assert_true(ask(site.channel, 1) == (uint64_t)pid);
        bm_site_close(&site);
    }
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    assert_int_equal(daemon_end(&d), 0);
    assert_int_equal(started(home, "signer", &pid), 1);
    assert_true(gone(pid));
    assert_int_equal(started(home, "gate", &pid), 2);
    assert_true(gone(pid));
    assert_int_equal(stat(path, &about), -1);
}

static void
a_second_server_and_a_taken_port_are_said(void **state)
{
    const char *home = *state;
    char where[64], line[256], expect[256], other[64] = "/tmp/bm-other-XXXXXX";
    struct daemon d = daemon_start(home, "127.0.0.1:0"), second;

    daemon_serves(&d, home, where, sizeof(where));
    second = daemon_start(home, "127.0.0.1:0");
    daemon_line(&second, line, sizeof(line));
    (void)snprintf(expect, sizeof(expect), "birthmarkd: the home %s is in use by process %d; stop that first, one home has one server",
                   home, (int)d.pid);
    assert_string_equal(line, expect);
    assert_int_equal(daemon_end(&second), 3);

    assert_non_null(mkdtemp(other));
    second = daemon_start(other, where);
    daemon_line(&second, line, sizeof(line));
    (void)snprintf(expect, sizeof(expect),
                   "birthmarkd: port %s of 127.0.0.1 is taken by another program; stop that, or choose another port",
                   strrchr(where, ':') + 1);
    assert_string_equal(line, expect);
    assert_int_equal(daemon_end(&second), 3);
    (void)snprintf(line, sizeof(line), "%s/lock", other);
    assert_int_equal(unlink(line), 0);
    assert_int_equal(rmdir(other), 0);
    assert_int_equal(kill(d.pid, SIGINT), 0);
    assert_int_equal(daemon_end(&d), 0);
}

static void
a_child_that_cannot_start_ends_the_server_with_its_sentence(void **state)
{
    const char *home = *state;
    char line[256];
    struct daemon d;
    int pid = 0;

    text_put(home, "gate.refuse", "the server's certificate is missing");
    d = daemon_start(home, "127.0.0.1:0");
    daemon_line(&d, line, sizeof(line));
    assert_string_equal(line, "the server's certificate is missing");
    assert_int_equal(daemon_end(&d), 3);
    (void)started(home, "signer", &pid);
    assert_true(gone(pid));
}

static void
one_end_starts_all_again(void **state)
{
    const char *home = *state;
    struct bm_connection site = { .open = false };
    struct bm_fail fail = { .rc = BM_OK };
    char where[64], line[256];
    struct daemon d = daemon_start(home, "127.0.0.1:0");
    int before = 0, gate = 0, after = 0;

    daemon_serves(&d, home, where, sizeof(where));
    assert_int_equal(started(home, "registrar", &before), 1);
    assert_int_equal(started(home, "gate", &gate), 2);
    assert_int_equal(kill(gate, SIGKILL), 0);
    daemon_line(&d, line, sizeof(line));
    assert_string_equal(line, "birthmarkd: birthmark-gate was killed by signal 9 (Killed); starting all processes again");
    assert_true(gone(before));
    /* A command that comes now waits for the new registrar. */
    assert_int_equal(bm_site_connect(&site, home, &fail), BM_OK);
    uint64_t answered = ask(site.channel, 1);
    bm_site_close(&site);
    daemon_line(&d, line, sizeof(line));
    assert_string_equal(line, "birthmarkd: serving again");
    assert_int_equal(started(home, "registrar", &after), 2);
    assert_int_equal(started(home, "signer", &gate), 2);
    assert_true(answered == (uint64_t)after && after != before);
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    assert_int_equal(daemon_end(&d), 0);
}

static void
a_killed_server_leaves_nothing_that_stops_the_next(void **state)
{
    const char *home = *state;
    char where[64], again[64];
    struct daemon d = daemon_start(home, "127.0.0.1:0");
    int pid = 0;

    daemon_serves(&d, home, where, sizeof(where));
    assert_int_equal(kill(d.pid, SIGKILL), 0);
    assert_int_equal(daemon_end(&d), -SIGKILL);
    d = daemon_start(home, where); /* the same port, over the stale control socket */
    daemon_serves(&d, home, again, sizeof(again));
    assert_string_equal(again, where);
    assert_int_equal(started(home, "signer", &pid), 2);
    assert_int_equal(kill(d.pid, SIGTERM), 0);
    assert_int_equal(daemon_end(&d), 0);
}

static void
addresses_are_numbers_and_a_port(void **state)
{
    static const char *const good[] = { "127.0.0.1:0", "localhost:8443", "[::1]:65535", "0.0.0.0:1", "[::]:80" };
    static const char *const bad[] = {
        "",       ":",       "127.0.0.1",   "127.0.0.1:",       ":8443",        "127.0.0.1:65536", "127.0.0.1:-1",
        "::1:80", "[::1:80", "[]:80",       "example.com:443",  "127.1:x",      "127.0.0.1:80 ",   "127.0.0.1: 80",
        "[::1]",  "[::1]80", "1.2.3.4.5:1", "127.0.0.1:000080", "[127.0.0.1:80"
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(good); i++)
        assert_true(bm_listen_ok(good[i]));
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        if (bm_listen_ok(bad[i]))
            fail_msg("'%s' was taken for an address", bad[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_command_alone_starts_registrar_and_signer_and_ends_them, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_child_says_when_it_cannot_start_is_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_confinement_ends_the_conversation, setup, teardown),
        cmocka_unit_test(where_there_is_no_directory_there_is_no_site),
        cmocka_unit_test_setup_teardown(a_server_serves_commands_and_stops_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_server_and_a_taken_port_are_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_that_cannot_start_ends_the_server_with_its_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(one_end_starts_all_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_server_leaves_nothing_that_stops_the_next, setup, teardown),
        cmocka_unit_test(addresses_are_numbers_and_a_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
