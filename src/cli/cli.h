/* cli.h - one call of birthmark(1): the verb, what it was given, and how it says what came out. */
#ifndef BM_CLI_H
#define BM_CLI_H

#include "base/bytes.h"

#define BM_MAX_OPTIONS 20

struct bm_option {
    const char *name;  /* without its dashes; one letter takes one dash */
    const char *value; /* what stands for its value in --help; NULL: a flag */
    const char *help;  /* one line */
    bool needed;
    bool many; /* takes every word up to the next option, and may be repeated */
};

struct bm_call;

/* One row of the table of verbs. */
struct bm_verb {
    const char *words;                        /* "lot receive" */
    const char *arguments;                    /* as --help shows them: "FILE"; "" for none */
    unsigned least, most;                     /* how many */
    bool site;                                /* works on a site: --home is found and checked before */
    const char *purpose;                      /* one line for the list of verbs */
    const char *help;                         /* what a reader must know, and "example:" lines; every line ends with LF */
    struct bm_option options[BM_MAX_OPTIONS]; /* ends at a name of NULL; --home, --json and --help come by themselves */
    bm_must_use enum bm_rc (*run)(struct bm_call *call, struct bm_fail *fail);
};
extern const struct bm_verb *const bm_verbs[]; /* ends at NULL; words of one object stand together */

struct bm_values {
    const char **v;
    size_t n;
};

/* What a verb was called with. Strings are borrowed from argv. */
struct bm_call {
    const struct bm_verb *verb;
    const char *home; /* of the site, for verbs that want one and for init */
    bool json, help;
    struct bm_values words;
    struct bm_values option[BM_MAX_OPTIONS]; /* by index in the verb's options */
    bool used_wrongly;                       /* the failure is the caller's way of calling: exit 2 */
    uint64_t alarm;                          /* raised by the refusal; 0 = none */
    uint64_t proposal;                       /* what was asked for waits as this one, for a second person; 0 = it does not */
};
void bm_call_done(struct bm_call *call);

/* Finds the verb and takes options and words apart. BM_OK with verb NULL: --help or --version, or a group of verbs, was asked for; *ret_group is its word,
 * NULL for all. BM_EINPUT: used wrongly. */
bm_must_use enum bm_rc bm_call_parse(struct bm_call *ret_call, const char **ret_group, const struct bm_verb *const *verbs, int argc,
                                     char **argv, struct bm_fail *fail);

/* An option's value, or NULL; a flag's is "". The name must be one of the verb's. */
const char *bm_call_option(const struct bm_call *call, const char *name);
const struct bm_values *bm_call_values(const struct bm_call *call, const char *name);
/* Decimal from least to most; `otherwise` when the option is absent. */
bm_must_use enum bm_rc bm_call_number(struct bm_call *call, const char *name, uint64_t least, uint64_t most, uint64_t otherwise,
                                      uint64_t *ret, struct bm_fail *fail);
/* The same for a word of the command line; what: "INDEX". */
bm_must_use enum bm_rc bm_call_word_number(struct bm_call *call, size_t i, const char *what, uint64_t *ret, struct bm_fail *fail);
/* Must be a bm_name_ok(). */
bm_must_use enum bm_rc bm_call_name(struct bm_call *call, const char *what, const char *name, struct bm_fail *fail);
/* The first word, which must be a device's id. */
bm_must_use enum bm_rc bm_call_device(struct bm_call *call, const char **ret_device, struct bm_fail *fail);
/* An option's words for the record, when it was given: 1 to most bytes of printable text on one line. */
bm_must_use enum bm_rc bm_call_line(struct bm_call *call, const char *option, size_t most, struct bm_fail *fail);

/* return bm_usage(call, fail, "the quantity must be ..."): exit 2. */
enum bm_rc bm_usage(struct bm_call *call, struct bm_fail *fail, const char *fmt, ...) bm_printf(3, 4);

/* "--help" to stdout: of one verb; of a group's verbs, or all (group NULL). */
void bm_help_verb(const struct bm_verb *verb);
void bm_help_verbs(const struct bm_verb *const *verbs, const char *group);

/* Runs one call from argv to exit status; prints the one line that a failure deserves. */
int bm_cli_main(const struct bm_verb *const *verbs, int argc, char **argv);

#endif
