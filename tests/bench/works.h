/* works.h - a site with a server, a lot of software chips, and what its processes use: the ground that benchmarks stand on. */
#ifndef BENCH_WORKS_H
#define BENCH_WORKS_H

#include "base/limits.h"
#include "lot/lot.h"
#include "pki/private.h"

#include <sys/types.h>

#define WORKS_PROCESSES 70

struct works {
    char home[1000];
    int port;
    pid_t server;
    size_t n;
    struct bm_private **roots;   /* one a chip */
    pid_t pids[WORKS_PROCESSES]; /* the server's: birthmarkd first, then signer, registrar, gates */
    size_t npids;
};

/* In BM_STATE: init, a lot of n chips received, an order for all of them with profile bench-1, the server started. */
void works_open(struct works *works, size_t n);
/* The same, the order for so many alone. */
void works_open_for(struct works *works, size_t n, size_t quantity);
void works_close(struct works *works);

#define WORKS_VENDOR "Example Silicon"
/* Who signs its lots: for one more of them. */
void works_maker(struct bm_note_signer *ret_maker);
/* A command of birthmark on this site, started and not waited for; what it prints is nobody's. */
pid_t works_command(const struct works *works, const char *const *args);

/* Seconds that the processes whose program's name begins so used so far; "": all. */
double works_cpu(const struct works *works, const char *program);
double works_pss(const struct works *works); /* MiB; negative when the kernel does not say (not root) */

#endif
