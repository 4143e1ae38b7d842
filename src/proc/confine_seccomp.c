/* confine_seccomp.c - the system calls that a confined process may make; anything else kills it. */
#include "base/base.h"
#include "proc/confine_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* For every plan: descriptors that are open already, memory, time, waiting. Old names beside new ones, since glibc's choice differs by machine. */
static const int calls_base[] = {
    /* open descriptors */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(dup),
    SCMP_SYS(flock),
    /* sockets that exist already: our own channels, accepted connections */
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(shutdown),
    /* waiting */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(pipe2),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    /* memory; mmap and mprotect stand in calls_if */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    /* signals to itself */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(signalfd4),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    /* what time it is, who I am, how large the machine is (qsort, malloc) */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* For plans with `files`: names, where Landlock decides which. */
static const int calls_files[] = {
    SCMP_SYS(open),   SCMP_SYS(openat),   SCMP_SYS(stat),       SCMP_SYS(lstat),     SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(statfs), SCMP_SYS(fstatfs),  SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(getdents64),
    SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),    SCMP_SYS(rmdir),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),     SCMP_SYS(renameat),  SCMP_SYS(renameat2),  SCMP_SYS(fchmod),
    SCMP_SYS(fchown), SCMP_SYS(umask),
};

/* For plans with `listen_accept`. */
static const int calls_accept[] = { SCMP_SYS(accept), SCMP_SYS(accept4) };

/* The options that they may set: sizes, time-outs and timely sending; no packet filters. */
static const struct {
    int level, name;
} options_accept[] = {
    { SOL_SOCKET, SO_SNDBUF },     { SOL_SOCKET, SO_RCVBUF },      { SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_LINGER },
    { SOL_SOCKET, SO_RCVTIMEO },   { SOL_SOCKET, SO_SNDTIMEO },    { IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_CORK },
    { IPPROTO_TCP, TCP_KEEPIDLE }, { IPPROTO_TCP, TCP_KEEPINTVL }, { IPPROTO_TCP, TCP_KEEPCNT }, { IPPROTO_TCP, TCP_USER_TIMEOUT },
};

/* For every plan, when one argument is as it should be. */
static const struct {
    int call;
    unsigned arg;
    uint64_t mask, value;
} calls_if[] = {
    { SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
    { SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
    { SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH, AT_EMPTY_PATH }, /* fstat() in glibc from 2.33 */
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFD },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_SETFD },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFL },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_SETFL },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETLK },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_SETLK },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_SETLKW },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_OFD_GETLK },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_OFD_SETLK },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_OFD_SETLKW },
    { SCMP_SYS(fcntl), 1, UINT32_MAX, F_DUPFD_CLOEXEC },
    { SCMP_SYS(ioctl), 1, UINT32_MAX, FIONREAD }, /* libevent, before each read */
    { SCMP_SYS(ioctl), 1, UINT32_MAX, FIONBIO },
    { SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS }, /* stdio asks whether stderr is a terminal */
    { SCMP_SYS(prctl), 0, UINT32_MAX, PR_GET_SECCOMP },
    { SCMP_SYS(prctl), 0, UINT32_MAX, PR_GET_NO_NEW_PRIVS },
    { SCMP_SYS(prctl), 0, UINT32_MAX, PR_GET_DUMPABLE },
    { SCMP_SYS(landlock_create_ruleset), 2, UINT32_MAX, LANDLOCK_CREATE_RULESET_VERSION }, /* bm_confine_probe() */
};

static int
allow_all(scmp_filter_ctx filter, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

        if (err != 0)
            return err;
    }
    return 0;
}

static int
allow_if(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < BM_COUNT(calls_if); i++) {
        struct scmp_arg_cmp cmp = {
            .arg = calls_if[i].arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = calls_if[i].mask, .datum_b = calls_if[i].value
        };
        int err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls_if[i].call, 1, &cmp);

        if (err != 0)
            return err;
    }
    return 0;
}

static int
allow_accept(scmp_filter_ctx filter)
{
    int err = allow_all(filter, calls_accept, BM_COUNT(calls_accept));

    for (size_t i = 0; err == 0 && i < BM_COUNT(options_accept); i++) {
        struct scmp_arg_cmp cmp[] = {
            { .arg = 1, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)options_accept[i].level, .datum_b = 0 },
            { .arg = 2, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)options_accept[i].name, .datum_b = 0 },
        };

        err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), BM_COUNT(cmp), cmp);
    }
    return err;
}

/* abort() raises by tgkill: only at this very process. */
static int
allow_abort(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp self = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)getpid(), .datum_b = 0 };

    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}

static int
filter_fill(scmp_filter_ctx filter, const struct bm_confine_plan *plan)
{
    int err;

    /* A call by another architecture's table (32-bit, x32) would be read by ours: it kills. Decide by binary tree, not by walking the list. */
    if ((err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) != 0 ||
        (err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0)) != 0 || (err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0)
        return err;
    if ((err = allow_all(filter, calls_base, BM_COUNT(calls_base))) != 0 || (err = allow_if(filter)) != 0 ||
        (err = allow_abort(filter)) != 0)
        return err;
    if (plan->files && (err = allow_all(filter, calls_files, BM_COUNT(calls_files))) != 0)
        return err;
    if (plan->syslog_mute && (err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 0)) != 0)
        return err;
    if (plan->listen_accept && (err = allow_accept(filter)) != 0)
        return err;
    return allow_all(filter, bm_extra_calls, bm_extra_ncalls);
}

static void
filter_done(scmp_filter_ctx *filter)
{
    if (*filter != NULL)
        seccomp_release(*filter);
}

enum bm_rc
bm_confine_calls(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(filter_done) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err;

    if (filter == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "this kernel's seccomp can't kill a process that breaks out; the %s will not run unconfined",
                       plan->name);
    if ((err = filter_fill(filter, plan)) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "libseccomp refuses the list of the %s: %s", plan->name, strerror(-err));
    if ((err = seccomp_load(filter)) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "seccomp can't be switched on for the %s: %s", plan->name, strerror(-err));
    return BM_OK;
}
