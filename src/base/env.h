/* env.h - the clock and the random source, passed in as arguments so that pure rooms need neither. */
#ifndef BM_ENV_H
#define BM_ENV_H

#include "base/base.h"

/* Seconds since 1970-01-01T00:00:00Z, UTC. */
typedef int64_t bm_time;

struct bm_env {
    bm_must_use enum bm_rc (*now)(void *ctx, bm_time *ret_now, struct bm_fail *fail);
    bm_must_use enum bm_rc (*random)(void *ctx, uint8_t *ret_bytes, size_t n, struct bm_fail *fail);
    void *ctx;
};

/* The machine's: CLOCK_REALTIME (BM_EBUSY before 2024, "set the clock") and getrandom(2), both checked on every call. */
extern const struct bm_env bm_env_system;

/* "2026-11-23T21:34:09Z" and back. The text is exactly 20 characters and a NUL; years 1970 to 9999. Strict: no other shape is read. */
#define BM_TIME_TEXT 21
void bm_time_print(char ret_text[static BM_TIME_TEXT], bm_time t);
bm_must_use enum bm_rc bm_time_parse(bm_time *ret_t, const char *text, struct bm_fail *fail);

/* Broken-down UTC, proleptic Gregorian, without locale or time zone files (a confined process can't open them). */
struct bm_civil {
    int year, month, day, hour, minute, second;
};
struct bm_civil bm_time_civil(bm_time t);
bm_time bm_civil_time(struct bm_civil c); /* fields must be in range */

#define BM_TIME_NEVER 253402300799 /* 9999-12-31T23:59:59Z: "no well-defined expiration date", RFC 5280 4.1.2.5 */

#endif
