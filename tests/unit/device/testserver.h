/* testserver.h - a server for one test process: checks evidence for real, issues, and misbehaves where a service's name asks for it. */
#ifndef BM_TEST_SERVER_H
#define BM_TEST_SERVER_H

#include "testca.h"

#include <sys/types.h>

/*
 * Services: "refused" 403, "away" 503, "elsewhere" 302, "lost" the first reply never comes, "wrong-key" a certificate for another key, "stranger" one of
 * another CA, "expired" one that has ended, "slow" one that has ended to the first key that asked, ever, "early" one that begins in two days,
 * "unconfirmed" confirm gives 503, "garbage" bytes, "renewed" an enrolment is refused as a copy's, "ended" a renewal is, and no certificate of serial
 * TESTSERVER_ENDED is confirmed; every other one gets its certificate when the evidence holds.
 */
#define TESTSERVER_ENDED 403
struct testserver {
    pid_t pid;
    char url[64];
};
/* roots: the root keys that it knows. */
bool testserver_start(struct testserver *ret, const struct testca *ca, const struct bm_key *roots, size_t nroots);
void testserver_stop(struct testserver *server);

#endif
