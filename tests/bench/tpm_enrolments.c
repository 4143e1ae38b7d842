/*
 * tpm_enrolments.c - enrols and renews each of these TPMs once, and tells commands and times. For bench_tpm.sh.
 *
 *   tpm_enrolments activated|certified SERVER CA-FILE SERVER-PID ROOT-URI...
 */
#include "device/enrol.h"

#include "root/root.h"

#include "counted.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 32
#define CONFIRMS \
    5 /* CreatePrimary, Load, Sign, FlushContext 2: a renewal confirms the current identity first, lest an earlier renewal was cut off there */
#define OF_RECORD 3 /* NV_ReadPublic 2, NV_Read 1: which template the device has, where no URI names it */

static struct bm_fail fail;
static double asking; /* in requests, with the connections made for them */

static void
must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "tpm_enrolments: %s: %s\n", what, fail.text);
    exit(3);
}

static double
now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum bm_rc __real_bm_http_post(struct bm_http *http, const char *path, const char *type, struct bm_bytes body, const char *want_type,
                               struct bm_buf *reply, struct bm_fail *why);
enum bm_rc __wrap_bm_http_post(struct bm_http *http, const char *path, const char *type, struct bm_bytes body, const char *want_type,
                               struct bm_buf *reply, struct bm_fail *why);

/* The TPM signs in here too, when the new identity confirms itself over TLS: not counted twice. */
enum bm_rc
__wrap_bm_http_post(struct bm_http *http, const char *path, const char *type, struct bm_bytes body, const char *want_type,
                    struct bm_buf *reply, struct bm_fail *why)
{
    const double from = now(), tpm = counted_now().seconds;
    enum bm_rc rc = __real_bm_http_post(http, path, type, body, want_type, reply, why);

    asking += now() - from - (counted_now().seconds - tpm);
    return rc;
}

/* Of the server and the processes that it started: seconds on a processor. */
static double
server_cpu(long parent)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    double ticks = 0;

    must(proc != NULL, "/proc");
    while ((entry = readdir(proc)) != NULL) {
        char path[300], text[600], *after;
        long pid = strtol(entry->d_name, NULL, 10), above;
        unsigned long user, system;
        FILE *file;
        size_t n;

        (void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        if (pid <= 0 || (file = fopen(path, "r")) == NULL)
            continue;
        n = fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
        text[n] = '\0';
        if ((after = strrchr(text, ')')) == NULL ||
            sscanf(after + 2, "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &above, &user, &system) != 3)
            continue;
        if (pid == parent || above == parent || getpgid((pid_t)pid) == (pid_t)parent)
            ticks += (double)(user + system);
    }
    (void)closedir(proc);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

struct times {
    double wall, tpm, asked;
    unsigned commands;
    char by_name[400];
};

static struct times
one(const char *uri, const char *server, const char *ca_file, bool renew)
{
    struct bm_enrol enrol = { .server = server, .service = "mqtt", .ca_file = ca_file, .renew = renew, .new_key = !renew };
    struct times times;
    char warning[400];
    struct counted counted;
    double from;

    must(bm_root_open(&enrol.root, uri, &fail) == BM_OK, uri);
    counted_reset();
    asking = 0;
    from = now();
    must(bm_enrol(&enrol, warning, &fail) == BM_OK && warning[0] == '\0', warning);
    bm_root_close(enrol.root);
    counted = counted_now();
    times = (struct times){ .wall = now() - from, .tpm = counted.seconds, .asked = asking, .commands = counted.commands };
    counted_print(&counted, times.by_name, sizeof(times.by_name));
    return times;
}

static int
order(const void *a, const void *b)
{
    double x = ((const struct times *)a)->wall, y = ((const struct times *)b)->wall;

    return (x > y) - (x < y);
}

/* The least: tests/unit/root/test_tpm2_count.c has it item by item, for certificates of a usual size. */
static void
all(const char *kind, char **argv, size_t n, bool renew, unsigned least)
{
    const char *verb = renew ? "renew" : "enrol";
    static struct times times[MOST];
    double cpu = server_cpu(strtol(argv[4], NULL, 10));

    for (size_t i = 0; i < n; i++)
        times[i] = one(argv[5 + i], argv[2], argv[3], renew);
    cpu = (server_cpu(strtol(argv[4], NULL, 10)) - cpu) / (double)n;
    qsort(times, n, sizeof(times[0]), order);
    const struct times *middle = &times[n / 2];
    (void)printf("tpm-commands-%s-%s %u commands ratio %.2f against %u, the least of the protocol (two more at most): %s\n", verb, kind,
                 middle->commands, (double)middle->commands / least, least, middle->by_name);
    (void)printf(
        "tpm-%s-%s %.1f ms ratio %.2f against %.1f ms in the TPM; server %.1f ms on processors, network and waiting %.1f, device %.1f\n",
        verb, kind, middle->wall * 1e3, middle->wall / middle->tpm, middle->tpm * 1e3, cpu * 1e3,
        (middle->asked - cpu > 0 ? middle->asked - cpu : 0) * 1e3, (middle->wall - middle->tpm - middle->asked) * 1e3);
}

int
main(int argc, char **argv)
{
    bool certified;

    if (argc < 6 || argc - 5 > MOST)
        return 2;
    certified = strcmp(argv[1], "certified") == 0;
    all(argv[1], argv, (size_t)argc - 5, false, certified ? 17 + OF_RECORD : 25);
    all(argv[1], argv, (size_t)argc - 5, true, CONFIRMS + (certified ? 27 + OF_RECORD : 35));
    return 0;
}
