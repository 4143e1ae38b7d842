/* confine_extra_none.c - a build without sanitizers adds nothing to the lists. */
#include "base/base.h"
#include "proc/confine_list.h"

const int bm_extra_calls[] = { -1 };
const size_t bm_extra_ncalls = 0;
const bool bm_extra_space = false;
const char *const bm_extra_env[] = { NULL };
