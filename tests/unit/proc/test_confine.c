/* test_confine.c - a confined process keeps exactly what its plan says; every other attempt kills it or is refused. */
#include "fate.h"

#include "proc/channel.h"
#include "proc/confine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

struct world {
    char dir[32];     /* inside: dir/in; outside: dir/out */
    char in[48];      /* the plan's directory */
    char in_file[64]; /* exists, 5 bytes */
    char out_file[64];
    int held;     /* opened before: in the outside directory */
    int listener; /* a listening TCP socket */
    int pair[2];
};

static int
open_close(const char *path, int flags)
{
    bm_cleanup(bm_fd_done) int fd = open(path, flags | O_CLOEXEC, 0600);

    return judge(fd >= 0);
}

static int
do_read_inside(struct world *w)
{
    return open_close(w->in_file, O_RDONLY);
}

static int
do_list_inside(struct world *w)
{
    return open_close(w->in, O_RDONLY | O_DIRECTORY);
}

static int
do_create_inside(struct world *w)
{
    char path[128], to[128];
    int got;

    (void)snprintf(path, sizeof(path), "%s/new", w->in);
    (void)snprintf(to, sizeof(to), "%s/moved", w->in);
    if ((got = open_close(path, O_RDWR | O_CREAT)) != WORKS)
        return got;
    return judge(rename(path, to) == 0 && unlink(to) == 0);
}

static int
do_write_inside(struct world *w)
{
    return open_close(w->in_file, O_WRONLY);
}

static int
do_read_outside(struct world *w)
{
    return open_close(w->out_file, O_RDONLY);
}

static int
do_create_outside(struct world *w)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/out/new", w->dir);
    return open_close(path, O_RDWR | O_CREAT);
}

static int
do_read_passwd(struct world *w)
{
    (void)w;
    return open_close("/etc/passwd", O_RDONLY);
}

static int
do_old_open(struct world *w)
{
    return judge(syscall(SYS_openat, AT_FDCWD, w->out_file, O_RDONLY) >= 0);
}

static int
do_link_out(struct world *w)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/link", w->in);
    return judge(symlink("/etc/passwd", path) == 0);
}

