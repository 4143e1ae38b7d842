#include "base/base.h"
#include "proc/spawn.h"

#include "base/file.h"
#include "proc/confine_list.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 16
#define MAX_FDS 96
#define MAX_ENV 32
#define ABOVE 256 /* descriptors wait here until the numbers below are free */

/*
 * What a child may inherit. Tokens' libraries find their configuration by these; nothing that changes which code is loaded, where the time zone
 * or the locale comes from, or where OpenSSL looks.
 */
static const char *const env_passed[] = { "SOFTHSM2_CONF",
                                          "P11_KIT_STRICT",
                                          "YUBIHSM_PKCS11_CONF",
                                          "TPM2_PKCS11_STORE",
                                          "TPM2_PKCS11_TCTI",
                                          "CKNFAST_LOADSHARING",
                                          "ChrystokiConfigurationPath",
                                          "CS_PKCS11_R3_CFG",
                                          NULL };

/* "/usr/bin" of the running program. */
static enum bm_rc
own_dir(char ret_dir[static BM_PATH], struct bm_fail *fail)
{
    ssize_t n = readlink("/proc/self/exe", ret_dir, BM_PATH - 1);
    char *slash;

    if (n <= 0)
        return bm_fail(fail, BM_EBUSY, NULL, "/proc/self/exe can't be read: %s; mount /proc", strerror(errno));
    ret_dir[n] = '\0';
    slash = strrchr(ret_dir, '/');
    if (slash == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "/proc/self/exe names no directory");
    *slash = '\0';
    return BM_OK;
}

static enum bm_rc
program_find(char ret_path[static BM_PATH], const char *program, struct bm_fail *fail)
{
    char dir[BM_PATH];
    const char *places[] = { dir, BM_LIBEXEC };
    enum bm_rc rc;

    if ((rc = own_dir(dir, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_COUNT(places); i++) {
        if ((rc = bm_path_join(ret_path, places[i], program, fail)) != BM_OK)
            return rc;
        if (access(ret_path, X_OK) == 0)
            return BM_OK;
    }
    return bm_fail(fail, BM_EBUSY, NULL, "%s is neither in %s nor in %s; install it there", program, dir, BM_LIBEXEC);
}

static size_t
env_add(const char *ret_env[static MAX_ENV], size_t n, const char *const *names)
{
    for (; *names != NULL && n < MAX_ENV - 1; names++) {
        size_t len = strlen(*names);

        for (char **e = environ; e != NULL && *e != NULL; e++)
            if (strncmp(*e, *names, len) == 0 && (*e)[len] == '=' && n < MAX_ENV - 1)
                ret_env[n++] = *e;
    }
    return n;
}

/* In the child from here on: false leaves errno. */

static bool
fds_place(const struct bm_spawn *what)
{
    int held[MAX_FDS];
    bool used[ABOVE] = { false };

    for (size_t i = 0; i < what->nfds; i++) {
        int from = what->fds[i].from >= 0 ? what->fds[i].from : open("/dev/null", O_RDWR | O_CLOEXEC);

        if (from < 0 || (held[i] = fcntl(from, F_DUPFD_CLOEXEC, ABOVE)) < 0)
            return false;
    }
    for (size_t i = 0; i < what->nfds; i++) {
        if (dup2(held[i], what->fds[i].to) < 0)
            return false;
        used[what->fds[i].to] = true;
    }
    for (int fd = 3; fd < ABOVE; fd++)
        if (!used[fd])
            (void)close(fd);
    return close_range(ABOVE, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool
stdio_place(int errors)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null >= 0 && dup2(null, 0) == 0 && (errors == 0 || dup2(errors, 2) == 2) && dup2(2, 1) == 1;
}

static bool
signals_default(void)
{
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        (void)sigaction(s, &usual, NULL); /* KILL, STOP and the C library's own refuse: they are what they are */
    return sigemptyset(&none) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static _Noreturn void
child_run(const struct bm_spawn *what, const char *path, const char *const *argv, const char *const *env, pid_t parent, int report)
{
    /* execve() reads the strings; its prototype only lacks the const. */
    union {
        const char *const *from;
        char *const *to;
    } args = { .from = argv }, vars = { .from = env };
    int high = fcntl(report, F_DUPFD_CLOEXEC, ABOVE);
    int err;

    if (high < 0) { /* EINVAL, where the limit lies below: it means the same */
        high = report;
        errno = EMFILE;
    } else if (setsid() > 0 && signals_default() && stdio_place(what->errors) && fds_place(what) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
               getppid() == parent)
        (void)execve(path, args.to, vars.to);
    err = errno;
    (void)!write(high, &err, sizeof(err));
    _exit(127);
}

/* The error of the child before its exec, or 0 when the pipe closed over a successful one. */
static int
report_read(int fd)
{
    int err = 0;
    ssize_t n;

    do
        n = read(fd, &err, sizeof(err));
    while (n < 0 && errno == EINTR);
    return n == 0 ? 0 : n == (ssize_t)sizeof(err) && err != 0 ? err : EIO;
}

static enum bm_rc
spawn_check(const struct bm_spawn *what, struct bm_fail *fail)
{
    size_t nargs = 0;

    while (what->args != NULL && what->args[nargs] != NULL)
        nargs++;
    if (nargs > MAX_ARGS)
        return bm_fail(fail, BM_EBUG, NULL, "%s: %zu arguments, limit %d", what->program, nargs, MAX_ARGS);
    if (what->nfds > MAX_FDS)
        return bm_fail(fail, BM_EBUG, NULL, "%s: %zu descriptors, limit %d", what->program, what->nfds, MAX_FDS);
    for (size_t i = 0; i < what->nfds; i++)
        if (what->fds[i].to < 3 || what->fds[i].to >= ABOVE)
            return bm_fail(fail, BM_EBUG, NULL, "%s: descriptor number %d", what->program, what->fds[i].to);
    return BM_OK;
}

/* Between fork and the caller: a child that could not become the program is reaped here. */
static enum bm_rc
spawn_settle(struct bm_child *ret_child, const char *program, const char *path, pid_t pid, int report, struct bm_fail *fail)
{
    int err = report_read(report);
    int pidfd = err == 0 ? pidfd_open(pid, 0) : -1;

    if (err == 0 && pidfd < 0) {
        err = errno;
        (void)kill(pid, SIGKILL);
    }
    if (err != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be started: %s", path, strerror(err));
    }
    (void)fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    *ret_child = (struct bm_child){ .program = program, .pid = pid, .pidfd = pidfd };
    return BM_OK;
}

enum bm_rc
bm_spawn(struct bm_child *ret_child, const struct bm_spawn *what, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int ours = -1;
    const char *argv[MAX_ARGS + 2] = { what->program }, *env[MAX_ENV] = { NULL };
    char path[BM_PATH];
    int report[2];
    size_t n = 0;
    pid_t pid, parent = getpid();
    enum bm_rc rc;

    if ((rc = spawn_check(what, fail)) != BM_OK || (rc = program_find(path, what->program, fail)) != BM_OK)
        return rc;
    for (n = 0; what->args != NULL && what->args[n] != NULL; n++)
        argv[n + 1] = what->args[n];
    (void)env_add(env, env_add(env, 0, env_passed), bm_extra_env);
    if (pipe2(report, O_CLOEXEC) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be started: %s", what->program, strerror(errno));
    ours = report[0];
    pid = fork();
    if (pid == 0)
        child_run(what, path, argv, env, parent, report[1]);
    (void)close(report[1]);
    if (pid < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be started: %s", what->program, strerror(errno));
    return spawn_settle(ret_child, what->program, path, pid, ours, fail);
}
