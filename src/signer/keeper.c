/* keeper.c - the warden: forks keepers, one after the other, and ends the one that hangs. It reads no foreign byte. */
#include "base/base.h"
#include "signer/keeper.h"

#include "p11/p11.h"
#include "proc/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORTEST 100   /* milliseconds until the next keeper: a session was lost, the token is there */
#define LONGEST 30000  /* a token that stays away is looked for this often */
#define SETTLED 10000  /* a keeper that lived this long had a token that works */
#define PIN_LOOKS 1000 /* how often the file of a refused PIN is looked at */

struct warden {
    int channel, leash;
    const struct bm_keeper_ca *ca;
    const char *home;
    int delay;
};

bool
bm_keeper_needed(const char *uri)
{
    return strncmp(uri, BM_P11_SCHEME, sizeof(BM_P11_SCHEME) - 1) == 0;
}

/* Waits; true when the signer has pulled the leash (*ret_end: let go of it). */
static bool
leash_wait(const struct warden *w, int pidfd, int patience, bool *ret_end)
{
    struct pollfd p[2] = { { .fd = w->leash, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
    char byte[16];

    if (poll(p, pidfd < 0 ? 1 : 2, patience) <= 0 || p[0].revents == 0)
        return false;
    *ret_end = read(w->leash, byte, sizeof(byte)) <= 0;
    return true;
}

/* What changes when somebody writes another PIN into the files of pin-source. */
static uint64_t
pins_now(const struct warden *w)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < BM_MAX_KEYS; i++) {
        const char *at = w->ca[i].uri == NULL ? NULL : strstr(w->ca[i].uri, "pin-source=");
        char path[BM_PATH];
        struct stat st;

        if (at == NULL)
            continue;
        at += strlen("pin-source=");
        if (strncmp(at, "file:", 5) == 0)
            at += strncmp(at, "file://", 7) == 0 ? 7 : 5;
        (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(at, "&"), at);
        if (stat(path, &st) == 0)
            sum += (uint64_t)st.st_mtim.tv_sec * 1000000007u + (uint64_t)st.st_mtim.tv_nsec * 31 + st.st_ino + (uint64_t)st.st_size;
    }
    return sum;
}

static void
away_say(const struct warden *w, const char *text)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 512 };
    struct bm_fail ignored = { .rc = BM_OK };
    bool sent;

    bm_buf_add_u8(&body, BM_KEEPER_GONE);
    bm_buf_add_lv16(&body, bm_bytes_str(text));
    if (!body.bad)
        (void)!bm_channel_offer(&sent, w->channel, &(struct bm_message){ .type = BM_K_AWAY, .body = bm_buf_bytes(&body) }, &ignored);
}

/* Until this keeper has ended, or the signer wants it to; its wait(2) status. */
static int
keeper_await(const struct warden *w, pid_t pid, bool *ret_ordered, bool *ret_end)
{
    bm_cleanup(bm_fd_done) int pidfd = pidfd_open(pid, 0);
    int status = 0;

    *ret_ordered = leash_wait(w, pidfd, -1, ret_end);
    if (*ret_ordered)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Nobody tries a PIN twice that was refused once: not after a crash of the keeper either. */
static void
pin_wait(const struct warden *w, uint64_t before, bool *ret_end)
{
    while (!*ret_end && pins_now(w) == before)
        (void)leash_wait(w, -1, PIN_LOOKS, ret_end);
}

/* One keeper, and the pause after it. */
static void
keeper_once(struct warden *w, bool *ret_end)
{
    uint64_t pins = pins_now(w);
    int64_t began = bm_clock_ms();
    bool ordered = false;
    pid_t warden = getpid(), pid = fork();
    int status;

    if (pid == 0) {
        (void)close(w->leash);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != warden)
            _exit(BM_KEEPER_EXIT_AWAY);
        _exit(bm_keeper_serve(w->channel, w->ca, w->home));
    }
    if (pid < 0) {
        away_say(w, "no process can be made for it: end others");
        (void)leash_wait(w, -1, LONGEST, ret_end);
        return;
    }
    status = keeper_await(w, pid, &ordered, ret_end);
    if (*ret_end || (WIFEXITED(status) && WEXITSTATUS(status) == BM_KEEPER_EXIT_SIGNER)) {
        *ret_end = true;
        return;
    }
    if (WIFSIGNALED(status) && !ordered)
        away_say(w, "its PKCS#11 module crashed: ask its vendor for a newer one");
    if (WIFEXITED(status) && WEXITSTATUS(status) == BM_KEEPER_EXIT_PIN) {
        pin_wait(w, pins, ret_end);
        return;
    }
    w->delay *= 2;
    if (bm_clock_ms() - began > SETTLED || (WIFEXITED(status) && WEXITSTATUS(status) == BM_KEEPER_EXIT_WORKED))
        w->delay = SHORTEST;
    else if (w->delay > LONGEST)
        w->delay = LONGEST;
    (void)leash_wait(w, -1, w->delay, ret_end);
}

/* Holds nothing of the signer: neither its registrar, nor the lock of the home, nor later its journal. */
static _Noreturn void
warden_run(struct warden *w)
{
    bool end = false;

    (void)prctl(PR_SET_NAME, "token-warden");
    for (int fd = 3; fd < w->channel || fd < w->leash; fd++)
        if (fd != w->channel && fd != w->leash)
            (void)close(fd);
    (void)close_range((unsigned)(w->channel > w->leash ? w->channel : w->leash) + 1, ~0u, 0);
    while (!end)
        keeper_once(w, &end);
    _exit(0);
}

enum bm_rc
bm_keeper_start(struct bm_keeper *ret_keeper, const struct bm_keeper_ca ca[static BM_MAX_KEYS], const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int ours = -1;
    bm_cleanup(bm_fd_done) int theirs = -1;
    bm_cleanup(bm_fd_done) int leash = -1;
    bm_cleanup(bm_fd_done) int pull = -1;
    int ends[2], pipes[2];
    pid_t pid;
    enum bm_rc rc;

    if ((rc = bm_channel_pair(ends, fail)) != BM_OK)
        return rc;
    ours = ends[0];
    theirs = ends[1];
    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no pipe can be made for the CA's token: %s", strerrordesc_np(errno));
    leash = pipes[0];
    pull = pipes[1];
    if ((pid = fork()) < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no process can be made for the CA's token: %s", strerrordesc_np(errno));
    if (pid == 0) {
        (void)close(ours);
        (void)close(pull);
        warden_run(&(struct warden){ .channel = theirs, .leash = leash, .ca = ca, .home = home, .delay = SHORTEST / 2 });
    }
    *ret_keeper = (struct bm_keeper){ .channel = ours, .leash = pull };
    ours = pull = -1;
    return BM_OK;
}

void
bm_keeper_done(struct bm_keeper *keeper)
{
    bm_fd_done(&keeper->leash);
    bm_fd_done(&keeper->channel);
}

void
bm_keeper_again(const struct bm_keeper *keeper)
{
    (void)!write(keeper->leash, "K", 1);
}
