/*
 * fake.c - a stand-in for signer, registrar and gate in test_site.c: starts as the real ones do and says so in HOME/started.
 * HOME/NAME.refuse: its content is said on stderr and the program exits with 3. The registrar answers every control message with the same body
 * under its own process id; a message of type 9 makes it break its confinement.
 */
#include "base/base.h"
#include "proc/spawn.h"

#include "base/file.h"
#include "proc/channel.h"
#include "proc/confine.h"
#include "proc/places.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t buffer[BM_MAX_MESSAGE];

static void
note_start(const char *home, const char *name)
{
    char path[BM_PATH];
    bm_cleanup(bm_fd_done) int fd = -1;

    (void)snprintf(path, sizeof(path), "%s/started", home);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s %d\n", name, (int)getpid()) < 0)
        _exit(97);
}

static void
refuse_if_told(const char *home, const char *name)
{
    char path[BM_PATH];
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 200 };
    struct bm_fail fail;

    (void)snprintf(path, sizeof(path), "%s/%s.refuse", home, name);
    if (bm_file_read(&text, path, &fail) != BM_OK)
        return;
    (void)fprintf(stderr, "%.*s\n", (int)text.n, (const char *)text.p);
    _exit(3);
}

/* Whether the channel goes on. */
static bool
answer(int fd)
{
    struct bm_message message;
    struct bm_fail fail;
    enum bm_heard heard;

    if (bm_channel_recv(&heard, &message, fd, buffer, sizeof(buffer), -1, &fail) != BM_OK || heard != BM_HEARD_MESSAGE)
        return false;
    if (message.type == 9)
        (void)execl("/bin/true", "true", (char *)NULL);
    message.id = (uint64_t)getpid();
    return bm_channel_send(fd, &message, &fail) == BM_OK;
}

static _Noreturn void
registrar_run(bool listens)
{
    struct bm_fail fail;

    for (;;) {
        struct pollfd p = { .fd = BM_FD_REGISTRAR_CONTROL, .events = POLLIN };
        int fd = BM_FD_REGISTRAR_CONTROL;

        if (listens && (poll(&p, 1, -1) != 1 || (fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) < 0 || bm_channel_init(fd, &fail) != BM_OK))
            _exit(96);
        while (answer(fd))
            continue;
        if (!listens)
            _exit(0);
        (void)close(fd);
    }
}

int
main(int argc, char **argv)
{
    static const struct bm_confine_plan gate = { .name = "gate", .listen_accept = true, .nobody = true };
    static const struct bm_confine_plan other = { .name = "fake", .listen_accept = true };
    const char *slash = strrchr(argv[0], '-'), *name = slash == NULL ? argv[0] : slash + 1;
    bool is_gate = strcmp(name, "gate") == 0, is_registrar = strcmp(name, "registrar") == 0;
    struct bm_fail fail;

    if (argc < 3 || strcmp(argv[1], "--home") != 0)
        return 2;
    note_start(argv[2], name);
    refuse_if_told(argv[2], name);
    if (is_gate && (!bm_fd_listens(BM_FD_GATE_TLS) || bm_fd_listens(BM_FD_GATE_PLAIN)))
        return 95;
    if (bm_confine(is_gate ? &gate : &other, &fail) != BM_OK || bm_ready(&fail) != BM_OK) {
        (void)fprintf(stderr, "%s\n", fail.text);
        return 3;
    }
    if (is_registrar)
        registrar_run(bm_fd_listens(BM_FD_REGISTRAR_CONTROL));
    for (;;)
        (void)poll(NULL, 0, -1);
}
