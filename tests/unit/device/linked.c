#include "linked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

bool
linked_start(struct linked *ret, const char *dir, const char *root, const char *ca_file)
{
    int in[2], out[2], said;

    (void)snprintf(ret->said, sizeof(ret->said), "%s/link.txt", dir);
    if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
        return false;
    if ((ret->pid = fork()) == 0) {
        if ((said = open(ret->said, O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1 || dup2(in[0], STDIN_FILENO) == -1 ||
            dup2(out[1], STDOUT_FILENO) == -1 || dup2(said, STDERR_FILENO) == -1)
            _exit(126);
        (void)execl(getenv("BM_AGENT"), "birthmark-agent", "link", "--stdio", "--root", root, "--cacert", ca_file, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    ret->link = bm_link(out[0], in[1]);
    return ret->pid > 0;
}

int
linked_end(struct linked *linked)
{
    int status = 0;

    if (linked->link.out != -1)
        (void)close(linked->link.out);
    linked->link.out = -1;
    while (waitpid(linked->pid, &status, 0) == -1 && errno == EINTR)
        ;
    (void)close(linked->link.in);
    bm_link_done(&linked->link);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void
linked_cut(struct linked *linked)
{
    (void)close(linked->link.in);
    linked->link.in = -1;
    (void)linked_end(linked);
}

static bool
identity_make(struct line *line, const struct testca *issuer, const char *names, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, certs = { .max = BM_MAX_EVIDENCE };
    static struct bm_leaf leaf;
    struct bm_bytes one;
    struct bm_key key;

    if (line->root->ops->identify(line->root, true, &leaf, &certs, fail) != BM_OK ||
        line->root->ops->key_new(line->root, "station", &key, fail) != BM_OK)
        return false;
    testca_issue_station(issuer, &key, names, &der);
    one = bm_buf_bytes(&der);
    return line->root->ops->commit(line->root, "station", &one, 1, fail) == BM_OK;
}

bool
line_start(struct line *ret, const char *dir, const char *name, const struct testca *issuer, const char *names, const char *server,
           const char *ca_file)
{
    struct bm_fail fail = { 0 };
    char uri[128];

    *ret = (struct line){ .station.server = server };
    (void)snprintf(uri, sizeof(uri), "soft:%s/%s.pem", dir, name);
    if (bm_root_open(&ret->root, uri, &fail) == BM_OK && identity_make(ret, issuer, names, &fail) &&
        bm_provider_new(&ret->provider, &fail) == BM_OK && bm_http_open(&ret->station.http, server, ca_file, NULL, &fail) == BM_OK &&
        bm_http_identity(ret->station.http, ret->root, "station", &fail) == BM_OK &&
        bm_station_tls(&ret->station.tls, ret->provider, ret->root, "station", ca_file, &fail) == BM_OK)
        return true;
    (void)fprintf(stderr, "%s\n", fail.text);
    return false;
}

void
line_stop(struct line *line)
{
    SSL_CTX_free(line->station.tls);
    bm_http_close(line->station.http);
    bm_provider_free(line->provider);
    bm_root_close(line->root);
}
