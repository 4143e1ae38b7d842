/* linked.h - birthmark-agent link in a process of its own, and a station to drive it with. */
#ifndef BM_TEST_LINKED_H
#define BM_TEST_LINKED_H

#include "station/unit.h"

#include "testca.h"
#include "testserver.h"

#include <sys/types.h>

/* The agent's process, and our ends of its standard input and output. */
struct linked {
    pid_t pid;
    struct bm_link link;
    char said[128]; /* a file: its standard error */
};
bool linked_start(struct linked *ret, const char *dir, const char *root, const char *ca_file);
int linked_end(struct linked *linked);  /* its exit code */
void linked_cut(struct linked *linked); /* both ends closed; it ends by itself, whatever its exit code */

/* A station with a software key and a certificate of the CA. */
struct line {
    struct bm_root *root;
    struct bm_provider *provider;
    struct bm_station station;
};
bool line_start(struct line *ret, const char *dir, const char *name, const struct testca *issuer, const char *names, const char *server,
                const char *ca_file);
void line_stop(struct line *line);

#endif
