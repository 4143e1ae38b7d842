/* confine_extra_san.c - what the sanitizers' run time needs beside the lists; only in builds with b_sanitize. */
#include "base/base.h"
#include "proc/confine_list.h"

#include <sanitizer/lsan_interface.h>
#include <seccomp.h>
#include <sys/prctl.h>

const int bm_extra_calls[] = { SCMP_SYS(prctl) };
const size_t bm_extra_ncalls = BM_COUNT(bm_extra_calls);
const bool bm_extra_space = true;
const char *const bm_extra_env[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", NULL };

/* The leak check at exit traces its own process, which a process that is not dumpable forbids, and would die of seccomp before: off there. */
__attribute__((visibility("default"))) int
__lsan_is_turned_off(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}
