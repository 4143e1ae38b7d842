#include "base/base.h"
#include "proc/spawn.h"

#include "base/file.h"
#include "proc/clock.h"
#include "proc/places.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CHILDREN (2 + BM_MAX_GATES)

static void
child_forget(struct bm_child *child)
{
    bm_fd_done(&child->pidfd);
    *child = (struct bm_child){ .program = child->program, .pid = 0, .pidfd = -1, .status = child->status };
}

static const char *
signal_reason(int sig)
{
    return sig == SIGSYS ? "it asked the kernel for what its confinement forbids" : strsignal(sig);
}

bool
bm_child_ended(struct bm_child *child, char *ret_text, size_t size)
{
    int status = 0;

    if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
        return false;
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (WIFSIGNALED(status))
        (void)snprintf(ret_text, size, "%s was killed by signal %d (%s)", child->program, WTERMSIG(status),
                       signal_reason(WTERMSIG(status)));
    else
        (void)snprintf(ret_text, size, "%s exited with status %d", child->program, WEXITSTATUS(status));
    child_forget(child);
    return true;
}

static bool
child_await(const struct bm_child *child, int64_t until)
{
    struct pollfd p = { .fd = child->pidfd, .events = POLLIN };

    for (;;) {
        int got = poll(&p, 1, bm_clock_left(until));

        if (got >= 0 || errno != EINTR)
            return got > 0;
    }
}

void
bm_children_stop(struct bm_child *children, size_t n, int patience)
{
    int64_t until = bm_clock_ms() + patience;

    for (size_t i = 0; i < n; i++)
        if (children[i].pid != 0)
            (void)kill(children[i].pid, SIGTERM);
    for (size_t i = 0; i < n; i++) {
        if (children[i].pid == 0)
            continue;
        if (!child_await(&children[i], until))
            (void)kill(children[i].pid, SIGKILL);
        while (waitpid(children[i].pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        child_forget(&children[i]);
    }
}

/* One look at pipe, stop and children: *ret_n grows by those that are ready. */
static enum bm_rc
await_once(struct bm_child *const *children, size_t n, struct pollfd *p, int64_t until, size_t *ret_n, struct bm_fail *fail)
{
    int got = poll(p, (nfds_t)n + 2, bm_clock_left(until));
    char text[256], bytes[64];
    ssize_t ready;

    if (got < 0 && errno == EINTR)
        return BM_OK;
    if (got <= 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%zu of %zu processes were ready in time", *ret_n, n);
    if (p[1].revents != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "stopped before all processes were ready");
    if ((p[0].revents & POLLIN) != 0 && (ready = read(p[0].fd, bytes, sizeof(bytes))) > 0) {
        *ret_n += (size_t)ready;
        return BM_OK;
    }
    for (size_t i = 0; i < n; i++)
        if (p[2 + i].revents != 0 && bm_child_ended(children[i], text, sizeof(text)))
            return bm_fail(fail, BM_EBUSY, NULL, "%s", text);
    if (p[0].revents != 0)
        p[0].fd = -1; /* all have closed it: the ends of processes tell the rest */
    return BM_OK;
}

enum bm_rc
bm_children_await(struct bm_child *const *children, size_t n, int ready, int stop, int patience, struct bm_fail *fail)
{
    struct pollfd p[2 + MAX_CHILDREN] = { { .fd = ready, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
    int64_t until = bm_clock_ms() + patience;
    size_t done = 0;
    enum bm_rc rc = BM_OK;

    if (n > MAX_CHILDREN)
        return bm_fail(fail, BM_EBUG, NULL, "%zu children, limit %d", n, MAX_CHILDREN);
    for (size_t i = 0; i < n; i++)
        p[2 + i] = (struct pollfd){ .fd = children[i]->pidfd, .events = POLLIN };
    while (rc == BM_OK && done < n)
        rc = await_once(children, n, p, until, &done, fail);
    return rc;
}

enum bm_rc
bm_ready(struct bm_fail *fail)
{
    ssize_t n;

    do
        n = write(BM_FD_READY, "R", 1);
    while (n < 0 && errno == EINTR);
    if (n != 1 && errno != EBADF)
        return bm_fail(fail, BM_EBUSY, NULL, "the process that started this one is gone");
    (void)close(BM_FD_READY);
    return BM_OK;
}

#define LAST_MOMENT 200 /* milliseconds */

void
bm_last_words(const char *program, const struct bm_fail *fail)
{
    (void)poll(NULL, 0, LAST_MOMENT);
    (void)fprintf(stderr, "%s: %s\n", program, fail->text);
}

bool
bm_fd_listens(int fd)
{
    int on = 0;
    socklen_t n = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0;
}
