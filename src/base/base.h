/* base.h - the handful of words that every room speaks. Include it first, always. */
#ifndef BM_BASE_H
#define BM_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define bm_must_use __attribute__((warn_unused_result))
#define bm_cleanup(fn) __attribute__((cleanup(fn)))
#define bm_printf(fmt, args) __attribute__((format(printf, fmt, args)))

#define BM_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * The class of an outcome says what the caller may do about it; the sentence says what happened. Exit code, HTTP status, retry and audit are
 * read off the class in one place: base/fail.c.
 */
enum bm_rc {
    BM_OK = 0,
    BM_EINPUT,  /* the peer's bytes are wrong: refuse, never retry        exit 1, HTTP 400 */
    BM_EPOLICY, /* well-formed and forbidden: refuse and record           exit 1, HTTP 403 */
    BM_EBUSY,   /* something of the environment is away: retry later      exit 3, HTTP 503 */
    BM_ENOMEM,  /* no memory                                              exit 3, HTTP 503 */
    BM_EBUG,    /* an invariant of ours broke: stop this process          exit 3, HTTP 500 */
};

/* Why something failed. Zeroed = nothing failed. Fits on the stack; owns nothing; `cite` points to a string constant. */
struct bm_fail {
    enum bm_rc rc;
    const char *cite; /* "RFC 2986 4.1", or NULL */
    char text[400];   /* one sentence, UTF-8, no newline, says what to do where the reader can do something */
};

/* Record why. Use bm_fail() below, so that reader, compiler and analyser see the value that leaves. */
void bm_fail_note(struct bm_fail *fail, enum bm_rc rc, const char *cite, const char *fmt, ...) bm_printf(4, 5);

/* return bm_fail(f, BM_EINPUT, "RFC 2986 4", "the request has %zu bytes after its end", n); */
#define bm_fail(fail, rc, ...) (bm_fail_note((fail), (rc), __VA_ARGS__), (rc))

/* Put "prefix: " before the sentence already recorded ("lot.manifest: line 3: ..."); keeps class and citation. */
void bm_fail_prefix(struct bm_fail *fail, const char *fmt, ...) bm_printf(2, 3);

int bm_rc_exit(enum bm_rc rc);         /* 0, 1 or 3 */
int bm_rc_http(enum bm_rc rc);         /* 200, 400, 403, 500 or 503 */
const char *bm_rc_word(enum bm_rc rc); /* "ok", "input", "policy", "busy", "nomem", "bug": stable, for --json and records */

/* Hand a pointer out of a cleanup variable: from here on it is the caller's. */
#define bm_take(p)                    \
    __extension__({                   \
        __typeof__(p) bm_take_ = (p); \
        (p) = NULL;                   \
        bm_take_;                     \
    })

#endif