static int
do_socket(struct world *w)
{
    (void)w;
    return judge(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static int
do_socket_unix(struct world *w)
{
    (void)w;
    return judge(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static int
do_connect(struct world *w)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const void *any = &to;

    return judge(connect(w->pair[0], any, sizeof(to)) == 0);
}

static int
do_bind(struct world *w)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const void *any = &to;

    return judge(bind(w->listener, any, sizeof(to)) == 0);
}

static int
do_accept(struct world *w)
{
    int on = 1;

    if (accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) >= 0 || errno != EAGAIN)
        return OTHER;
    return judge(setsockopt(w->listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0);
}

static int
do_packet_filter(struct world *w)
{
    char filter[16] = { 0 };

    return judge(setsockopt(w->listener, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(filter)) == 0);
}

static int
do_exec(struct world *w)
{
    (void)w;
    (void)execl("/bin/true", "true", (char *)NULL);
    return judge(false);
}

static int
do_fork(struct world *w)
{
    pid_t pid = fork();

    (void)w;
    if (pid == 0)
        _exit(0);
    return judge(pid > 0);
}

static int
do_ptrace(struct world *w)
{
    (void)w;
    return judge(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int
do_kill_parent(struct world *w)
{
    (void)w;
    return judge(kill(getppid(), 0) == 0);
}

static int
do_read_memory(struct world *w)
{
    char byte;
    struct iovec to = { &byte, 1 }, from = { &byte, 1 };

    (void)w;
    return judge(process_vm_writev(getppid(), &to, 1, &from, 1, 0) == 1);
}

static int
do_mmap_exec(struct world *w)
{
    (void)w;
    return judge(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int
do_mprotect_exec(struct world *w)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)w;
    return page == MAP_FAILED ? OTHER : judge(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int
do_chdir(struct world *w)
{
    return judge(chdir(w->dir) == 0);
}

static int
do_setuid(struct world *w)
{
    (void)w;
    return judge(setuid(0) == 0);
}

static int
do_dup_signal(struct world *w)
{
    return judge(fcntl(w->pair[0], F_SETOWN, getppid()) == 0);
}

/* Everything that an honest room does all day on what it holds. */
static int
do_work(struct world *w)
{
    bm_cleanup(bm_fd_done) int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };
    struct bm_message out = { .type = 7, .id = 1, .body = bm_bytes_str("hello") }, in;
    struct bm_fail fail = { .rc = BM_OK };
    enum bm_heard heard;
    uint8_t buffer[64], random[8];
    struct timespec moment = { .tv_nsec = 1000 };
    struct stat about;
    void *much = malloc(4 << 20), *more;

    if (much == NULL || (more = realloc(much, 8 << 20)) == NULL)
        return OTHER;
    free(more);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, w->pair[1], &event) != 0 || syscall(SYS_getrandom, random, sizeof(random), 0) != 8)
        return OTHER;
    if (bm_channel_send(w->pair[0], &out, &fail) != BM_OK || epoll_wait(epoll, &event, 1, 1000) != 1 ||
        bm_channel_recv(&heard, &in, w->pair[1], buffer, sizeof(buffer), 1000, &fail) != BM_OK || heard != BM_HEARD_MESSAGE || in.id != 1)
        return OTHER;
    if (pwrite(w->held, "kept", 4, 0) != 4 || fdatasync(w->held) != 0 || fstat(w->held, &about) != 0 || ftruncate(w->held, 2) != 0)
        return OTHER;
    if (clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) != 0 || signal(SIGUSR1, SIG_IGN) == SIG_ERR || fprintf(stderr, "%s", "") < 0)
        return OTHER;
    return WORKS;
}

static int
do_abort(struct world *w)
{
    (void)w;
    abort();
}

/* Not _exit(): whatever runs at the end of a process (a sanitizer's leak check) must live with the confinement too. */
static int
do_exit(struct world *w)
{
    (void)w;
    exit(WORKS);
}

/* The facts that bm_confine() promises beside the two filters. */
static int
do_facts(struct world *w)
{
    char text[BM_CONFINE_TEXT];

    (void)w;
    bm_confine_probe(text);
    if (strncmp(text, "landlock abi ", 13) != 0 || strstr(text, ", seccomp, no_new_privs, uid ") == NULL)
        return OTHER;
    return WORKS;
}

enum which {
    WITH_NOTHING,
    WITH_ACCEPT,
    WITH_READ,
    WITH_WRITE,
    PLANS
};

static const struct {
    const char *name;
    int (*attempt)(struct world *);
    enum fate fate[PLANS]; /* nothing, accept, files read, files read-write */
} cases[] = {
    { "read a file inside", do_read_inside, { DIES, DIES, WORKS, WORKS } },
    { "list the directory", do_list_inside, { DIES, DIES, WORKS, WORKS } },
    { "write a file inside", do_write_inside, { DIES, DIES, REFUSED, WORKS } },
    { "create, move and remove inside", do_create_inside, { DIES, DIES, REFUSED, WORKS } },
    { "read a file outside", do_read_outside, { DIES, DIES, REFUSED, REFUSED } },
    { "create a file outside", do_create_outside, { DIES, DIES, REFUSED, REFUSED } },
    { "read /etc/passwd", do_read_passwd, { DIES, DIES, REFUSED, REFUSED } },
    { "open by the bare call", do_old_open, { DIES, DIES, REFUSED, REFUSED } },
    { "make a link that leads out", do_link_out, { DIES, DIES, DIES, DIES } },
    { "make a TCP socket", do_socket, { DIES, DIES, DIES, DIES } },
    { "make a Unix socket", do_socket_unix, { DIES, DIES, DIES, DIES } },
    { "connect", do_connect, { DIES, DIES, DIES, DIES } },
    { "bind", do_bind, { DIES, DIES, DIES, DIES } },
    { "accept, and set an option", do_accept, { DIES, WORKS, DIES, DIES } },
    { "attach a packet filter", do_packet_filter, { DIES, DIES, DIES, DIES } },
    { "execute a program", do_exec, { DIES, DIES, DIES, DIES } },
    { "fork", do_fork, { DIES, DIES, DIES, DIES } },
    { "trace the parent", do_ptrace, { DIES, DIES, DIES, DIES } },
    { "signal the parent", do_kill_parent, { DIES, DIES, DIES, DIES } },
    { "write another process's memory", do_read_memory, { DIES, DIES, DIES, DIES } },
    { "map executable memory", do_mmap_exec, { DIES, DIES, DIES, DIES } },
    { "make memory executable", do_mprotect_exec, { DIES, DIES, DIES, DIES } },
    { "change the directory", do_chdir, { DIES, DIES, DIES, DIES } },
    { "become root", do_setuid, { DIES, DIES, DIES, DIES } },
    { "aim a descriptor's signals at the parent", do_dup_signal, { DIES, DIES, DIES, DIES } },
    { "normal work", do_work, { WORKS, WORKS, WORKS, WORKS } },
    { "say which confinement holds", do_facts, { WORKS, WORKS, WORKS, WORKS } },
    { "exit in order", do_exit, { WORKS, WORKS, WORKS, WORKS } },
    { "abort, and be seen to", do_abort, { SIGABRT, SIGABRT, SIGABRT, SIGABRT } },
};

static void
file_make(const char *path, const char *text)
{
    struct bm_fail fail;

    assert_int_equal(bm_file_write(path, bm_bytes_str(text), 0644, &fail), BM_OK);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const void *addr = &any;
    struct bm_fail fail;
    char path[48];

    assert_non_null(w);
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/bm-confine-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(chmod(w->dir, 0755), 0);
    (void)snprintf(w->in, sizeof(w->in), "%s/in", w->dir);
    assert_int_equal(mkdir(w->in, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/out", w->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(w->in_file, sizeof(w->in_file), "%s/file", w->in);
    (void)snprintf(w->out_file, sizeof(w->out_file), "%s/file", path);
    file_make(w->in_file, "inner");
    file_make(w->out_file, "outer");
    w->held = open(w->out_file, O_RDWR | O_CLOEXEC);
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(w->held >= 0 && w->listener >= 0);
    assert_int_equal(bind(w->listener, addr, sizeof(any)), 0);
    assert_int_equal(listen(w->listener, 4), 0);
    assert_int_equal(bm_channel_pair(w->pair, &fail), BM_OK);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    char path[128];

    (void)unlink(w->in_file);
    (void)unlink(w->out_file);
    (void)snprintf(path, sizeof(path), "%s/out", w->dir);
    (void)rmdir(path);
    (void)rmdir(w->in);
    (void)rmdir(w->dir);
    (void)close(w->held);
    (void)close(w->listener);
    (void)close(w->pair[0]);
    (void)close(w->pair[1]);
    free(w);
    return 0;
}

static _Noreturn void
child_attempt(struct world *w, enum which which, int (*attempt)(struct world *))
{
    struct bm_confine_dir dir = { .path = w->in, .write = which == WITH_WRITE };
    struct bm_confine_plan plan = { .name = "test", .listen_accept = which == WITH_ACCEPT };
    struct bm_fail fail;

    if (which == WITH_READ || which == WITH_WRITE) {
        plan.files = true;
        plan.dirs = &dir;
        plan.ndirs = 1;
    }
    if (bm_confine(&plan, &fail) != BM_OK) {
        (void)fprintf(stderr, "%s\n", fail.text);
        _exit(99);
    }
    _exit(attempt(w));
}

static void
every_attempt_ends_as_the_plan_says(void **state)
{
    struct world *w = *state;
    bool wrong = false;

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        for (enum which which = 0; which < PLANS; which++) {
            int fate;
            pid_t pid;

            (void)fflush(NULL);
            pid = fork();

            if (pid == 0)
                child_attempt(w, which, cases[i].attempt);
            fate = fate_of(pid);
            if (fate != (int)cases[i].fate[which]) {
                print_error("%s, plan %d: %d instead of %d\n", cases[i].name, (int)which, fate, (int)cases[i].fate[which]);
                wrong = true;
            }
        }
    }
    assert_false(wrong);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_attempt_ends_as_the_plan_says, setup, teardown),
    };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
