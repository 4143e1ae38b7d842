#include "base/base.h"

#include <stdio.h>

void
bm_fail_note(struct bm_fail *fail, enum bm_rc rc, const char *cite, const char *fmt, ...)
{
    va_list ap;

    fail->rc = rc;
    fail->cite = cite;
    va_start(ap, fmt);
    (void)vsnprintf(fail->text, sizeof(fail->text), fmt, ap);
    va_end(ap);
}

void
bm_fail_prefix(struct bm_fail *fail, const char *fmt, ...)
{
    char whole[sizeof(fail->text)];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(whole, sizeof(whole), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(whole))
        return;
    (void)snprintf(whole + n, sizeof(whole) - (size_t)n, ": %.*s", (int)(sizeof(whole) - (size_t)n) - 3, fail->text);
    memcpy(fail->text, whole, sizeof(whole));
}

/* One row a class, in the order of enum bm_rc. */
static const struct {
    const char *word;
    int exit_code;
    int http;
} classes[] = {
    [BM_OK] = { "ok", 0, 200 },      [BM_EINPUT] = { "input", 1, 400 }, [BM_EPOLICY] = { "policy", 1, 403 },
    [BM_EBUSY] = { "busy", 3, 503 }, [BM_ENOMEM] = { "nomem", 3, 503 }, [BM_EBUG] = { "bug", 3, 500 },
};

int
bm_rc_exit(enum bm_rc rc)
{
    return (size_t)rc < BM_COUNT(classes) ? classes[rc].exit_code : 3;
}

int
bm_rc_http(enum bm_rc rc)
{
    return (size_t)rc < BM_COUNT(classes) ? classes[rc].http : 500;
}

const char *
bm_rc_word(enum bm_rc rc)
{
    return (size_t)rc < BM_COUNT(classes) ? classes[rc].word : "bug";
}
