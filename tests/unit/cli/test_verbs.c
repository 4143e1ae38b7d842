/* test_verbs.c - every verb of the table teaches, and used wrongly ends with 2 and one line; none needs a site for that. */
#include "kit.h"

#include "base/file.h"

#include <ctype.h>

#define MOST 24 /* words that a test gives a verb */

/* "lot receive" as its words, at most three; in the place of each that is not there `filler`. */
static void
split(const struct bm_verb *verb, char *buf, const char *filler, const char *ret[static 3])
{
    char *rest = buf;

    (void)snprintf(buf, 64, "%s", verb->words);
    for (size_t i = 0; i < 3; i++)
        if ((ret[i] = strsep(&rest, " ")) == NULL)
            ret[i] = filler;
    assert_null(rest);
}

static void
test_help_teaches(void **state)
{
    (void)state;
    for (const struct bm_verb *const *v = bm_verbs; *v != NULL; v++) {
        char buf[64], usage[100], example[100];
        const char *word[3];
        static struct kit_said said;

        split(*v, buf, "--help", word);
        (void)snprintf(usage, sizeof(usage), "usage: birthmark %s", (*v)->words);
        (void)snprintf(example, sizeof(example), "birthmark %s", (*v)->words);
        assert_int_equal(kit_run(&said, bm_verbs, word[0], word[1], word[2], "--help", NULL), 0);
        assert_string_equal(said.err, "");
        assert_memory_equal(said.out, usage, strlen(usage));
        assert_non_null(strstr(said.out, (*v)->purpose));
        assert_non_null(strstr(said.out, "example: "));
        assert_non_null(strstr(strstr(said.out, "example: "), example));
        assert_non_null(strstr(said.out, "exit status: 0 done, 1 refused"));
    }
}

static void
test_texts_are_in_shape(void **state)
{
    (void)state;
    for (const struct bm_verb *const *v = bm_verbs; *v != NULL; v++) {
        size_t n = 0;

        assert_true((*v)->least <= (*v)->most && (*v)->run != NULL);
        assert_true(isupper((unsigned char)(*v)->purpose[0]) && (*v)->purpose[strlen((*v)->purpose) - 1] == '.');
        assert_true((*v)->help[strlen((*v)->help) - 1] == '\n');
        while (n < BM_MAX_OPTIONS && (*v)->options[n].name != NULL)
            assert_non_null((*v)->options[n++].help);
        assert_true(n < BM_MAX_OPTIONS);
        for (const struct bm_verb *const *w = v + 1; *w != NULL; w++)
            assert_string_not_equal((*v)->words, (*w)->words);
    }
}

static void
test_wrong_use_ends_with_2(void **state)
{
    (void)state;
    for (const struct bm_verb *const *v = bm_verbs; *v != NULL; v++) {
        char buf[64], see[100];
        const char *word[3];
        static struct kit_said said;

        split(*v, buf, "--no-such-option", word);
        (void)snprintf(see, sizeof(see), "; see `birthmark %s --help`\n", (*v)->words);
        assert_int_equal(kit_run(&said, bm_verbs, word[0], word[1], word[2], "--no-such-option", NULL), 2);
        assert_string_equal(said.out, "");
        kit_one_line(said.err);
        assert_non_null(strstr(said.err, "there is no option --no-such-option"));
        assert_non_null(strstr(said.err, see));
        if ((*v)->most < 3) { /* one word too many */
            split(*v, buf, "a", word);
            assert_int_equal(kit_run(&said, bm_verbs, word[0], word[1], word[2], "a", "b", "c", NULL), 2);
            kit_one_line(said.err);
            assert_non_null(strstr(said.err, "one word too many"));
        }
    }
}

static void
test_without_a_site(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(unsetenv("BIRTHMARK_HOME"), 0);
    if (access("/var/lib/birthmark/site.conf", F_OK) != 0) {
        assert_int_equal(kit_run(&said, bm_verbs, "lot", "list", NULL), 2);
        assert_string_equal(
            said.err, "birthmark: no site's directory is named: give --home DIR or set BIRTHMARK_HOME; see `birthmark lot list --help`\n");
    }
    assert_int_equal(kit_run(&said, bm_verbs, "lot", "list", "--home", "/nonexistent", NULL), 1);
    assert_string_equal(said.err,
                        "refused: there is no site in /nonexistent: make one with `birthmark init`, or name another with --home\n");
}

