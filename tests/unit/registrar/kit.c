/* kit.c - see kit.h. */
#include "base/base.h"
#include "kit.h"

#include "base/file.h"
#include "proc/clock.h"
#include "proc/home.h"
#include "proc/places.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20000

/* ---- the process ---- */

int
kit_open(void **state)
{
    struct kit *k = calloc(1, sizeof(*k));
    const uint8_t seed[BM_NOTE_KEY] = { 7 };
    char path[BM_PATH];

    assert_non_null(k);
    assert_non_null(k->packet = malloc(BM_MAX_MESSAGE));
    k->signer = k->gate = k->command[0] = k->command[1] = k->ready = k->said = -1;
    fixture_make(&k->site);
    fixture_must(bm_path_join(path, k->site.home, "store", &fail));
    fixture_must(bm_dir_make(path, 0700, &fail));
    fixture_must(bm_path_join(path, k->site.home, "lots", &fail));
    fixture_must(bm_dir_make(path, 0755, &fail));
    fixture_lot_make(&k->site, &k->lot, "LOT-1", 3);
    fixture_must(bm_note_signer_init(&k->ledger, "birthmark/played", seed, &fail));
    assert_true((k->clock_fd = memfd_create("clock", MFD_CLOEXEC)) >= 0);
    assert_int_equal(ftruncate(k->clock_fd, sizeof(*k->page)), 0);
    k->page = mmap(NULL, sizeof(*k->page), PROT_READ | PROT_WRITE, MAP_SHARED, k->clock_fd, 0);
    assert_true(k->page != MAP_FAILED);
    k->page->now = KIT_NOW;
    (void)kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_SITE_FOUNDED, .time = KIT_NOW });
    *state = k;
    return 0;
}

static void
fds_close(struct kit *k)
{
    int *const all[] = { &k->signer, &k->gate, &k->command[0], &k->command[1], &k->ready, &k->said };

    for (size_t i = 0; i < BM_COUNT(all); i++)
        bm_fd_done(all[i]);
    k->signer = k->gate = k->command[0] = k->command[1] = k->ready = k->said = -1;
}

void
kit_stop(struct kit *k)
{
    if (k->registrar.pid > 0) {
        (void)kill(k->registrar.pid, SIGKILL);
        (void)waitpid(k->registrar.pid, NULL, 0);
        (void)close(k->registrar.pidfd);
        k->registrar.pid = 0;
    }
    fds_close(k);
}

int
kit_close(void **state)
{
    struct kit *k = *state;
    char path[BM_PATH];

    kit_stop(k);
    (void)close(k->clock_fd);
    fixture_must(bm_path_join(path, k->site.home, BM_CONTROL_NAME, &fail));
    fixture_lot_done(&k->lot);
    fixture_remove(&k->site);
    for (size_t i = 0; i < BM_COUNT(k->leaf); i++) {
        bm_buf_done(&k->leaf[i].text);
        bm_buf_done(&k->leaf[i].certificate);
        bm_buf_done(&k->leaf[i].evidence);
        bm_buf_done(&k->leaf[i].attachment);
    }
    free(k->packet);
    free(k);
    return 0;
}

void
kit_store_put_away(struct kit *k, const char *name)
{
    char command[400];

    kit_stop(k);
    (void)snprintf(command, sizeof(command), "mkdir %s/%s && mv %s/store/* %s/%s/", k->site.home, name, k->site.home, k->site.home, name);
    assert_int_equal(system(command), 0);
}

