/* station_run.c - station run: one unit after the other, a tick or a red sentence each, takt and yield all the while. */
#include "cli/places.h"
#include "cli/print.h"
#include "cli/station.h"
#include "cli/verbs.h"
#include "proc/clock.h"
#include "station/line.h"
#include "station/tally.h"
#include "station/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct shift {
    struct bm_call *call;
    struct bm_station_pc *pc;
    struct bm_unit_ask ask;
    const char *link, *order;
    bool terminal; /* the last line says what goes on, and is written over */
    struct bm_tally tally;
};

static void
shift_done(struct shift *shift)
{
    bm_tally_done(&shift->tally);
}

/* ---- the last line of a terminal ---- */

static void
status_clear(const struct shift *shift)
{
    if (shift->terminal)
        (void)fputs("\r\x1b[K", stdout);
}

/* "3 of 4 done, yield 75.0 %, takt 2.31 s"; all: what the last line of a terminal has no room for. */
static void
sum_print(const struct shift *shift, bool all)
{
    struct bm_tally_sum sum = bm_tally_sum(&shift->tally, bm_clock_ms());

    (void)printf("%zu of %zu done, yield %.1f %%", sum.done, sum.units, sum.yield);
    if (all && sum.first < sum.yield)
        (void)printf(" (%.1f %% at the first try)", sum.first);
    (void)printf(", takt %.2f s", sum.takt);
}

static void
status_print(void *ctx, const char *step)
{
    const struct shift *shift = ctx;

    if (!shift->terminal)
        return;
    status_clear(shift);
    (void)printf("\xe2\x80\xa6 %s", step);
    if (shift->tally.n > 0) {
        (void)fputs("   ", stdout);
        sum_print(shift, false);
    }
    (void)fflush(stdout);
}

/* ---- a unit ---- */

static void
unit_print(const struct shift *shift, const struct bm_unit *unit, size_t number, double seconds, const struct bm_fail *why)
{
    const int digits = shift->terminal ? 16 : (int)sizeof(unit->serial); /* a line of a terminal is one line */
    const char *on = !shift->terminal ? "" : why->rc == BM_OK ? "\x1b[32m" : "\x1b[31m", *off = shift->terminal ? "\x1b[0m" : "";

    status_clear(shift);
    if (why->rc == BM_OK)
        (void)printf("%s\xe2\x9c\x93%s unit %zu  %s  %s%s%s  certificate %.*s%s  %.1f s\n", on, off, number, shift->ask.service, unit->root,
                     *unit->id == '\0' ? "" : " ", unit->id, digits, unit->serial, shift->terminal ? "\xe2\x80\xa6" : "", seconds);
    else {
        (void)printf("%s\xe2\x9c\x97 unit %zu%s  ", on, number, off);
        bm_text_wrap(why->text, strlen("x unit 1  "));
    }
    if (why->rc == BM_OK && *unit->warning != '\0')
        (void)fprintf(stderr, "warning: unit %zu: %s\n", number, unit->warning);
}

/* A line for each, as it comes. */
static enum bm_rc
unit_json(const struct shift *shift, const struct bm_unit *unit, size_t number, double seconds, const struct bm_fail *why,
          struct bm_fail *fail)
{
    struct bm_tally_sum sum = bm_tally_sum(&shift->tally, bm_clock_ms());
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    row = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:s, s:I, s:I, s:f, s:f}", "unit", (json_int_t)number, "state",
                    why->rc == BM_OK ? "done" : "red", "root", unit->root, "id", unit->id, "keys", unit->keys, "serial", unit->serial,
                    "certificate", unit->fingerprint, "warning", unit->warning, "seconds", seconds, "reason",
                    why->rc == BM_OK ? "" : why->text, "units", (json_int_t)sum.units, "done", (json_int_t)sum.done, "yield", sum.yield,
                    "takt", sum.takt);
    return (rc = bm_json_check(row, fail)) != BM_OK ? rc : bm_object_print(shift->call, row, fail);
}

