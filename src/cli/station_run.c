/* station_run.c - station run: one unit after the other, a tick or a red sentence each, takt and yield at the end. */
#include "cli/places.h"
#include "cli/print.h"
#include "cli/station.h"
#include "cli/verbs.h"
#include "proc/clock.h"
#include "station/line.h"
#include "station/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct shift {
    struct bm_call *call;
    struct bm_station_pc *pc;
    struct bm_unit_ask ask;
    const char *link;
    json_t *units;
    uint64_t done, red;
    enum bm_rc worst; /* BM_OK, BM_EBUSY: away; BM_EPOLICY: a unit was refused */
    int64_t began;
};

static bool
coloured(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

static void
unit_print(const struct shift *shift, const struct bm_unit *unit, uint64_t number, double seconds, const struct bm_fail *why)
{
    const char *on = !coloured() ? "" : why->rc == BM_OK ? "\x1b[32m" : "\x1b[31m", *off = coloured() ? "\x1b[0m" : "";

    if (shift->call->json)
        return;
    if (why->rc == BM_OK)
        (void)printf("%s\xe2\x9c\x93%s unit %llu  %s  %s%s%s  certificate %s  %.1f s\n", on, off, (unsigned long long)number,
                     shift->ask.service, unit->root, *unit->id == '\0' ? "" : " ", unit->id, unit->serial, seconds);
    else {
        (void)printf("%s\xe2\x9c\x97%s unit %llu  ", on, off, (unsigned long long)number);
        (void)bm_text_print(why->text);
        (void)putchar('\n');
    }
    if (why->rc == BM_OK && *unit->warning != '\0')
        (void)fprintf(stderr, "warning: unit %llu: %s\n", (unsigned long long)number, unit->warning);
    (void)fflush(stdout);
}

static enum bm_rc
unit_record(struct shift *shift, const struct bm_unit *unit, double seconds, const struct bm_fail *why, struct bm_fail *fail)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:s}", "state", why->rc == BM_OK ? "done" : "red", "root", unit->root,
                            "id", unit->id, "keys", unit->keys, "serial", unit->serial, "certificate", unit->fingerprint, "warning",
                            unit->warning, "seconds", seconds, "reason", why->rc == BM_OK ? "" : why->text);

    return row != NULL && json_array_append_new(shift->units, row) == 0 ? BM_OK : bm_fail(fail, BM_ENOMEM, NULL, "no memory");
}

static enum bm_rc
unit_run(struct shift *shift, uint64_t number, struct bm_fail *fail)
{
    bm_cleanup(bm_line_close) struct bm_line line = { 0 };
    struct bm_unit unit = { 0 };
    struct bm_fail why = { .rc = BM_OK };
    int64_t began = bm_clock_ms();
    double seconds;
    enum bm_rc rc = bm_line_open(&line, shift->link, &why);

    if (rc == BM_OK)
        rc = bm_unit_make(&unit, &shift->pc->station, &line.link, &shift->ask, &why);
    why.rc = rc;
    seconds = (double)(bm_clock_ms() - began) / 1000;
    shift->done += rc == BM_OK;
    shift->red += rc != BM_OK;
    if (rc != BM_OK && shift->worst != BM_EPOLICY)
        shift->worst = bm_rc_exit(rc) == 1 ? BM_EPOLICY : BM_EBUSY;
    unit_print(shift, &unit, number, seconds, &why);
    return unit_record(shift, &unit, seconds, &why, fail);
}

/* Takt: from the beginning of one unit to that of the next. */
static enum bm_rc
shift_end(const struct shift *shift, const char *order, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    double units = (double)(shift->done + shift->red), takt = (double)(bm_clock_ms() - shift->began) / 1000 / units;
    double yield = 100 * (double)shift->done / units;

    if (!shift->call->json) {
        (void)printf("order %s: %llu of %.0f done, yield %.1f %%, takt %.2f s\n", order, (unsigned long long)shift->done, units, yield,
                     takt);
        return BM_OK;
    }
    row = json_pack("{s:s, s:I, s:I, s:f, s:f, s:O}", "order", order, "done", (json_int_t)shift->done, "red", (json_int_t)shift->red,
                    "yield", yield, "takt", takt, "units", shift->units);
    enum bm_rc rc = bm_json_check(row, fail);
    return rc != BM_OK ? rc : bm_object_print(shift->call, row, fail);
}

