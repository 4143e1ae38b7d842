/* From the first descriptor to the last: what is read before the confinement, the confinement, the store, the signer's greeting. */
#include "registrar/registrar.h"

#include "base/file.h"
#include "proc/confine.h"
#include "proc/spawn.h"
#include "registrar/run.h"

#include <getopt.h>
#include <stdlib.h>

enum bm_rc
bm_registrar_options_parse(struct bm_registrar_options *ret_options, int argc, char **argv, struct bm_fail *fail)
{
    static const struct option known[] = {
        { "home", required_argument, NULL, 'h' },
        { "gates", required_argument, NULL, 'g' },
        { "control", required_argument, NULL, 'c' },
        { 0 },
    };
    struct bm_registrar_options o = { .home = NULL };
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 'h')
            o.home = optarg;
        else if (c == 'g')
            o.gates = (size_t)strtoul(optarg, NULL, 10);
        else if (c == 'c')
            o.socketpair = strcmp(optarg, "socketpair") == 0;
        else
            return bm_fail(fail, BM_EINPUT, NULL, "birthmark-registrar is started by birthmarkd or birthmark, not by hand");
    }
    if (o.home == NULL || o.gates > BM_MAX_GATES || optind != argc)
        return bm_fail(fail, BM_EINPUT, NULL, "birthmark-registrar is started by birthmarkd or birthmark, not by hand");
    *ret_options = o;
    return BM_OK;
}

static enum bm_rc
site_load(struct bm_registrar *r, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_SITE };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, home, BM_PLACE_SITE, fail)) != BM_OK || (rc = bm_file_read(&text, path, fail)) != BM_OK)
        return rc;
    return bm_site_parse(&r->site, bm_buf_bytes(&text), fail);
}

static void
links_none(struct bm_registrar *r)
{
    bm_link_init(&r->signer, -1, 0);
    for (size_t i = 0; i < MAX_CONTROLS; i++)
        bm_link_init(&r->controls[i], -1, 0);
}

static enum bm_rc
links_open(struct bm_registrar *r, const struct bm_registrar_options *o, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    bm_link_init(&r->signer, BM_FD_REGISTRAR_SIGNER, ++r->generation);
    r->listening = -1;
    if (o->socketpair) {
        bm_link_init(&r->controls[0], BM_FD_REGISTRAR_CONTROL, ++r->generation);
        r->controls[0].rules = (struct bm_rules){ .table = bm_control_rules, .count = bm_control_nrules, .phase = 1 };
    } else if (bm_fd_listens(BM_FD_REGISTRAR_CONTROL)) {
        r->listening = BM_FD_REGISTRAR_CONTROL;
    } else {
        rc = bm_fail(fail, BM_EBUG, NULL,
                     "birthmark-registrar found no control socket: it is started by birthmarkd or birthmark, not by hand");
    }
    r->ngates = o->gates;
    for (size_t i = 0; i < r->ngates; i++) {
        bm_link_init(&r->gates[i], BM_FD_REGISTRAR_GATES + (int)i, ++r->generation);
        r->gates[i].rules = (struct bm_rules){ .table = bm_gate_rules, .count = bm_gate_nrules, .phase = 1 };
    }
    return rc;
}

/* The store opened, the ledger read, the confinement on: from here on foreign bytes may come. */
static enum bm_rc
start(struct bm_registrar *r, const struct bm_registrar_options *o, struct bm_fail *fail)
{
    char dir[BM_PATH], path[BM_PATH];
    const struct bm_confine_dir dirs[] = { { .path = dir, .write = true }, { .path = path } };
    const struct bm_confine_plan plan = { .name = "registrar", .dirs = dirs, .ndirs = 2, .files = true, .listen_accept = true };
    enum bm_rc rc;

    if ((rc = site_load(r, o->home, fail)) != BM_OK || (rc = links_open(r, o, fail)) != BM_OK ||
        (rc = bm_path_join(dir, o->home, "store", fail)) != BM_OK || (rc = bm_path_join(path, o->home, "lots", fail)) != BM_OK ||
        (rc = bm_confine(&plan, fail)) != BM_OK || (rc = bm_path_join(path, o->home, BM_PLACE_STORE, fail)) != BM_OK)
        return rc;
    r->holdings.home = o->home;
    bm_confine_probe(r->confinement[1]);
    if ((rc = bm_store_open(&r->store, path, fail)) != BM_OK || (rc = bm_registrar_transaction(r, fail)) != BM_OK ||
        (rc = bm_ledger_open(&r->ledger, r->store, fail)) != BM_OK || (rc = r->env->now(r->env->ctx, &r->now, fail)) != BM_OK ||
        (rc = bm_holdings_load(&r->holdings, r->store, fail)) != BM_OK || (rc = bm_signer_hello(r, fail)) != BM_OK)
        return rc;
    r->in_transaction = false;
    if ((rc = bm_store_commit(r->store, fail)) != BM_OK || (rc = bm_signer_held(r, fail)) != BM_OK)
        return rc;
    return bm_ready(fail);
}

/* Memory only. The channels close when the process ends, after its sentence: whoever sees them close would speak first otherwise. */
static void
registrar_free(struct bm_registrar *r)
{
    struct bm_link *const ours[] = { &r->signer, r->gates, r->controls };
    const size_t n[] = { 1, r->ngates, MAX_CONTROLS };

    for (size_t i = 0; i < BM_COUNT(ours); i++)
        for (size_t k = 0; k < n[i]; k++) {
            ours[i][k].fd = -1;
            bm_link_close(&ours[i][k]);
        }
    bm_cas_done(r);
    bm_lists_done(r);
    bm_ocsp_cache_done(r);
    for (size_t i = 0; i < MAX_PENDING; i++)
        bm_buf_done(&r->pending[i].kept);
    for (size_t i = 0; i < MAX_CONTROLS; i++) {
        bm_listing_close(&r->listings[i]);
        bm_buf_done(&r->parts[i]);
    }
    bm_buf_done(&r->checkpoint);
    bm_arrival_done(&r->arrival);
    bm_holdings_done(&r->holdings);
    bm_store_close(r->store);
    free(r);
}

enum bm_rc
bm_registrar_run(const struct bm_registrar_options *options, const struct bm_env *env, struct bm_fail *fail)
{
    struct bm_registrar *r = calloc(1, sizeof(*r));
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to start");
    r->env = env;
    links_none(r);
    if ((rc = start(r, options, fail)) == BM_OK)
        rc = bm_registrar_serve(r, fail);
    registrar_free(r);
    return rc;
}
