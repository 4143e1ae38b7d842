/* site.h - how a command reaches its site: through the running server, or by starting signer and registrar for as long as it runs. */
#ifndef BM_PROC_SITE_H
#define BM_PROC_SITE_H

#include "proc/spawn.h"

/* Zeroed is not open. */
struct bm_connection {
    int channel; /* to the registrar: a control channel, docs/formats/messages.md */
    int lock;    /* held here; -1 when a server serves */
    int said;    /* what our own children print: a file in memory; -1 when a server serves */
    bool open;
    struct bm_child registrar, signer;
};

/*
 * A free home is locked and its own registrar and signer started; a home that a server holds is reached by its control socket; another
 * command's end is waited for, up to BM_SITE_PATIENCE milliseconds.
 * BM_EINPUT: no site there. BM_EBUSY: what a child said when it could not start, or who holds the home.
 */
#define BM_SITE_PATIENCE 15000
bm_must_use enum bm_rc bm_site_connect(struct bm_connection *ret_site, const char *home, struct bm_fail *fail);

/* Ends the children it started and waits for them; passes on to stderr what they had still to say. For bm_cleanup(). */
void bm_site_close(struct bm_connection *site);

#endif