static enum bm_rc
shift_run(struct shift *shift, uint64_t count, const char *order, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (sigaction(SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL) == -1)
        return bm_fail(fail, BM_EBUSY, NULL, "%s", strerrordesc_np(errno));
    shift->began = bm_clock_ms();
    for (uint64_t i = 1; i <= count; i++) {
        if ((rc = unit_run(shift, i, fail)) != BM_OK)
            return rc;
    }
    if ((rc = shift_end(shift, order, fail)) != BM_OK || shift->worst == BM_OK)
        return rc;
    if (fflush(stdout) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the output cannot be written");
    return bm_fail(fail, shift->worst, NULL, "%llu of %llu units are not done; each says why above", (unsigned long long)shift->red,
                   (unsigned long long)count);
}

/* What is not said is the site's own: a station on the site's machine needs no more than order and link. */
static enum bm_rc
pc_open(struct bm_station_pc *ret, char server[static 256], struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    const char *root = bm_call_option(call, "root"), *url = bm_call_option(call, "server"), *ca_file = bm_call_option(call, "cacert");
    struct bm_station_conf conf = { .name = "" };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((root == NULL || url == NULL || ca_file == NULL) && (rc = bm_home_find(call, fail)) != BM_OK)
        return rc;
    if (root == NULL && (rc = bm_station_conf_read(&conf, call->home, fail)) != BM_OK)
        return rc;
    if (url == NULL && (rc = bm_site_read(&site, call->home, fail)) != BM_OK)
        return rc;
    if (ca_file == NULL && (rc = bm_place_path(path, call->home, BM_PLACE_ROOT_CERT, "", fail)) != BM_OK)
        return rc;
    (void)snprintf(server, 256, "%s", url != NULL ? url : site->url);
    if (*server == '\0')
        return bm_usage(call, fail, "the site's url is not set: say --server https://HOST:PORT");
    return bm_station_open(ret, root != NULL ? root : conf.root, server, ca_file != NULL ? ca_file : path, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_station_close) struct bm_station_pc pc = { 0 };
    bm_cleanup(bm_json_done) json_t *units = json_array();
    struct shift shift = { .call = call, .pc = &pc, .link = bm_call_option(call, "link"), .units = units };
    char server[256];
    uint64_t count;
    enum bm_rc rc;

    shift.ask =
        (struct bm_unit_ask){ bm_call_option(call, "service"), bm_call_option(call, "profile"), bm_call_option(call, "new-key") != NULL };
    if (units == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if (strncmp(shift.link, "exec:", 5) != 0 && strncmp(shift.link, "tcp:", 4) != 0)
        return bm_usage(call, fail, "a link is exec:COMMAND or tcp:HOST:PORT");
    if ((rc = bm_call_name(call, "an order's name", bm_call_option(call, "order"), fail)) != BM_OK ||
        (rc = bm_call_name(call, "a service's name", shift.ask.service, fail)) != BM_OK ||
        (rc = bm_call_number(call, "count", 1, 1000000, 1, &count, fail)) != BM_OK || (rc = pc_open(&pc, server, call, fail)) != BM_OK)
        return rc;
    return shift_run(&shift, count, bm_call_option(call, "order"), fail);
}

const struct bm_verb bm_verb_station_run = {
    .words = "station run",
    .arguments = "",
    .purpose = "Give units their identity, one after the other, over a line to each.",
    .help = "At the other end of the link is `birthmark-agent link --stdio` on the device; it needs no network. A unit is done when it has "
            "read back\n"
            "what it stored and proved it in a mutual TLS handshake with this station. Exit 1 when a unit was refused, 3 when one or the "
            "server was away.\n\n"
            "example: birthmark station run --order first --service mqtt --count 12 \\\n"
            "           --link 'exec:ssh root@board birthmark-agent link --stdio --root tpm2: --cacert root.pem'\n",
    .options = { { .name = "order", .value = "NAME", .help = "the order that the units are made under", .needed = true },
                 { .name = "link", .value = "LINK", .help = "exec:COMMAND, started anew for each unit, or tcp:HOST:PORT", .needed = true },
                 { .name = "service", .value = "NAME", .help = "the name under which the device holds the identity", .needed = true },
                 { .name = "profile", .value = "NAME", .help = "where the order allows more than one" },
                 { .name = "count", .value = "N", .help = "units; default 1" },
                 { .name = "new-key", .help = "a new key where a device has an identity already" },
                 { .name = "root", .value = "URI", .help = "the station's key; default: as it was enrolled here" },
                 { .name = "server", .value = "URL", .help = "https://HOST:PORT; default: the site's" },
                 { .name = "cacert", .value = "FILE", .help = "the site's root certificate; default HOME/root.pem" } },
    .run = run,
};
