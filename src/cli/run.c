/* run.c - one call from argv to exit status. */
#include "cli/cli.h"

#include "cli/places.h"
#include "wire/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Names of files, words of the command line, another's text: none of it writes control characters to a terminal. */
static void
text_clean(char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t n = bm_utf8_size((const uint8_t *)text, left);

        if (n == 0)
            *text = '?';
        n = n > 0 ? n : 1;
        text += n;
        left -= n;
    }
}

/* A sentence of ours ends without a stop; one that another follows gets it. */
static void
refusal_print(const struct bm_call *call, const struct bm_fail *fail)
{
    size_t n = strlen(fail->text);

    if (call->proposal != 0)
        (void)fprintf(stderr, "proposed: %s\n", fail->text);
    else if (call->alarm == 0)
        (void)fprintf(stderr, "refused: %s\n", fail->text);
    else
        (void)fprintf(stderr, "refused: %s%s Recorded as alarm %llu.\n", fail->text, n > 0 && fail->text[n - 1] == '.' ? "" : ".",
                      (unsigned long long)call->alarm);
}

static int
failure_print(const struct bm_call *call, enum bm_rc rc, struct bm_fail *fail)
{
    const char *words = call->verb != NULL ? call->verb->words : "";

    text_clean(fail->text);
    if (call->used_wrongly) {
        (void)fprintf(stderr, "birthmark: %s; see `birthmark %s%s--help`\n", fail->text, words, words[0] != 0 ? " " : "");
        return 2;
    }
    if (bm_rc_exit(rc) == 1)
        refusal_print(call, fail);
    else
        (void)fprintf(stderr, "birthmark: %s\n", fail->text);
    return bm_rc_exit(rc);
}

/* A full disk behind a pipe or a file must not look like success. */
static int
output_close(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    (void)fprintf(stderr, "birthmark: the output can't be written: %s\n", strerrordesc_np(errno));
    return 3;
}

static enum bm_rc
call_run(struct bm_call *call, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (call->help) {
        bm_help_verb(call->verb);
        return BM_OK;
    }
    if (call->verb->site && (rc = bm_home_find(call, fail)) != BM_OK)
        return rc;
    return call->verb->run(call, fail);
}

int
bm_cli_main(const struct bm_verb *const *verbs, int argc, char **argv)
{
    bm_cleanup(bm_call_done) struct bm_call call = { .verb = NULL };
    struct bm_fail fail = { .rc = BM_OK };
    const char *group = NULL;
    enum bm_rc rc;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("birthmark " BM_VERSION);
        return output_close(0);
    }
    if ((rc = bm_call_parse(&call, &group, verbs, argc, argv, &fail)) == BM_OK && call.verb == NULL)
        bm_help_verbs(verbs, group);
    else if (rc == BM_OK)
        rc = call_run(&call, &fail);
    return output_close(rc == BM_OK ? 0 : failure_print(&call, rc, &fail));
}
