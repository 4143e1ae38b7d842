/* test_call.c - a command line is taken apart by its verb's table, and used wrongly it says how in one line. */
#include "kit.h"

static enum bm_rc
echo_run(struct bm_call *call, struct bm_fail *fail)
{
    const char *one = bm_call_option(call, "one");
    const struct bm_values *many = bm_call_values(call, "many");
    uint64_t number;
    enum bm_rc rc = bm_call_number(call, "number", 3, 5, 4, &number, fail);

    if (rc != BM_OK)
        return rc;
    (void)printf("words");
    for (size_t i = 0; i < call->words.n; i++)
        (void)printf(" %s", call->words.v[i]);
    (void)printf("; one %s; many", one != NULL ? one : "-");
    for (size_t i = 0; i < many->n; i++)
        (void)printf(" %s", many->v[i]);
    (void)printf("; number %d; o %s; flag %s; json %d; home %s\n", (int)number, bm_call_option(call, "o"),
                 bm_call_option(call, "flag") != NULL ? "yes" : "no", call->json, call->home != NULL ? call->home : "-");
    return BM_OK;
}

static enum bm_rc
refuse_run(struct bm_call *call, struct bm_fail *fail)
{
    static const enum bm_rc classes[] = { BM_EINPUT, BM_EPOLICY, BM_EBUSY, BM_ENOMEM, BM_EBUG };

    call->alarm = strcmp(call->words.v[0], "1") == 0 ? 17 : 0;
    return bm_fail(fail, classes[call->words.v[0][0] - '0'], NULL, "this is the sentence");
}

static const struct bm_verb echo = {
    .words = "thing echo",
    .arguments = "WORD...",
    .least = 1,
    .most = 3,
    .purpose = "Says what it was given.",
    .help = "More about it.\n\nexample: birthmark thing echo a\n",
    .options = { { .name = "one", .value = "X", .help = "one value" },
                 { .name = "many", .value = "Y", .help = "some", .many = true },
                 { .name = "number", .value = "N", .help = "3 to 5" },
                 { .name = "flag", .help = "on" },
                 { .name = "o", .value = "FILE", .help = "out", .needed = true } },
    .run = echo_run,
};
static const struct bm_verb refuse = {
    .words = "refuse", .arguments = "N", .least = 1, .most = 1, .purpose = "Fails.", .help = "", .run = refuse_run
};
static const struct bm_verb *const verbs[] = { &echo, &refuse, NULL };

static void
test_options_stand_anywhere(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "thing", "echo", "a", "-o", "f", "--one", "x", "b", "--json", "--flag", "c", NULL), 0);
    assert_string_equal(said.out, "words a b c; one x; many; number 4; o f; flag yes; json 1; home -\n");
    assert_string_equal(said.err, "");
    assert_int_equal(kit_run(&said, verbs, "thing", "echo", "--home=h", "-o=f", "--one=x=y", "--", "--a", NULL), 0);
    assert_string_equal(said.out, "words --a; one x=y; many; number 4; o f; flag no; json 0; home h\n");
}

static void
test_many_takes_words_up_to_the_next_option(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "thing", "echo", "a", "--many", "x", "y", "-o", "f", "b", "--many", "z", NULL), 0);
    assert_string_equal(said.out, "words a b; one -; many x y z; number 4; o f; flag no; json 0; home -\n");
}

