/* listen.h - a TCP listening socket from HOST:PORT. */
#ifndef BM_LISTEN_H
#define BM_LISTEN_H

#include "base/base.h"

/*
 * "127.0.0.1:8443", "[::1]:8443", "localhost:8443", "0.0.0.0:8443"; port 0 takes a free one. No names: a server's address is not asked of a
 * resolver. BM_EINPUT: not of this shape. BM_EBUSY: the port is taken, privileged, or the address is not this machine's.
 * The socket is close-on-exec and non-blocking; TCP_NODELAY is inherited by what it accepts. ret_name is "HOST:PORT" as it is bound.
 */
#define BM_LISTEN_NAME 64
bool bm_listen_ok(const char *where); /* of this shape? */
bm_must_use enum bm_rc bm_listen(int *ret_fd, char ret_name[static BM_LISTEN_NAME], const char *where, struct bm_fail *fail);

#endif
