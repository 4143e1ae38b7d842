/* confine_list.h - the tables behind bm_confine(): which system calls pass, and what a sanitizer adds. */
#ifndef BM_CONFINE_LIST_H
#define BM_CONFINE_LIST_H

#include "proc/confine.h"

/* Loads the allow-list for this plan. After it, whatever is not on the list kills the process. */
bm_must_use enum bm_rc bm_confine_calls(const struct bm_confine_plan *plan, struct bm_fail *fail);

/* confine_bounds.c: RLIMIT_CPU and RLIMIT_AS, while /proc can still be read. */
bm_must_use enum bm_rc bm_confine_bounds(const struct bm_confine_plan *plan, struct bm_fail *fail);

/* What the build adds: nothing (confine_extra_none.c), or what the sanitizers' run time needs (confine_extra_san.c). */
extern const int bm_extra_calls[];
extern const size_t bm_extra_ncalls;
extern const bool bm_extra_space;        /* does address space cost nothing? */
extern const char *const bm_extra_env[]; /* environment variables that bm_spawn() passes on, NULL-terminated */

#endif
