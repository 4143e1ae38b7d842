/* turn.h - one program at a time changes what a root of trust keeps: two renewals at once would take each other's pending key. */
#ifndef BM_TURN_H
#define BM_TURN_H

#include "base/base.h"

#define BM_TURN_WAIT 60000 /* ms; an enrolment takes seconds, unless the server is slow */

/*
 * Waits for the turn at this root. It is an abstract Unix socket's name: gone with its process, however that ends, and no file is needed. Programs in other
 * network namespaces are not seen. BM_EBUSY when another program keeps it for longer than `wait` ms.
 */
bm_must_use enum bm_rc bm_turn_take(int *ret_turn, const char *root_uri, int wait, struct bm_fail *fail);
/* Accepts -1. */
void bm_turn_done(int *turn);

#endif
