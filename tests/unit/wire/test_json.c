/* test_json.c - JSON is read field by field: nothing unknown, nothing twice, nothing too deep or too large. */
#include "wire/json.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static enum bm_rc
parse(json_t **ret, const char *text, struct bm_fail *fail)
{
    return bm_json_parse(ret, bm_bytes_str(text), BM_MAX_JSON, fail);
}

struct request {
    char service[17];
    char comment[17];
    uint64_t count;
    size_t nlist;
    struct bm_buf csr;
};

static void
request_done(struct request *request)
{
    bm_buf_done(&request->csr);
}

static enum bm_rc
request_parse(struct request *ret, const char *text, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_json_in in;
    const char *comment;
    enum bm_rc rc;

    if ((rc = parse(&json, text, fail)) != BM_OK)
        return rc;
    in = bm_json_in(json, "request", fail);
    (void)snprintf(ret->service, sizeof(ret->service), "%s", bm_json_str(&in, "service", 16));
    comment = bm_json_str_opt(&in, "comment", 16);
    (void)snprintf(ret->comment, sizeof(ret->comment), "%s", comment == NULL ? "-" : comment);
    ret->count = bm_json_u64(&in, "count", 1, 12);
    ret->nlist = json_array_size(bm_json_array(&in, "list", 3));
    bm_json_b64(&in, "csr", &ret->csr);
    return bm_json_in_end(&in);
}

#define REST "\"count\":12,\"list\":[1,2,3],\"csr\":\"Zm8=\""

static void
a_good_request_is_read_whole(void **state)
{
    bm_cleanup(request_done) struct request request = { .csr = { .max = 10 } };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(request_parse(&request, "{\"service\":\"caf\xc3\xa9\"," REST "}", &fail), BM_OK);
    assert_string_equal(request.service, "caf\xc3\xa9");
    assert_string_equal(request.comment, "-");
    assert_int_equal(request.count, 12);
    assert_int_equal(request.nlist, 3);
    assert_true(bm_bytes_equal(bm_buf_bytes(&request.csr), bm_bytes_str("fo")));
    bm_buf_reset(&request.csr);
    assert_int_equal(request_parse(&request, "{\"comment\":\"hi\",\"service\":\"\"," REST "}", &fail), BM_OK);
    assert_string_equal(request.comment, "hi");
}

static void
a_field_of_another_shape_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "[]", "the request must be a JSON object" },
        { "{}", "the request: \"service\" is missing" },
        { "{\"service\":1}", "the request: \"service\" must be a string" },
        { "{\"service\":null}", "the request: \"service\" must be a string" },
        { "{\"service\":\"12345678901234567\"}", "the request: \"service\" is longer than 16 bytes" },
        { "{\"service\":\"a\\nb\"}", "the request: \"service\" must not hold control characters" },
        { "{\"service\":\"a\\u007fb\"}", "the request: \"service\" must not hold control characters" },
        { "{\"service\":\"s\",\"comment\":7}", "the request: \"comment\" must be a string" },
        { "{\"service\":\"s\"}", "the request: \"count\" is missing" },
        { "{\"service\":\"s\",\"count\":13}", "the request: \"count\" must be a whole number from 1 to 12" },
        { "{\"service\":\"s\",\"count\":0}", "the request: \"count\" must be a whole number from 1 to 12" },
        { "{\"service\":\"s\",\"count\":-1}", "the request: \"count\" must be a whole number from 1 to 12" },
        { "{\"service\":\"s\",\"count\":2.0}", "the request: \"count\" must be a whole number from 1 to 12" },
        { "{\"service\":\"s\",\"count\":\"2\"}", "the request: \"count\" must be a whole number from 1 to 12" },
        { "{\"service\":\"s\",\"count\":2,\"list\":[1,2,3,4]}", "the request: \"list\" must be a list of at most 3" },
        { "{\"service\":\"s\",\"count\":2,\"list\":{}}", "the request: \"list\" must be a list of at most 3" },
        { "{\"service\":\"s\",\"count\":2,\"list\":[],\"csr\":5}", "the request: \"csr\" must be a string" },
        { "{\"service\":\"s\",\"count\":2,\"list\":[],\"csr\":\"Zh==\"}",
          "the request: \"csr\": the base64 cannot be read: its last digit has bits that say nothing" },
        { "{\"service\":\"s\"," REST ",\"more\":1}", "the request has a field \"more\" that is not known here: remove it" },
        { "{\"service\":\"s\"," REST ",\"\\n\":1}", "the request has a field that is not known here: remove it" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(request_done) struct request request = { .csr = { .max = 10 } };
        struct bm_fail fail = { 0 };

        assert_int_equal(request_parse(&request, cases[i].text, &fail), BM_EINPUT);
        assert_string_equal(fail.text, cases[i].says);
    }
}