/* What is said of a value before anything is asked of a site. */
static void
test_values_are_checked_first(void **state)
{
    static const struct {
        const char *args[9];
        const char *sentence;
    } cases[] = {
        { { "init", "--home", "/nonexistent/x", "--name", "A", "--url", "http://a" }, "--url must be https://HOST" },
        { { "init", "--home", "/nonexistent/x", "--name", "A\nB" }, "--name must be" },
        { { "init", "--home", "/nonexistent/x", "--name", "A", "--store", "oracle" }, "--store must be sqlite" },
        { { "init", "--home", "/nonexistent/x", "--name", "A", "--token", "usb" }, "--token must be file, or pkcs11:" },
        { { "init", "--home", "/nonexistent/x", "--name", "A", "--operator", "../x" }, "an operator's name must be" },
        { { "chip", "create", "--root", "soft:x", "--id", "a b", "-o", "x" }, "--id must be" },
        { { "lot", "sign", "--key=k", "--vendor=", "--lot=L", "c", "-o=m" }, "--vendor has an empty value" },
        { { "lot", "sign", "--key=k", "--vendor=V", "--lot=../L", "c", "-o=m" }, "a lot's name must be" },
        { { "lot", "inspect", "f" }, "say whose lot it must be" },
        { { "ledger", "verify", "https://example" }, "not at a URL" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        const char *const *a = cases[i].args;
        static struct kit_said said;

        assert_int_equal(kit_run(&said, bm_verbs, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], NULL), 2);
        assert_non_null(strstr(said.err, cases[i].sentence));
        kit_one_line(said.err);
    }
}

static void
test_files_that_are_none(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, bm_verbs, "chip", "show", "/nonexistent", NULL), 1);
    assert_string_equal(said.err, "refused: /nonexistent is not there\n");
    assert_int_equal(kit_run(&said, bm_verbs, "chip", "show", "/dev/null", NULL), 1);
    kit_one_line(said.err);
    assert_int_equal(kit_run(&said, bm_verbs, "profile", "check", BM_SOURCE_ROOT "/README.md", NULL), 1);
    kit_one_line(said.err);
    assert_int_equal(kit_run(&said, bm_verbs, "lot", "inspect", BM_SOURCE_ROOT "/README.md", "--signer", BM_SOURCE_ROOT "/LICENSE", NULL),
                     1);
    assert_string_equal(said.err, "refused: " BM_SOURCE_ROOT
                                  "/LICENSE: this is neither a vkey, nor an Ed25519 public key in PEM, nor an X.509 certificate\n");
    assert_int_equal(kit_run(&said, bm_verbs, "lot", "sign", "--key=/nonexistent", "--vendor=V", "--lot=L", "c", "-o=/nonexistent/m", NULL),
                     1);
    assert_string_equal(said.err,
                        "refused: /nonexistent is not there: `openssl genpkey -algorithm ed25519 -out /nonexistent` makes a key\n");
}

/* The whole of man/birthmark.1. */
static void
manual_read(struct bm_buf *text)
{
    struct bm_fail fail;

    assert_int_equal(bm_file_read(text, BM_SOURCE_ROOT "/man/birthmark.1", &fail), BM_OK);
    bm_buf_add_u8(text, 0);
    assert_false(text->bad);
}

static void
test_the_manual_has_every_verb_and_option(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf manual = { .max = 1 << 20 };

    (void)state;
    manual_read(&manual);
    for (const struct bm_verb *const *v = bm_verbs; *v != NULL; v++) {
        char item[100], flag[64];
        const char *line, *end;

        (void)snprintf(item, sizeof(item), "\n.It Cm %s", (*v)->words);
        if ((line = strstr((const char *)manual.p, item)) == NULL)
            fail_msg("man/birthmark.1 has no verb %s", (*v)->words);
        end = strchr(line + 1, '\n');
        for (size_t i = 0; (*v)->options[i].name != NULL; i++) {
            (void)snprintf(flag, sizeof(flag), "Fl %s%s", (*v)->options[i].name[1] == 0 ? "" : "-", (*v)->options[i].name);
            if (memmem(line, (size_t)(end - line), flag, strlen(flag)) == NULL)
                fail_msg("man/birthmark.1: %s has no %s", (*v)->words, (*v)->options[i].name);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_teaches),
        cmocka_unit_test(test_texts_are_in_shape),
        cmocka_unit_test(test_wrong_use_ends_with_2),
        cmocka_unit_test(test_without_a_site),
        cmocka_unit_test(test_values_are_checked_first),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_the_manual_has_every_verb_and_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