void
kit_spawn(struct kit *k)
{
    const char *args[] = { "--home", k->site.home, "--gates", "1", NULL };
    int signer[2], gate[2], ready[2], control;

    fixture_must(bm_channel_pair(signer, &fail));
    fixture_must(bm_channel_pair(gate, &fail));
    fixture_must(bm_home_listen(&control, k->site.home, &fail));
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_true((k->said = memfd_create("said", MFD_CLOEXEC)) >= 0);
    struct bm_spawn_fd fds[] = { { signer[1], BM_FD_REGISTRAR_SIGNER },
                                 { control, BM_FD_REGISTRAR_CONTROL },
                                 { gate[1], BM_FD_REGISTRAR_GATES },
                                 { ready[1], BM_FD_READY },
                                 { k->clock_fd, CLOCK_FD } };
    struct bm_spawn what = { .program = CLOCKED_PROGRAM, .args = args, .fds = fds, .nfds = BM_COUNT(fds), .errors = k->said };

    fixture_must(bm_spawn(&k->registrar, &what, &fail));
    (void)close(signer[1]);
    (void)close(gate[1]);
    (void)close(control);
    (void)close(ready[1]);
    k->signer = signer[0];
    k->gate = gate[0];
    k->ready = ready[0];
}

static void
said_print(struct kit *k)
{
    char text[600];
    ssize_t n = pread(k->said, text, sizeof(text) - 1, 0);

    if (n > 0)
        (void)fprintf(stderr, "%.*s", (int)n, text);
}

void
kit_ready(struct kit *k)
{
    struct pollfd p = { .fd = k->ready, .events = POLLIN };
    char byte = 0;

    if (poll(&p, 1, PATIENCE) != 1 || read(k->ready, &byte, 1) != 1 || byte != 'R') {
        said_print(k);
        fail_msg("the registrar does not get ready");
    }
    kit_connect(k, 0);
}

uint64_t
kit_hello(struct kit *k)
{
    struct bm_rd rd = bm_rd(kit_want(k, k->signer, BM_S_HELLO).body);

    return bm_rd_u64(&rd);
}

/* Which CAs there are is asked next. */
static void
cas_answer(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    for (unsigned i = 0; i < BM_CA__N; i++) {
        const struct bm_s_ca ca = {
            .n = BM_CA__N, .name = bm_bytes_str(bm_ca_word((enum bm_ca)i)), .kind = (uint8_t)i, .der = bm_buf_bytes(&k->site.ca[i])
        };

        assert_int_equal(kit_want(k, k->signer, BM_S_CA).body.p[0], i);
        bm_buf_reset(&body);
        bm_s_ca_build(&body, &ca);
        kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
    }
    (void)kit_want(k, k->signer, BM_S_ROOT);
    bm_buf_reset(&body);
    bm_s_root_build(&body, &(struct bm_s_root){ .n = 1, .der = bm_buf_bytes(&k->site.ca[0]) });
    kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
}

void
kit_hello_answer(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE },
                                          vkey = { .max = BM_NOTE_VKEY };
    struct bm_s_site site = { .ledger_size = k->book.size, .next_seq = 2, .signed_total = 5, .signed_again = 1 };

    bm_note_vkey_build(&vkey, &k->ledger.key);
    site.vkey = bm_buf_bytes(&vkey);
    site.held = k->misses ? k->held : 0;
    site.checkpoint = kit_checkpoint(k, &note);
    site.confinement = bm_bytes_str("played");
    bm_s_site_build(&body, &site);
    kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
    cas_answer(k);
}

static void
replay(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_rd rd = bm_rd(kit_want(k, k->signer, BM_S_REPLAY).body);
    struct bm_s_leaves leaves = { .n = 1, .checkpoint = kit_checkpoint(k, &note) };

    for (uint64_t i = bm_rd_u64(&rd); i < k->book.size; i++) {
        const struct kit_leaf *leaf = &k->leaf[i];

        leaves.leaf[0] = (struct bm_s_leaf){ .index = i,
                                             .event = bm_buf_bytes(&leaf->text),
                                             .certificate = bm_buf_bytes(&leaf->certificate),
                                             .evidence = bm_buf_bytes(&leaf->evidence),
                                             .attachment = bm_buf_bytes(&leaf->attachment) };
        memcpy(leaves.leaf[0].salt, leaf->salt, BM_SALT);
        bm_buf_reset(&body);
        bm_s_leaves_build(&body, &leaves);
        kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
    }
    leaves.n = 0;
    bm_buf_reset(&body);
    bm_s_leaves_build(&body, &leaves);
    kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
}