static void
test_used_wrongly(void **state)
{
    static const struct {
        const char *args[6];
        const char *line;
    } cases[] = {
        { { "thing", "echo", "-o", "f" },
          "birthmark: something is missing: birthmark thing echo WORD...; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a" }, "birthmark: -o FILE is missing; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "-o" }, "birthmark: -o wants a value: FILE; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "--one", "--json" }, "birthmark: --one wants a value: X; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "--one=" }, "birthmark: --one has an empty value; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "--flag=1" }, "birthmark: --flag takes no value; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "--o", "f" }, "birthmark: there is no option --o; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "-one", "f" }, "birthmark: there is no option -one; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "--onex=f" }, "birthmark: there is no option --onex; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "--one=1", "--one=2" }, "birthmark: --one is given twice; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "-o=f", "--number=6" },
          "birthmark: --number wants a number from 3 to 5; see `birthmark thing echo --help`\n" },
        { { "thing", "echo", "a", "-o=f", "--number=+4" },
          "birthmark: --number wants a number from 3 to 5; see `birthmark thing echo --help`\n" },
        { { "refuse", "0", "1" }, "birthmark: \"1\" is one word too many; see `birthmark refuse --help`\n" },
        { { "thing" }, "birthmark: \"thing\" wants a verb: echo; see `birthmark --help`\n" },
        { { "thing", "eat" }, "birthmark: \"thing\" has no verb \"eat\", it has: echo; see `birthmark --help`\n" },
        { { "thin", "echo" }, "birthmark: there is no verb \"thin\"; see `birthmark --help`\n" },
        { { "" }, "birthmark: there is no verb \"\"; see `birthmark --help`\n" },
        { { NULL }, "birthmark: a verb is missing; see `birthmark --help`\n" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        const char *const *a = cases[i].args;
        static struct kit_said said;

        assert_int_equal(kit_run(&said, verbs, a[0], a[1], a[2], a[3], a[4], a[5], NULL), 2);
        assert_string_equal(said.err, cases[i].line);
        assert_string_equal(said.out, "");
    }
}

static void
test_the_class_makes_the_exit(void **state)
{
    static const struct {
        const char *n;
        int status;
        const char *line;
    } cases[] = { { "0", 1, "refused: this is the sentence\n" },
                  { "1", 1, "refused: this is the sentence. Recorded as alarm 17.\n" },
                  { "2", 3, "birthmark: this is the sentence\n" },
                  { "3", 3, "birthmark: this is the sentence\n" },
                  { "4", 3, "birthmark: this is the sentence\n" } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        static struct kit_said said;

        assert_int_equal(kit_run(&said, verbs, "refuse", cases[i].n, NULL), cases[i].status);
        assert_string_equal(said.err, cases[i].line);
        assert_string_equal(said.out, "");
    }
}

static void
test_help(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "thing", "echo", "--help", NULL), 0);
    assert_string_equal(said.out, "usage: birthmark thing echo WORD... [--one X] [--many Y...] [--number N] [--flag] -o FILE [--json]\n\n"
                                  "Says what it was given.\n\n"
                                  "More about it.\n\nexample: birthmark thing echo a\n\n"
                                  "  --one X              one value\n"
                                  "  --many Y             some\n"
                                  "  --number N           3 to 5\n"
                                  "  --flag               on\n"
                                  "  -o FILE              out\n"
                                  "  --json               for programs: stable field names\n\n"
                                  "exit status: 0 done, 1 refused (one line says why), 2 used wrongly, 3 a fault of the environment\n");
    assert_int_equal(kit_run(&said, verbs, "thing", "--help", NULL), 0);
    assert_non_null(strstr(said.out, "  thing echo         Says what it was given.\n"));
    assert_null(strstr(said.out, "Fails."));
    assert_int_equal(kit_run(&said, verbs, "--help", NULL), 0);
    assert_non_null(strstr(said.out, "  refuse             Fails.\n"));
    assert_int_equal(kit_run(&said, verbs, "--version", NULL), 0);
    assert_string_equal(said.out, "birthmark " BM_VERSION "\n");
}

/* A file's name may hold anything; the terminal gets no control character of it. */
static void
test_no_control_character_reaches_the_terminal(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(kit_run(&said, verbs, "thing", "\x1b]0;x\a\xc3\xa9\xff", NULL), 2);
    assert_non_null(strstr(said.err, "\"thing\" has no verb \"?]0;x?\xc3\xa9?\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_control_character_reaches_the_terminal),
        cmocka_unit_test(test_options_stand_anywhere),
        cmocka_unit_test(test_many_takes_words_up_to_the_next_option),
        cmocka_unit_test(test_used_wrongly),
        cmocka_unit_test(test_the_class_makes_the_exit),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
