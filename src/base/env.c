#include "base/env.h"
#include "base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

static enum bm_rc
system_now(void *ctx, bm_time *ret_now, struct bm_fail *fail)
{
    struct timespec ts;

    (void)ctx;
    if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
        return bm_fail(fail, BM_EBUSY, NULL, "the clock cannot be read: %s", strerrordesc_np(errno));
    if (ts.tv_sec < BM_CLOCK_FLOOR)
        return bm_fail(fail, BM_EBUSY, NULL, "the clock says a date before 2024: set the clock, then try again");
    *ret_now = ts.tv_sec;
    return BM_OK;
}

/* req: FAULTS F17 no random number is made up where the kernel gives none */
static enum bm_rc
system_random(void *ctx, uint8_t *ret_bytes, size_t n, struct bm_fail *fail)
{
    (void)ctx;
    while (n > 0) {
        ssize_t got = getrandom(ret_bytes, n, 0);

        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0)
            return bm_fail(fail, BM_EBUSY, NULL, "the system gives no random numbers: %s", strerrordesc_np(errno));
        ret_bytes += got;
        n -= (size_t)got;
    }
    return BM_OK;
}

const struct bm_env bm_env_system = { .now = system_now, .random = system_random };

/* Days since 1970-01-01 and back: whole 400-year eras of 146,097 days, the year beginning on 1 March so that the leap day comes last. */
static int64_t
days_from_civil(int64_t y, int m, int d)
{
    int64_t era, doy, yoe;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct bm_civil
bm_time_civil(bm_time t)
{
    int64_t days = t / 86400, left = t % 86400, era, doe, yoe, doy, mp;
    struct bm_civil c;

    if (left < 0) {
        left += 86400;
        days--;
    }
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    c.hour = (int)(left / 3600);
    c.minute = (int)(left / 60 % 60);
    c.second = (int)(left % 60);
    return c;
}

bm_time
bm_civil_time(struct bm_civil c)
{
    return days_from_civil(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
}

void
bm_time_print(char ret_text[static BM_TIME_TEXT], bm_time t)
{
    struct bm_civil c = bm_time_civil(t);

    if (t < 0 || t > BM_TIME_NEVER)
        c = bm_time_civil(t < 0 ? 0 : BM_TIME_NEVER);
    (void)snprintf(ret_text, BM_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)c.year % 10000u, (unsigned)c.month % 100u,
                   (unsigned)c.day % 100u, (unsigned)c.hour % 100u, (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
}

static int
digits(const char *s, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

enum bm_rc
bm_time_parse(bm_time *ret_t, const char *text, struct bm_fail *fail)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    char again[BM_TIME_TEXT];
    struct bm_civil c;
    bm_time t;

    if (strlen(text) != sizeof(shape) - 1)
        return bm_fail(fail, BM_EINPUT, "RFC 3339 5.6", "a time is written as 2026-11-23T21:34:09Z");
    c = (struct bm_civil){ .year = digits(text, 4),
                           .month = digits(text + 5, 2),
                           .day = digits(text + 8, 2),
                           .hour = digits(text + 11, 2),
                           .minute = digits(text + 14, 2),
                           .second = digits(text + 17, 2) };
    if (c.year < 1970 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour < 0 || c.hour > 23 || c.minute < 0 ||
        c.minute > 59 || c.second < 0 || c.second > 59)
        return bm_fail(fail, BM_EINPUT, "RFC 3339 5.6", "a time is written as 2026-11-23T21:34:09Z");
    t = bm_civil_time(c);
    bm_time_print(again, t);
    /* 30 February prints as 1 or 2 March; a wrong separator prints as the right one */
    if (strcmp(again, text) != 0)
        return bm_fail(fail, BM_EINPUT, "RFC 3339 5.6", "there is no such time; a time is written as 2026-11-23T21:34:09Z");
    *ret_t = t;
    return BM_OK;
}
