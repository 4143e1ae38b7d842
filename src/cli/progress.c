/* progress.c - how far a command is, on a terminal's stderr. */
#include "cli/print.h"

#include "proc/clock.h"

#include <stdio.h>
#include <unistd.h>

#define BAR 24         /* characters of a full bar */
#define BAR_AFTER 400  /* milliseconds: what is done sooner shows none */
#define BAR_EVERY 100  /* milliseconds */
#define RATE_AFTER 500 /* milliseconds: a rate over less says nothing */

/* "12.4 MB/s", "830 /s". */
static void
rate_print(const struct bm_progress *progress, uint64_t done, int64_t now)
{
    uint64_t past = (uint64_t)(now - progress->began), rate = past > 0 ? done * 1000 / past : 0;

    if (progress->bytes)
        (void)fprintf(stderr, "  %llu.%llu MB/s\033[K", (unsigned long long)(rate / 1000000), (unsigned long long)(rate / 100000 % 10));
    else
        (void)fprintf(stderr, "  %llu /s\033[K", (unsigned long long)rate);
}

void
bm_progress_show(struct bm_progress *progress, uint64_t done, uint64_t total)
{
    int64_t now;
    int full;

    if (progress->quiet)
        return;
    if (progress->began == 0)
        progress->quiet = isatty(STDERR_FILENO) != 1;
    now = bm_clock_ms();
    if (progress->began == 0)
        progress->began = now;
    if (done >= total || now - progress->began < BAR_AFTER || now - progress->last < BAR_EVERY)
        return;
    progress->last = now;
    progress->shown = true;
    full = (int)(done * BAR / total);
    (void)fprintf(stderr, "\r%s  %.*s%.*s  %3llu%%", progress->what, full, "########################", BAR - full,
                  "........................", (unsigned long long)(done * 100 / total));
    if (now - progress->began >= RATE_AFTER)
        rate_print(progress, done, now);
}

void
bm_progress_done(struct bm_progress *progress)
{
    if (progress->shown)
        (void)fprintf(stderr, "\r\033[K");
    progress->shown = false;
}
