/* kit.h - a call of birthmark(1) inside the test: arguments in, exit status and what it printed out. */
#ifndef BM_TEST_CLI_KIT_H
#define BM_TEST_CLI_KIT_H

#include "base/base.h"
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define KIT_ARGS 24

struct kit_said {
    char out[65536], err[4096];
};

static inline int
kit_divert(int fd, int *ret_saved)
{
    int file = memfd_create("said", MFD_CLOEXEC);

    *ret_saved = dup(fd);
    assert_true(file >= 0 && *ret_saved >= 0 && dup2(file, fd) == fd);
    return file;
}

static inline void
kit_restore(int fd, int saved, int file, char *text, size_t size)
{
    ssize_t n = pread(file, text, size - 1, 0);

    assert_true(n >= 0 && dup2(saved, fd) == fd);
    text[n] = '\0';
    (void)close(saved);
    (void)close(file);
}

/* Words end at NULL. */
static inline int
kit_run(struct kit_said *said, const struct bm_verb *const *verbs, ...)
{
    char *argv[KIT_ARGS + 1] = { NULL };
    int argc = 0, status, out, err, saved_out, saved_err;
    const char *word = "birthmark";
    va_list ap;

    va_start(ap, verbs);
    for (; word != NULL && argc < KIT_ARGS; word = va_arg(ap, const char *))
        argv[argc++] = strdup(word);
    va_end(ap);
    (void)fflush(stdout);
    out = kit_divert(STDOUT_FILENO, &saved_out);
    err = kit_divert(STDERR_FILENO, &saved_err);
    status = bm_cli_main(verbs, argc, argv);
    (void)fflush(stdout);
    kit_restore(STDOUT_FILENO, saved_out, out, said->out, sizeof(said->out));
    kit_restore(STDERR_FILENO, saved_err, err, said->err, sizeof(said->err));
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

/* Exactly one line, on stderr. */
static inline void
kit_one_line(const char *text)
{
    assert_non_null(strchr(text, '\n'));
    assert_string_equal(strchr(text, '\n'), "\n");
}

#endif