void
kit_start(struct kit *k)
{
    uint64_t size;

    kit_spawn(k);
    size = kit_hello(k);
    kit_hello_answer(k);
    if (size < k->book.size)
        replay(k);
    kit_ready(k);
}

int
kit_ended(struct kit *k, char *ret_said, size_t n)
{
    struct pollfd p = { .fd = k->registrar.pidfd, .events = POLLIN };
    ssize_t got;
    int status;

    if (poll(&p, 1, PATIENCE) != 1)
        fail_msg("the registrar goes on");
    assert_int_equal(waitpid(k->registrar.pid, &status, 0), k->registrar.pid);
    (void)close(k->registrar.pidfd);
    k->registrar.pid = 0;
    got = pread(k->said, ret_said, n - 1, 0);
    ret_said[got < 0 ? 0 : got] = 0;
    fds_close(k);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void
kit_connect(struct kit *k, int command)
{
    fixture_must(bm_home_connect(&k->command[command], k->site.home, &fail));
    assert_true(k->command[command] >= 0);
}

void
kit_hang_up(struct kit *k, int command)
{
    bm_fd_done(&k->command[command]);
    k->command[command] = -1;
}

/* ---- messages ---- */

void
kit_say(struct kit *k, int fd, uint16_t type, uint64_t id, struct bm_bytes body)
{
    (void)k;
    fixture_must(bm_channel_send(fd, &(struct bm_message){ .type = type, .id = id, .body = body }, &fail));
}

/* What the store holds by now is said in between, and never more than it was given. */
static bool
is_held(struct kit *k, const struct bm_message *message)
{
    struct bm_rd rd = bm_rd(message->body);

    if (message->type != BM_S_HELD)
        return false;
    k->held = bm_rd_u64(&rd);
    assert_true(bm_rd_end(&rd) && k->held <= k->book.size);
    return true;
}

struct bm_message
kit_hear(struct kit *k, int fd)
{
    struct bm_message message = { .type = 0 };
    enum bm_heard heard = BM_HEARD_NOTHING;

    do
        fixture_must(bm_channel_recv(&heard, &message, fd, k->packet, BM_MAX_MESSAGE, PATIENCE, &fail));
    while (fd == k->signer && heard == BM_HEARD_MESSAGE && is_held(k, &message));
    if (heard != BM_HEARD_MESSAGE) {
        said_print(k);
        fail_msg("%s", heard == BM_HEARD_END ? "the registrar hung up" : "the registrar says nothing");
    }
    return message;
}

struct bm_message
kit_want(struct kit *k, int fd, uint16_t type)
{
    struct bm_message message = kit_hear(k, fd);

    if (message.type != type)
        fail_msg("message %u came where %u was due: %.*s", message.type, type, (int)(message.body.n < 300 ? message.body.n : 300),
                 (const char *)message.body.p);
    return message;
}

/* Any other message stays where it is, for who asks for it. */
static bool
held_take(struct kit *k, int fd)
{
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_message message;
    ssize_t n = recv(fd, k->packet, BM_MAX_MESSAGE, MSG_PEEK | MSG_DONTWAIT);

    if (n <= 0 || bm_message_parse(&message, bm_bytes(k->packet, (size_t)n), &fail) != BM_OK || !is_held(k, &message))
        return false;
    return recv(fd, k->packet, BM_MAX_MESSAGE, MSG_DONTWAIT) == n;
}

bool
kit_silent(struct kit *k, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    while (poll(&p, 1, 200) != 0)
        if (fd != k->signer || !held_take(k, fd))
            return false;
    return true;
}

bool
kit_gone(struct kit *k, int fd)
{
    int64_t until = bm_clock_ms() + 10000;
    struct bm_message message;
    enum bm_heard heard = BM_HEARD_NOTHING;

    while (heard != BM_HEARD_END && bm_clock_left(until) > 0)
        fixture_must(bm_channel_recv(&heard, &message, fd, k->packet, BM_MAX_MESSAGE, bm_clock_left(until), &fail));
    return heard == BM_HEARD_END;
}
