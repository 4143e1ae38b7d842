/* test_json_cut.c - an object is cut into the members that it must have: each once, no others, whatever stands in the strings. */
#include "wire/json_cut.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static const struct bm_json_shape shape = { .what = "thing",
                                            .member = { { "s", BM_JSON_STRING, 8, false },
                                                        { "n", BM_JSON_WHOLE, 0, true },
                                                        { "o", BM_JSON_OBJECT, 0, true },
                                                        { "l", BM_JSON_LIST, 0, true } } };
static struct bm_fail fail;

static void
assert_view(struct bm_bytes view, const char *want)
{
    if (want == NULL) {
        assert_null(view.p);
        return;
    }
    assert_non_null(view.p);
    assert_int_equal(view.n, strlen(want));
    assert_memory_equal(view.p, want, view.n);
}

static void
members_are_views_of_what_they_say(void **state)
{
    static const struct {
        const char *text, *s, *n, *o, *l;
    } cases[] = {
        { "{\"s\":\"x\"}", "x", NULL, NULL, NULL },
        { " { \"n\" : 17 ,\r\n\t\"s\" : \"\" } ", "", "17", NULL, NULL },
        { "{\"l\":[1,[\"]\"]],\"o\":{\"s\":{\"}\":\"\\\"}\"}},\"s\":\"o\"}", "o", NULL, "{\"s\":{\"}\":\"\\\"}\"}}", "[1,[\"]\"]]" },
        { "{\"s\":\"a\\/b\\\"\\\\\"}", "a/b\"\\", NULL, NULL, NULL },
        { "{\"\\u0073\":\"\\u00e9\\ud83d\\ude00\"}", "\xc3\xa9\xf0\x9f\x98\x80", NULL, NULL, NULL },
        { "{\"s\":\"\xc3\xa9\",\"n\":0}", "\xc3\xa9", "0", NULL, NULL },
        { "{\"s\":\"x\",\"n\":999999999999999999}", "x", "999999999999999999", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf room = { .max = 0 };
        const struct bm_bytes text = bm_bytes_str(cases[i].text);
        struct bm_bytes views[4];

        assert_int_equal(bm_json_room(&room, text, &fail), BM_OK);
        if (bm_json_cut(views, &shape, text, &room, &fail) != BM_OK)
            fail_msg("%s: %s", cases[i].text, fail.text);
        assert_view(views[0], cases[i].s);
        assert_view(views[1], cases[i].n);
        assert_view(views[2], cases[i].o);
        assert_view(views[3], cases[i].l);
        for (size_t n = 0; n < text.n && cases[i].text[text.n - 1] == '}'; n++)
            assert_int_equal(bm_json_cut(views, &shape, bm_bytes(text.p, n), &room, &fail), BM_EINPUT);
    }
    assert_int_equal(bm_json_whole(bm_bytes_str("999999999999999999")), 999999999999999999);
}

static void
what_is_not_the_shape_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "", "the thing must be a JSON object" },
        { "[]", "the thing must be a JSON object" },
        { "{}", "the thing: \"s\" is missing" },
        { "{\"n\":1}", "the thing: \"s\" is missing" },
        { "{\"s\":\"x\",\"s\":\"x\"}", "the thing: \"s\" is there twice" },
        { "{\"s\":\"x\",\"\\u0073\":\"x\"}", "the thing: \"s\" is there twice" },
        { "{\"s\":\"x\",\"t\":1}", "the thing has a field \"t\" that is not known here: remove it" },
        { "{\"s\":\"x\",\"\\n\":1}", "the thing is not JSON as it is wanted here, see its byte 11" },
        { "{\"s\":\"x\",\"a b\":1}", "the thing has a field that is not known here: remove it" },
        { "{\"s\":1}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":null}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"123456789\"}", "the thing: \"s\" is longer than 8 bytes" },
        { "{\"s\":\"\x01\"}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"\\u0000\"}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"\\t\"}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"\\x\"}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"\\ud83d\"}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"\xff\"}", "the thing: \"s\" must be a string in UTF-8 without control characters" },
        { "{\"s\":\"x\",\"n\":-1}", "the thing: \"n\" must be a whole number" },
        { "{\"s\":\"x\",\"n\":01}", "the thing: \"n\" must be a whole number" },
        { "{\"s\":\"x\",\"n\":1.0}", "the thing: \"n\" must be a whole number" },
        { "{\"s\":\"x\",\"n\":1e2}", "the thing: \"n\" must be a whole number" },
        { "{\"s\":\"x\",\"n\":1000000000000000000}", "the thing: \"n\" must be a whole number" },
        { "{\"s\":\"x\",\"o\":[]}", "the thing: \"o\" must be an object" },
        { "{\"s\":\"x\",\"l\":{}}", "the thing: \"l\" must be a list" },
        { "{\"s\":\"x\",}", "the thing is not JSON as it is wanted here, see its byte 10" },
        { "{\"s\":\"x\"}}", "the thing is not JSON as it is wanted here, see its byte 10" },
        { "{\"s\" \"x\"}", "the thing is not JSON as it is wanted here, see its byte 6" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf room = { .max = 0 };
        const struct bm_bytes text = bm_bytes_str(cases[i].text);
        struct bm_bytes views[4];

        assert_int_equal(bm_json_room(&room, text, &fail), BM_OK);
        assert_int_equal(bm_json_cut(views, &shape, text, &room, &fail), BM_EINPUT);
        assert_string_equal(fail.text, cases[i].says);
    }
}

/* Without room for them escapes are refused, and never written. */
static void
escapes_want_room(void **state)
{
    const struct bm_bytes text = bm_bytes_str("{\"s\":\"\\/\"}");
    struct bm_buf none = { .max = 0 };
    struct bm_bytes views[4];

    (void)state;
    assert_int_equal(bm_json_cut(views, &shape, text, NULL, &fail), BM_EINPUT);
    assert_int_equal(bm_json_cut(views, &shape, text, &none, &fail), BM_EINPUT);
    assert_null(none.p);
}

static void
lists_are_of_one_kind_and_bounded(void **state)
{
    struct bm_bytes item[2];
    size_t n = 0;

    (void)state;
    assert_int_equal(bm_json_cut_list(item, &n, 2, BM_JSON_STRING, bm_bytes_str("[ \"a\" ,\"]\"]"), "list", NULL, &fail), BM_OK);
    assert_int_equal(n, 2);
    assert_view(item[1], "]");
    assert_int_equal(bm_json_cut_list(item, &n, 2, BM_JSON_OBJECT, bm_bytes_str("[]"), "list", NULL, &fail), BM_OK);
    assert_int_equal(n, 0);
    assert_int_equal(bm_json_cut_list(item, &n, 2, BM_JSON_STRING, bm_bytes_str("[\"a\",\"b\",\"c\"]"), "list", NULL, &fail), BM_EINPUT);
    assert_string_equal(fail.text, "the list has more than 2 entries");
    assert_int_equal(bm_json_cut_list(item, &n, 2, BM_JSON_STRING, bm_bytes_str("[\"a\",{}]"), "list", NULL, &fail), BM_EINPUT);
    assert_int_equal(bm_json_cut_list(item, &n, 2, BM_JSON_STRING, bm_bytes_str("[\"a\",]"), "list", NULL, &fail), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_views_of_what_they_say),
        cmocka_unit_test(what_is_not_the_shape_is_refused_by_name),
        cmocka_unit_test(escapes_want_room),
        cmocka_unit_test(lists_are_of_one_kind_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
