/* bare.h - what a server's work cannot do without: P-256 signatures, verifications and X25519 agreements, by libcrypto, contexts ready. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdbool.h>

/* Seconds of one core for so many of each; `agree`: an agreement with a new key, as in a handshake. */
double bare_cost(unsigned signatures, unsigned verifications, bool agree);

#endif
