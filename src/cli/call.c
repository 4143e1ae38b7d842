/* call.c - a command line taken apart by its verb's table. */
#include "cli/cli.h"

#include "base/limits.h"
#include "wire/text.h"

#include <errno.h>
#include <stdlib.h>

static const struct bm_option common[] = { { .name = "home", .value = "DIR" }, { .name = "json" }, { .name = "help" } };

enum bm_rc
bm_usage(struct bm_call *call, struct bm_fail *fail, const char *fmt, ...)
{
    char text[sizeof(fail->text)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    call->used_wrongly = true;
    return bm_fail(fail, BM_EINPUT, NULL, "%s", text);
}

void
bm_call_done(struct bm_call *call)
{
    free(call->words.v);
    for (size_t i = 0; i < BM_MAX_OPTIONS; i++)
        free(call->option[i].v);
    *call = (struct bm_call){ .verb = NULL };
}

static enum bm_rc
values_add(struct bm_values *values, const char *value, struct bm_fail *fail)
{
    const char **v = reallocarray(values->v, values->n + 1, sizeof(*v));

    if (v == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the command line");
    values->v = v;
    values->v[values->n++] = value;
    return BM_OK;
}

/* ---- which verb ---- */

/* How many words of argv this verb's name is; 0 when it is not this one. */
static int
words_match(const char *words, int argc, char **argv)
{
    int n = 0;

    while (*words != 0) {
        size_t len = strcspn(words, " ");

        if (n >= argc || strlen(argv[n]) != len || memcmp(argv[n], words, len) != 0)
            return 0;
        n++;
        words += len;
        words += *words == ' ';
    }
    return n;
}

static bool
group_is(const struct bm_verb *verb, const char *group)
{
    size_t n = strlen(group);

    return strncmp(verb->words, group, n) == 0 && verb->words[n] == ' ';
}

static bool
asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* No verb fits: say the nearest thing that helps. */
static enum bm_rc
verb_missing(struct bm_call *call, const char **ret_group, const struct bm_verb *const *verbs, int argc, char **argv, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf list = { .max = 200 };

    if (argc == 0)
        return bm_usage(call, fail, "a verb is missing");
    if (asks_for_help(argv[0])) {
        *ret_group = NULL;
        return BM_OK;
    }
    for (; *verbs != NULL; verbs++)
        if (group_is(*verbs, argv[0]))
            bm_buf_add_fmt(&list, "%s%s", list.n == 0 ? "" : ", ", (*verbs)->words + strlen(argv[0]) + 1);
    if (list.n == 0)
        return bm_usage(call, fail, "there is no verb \"%.40s\"", argv[0]);
    if (argc > 1 && asks_for_help(argv[1])) {
        *ret_group = argv[0];
        return BM_OK;
    }
    bm_buf_add_u8(&list, 0);
    if (argc == 1 || argv[1][0] == '-')
        return bm_usage(call, fail, "\"%s\" wants a verb: %s", argv[0], list.bad ? "" : (const char *)list.p);
    return bm_usage(call, fail, "\"%s\" has no verb \"%.40s\", it has: %s", argv[0], argv[1], list.bad ? "" : (const char *)list.p);
}

/* ---- options ---- */

/* The option of this name; *ret_i its index in the verb's, or BM_MAX_OPTIONS and more for the common ones. */
static const struct bm_option *
option_find(const struct bm_verb *verb, const char *name, size_t n, size_t *ret_i)
{
    for (size_t i = 0; i < BM_MAX_OPTIONS && verb->options[i].name != NULL; i++)
        if (strlen(verb->options[i].name) == n && memcmp(verb->options[i].name, name, n) == 0) {
            *ret_i = i;
            return &verb->options[i];
        }
    for (size_t i = 0; i < BM_COUNT(common); i++)
        if (strlen(common[i].name) == n && memcmp(common[i].name, name, n) == 0) {
            *ret_i = BM_MAX_OPTIONS + i;
            return &common[i];
        }
    return NULL;
}

static const char *
dashes(const struct bm_option *option)
{
    return strlen(option->name) == 1 ? "-" : "--";
}

static enum bm_rc
value_keep(struct bm_call *call, const struct bm_option *option, size_t i, const char *value, struct bm_fail *fail)
{
    if (option->value != NULL && value[0] == 0)
        return bm_usage(call, fail, "%s%s has an empty value", dashes(option), option->name);
    if (i == BM_MAX_OPTIONS) {
        call->home = value;
        return BM_OK;
    }
    if (i > BM_MAX_OPTIONS) {
        call->json |= i == BM_MAX_OPTIONS + 1;
        call->help |= i == BM_MAX_OPTIONS + 2;
        return BM_OK;
    }
    if (call->option[i].n > 0 && !option->many)
        return bm_usage(call, fail, "%s%s is given twice", dashes(option), option->name);
    return values_add(&call->option[i], value, fail);
}

/* A word that stands for itself: no option. "-" alone is a file's name to many. */
static bool
is_word(const char *arg)
{
    return arg[0] != '-' || arg[1] == 0;
}

static enum bm_rc
option_take(struct bm_call *call, int *at, int argc, char **argv, struct bm_fail *fail)
{
    const char *arg = argv[*at], *name = arg + (arg[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
    size_t n = equals != NULL ? (size_t)(equals - name) : strlen(name), i = 0;
    const struct bm_option *option = option_find(call->verb, name, n, &i);
    enum bm_rc rc;

    if (option != NULL && (n == 1) != (arg[1] != '-'))
        option = NULL; /* "--o" or "-json" */
    if (option == NULL && strcmp(arg, "-h") == 0) {
        call->help = true;
        return BM_OK;
    }
    if (option == NULL)
        return bm_usage(call, fail, "there is no option %.*s", (int)(n + (size_t)(name - arg) > 60 ? 60 : n + (size_t)(name - arg)), arg);
    if (option->value == NULL)
        return equals != NULL ? bm_usage(call, fail, "--%s takes no value", option->name) : value_keep(call, option, i, "", fail);
    if (equals != NULL)
        return value_keep(call, option, i, equals + 1, fail);
    if (*at + 1 >= argc || !is_word(argv[*at + 1]))
        return bm_usage(call, fail, "%s%s wants a value: %s", dashes(option), option->name, option->value);
    do {
        (*at)++;
        if ((rc = value_keep(call, option, i, argv[*at], fail)) != BM_OK)
            return rc;
    } while (option->many && *at + 1 < argc && is_word(argv[*at + 1]));
    return BM_OK;
}

static enum bm_rc
args_take(struct bm_call *call, int at, int argc, char **argv, struct bm_fail *fail)
{
    bool only_words = false;
    enum bm_rc rc = BM_OK;

    for (; at < argc && rc == BM_OK; at++) {
        if (!only_words && strcmp(argv[at], "--") == 0)
            only_words = true;
        else if (only_words || is_word(argv[at]))
            rc = values_add(&call->words, argv[at], fail);
        else
            rc = option_take(call, &at, argc, argv, fail);
    }
    return rc;
}

/* Did it get all that it needs, and no more? */
static enum bm_rc
call_check(struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_verb *verb = call->verb;

    if (call->words.n < verb->least)
        return bm_usage(call, fail, "something is missing: birthmark %s %s", verb->words, verb->arguments);
    if (call->words.n > verb->most)
        return bm_usage(call, fail, "\"%.60s\" is one word too many", call->words.v[verb->most]);
    for (size_t i = 0; i < BM_MAX_OPTIONS && verb->options[i].name != NULL; i++)
        if (verb->options[i].needed && call->option[i].n == 0)
            return bm_usage(call, fail, "%s%s %s is missing", dashes(&verb->options[i]), verb->options[i].name, verb->options[i].value);
    return BM_OK;
}

enum bm_rc
bm_call_parse(struct bm_call *ret_call, const char **ret_group, const struct bm_verb *const *verbs, int argc, char **argv,
              struct bm_fail *fail)
{
    int longest = 0;
    enum bm_rc rc;

    for (const struct bm_verb *const *v = verbs; *v != NULL; v++) {
        int n = words_match((*v)->words, argc - 1, argv + 1);

        if (n > longest) {
            longest = n;
            ret_call->verb = *v;
        }
    }
    if (longest == 0)
        return verb_missing(ret_call, ret_group, verbs, argc - 1, argv + 1, fail);
    if ((rc = args_take(ret_call, 1 + longest, argc, argv, fail)) != BM_OK || ret_call->help)
        return rc;
    return call_check(ret_call, fail);
}

/* ---- what a verb asks for ---- */

const struct bm_values *
bm_call_values(const struct bm_call *call, const char *name)
{
    static const struct bm_values none = { .n = 0 };
    size_t i = 0;

    return option_find(call->verb, name, strlen(name), &i) != NULL && i < BM_MAX_OPTIONS ? &call->option[i] : &none;
}

const char *
bm_call_option(const struct bm_call *call, const char *name)
{
    const struct bm_values *values = bm_call_values(call, name);

    return values->n > 0 ? values->v[0] : NULL;
}

static bool
number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    size_t n = strlen(text);
    unsigned long long v;

    if (n == 0 || n > 19 || strspn(text, "0123456789") != n)
        return false;
    v = strtoull(text, NULL, 10);
    *ret = v;
    return v >= least && v <= most;
}

enum bm_rc
bm_call_number(struct bm_call *call, const char *name, uint64_t least, uint64_t most, uint64_t otherwise, uint64_t *ret,
               struct bm_fail *fail)
{
    const char *text = bm_call_option(call, name);

    *ret = otherwise;
    if (text == NULL || number_parse(text, least, most, ret))
        return BM_OK;
    return bm_usage(call, fail, "--%s wants a number from %llu to %llu", name, (unsigned long long)least, (unsigned long long)most);
}

enum bm_rc
bm_call_word_number(struct bm_call *call, size_t i, const char *what, uint64_t *ret, struct bm_fail *fail)
{
    if (number_parse(call->words.v[i], 0, INT64_MAX, ret))
        return BM_OK;
    return bm_usage(call, fail, "%s must be a number, not \"%.40s\"", what, call->words.v[i]);
}

enum bm_rc
bm_call_name(struct bm_call *call, const char *what, const char *name, struct bm_fail *fail)
{
    if (bm_name_ok(name, BM_MAX_NAME))
        return BM_OK;
    return bm_usage(call, fail, "%s must be 1 to %d of the characters A-Z a-z 0-9 . _ - and not begin with . or -", what, BM_MAX_NAME);
}

enum bm_rc
bm_call_device(struct bm_call *call, const char **ret_device, struct bm_fail *fail)
{
    const char *device = call->words.v[0];

    if (strlen(device) != 20 || strspn(device, "0123456789abcdef") != 20)
        return bm_usage(call, fail, "DEVICE is a device's id, 20 digits in hex, as `birthmark device list` shows it");
    *ret_device = device;
    return BM_OK;
}

enum bm_rc
bm_call_line(struct bm_call *call, const char *option, size_t most, struct bm_fail *fail)
{
    const char *text = bm_call_option(call, option);
    size_t left = text != NULL ? strlen(text) : 0, n = 1;
    bool fits = text == NULL || (left > 0 && left <= most);

    for (; fits && left > 0 && n > 0; left -= n, text += n)
        n = bm_utf8_size((const uint8_t *)text, left);
    return fits && n > 0 ? BM_OK : bm_usage(call, fail, "--%s is 1 to %zu bytes of printable text on one line", option, most);
}
