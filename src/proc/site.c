#include "base/base.h"
#include "proc/site.h"

#include "base/file.h"
#include "proc/channel.h"
#include "proc/clock.h"
#include "proc/home.h"
#include "proc/places.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#define READY_PATIENCE 120000 /* a token may be slow, a store may be rebuilt from the journal */
#define STOP_PATIENCE 5000
#define TRY_AGAIN 50

static void
pair_done(int (*pair)[2])
{
    bm_fd_done(&(*pair)[0]);
    bm_fd_done(&(*pair)[1]);
}

static enum bm_rc
pipe_make(int ret_pair[static 2], struct bm_fail *fail)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no pipe can be made: %s", strerror(errno));
    ret_pair[0] = pair[0];
    ret_pair[1] = pair[1];
    return BM_OK;
}

/* Put the child's own sentence in the place of "exited with status 3". */
static void
fail_said(int said, struct bm_fail *fail)
{
    char text[sizeof(fail->text)];
    ssize_t n = pread(said, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    bm_fail_note(fail, fail->rc, fail->cite, "%s", text);
    (void)!ftruncate(said, 0);
}

/* Both children with their ends; the ends that stay here are in *site. */
static enum bm_rc
pair_start(struct bm_connection *site, const char *home, int ready, struct bm_fail *fail)
{
    const char *signer_args[] = { "--home", home, NULL };
    const char *registrar_args[] = { "--home", home, "--gates", "0", "--control", "socketpair", NULL };
    bm_cleanup(pair_done) int inner[2] = { -1, -1 };
    bm_cleanup(pair_done) int control[2] = { -1, -1 };
    enum bm_rc rc;

    if ((rc = bm_channel_pair(inner, fail)) != BM_OK || (rc = bm_channel_pair(control, fail)) != BM_OK)
        return rc;
    struct bm_spawn_fd signer_fds[] = { { inner[0], BM_FD_SIGNER_REGISTRAR }, { ready, BM_FD_READY }, { site->lock, BM_FD_LOCK } };
    struct bm_spawn_fd registrar_fds[] = {
        { inner[1], BM_FD_REGISTRAR_SIGNER }, { control[1], BM_FD_REGISTRAR_CONTROL }, { ready, BM_FD_READY }, { site->lock, BM_FD_LOCK }
    };
    struct bm_spawn signer = {
        .program = BM_PROGRAM_SIGNER, .args = signer_args, .fds = signer_fds, .nfds = BM_COUNT(signer_fds), .errors = site->said
    };
    struct bm_spawn registrar = {
        .program = BM_PROGRAM_REGISTRAR, .args = registrar_args, .fds = registrar_fds, .nfds = BM_COUNT(registrar_fds), .errors = site->said
    };

    if ((rc = bm_spawn(&site->signer, &signer, fail)) != BM_OK || (rc = bm_spawn(&site->registrar, &registrar, fail)) != BM_OK)
        return rc;
    site->channel = control[0];
    control[0] = -1;
    return BM_OK;
}

/* The home is ours: start both and wait until they serve. */
static enum bm_rc
site_start(struct bm_connection *site, const char *home, struct bm_fail *fail)
{
    bm_cleanup(pair_done) int ready[2] = { -1, -1 };
    struct bm_child *children[] = { &site->signer, &site->registrar };
    enum bm_rc rc;

    site->said = memfd_create("birthmark-said", MFD_CLOEXEC);
    if (site->said < 0 || fcntl(site->said, F_SETFL, O_APPEND) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no memory file can be made: %s", strerror(errno));
    if ((rc = pipe_make(ready, fail)) != BM_OK || (rc = pair_start(site, home, ready[1], fail)) != BM_OK)
        return rc;
    bm_fd_done(&ready[1]);
    if ((rc = bm_children_await(children, BM_COUNT(children), ready[0], -1, READY_PATIENCE, fail)) == BM_OK)
        return BM_OK;
    /* Whoever ended has said why; the other is ended before it says the same. */
    for (size_t i = 0; i < BM_COUNT(children); i++)
        bm_children_stop(children[i], 1, STOP_PATIENCE);
    fail_said(site->said, fail);
    return rc;
}

/* One try: the lock, else the server. BM_OK with neither: somebody holds the home and does not listen. */
static enum bm_rc
site_try(struct bm_connection *site, int *ret_holder, const char *home, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_home_lock(&site->lock, ret_holder, home, 0, fail)) != BM_OK || site->lock >= 0)
        return rc;
    return bm_home_connect(&site->channel, home, fail);
}

enum bm_rc
bm_site_connect(struct bm_connection *ret_site, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_site_close) struct bm_connection site = { .channel = -1, .lock = -1, .said = -1, .open = true };
    int64_t until = bm_clock_ms() + BM_SITE_PATIENCE;
    int holder = 0;
    enum bm_rc rc;

    while ((rc = site_try(&site, &holder, home, fail)) == BM_OK && site.lock < 0 && site.channel < 0) {
        if (bm_clock_ms() >= until)
            return bm_fail(fail, BM_EBUSY, NULL, "the home %s is in use by process %d; try again when that has ended", home, holder);
        (void)poll(NULL, 0, TRY_AGAIN);
    }
    if (rc == BM_OK && site.lock >= 0)
        rc = site_start(&site, home, fail);
    if (rc != BM_OK)
        return rc;
    *ret_site = site;
    site.open = false;
    return BM_OK;
}

/* What the children said after they were ready (or when they could not stop in peace). */
static void
said_print(int said)
{
    char text[512];
    off_t at = 0;
    ssize_t n;

    while (said >= 0 && (n = pread(said, text, sizeof(text), at)) > 0) {
        (void)fwrite(text, 1, (size_t)n, stderr);
        at += n;
    }
}

void
bm_site_close(struct bm_connection *site)
{
    if (!site->open)
        return;
    bm_fd_done(&site->channel);
    bm_children_stop(&site->registrar, 1, STOP_PATIENCE); /* first, so that it may still finish with the signer */
    bm_children_stop(&site->signer, 1, STOP_PATIENCE);
    said_print(site->said);
    bm_fd_done(&site->said);
    bm_fd_done(&site->lock);
    *site = (struct bm_connection){ .channel = -1, .lock = -1, .said = -1 };
}
