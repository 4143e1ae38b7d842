/* help.c - what --help prints, from the table of verbs. */
#include "cli/cli.h"

#include <stdio.h>

static void
usage_print(const struct bm_verb *verb)
{
    (void)printf("usage: birthmark %s%s%s", verb->words, verb->arguments[0] != 0 ? " " : "", verb->arguments);
    for (size_t i = 0; i < BM_MAX_OPTIONS && verb->options[i].name != NULL; i++) {
        const struct bm_option *o = &verb->options[i];

        (void)printf(" %s%s%s%s%s%s%s", o->needed ? "" : "[", o->name[1] == 0 ? "-" : "--", o->name, o->value != NULL ? " " : "",
                     o->value != NULL ? o->value : "", o->many ? "..." : "", o->needed ? "" : "]");
    }
    (void)printf("%s [--json]\n", verb->site ? " [--home DIR]" : "");
}

static void
option_print(const char *name, const char *value, const char *help)
{
    char left[40];

    (void)snprintf(left, sizeof(left), "%s%s%s%s", name[1] == 0 ? "-" : "--", name, value != NULL ? " " : "", value != NULL ? value : "");
    (void)printf("  %-20s %s\n", left, help);
}

void
bm_help_verb(const struct bm_verb *verb)
{
    usage_print(verb);
    (void)printf("\n%s\n\n", verb->purpose);
    (void)fputs(verb->help, stdout);
    (void)putchar('\n');
    for (size_t i = 0; i < BM_MAX_OPTIONS && verb->options[i].name != NULL; i++)
        option_print(verb->options[i].name, verb->options[i].value, verb->options[i].help);
    if (verb->site)
        option_print("home", "DIR", "the site's directory; else BIRTHMARK_HOME, else /var/lib/birthmark when it is a site");
    option_print("json", NULL, "for programs: stable field names");
    (void)fputs("\nexit status: 0 done, 1 refused (one line says why), 2 used wrongly, 3 a fault of the environment\n", stdout);
}

void
bm_help_verbs(const struct bm_verb *const *verbs, const char *group)
{
    size_t n = group != NULL ? strlen(group) : 0;

    (void)printf("usage: birthmark %s [--home DIR] [--json]\n\n", group != NULL ? group : "VERB");
    for (; *verbs != NULL; verbs++)
        if (group == NULL || (strncmp((*verbs)->words, group, n) == 0 && (*verbs)->words[n] == ' '))
            (void)printf("  %-18s %s\n", (*verbs)->words, (*verbs)->purpose);
    (void)puts("\n`birthmark VERB --help` explains each, with an example. --home DIR or BIRTHMARK_HOME names the site's directory.\n"
               "exit status: 0 done, 1 refused (one line says why), 2 used wrongly, 3 a fault of the environment");
}