static enum bm_rc
unit_run(struct shift *shift, struct bm_fail *fail)
{
    bm_cleanup(bm_line_close) struct bm_line line = { 0 };
    struct bm_unit unit = { 0 };
    struct bm_fail why = { .rc = BM_OK };
    int64_t began = bm_clock_ms();
    double seconds;
    size_t number = 0;
    enum bm_rc rc;

    status_print(shift, "connecting");
    rc = bm_line_open(&line, shift->link, &why);
    if (rc == BM_OK)
        rc = bm_unit_make(&unit, &shift->pc->station, &line.link, &shift->ask, &why);
    why.rc = rc;
    seconds = (double)(bm_clock_ms() - began) / 1000;
    if ((rc = bm_tally_add(&shift->tally, unit.keys, why.rc, &number, fail)) != BM_OK)
        return rc;
    if (shift->call->json)
        rc = unit_json(shift, &unit, number, seconds, &why, fail);
    else
        unit_print(shift, &unit, number, seconds, &why);
    (void)fflush(stdout);
    return rc;
}

/* ---- the shift ---- */

/* False: nobody wants another one. */
static bool
next_wanted(const struct shift *shift)
{
    char line[64];

    if (!shift->call->json) {
        status_clear(shift);
        (void)fputs("put the next unit on and press Enter (q: end)  ", stdout);
        (void)fflush(stdout);
    }
    if (fgets(line, sizeof(line), stdin) == NULL || line[0] == 'q') {
        if (!shift->call->json)
            (void)putchar('\n');
        return false;
    }
    if (shift->terminal)
        (void)fputs("\x1b[A", stdout); /* Enter was echoed */
    else if (!shift->call->json)
        (void)putchar('\n');
    return true;
}

static enum bm_rc
shift_end(const struct shift *shift, struct bm_fail *fail)
{
    struct bm_tally_sum sum = bm_tally_sum(&shift->tally, bm_clock_ms());
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if (!shift->call->json) {
        status_clear(shift);
        (void)printf("order %s: ", shift->order);
        sum_print(shift, true);
        (void)putchar('\n');
    } else {
        row = json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f}", "order", shift->order, "units", (json_int_t)sum.units, "done",
                        (json_int_t)sum.done, "red", (json_int_t)(sum.units - sum.done), "yield", sum.yield, "first_try", sum.first, "takt",
                        sum.takt);
        if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_object_print(shift->call, row, fail)) != BM_OK)
            return rc;
    }
    if (sum.done == sum.units)
        return BM_OK;
    return bm_fail(fail, sum.done + sum.away == sum.units ? BM_EBUSY : BM_EPOLICY, NULL,
                   "%zu of %zu units are not done; each says why above", sum.units - sum.done, sum.units);
}

static enum bm_rc
shift_run(struct shift *shift, uint64_t count, bool pause, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (sigaction(SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL) == -1)
        return bm_fail(fail, BM_EBUSY, NULL, "%s", strerrordesc_np(errno));
    shift->terminal = !shift->call->json && isatty(STDOUT_FILENO) == 1;
    shift->tally.began = bm_clock_ms();
    for (uint64_t i = 0; i < count && (i == 0 || !pause || next_wanted(shift)); i++)
        if ((rc = unit_run(shift, fail)) != BM_OK)
            return rc;
    return shift_end(shift, fail);
}

