/* birthmark-gate: the network front. docs/architecture.md says what it may and may not. */
#include "gate/gate.h"

#include "base/file.h"
#include "pki/cert.h"
#include "proc/places.h"
#include "proc/spawn.h"
#include "wire/json.h"
#include "wire/text.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

void
bm_gate_stop(struct gate *gate)
{
    (void)event_base_loopbreak(gate->base);
}

static enum bm_rc
home_parse(const char **ret_home, int argc, char **argv, struct bm_fail *fail)
{
    static const struct option known[] = { { "home", required_argument, NULL, 'h' }, { 0 } };
    const char *home = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        home = c == 'h' ? optarg : NULL;
    if (home == NULL || optind != argc)
        return bm_fail(fail, BM_EINPUT, NULL, "birthmark-gate is started by birthmarkd, not by hand");
    *ret_home = home;
    return BM_OK;
}

static enum bm_rc
tls_load(struct gate *gate, const char *home, struct bm_fail *fail)
{
    char cert[BM_PATH], key[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(cert, home, "gate/server.pem", fail)) != BM_OK ||
        (rc = bm_path_join(key, home, "gate/server.key", fail)) != BM_OK)
        return rc;
    return bm_tls_server(&gate->tls, cert, key, fail);
}

/* ---- the loop ---- */

static void
on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct gate *gate = ctx;
    struct bm_fail ignored;

    (void)fd;
    (void)what;
    if (gate->env->now(gate->env->ctx, &gate->now, &ignored) != BM_OK)
        gate->now = -1; /* a clock that was never set: no Date */
    bm_connections_tick(gate);
    if (gate->full && gate->nconnections < gate->max_connections)
        bm_accept_pause(gate, false);
}

static enum bm_rc
loop_open(struct gate *gate, struct bm_fail *fail)
{
    static const struct timeval second = { .tv_sec = 1 };

    if ((gate->base = event_base_new()) == NULL || event_assign(&gate->tick, gate->base, -1, EV_PERSIST, on_tick, gate) != 0 ||
        event_add(&gate->tick, &second) != 0)
        return bm_fail(fail, BM_ENOMEM, NULL, "libevent makes no event loop");
    on_tick(-1, 0, gate);
    return BM_OK;
}

/* Everything loaded and open, the confinement on: from here on foreign bytes may come. */
static enum bm_rc
start(struct gate *gate, const char *home, struct bm_fail *fail)
{
    static const struct bm_confine_plan plan = { .name = "gate", .listen_accept = true, .nobody = true };
    enum bm_rc rc;

    json_object_seed(0); /* jansson reads /dev/urandom for it: now or never */
    if ((rc = tls_load(gate, home, fail)) != BM_OK || (rc = loop_open(gate, fail)) != BM_OK ||
        (rc = bm_asks_open(gate, BM_FD_GATE_REGISTRAR, fail)) != BM_OK ||
        (rc = bm_accept_open(gate, BM_FD_GATE_TLS, BM_FD_GATE_PLAIN, fail)) != BM_OK || (rc = bm_confine(&plan, fail)) != BM_OK)
        return rc;
    bm_confine_probe(gate->confinement);
    return bm_ready(fail);
}

static enum bm_rc
serve(struct gate *gate, struct bm_fail *fail)
{
    if (event_base_dispatch(gate->base) != 0 && gate->rc == BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "the event loop ended");
    *fail = gate->fail;
    return gate->rc;
}

static void
gate_done(struct gate *gate)
{
    while (gate->connections != NULL) {
        gate->full = false;
        bm_connection_free(gate->connections);
    }
    bm_asks_close(gate);
    if (gate->base != NULL)
        event_base_free(gate->base);
    SSL_CTX_free(gate->tls);
}

int
main(int argc, char **argv)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    struct bm_fail fail = { .rc = BM_OK };
    const char *home;
    enum bm_rc rc;

    (void)signal(SIGPIPE, SIG_IGN);
    if (gate == NULL)
        rc = bm_fail(&fail, BM_ENOMEM, NULL, "there is no memory to start");
    else if ((rc = home_parse(&home, argc, argv, &fail)) == BM_OK) {
        gate->env = &bm_env_system;
        if ((rc = start(gate, home, &fail)) == BM_OK)
            rc = serve(gate, &fail);
        gate_done(gate);
    }
    free(gate);
    if (rc != BM_OK)
        bm_last_words("birthmark-gate", &fail);
    return bm_rc_exit(rc);
}
