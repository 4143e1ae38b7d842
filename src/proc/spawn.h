/* spawn.h - start one of our programs with exactly the descriptors and environment it needs, and end it again. */
#ifndef BM_SPAWN_H
#define BM_SPAWN_H

#include "base/base.h"

#include <sys/types.h>

struct bm_child {
    const char *program; /* borrowed; for sentences */
    pid_t pid;           /* 0 = none */
    int pidfd;           /* readable when it has ended; close-on-exec */
    int status;          /* it exited with this, when it has; else -1 */
};

/* Descriptor `from` of this process becomes `to` (3 or more, each once) in the child. from -1 makes a hole: /dev/null. */
struct bm_spawn_fd {
    int from, to;
};

struct bm_spawn {
    const char *program;     /* "birthmark-signer": looked for beside the running program, then in the libexec directory. Never in PATH */
    const char *const *args; /* after the program's name; NULL-terminated */
    const struct bm_spawn_fd *fds;
    size_t nfds;
    int errors; /* becomes the child's stdout and stderr; 0 = this process's stderr */
};

/*
 * fork and exec, no shell. The child has only the descriptors named, an environment of a short allow-list, default signals, a session of its
 * own (a terminal's Ctrl-C reaches the parent alone), and dies with its parent. BM_EBUSY: not there, not executable, no more processes.
 */
bm_must_use enum bm_rc bm_spawn(struct bm_child *ret_child, const struct bm_spawn *what, struct bm_fail *fail);

/* SIGTERM to all, waits up to patience milliseconds together, then SIGKILL to who is left; reaps and zeroes. Only these pids are touched. */
void bm_children_stop(struct bm_child *children, size_t n, int patience);

/* "birthmark-gate exited with status 3", "... was killed by signal 31 (it broke its confinement)". Reaps a child that has ended; false when it
 * still runs. */
bool bm_child_ended(struct bm_child *child, char *ret_text, size_t size);

/*
 * Waits until all n have called bm_ready() on the pipe `ready` (close the write end here before), up to patience milliseconds, or until `stop`
 * is readable (-1 = none). BM_EBUSY: one ended before ("birthmark-signer exited with status 3"; its own sentence is on its stderr), the
 * patience is over, or stop. The children that still run are the caller's to stop.
 */
bm_must_use enum bm_rc bm_children_await(struct bm_child *const *children, size_t n, int ready, int stop, int patience,
                                         struct bm_fail *fail);

/* In the child: tell the parent that it serves. BM_OK also when nobody listens (started by hand). */
bm_must_use enum bm_rc bm_ready(struct bm_fail *fail);

/*
 * In the child, before it exits: "PROGRAM: sentence" on stderr, after a moment. When the server is being stopped, who first sees a peer go has its
 * own signal in that moment, and says nothing.
 */
void bm_last_words(const char *program, const struct bm_fail *fail);

/* In the child: is this descriptor a listening socket? */
bool bm_fd_listens(int fd);

#endif
