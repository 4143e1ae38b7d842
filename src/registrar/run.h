/* run.h - the working process as one call. */
#ifndef BM_REGISTRAR_RUN_H
#define BM_REGISTRAR_RUN_H

#include "base/env.h"

struct bm_registrar_options {
    const char *home;
    size_t gates;    /* channels of gates, from BM_FD_REGISTRAR_GATES on */
    bool socketpair; /* BM_FD_REGISTRAR_CONTROL is one connected channel, not a listening socket */
};
/* Confines this process and serves until the one command on its socketpair has gone; with a listening socket, until something fails. */
bm_must_use enum bm_rc bm_registrar_run(const struct bm_registrar_options *options, const struct bm_env *env, struct bm_fail *fail);

/* "--home DIR --gates N --control socketpair". */
bm_must_use enum bm_rc bm_registrar_options_parse(struct bm_registrar_options *ret_options, int argc, char **argv, struct bm_fail *fail);

#endif