static void
what_is_not_json_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "{\"a\":1}x",
        "{\"a\":1}{",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "1",
        "\"a\"",
        "null",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":18446744073709551616}",
        "{\"a\":1e999}",
        "{\"a\":NaN}",
        "\xef\xbb\xbf{}",
        "{\"a\":\"\n\"}",
        "// c\n{}",
    };
    struct bm_fail fail = { 0 };
    json_t *json = NULL;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++)
        assert_int_equal(parse(&json, wrong[i], &fail), BM_EINPUT);
    assert_null(json);
    assert_int_equal(parse(&json, "{\"a\":1,\"a\":2}", &fail), BM_EINPUT);
    assert_string_equal(fail.text, "the JSON has one key twice, at line 1, column 10");
    assert_int_equal(bm_json_parse(&json, bm_bytes("{}\0", 3), BM_MAX_JSON, &fail), BM_EINPUT);
    assert_int_equal(bm_json_parse(&json, bm_bytes_str("{\"a\":1}"), 6, &fail), BM_EINPUT);
    assert_string_equal(fail.text, "the JSON is larger than 6 bytes");
}

static void
every_truncation_of_a_good_document_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1,2,{\"b\":\"c\\u00e9\"}],\"d\":true}";
    struct bm_fail fail = { 0 };
    json_t *json = NULL;

    (void)state;
    for (size_t n = 0; n < sizeof(text) - 1; n++)
        assert_int_equal(bm_json_parse(&json, bm_bytes(text, n), BM_MAX_JSON, &fail), BM_EINPUT);
    assert_int_equal(parse(&json, text, &fail), BM_OK);
    json_decref(json);
}

static void
depth_is_counted_and_brackets_in_strings_are_not(void **state)
{
    struct bm_fail fail = { 0 };
    json_t *json = NULL;

    (void)state;
    assert_int_equal(parse(&json, "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", &fail), BM_EINPUT);
    assert_string_equal(fail.text, "the JSON is nested deeper than 16 levels");
    assert_int_equal(parse(&json, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", &fail), BM_OK);
    json_decref(json);
    json = NULL;
    assert_int_equal(parse(&json, "[\"[[[[[[[[[[[[[[[[[[\\\"[\\\\\",{},{}]", &fail), BM_OK);
    json_decref(json);
}

static void
ours_prints_compact_in_the_order_it_was_made(void **state)
{
    bm_cleanup(bm_json_done) json_t *json = json_pack("{s:i,s:[s,b],s:s}", "z", 1, "a", "x", 1, "m", "\xc3\xa9\n");
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 }, small = { .max = 5 };
    struct bm_fail fail = { 0 };

    (void)state;
    bm_buf_add_str(&buf, ">");
    assert_int_equal(bm_json_print(&buf, json, &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(">{\"z\":1,\"a\":[\"x\",true],\"m\":\"\xc3\xa9\\n\"}")));
    assert_int_not_equal(bm_json_print(&small, json, &fail), BM_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_request_is_read_whole),
        cmocka_unit_test(a_field_of_another_shape_is_refused_by_name),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(every_truncation_of_a_good_document_is_refused),
        cmocka_unit_test(depth_is_counted_and_brackets_in_strings_are_not),
        cmocka_unit_test(ours_prints_compact_in_the_order_it_was_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
