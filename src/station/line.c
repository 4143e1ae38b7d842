#include "station/line.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
pair_close(const int pair[static 2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] != -1)
            (void)close(pair[i]);
    }
}

static enum bm_rc
exec_open(struct bm_line *ret, const char *command, struct bm_fail *fail)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };

    if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 || (ret->child = fork()) == -1) {
        pair_close(in);
        pair_close(out);
        return bm_fail(fail, BM_EBUSY, NULL, "the link's program cannot be started: %s", strerrordesc_np(errno));
    }
    if (ret->child == 0) {
        (void)sigaction(SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_DFL }, NULL);
        if (setpgid(0, 0) == -1 || dup2(in[0], STDIN_FILENO) == -1 || dup2(out[1], STDOUT_FILENO) == -1)
            _exit(126);
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    ret->link = bm_link(out[0], in[1]);
    return BM_OK;
}

static void
addresses_done(struct addrinfo **list)
{
    if (*list != NULL)
        freeaddrinfo(*list);
}

static enum bm_rc
tcp_open(struct bm_line *ret, const char *where, struct bm_fail *fail)
{
    bm_cleanup(addresses_done) struct addrinfo *list = NULL;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    const char *colon = strrchr(where, ':');
    char host[256];

    if (colon == NULL || colon == where || colon[1] == '\0' || (size_t)(colon - where) >= sizeof(host))
        return bm_fail(fail, BM_EINPUT, NULL, "a link over TCP is tcp:HOST:PORT");
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the device's host %s is not known to this machine", host);
    for (const struct addrinfo *one = list; one != NULL; one = one->ai_next) {
        int fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);

        if (fd != -1 && connect(fd, one->ai_addr, one->ai_addrlen) == 0) {
            ret->link = bm_link(fd, fd);
            return BM_OK;
        }
        if (fd != -1)
            (void)close(fd);
    }
    return bm_fail(fail, BM_EBUSY, NULL, "no device answers at %s: connect it, and start birthmark-agent link on it", where);
}

enum bm_rc
bm_line_open(struct bm_line *ret, const char *uri, struct bm_fail *fail)
{
    *ret = (struct bm_line){ .link = bm_link(-1, -1) };
    if (strncmp(uri, "exec:", 5) == 0 && uri[5] != '\0')
        return exec_open(ret, uri + 5, fail);
    if (strncmp(uri, "tcp:", 4) == 0)
        return tcp_open(ret, uri + 4, fail);
    return bm_fail(fail, BM_EINPUT, NULL, "a link is exec:COMMAND or tcp:HOST:PORT");
}

/* It ends when its line does; a program that does not is stopped, with those that it began. */
static void
child_end(pid_t child)
{
    int status;

    for (int i = 0; i < 100; i++) {
        if (waitpid(child, &status, WNOHANG) != 0)
            return;
        (void)usleep(50000);
    }
    (void)kill(-child, SIGKILL);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
}

void
bm_line_close(struct bm_line *line)
{
    if (line->link.held.max == 0)
        return;
    if (line->link.out != -1)
        (void)close(line->link.out);
    if (line->link.in != -1 && line->link.in != line->link.out)
        (void)close(line->link.in);
    bm_link_done(&line->link);
    if (line->child > 0)
        child_end(line->child);
    *line = (struct bm_line){ 0 };
}
