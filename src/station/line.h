/* line.h - the line to a device: a program's standard input and output, or a TCP connection. */
#ifndef BM_STATION_LINE_H
#define BM_STATION_LINE_H

#include "device/link.h"

#include <sys/types.h>

struct bm_line {
    struct bm_link link;
    pid_t child; /* of exec:, 0: none */
};
/* uri: "exec:COMMAND" (by sh, its standard error is ours) or "tcp:HOST:PORT". BM_EINPUT: neither. */
bm_must_use enum bm_rc bm_line_open(struct bm_line *ret, const char *uri, struct bm_fail *fail);
/* The program has 5 s to end by itself. For bm_cleanup() too; zeroed is fine. */
void bm_line_close(struct bm_line *line);

#endif
