/* fate.h - how a confined child ended, seen by its parent. */
#ifndef BM_PROC_FATE_H
#define BM_PROC_FATE_H

#include "../testing.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* What a child was left with, seen by its parent. */
enum fate {
    WORKS = 0,
    REFUSED = 1, /* the call failed with EACCES or EPERM */
    OTHER = 2,   /* it failed in another way: the test is wrong */
    DIES = SIGSYS,
};
static inline int
judge(bool ok)
{
    return ok ? WORKS : errno == EACCES || errno == EPERM ? REFUSED : OTHER;
}

/* How the child ended: its status, or the signal. */
static inline int
fate_of(pid_t pid)
{
    int status;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