/* What is not said is as this machine was enrolled, or the site's own: a station on the site's machine needs no more than order and link. */
static enum bm_rc
pc_open(struct bm_station_pc *ret, char server[static 256], struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    const char *root = bm_call_option(call, "root"), *url = bm_call_option(call, "server"), *ca_file = bm_call_option(call, "cacert");
    struct bm_station_conf conf = { .name = "" };
    unsigned days = 0;
    char path[BM_PATH];
    enum bm_rc rc;

    bm_station_home(call);
    if (root == NULL && (rc = bm_station_conf_read(&conf, call->home, fail)) != BM_OK)
        return rc;
    if (url == NULL && conf.server[0] != 0)
        url = conf.server;
    if (url == NULL && (rc = bm_site_read(&site, call->home, fail)) != BM_OK)
        return rc;
    if (ca_file == NULL && (rc = bm_place_path(path, call->home, BM_PLACE_ROOT_CERT, "", fail)) != BM_OK)
        return rc;
    (void)snprintf(server, 256, "%s", url != NULL ? url : site->url);
    if (*server == '\0')
        return bm_usage(call, fail, "the site's url is not set: say --server https://HOST:PORT");
    if ((rc = bm_station_open(ret, root != NULL ? root : conf.root, bm_call_option(call, "order"), server, ca_file != NULL ? ca_file : path,
                              fail)) != BM_OK)
        return rc;
    if ((rc = bm_station_cert_check(ret->root, &days, fail)) == BM_OK && days > 0)
        (void)fprintf(stderr, "warning: this station's certificate ends in %u days: enrol it once more, its key stays\n", days);
    return rc;
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_station_close) struct bm_station_pc pc = { 0 };
    bm_cleanup(shift_done) struct shift shift = {
        .call = call, .pc = &pc, .link = bm_call_option(call, "link"), .order = bm_call_option(call, "order")
    };
    bool pause = bm_call_option(call, "pause") != NULL;
    char server[256];
    uint64_t count;
    enum bm_rc rc;

    shift.ask = (struct bm_unit_ask){ .service = bm_call_option(call, "service"),
                                      .profile = bm_call_option(call, "profile"),
                                      .new_key = bm_call_option(call, "new-key") != NULL,
                                      .step = status_print,
                                      .ctx = &shift };
    if (strncmp(shift.link, "exec:", 5) != 0 && strncmp(shift.link, "tcp:", 4) != 0)
        return bm_usage(call, fail, "a link is exec:COMMAND or tcp:HOST:PORT");
    if ((rc = bm_call_name(call, "an order's name", shift.order, fail)) != BM_OK ||
        (rc = bm_call_name(call, "a service's name", shift.ask.service, fail)) != BM_OK ||
        (rc = bm_call_number(call, "count", 1, 1000000, pause ? 1000000 : 1, &count, fail)) != BM_OK ||
        (rc = pc_open(&pc, server, call, fail)) != BM_OK)
        return rc;
    return shift_run(&shift, count, pause, fail);
}

const struct bm_verb bm_verb_station_run = {
    .words = "station run",
    .arguments = "",
    .purpose = "Give units their identity, one after the other, over a line to each.",
    .help =
        "At the other end of the link is `birthmark-agent link --stdio` on the device; it needs no network. A unit is done when it has\n"
        "read back what it stored and proved it in a mutual TLS handshake with this station; a unit that was cut off is tried again and "
        "is\n"
        "no second one. It counts under this order and no other: the signer holds the request to the order that the station signed for.\n"
        "--json: a line for each unit as it comes, and one at the end. Exit 1 when a unit was refused, 3 when one or the server was "
        "away.\n\n"
        "example: birthmark station run --order first --service mqtt --count 12 \\\n"
        "           --link 'exec:ssh root@board birthmark-agent link --stdio --root tpm2: --cacert root.pem'\n"
        "         birthmark station run --order first --service mqtt --pause --link tcp:192.168.7.2:7700\n",
    .options = { { .name = "order", .value = "NAME", .help = "the order that the units are made under", .needed = true },
                 { .name = "link", .value = "LINK", .help = "exec:COMMAND, started anew for each unit, or tcp:HOST:PORT", .needed = true },
                 { .name = "service", .value = "NAME", .help = "the name under which the device holds the identity", .needed = true },
                 { .name = "profile", .value = "NAME", .help = "where the order allows more than one" },
                 { .name = "count", .value = "N", .help = "units, each tried once; default 1, with --pause as many as come" },
                 { .name = "pause", .help = "wait for Enter before each unit but the first; q ends" },
                 { .name = "new-key", .help = "a new key where a device has an identity already" },
                 { .name = "root", .value = "URI", .help = "the station's key; default: as it was enrolled here" },
                 { .name = "server", .value = "URL", .help = "https://HOST:PORT; default: as it was enrolled, or the site's" },
                 { .name = "cacert", .value = "FILE", .help = "the site's root certificate; default HOME/root.pem" } },
    .run = run,
};
