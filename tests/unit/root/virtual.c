#include "virtual.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT BM_SOURCE_ROOT "/tests/journey/virtual-hardware.sh"

int
virtual_run(const struct virtual *chips, const char *const *argv, const char *output)
{
    char path[256];
    int status, fd;
    pid_t child;

    (void)snprintf(path, sizeof(path), "%s/%s", chips->dir, output);
    if ((child = fork()) == 0) {
        union {
            const char *const *in;
            char **out;
        } args = { .in = argv };

        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 || dup2(fd, STDERR_FILENO) == -1)
            _exit(126);
        execvp(argv[0], args.out);
        _exit(127);
    }
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* "NAME URI" lines. */
static void
lines_read(struct virtual *chips, const char *file)
{
    char path[256], line[600];
    FILE *list;

    (void)snprintf(path, sizeof(path), "%s/%s", chips->dir, file);
    if ((list = fopen(path, "r")) == NULL)
        return;
    while (fgets(line, sizeof(line), list) != NULL) {
        char *uri = strchr(line, ' ');

        line[strcspn(line, "\n")] = '\0';
        if (uri == NULL)
            continue;
        if (strncmp(line, "tpm-", 4) == 0)
            (void)snprintf(chips->uri[VIRTUAL_TPM2], sizeof(chips->uri[VIRTUAL_TPM2]), "%s", uri + 1);
        else if (strncmp(line, "se-", 3) == 0)
            (void)snprintf(chips->uri[VIRTUAL_PKCS11], sizeof(chips->uri[VIRTUAL_PKCS11]), "%s", uri + 1);
        else if (strncmp(line, "clone-", 6) == 0)
            (void)snprintf(chips->copy, sizeof(chips->copy), "%s", uri + 1);
    }
    (void)fclose(list);
}

static void
said(const struct virtual *chips, const char *file)
{
    char path[256], line[600];
    FILE *text;

    (void)snprintf(path, sizeof(path), "%s/%s", chips->dir, file);
    if ((text = fopen(path, "r")) == NULL)
        return;
    while (fgets(line, sizeof(line), text) != NULL)
        (void)fputs(line, stderr);
    (void)fclose(text);
}

bool
virtual_start(struct virtual *ret)
{
    struct virtual chips = { .dir = "/tmp/birthmark-root-XXXXXX" };
    char conf[128];

    if (!BM_ROOTS_ALL && getenv("BM_ROOT") == NULL) { /* the one kind that this test asks for; meson.build knows that it is there */
        (void)fprintf(stderr, "skipped: this build has not all roots of trust (option roots)\n");
        exit(77);
    }
    if (mkdtemp(chips.dir) == NULL)
        return false;
    const char *const argv[] = { SCRIPT, "start", chips.dir, "--tpm", "1", "--se", "1", NULL };
    if (virtual_run(&chips, argv, "start.txt") != 0) {
        said(&chips, "start.txt");
        virtual_stop(&chips);
        return false;
    }
    lines_read(&chips, "start.txt");
    (void)snprintf(chips.uri[VIRTUAL_SOFT], sizeof(chips.uri[VIRTUAL_SOFT]), "soft:%s/soft.pem", chips.dir);
    (void)snprintf(chips.uri[VIRTUAL_PUF], sizeof(chips.uri[VIRTUAL_PUF]), "puf:sim:chip 1:%s/puf.helper", chips.dir);
    for (int i = 0; i < 3; i++)
        (void)snprintf(chips.templates[i], sizeof(chips.templates[i]), "%.480s;template=H-%d", chips.uri[VIRTUAL_TPM2], i + 1);
    (void)snprintf(conf, sizeof(conf), "%s/softhsm2.conf", chips.dir);
    (void)setenv("SOFTHSM2_CONF", conf, 1);
    (void)snprintf(conf, sizeof(conf), "%s/agent.conf", chips.dir);
    (void)setenv("BIRTHMARK_AGENT_CONF", conf, 1); /* never the machine's own */
    (void)setenv("TSS2_LOG", "all+NONE", 0);       /* refusals are part of the test; the library would print each */
    *ret = chips;
    return true;
}

bool
virtual_again(struct virtual *chips, unsigned tpms)
{
    char number[16];
    const char *const argv[] = { SCRIPT, "start", chips->dir, "--tpm", number, NULL };

    (void)snprintf(number, sizeof(number), "%u", tpms);
    if (virtual_run(chips, argv, "again.txt") != 0) {
        said(chips, "again.txt");
        return false;
    }
    lines_read(chips, "again.txt");
    for (int i = 0; i < 3; i++)
        (void)snprintf(chips->templates[i], sizeof(chips->templates[i]), "%.480s;template=H-%d", chips->uri[VIRTUAL_TPM2], i + 1);
    return true;
}

bool
virtual_clone(struct virtual *chips)
{
    const char *const argv[] = { SCRIPT, "clone", chips->dir, "tpm-01", NULL };
    bool made = virtual_run(chips, argv, "clone.txt") == 0;

    lines_read(chips, "clone.txt");
    return made;
}

void
virtual_stop(struct virtual *chips)
{
    const char *const stop[] = { SCRIPT, "stop", chips->dir, NULL };
    const char *const clean[] = { "rm", "-rf", chips->dir, NULL };

    (void)virtual_run(chips, stop, "stop.txt");
    (void)virtual_run(chips, clean, "stop.txt");
}
