/* spawned.c - a program for test_spawn.c: says over descriptor 3 what it finds of itself, then does what its argument says. */
#include "base/base.h"
#include "proc/spawn.h"

#include "proc/channel.h"
#include "proc/places.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void
describe(struct bm_buf *buf, int argc, char **argv)
{
    sigset_t blocked;
    int death = 0;
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *e;

    for (int i = 1; i < argc; i++)
        bm_buf_add_fmt(buf, "arg %s\n", argv[i]);
    for (char **v = environ; *v != NULL; v++)
        if (strncmp(*v, "ASAN_", 5) != 0 && strncmp(*v, "UBSAN_", 6) != 0 && strncmp(*v, "LSAN_", 5) != 0)
            bm_buf_add_fmt(buf, "env %s\n", *v);
    for (int fd = 0; fd < 1024; fd++) {
        char path[32], to[128];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (fd != dirfd(dir) && (n = readlink(path, to, sizeof(to) - 1)) > 0) {
            to[n] = '\0';
            bm_buf_add_fmt(buf, "fd %d %s\n", fd,
                           strncmp(to, "/dev/null", 9) == 0 ? "null"
                           : strncmp(to, "socket:", 7) == 0 ? "socket"
                                                            : "other");
        }
    }
    while ((e = readdir(dir)) != NULL)
        continue;
    (void)closedir(dir);
    (void)prctl(PR_GET_PDEATHSIG, &death);
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    bm_buf_add_fmt(buf, "death %d session %d blocked %d\n", death, getsid(0) == getpid(), sigismember(&blocked, SIGTERM));
}

int
main(int argc, char **argv)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 65536 };
    struct bm_message message = { .type = 1 };
    struct bm_fail fail;

    if (argc < 2)
        return 2;
    describe(&buf, argc, argv);
    message.body = bm_buf_bytes(&buf);
    if (bm_ready(&fail) != BM_OK || bm_channel_send(3, &message, &fail) != BM_OK)
        return 9;
    if (strcmp(argv[1], "exit") == 0)
        return 7;
    if (strcmp(argv[1], "stubborn") == 0)
        (void)signal(SIGTERM, SIG_IGN);
    for (;;)
        (void)pause();
}
