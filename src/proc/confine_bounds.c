/* confine_bounds.c - how much processor time and memory a process may take. */
#include "proc/confine_list.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void
file_done(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

/* Bytes that are mapped now: what libraries, files and forks brought along counts in RLIMIT_AS too. */
static bool
space_taken(rlim_t *ret)
{
    bm_cleanup(file_done) FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    char line[128];
    char *end;

    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        return false;
    pages = strtoull(line, &end, 10);
    *ret = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    return end != line;
}

enum bm_rc
bm_confine_bounds(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    const struct rlimit cpu = { plan->cpu, (rlim_t)plan->cpu + 1 }; /* a signal that says what it was, before the one that says nothing */
    rlim_t taken = 0;
    struct rlimit space;

    if (plan->cpu > 0 && setrlimit(RLIMIT_CPU, &cpu) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't bound its processor time: %s", plan->name, strerror(errno));
    if (plan->memory == 0 || bm_extra_space)
        return BM_OK;
    if (!space_taken(&taken))
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't tell how much memory it has: /proc is not there", plan->name);
    space = (struct rlimit){ taken + plan->memory, taken + plan->memory };
    if (setrlimit(RLIMIT_AS, &space) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't bound its memory: %s", plan->name, strerror(errno));
    return BM_OK;
}
