/* home.h - the home directory's lock (one writer) with the door beside it: the control socket. */
#ifndef BM_HOME_H
#define BM_HOME_H

#include "base/base.h"

/*
 * Takes HOME/lock, waiting up to patience milliseconds for its holder to end; the lock holds until the last copy of *ret_lock is closed.
 * BM_OK with *ret_lock -1: somebody else holds it; *ret_holder is its process id (0 = unknown).
 * BM_EINPUT: no such directory. BM_EBUSY: no permission, no disk.
 */
bm_must_use enum bm_rc bm_home_lock(int *ret_lock, int *ret_holder, const char *home, int patience, struct bm_fail *fail);

/* Makes HOME/control, a listening SEQPACKET socket (mode 0600, close-on-exec, non-blocking), in place of a stale one. Only under the lock. */
bm_must_use enum bm_rc bm_home_listen(int *ret_fd, const char *home, struct bm_fail *fail);

/* Connects to HOME/control. BM_OK with *ret_fd -1: nobody listens there. */
bm_must_use enum bm_rc bm_home_connect(int *ret_fd, const char *home, struct bm_fail *fail);

/* Removes HOME/control. Only under the lock. */
void bm_home_unlisten(const char *home);

#endif
