/* test_request.c - the head of a request means one thing or is refused. */
#include "gate/reply.h"
#include "gate/request.h"

#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#define HOST "Host: line1.example:8443\r\n"

static struct bm_bytes
text(const char *s)
{
    return bm_bytes_str(s);
}

static void
good(const char *head, struct bm_request *ret)
{
    struct bm_fail fail = { .text = "" };
    unsigned status = 0;
    size_t from = 0;

    assert_int_equal(bm_request_end(text(head), &from), strlen(head));
    if (bm_request_parse(ret, &status, text(head), &fail) != BM_OK)
        fail_msg("refused: %s\n%s", fail.text, head);
    assert_int_equal(ret->head, strlen(head));
}

/* Status and sentence, exactly. */
static void
refused_bytes(struct bm_bytes head, unsigned status, const char *sentence)
{
    struct bm_fail fail = { .text = "" };
    struct bm_request r;
    unsigned got = 0;

    assert_int_equal(bm_request_parse(&r, &got, head, &fail), BM_EINPUT);
    assert_string_equal(fail.text, sentence);
    assert_int_equal(got, status);
}

static void
refused(const char *head, unsigned status, const char *sentence)
{
    refused_bytes(text(head), status, sentence);
}

static void
a_post_of_curl_is_read(void **state)
{
    struct bm_request r;

    (void)state;
    good("POST /.well-known/est/mqtt/fullcmc HTTP/1.1\r\nHost: localhost:8443\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
         "Content-Type: application/pkcs7-mime; smime-type=CMC-request\r\nContent-Length: 1234\r\nExpect: 100-continue\r\n\r\n",
         &r);
    assert_int_equal(r.method, BM_POST);
    assert_true(bm_bytes_equal(r.path, text("/.well-known/est/mqtt/fullcmc")));
    assert_true(bm_bytes_equal(r.type, text("application/pkcs7-mime")));
    assert_true(r.has_length && r.length == 1234);
    assert_true(r.expects);
    assert_false(r.last);
}

static void
what_ends_a_connection_is_read(void **state)
{
    struct bm_request r;

    (void)state;
    good("GET / HTTP/1.1\r\n" HOST "\r\n", &r);
    assert_false(r.last);
    good("GET / HTTP/1.1\r\n" HOST "Connection: TE, Close\r\n\r\n", &r);
    assert_true(r.last);
    good("GET / HTTP/1.0\r\n\r\n", &r);
    assert_true(r.last);
    assert_false(r.keep_alive);
    good("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &r);
    assert_false(r.last);
    assert_true(r.keep_alive);
    good("HEAD / HTTP/1.1\r\n" HOST "\r\n", &r);
    assert_int_equal(r.method, BM_HEAD);
    good("OPTIONS / HTTP/1.1\r\n" HOST "\r\n", &r);
    assert_int_equal(r.method, BM_METHOD_OTHER);
}

/* proves: RFC9112 2.2 */
static void
one_empty_line_before_a_request_is_passed_over(void **state)
{
    struct bm_request r;

    (void)state;
    good("\r\nGET /a HTTP/1.1\r\n" HOST "\r\n", &r);
    assert_true(bm_bytes_equal(r.path, text("/a")));
    refused("\r\n\r\nGET /a HTTP/1.1\r\n" HOST "\r\n", 400, "the request line must be METHOD /path HTTP/1.1");
}

/* proves: RFC9112 3 */
/* proves: RFC9110 9.1 */
static void
a_request_line_has_one_form(void **state)
{
    static const char *const lines[] = { "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1", " GET / HTTP/1.1", "GET /", "GET",
                                         "GET / HTTP/1.1x", "GET / http/1.1",  "GET / HTTP1.1" };
    char head[256];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(lines); i++) {
        struct bm_fail fail;
        struct bm_request r;
        unsigned status = 0;

        (void)snprintf(head, sizeof(head), "%s\r\n" HOST "\r\n", lines[i]);
        assert_int_equal(bm_request_parse(&r, &status, text(head), &fail), BM_EINPUT);
        assert_int_equal(status, 400);
    }
    refused("GET / HTTP/2.0\r\n" HOST "\r\n", 505, "this server speaks HTTP/1.1 and HTTP/1.0");
    refused("GET / HTTP/0.9\r\n" HOST "\r\n", 505, "this server speaks HTTP/1.1 and HTTP/1.0");
    refused("BREW / HTTP/1.1\r\n" HOST "\r\n", 501, "the method BREW is not known here; GET, HEAD and POST are");
    refused("get / HTTP/1.1\r\n" HOST "\r\n", 501, "the method get is not known here; GET, HEAD and POST are");
    refused("\x16\x03\x01 / HTTP/1.1\r\n\r\n", 400, "the request's head has a control character; its lines end with CR and LF");
}

static void
a_path_has_no_second_spelling(void **state)
{
    static const char *const targets[] = { "/a%00b", "/a%2Fb", "/ocsp/%41", "/ocsp/a%2", "/ocsp%2F", "/ocsp/a%2Eb",
                                           "/a?b=c", "/a#b",   "/a\\b",     "/a\"b",     "/a\x80",   "/a{b}" };
    char head[256];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(targets); i++) {
        (void)snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        refused(head, 400, "the request's path has a character that no path here has: no query, no percent-encoding");
    }
    refused("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target must be a path that begins with /");
    refused("GET a/b HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target must be a path that begins with /");
    refused("CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target must be a path that begins with /");
}

/* proves: RFC9112 3.2 */
static void
a_request_names_one_host(void **state)
{
    struct bm_request r;

    (void)state;
    good("GET HTTPS://line1.example:8443/a HTTP/1.1\r\n" HOST "\r\n", &r);
    assert_true(bm_bytes_equal(r.path, text("/a")));
    refused("GET https://other.example/a HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target and its Host field name two hosts");
    refused("GET https://a@line1.example:8443/a HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target and its Host field name two hosts");
    refused("GET https://line1.example:8443 HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target names no path");
    refused("GET https:///a HTTP/1.1\r\n" HOST "\r\n", 400, "the request's target names no path");
    refused("GET / HTTP/1.1\r\n\r\n", 400, "the Host field is missing");
    refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "the Host field is empty");
    refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "the Host field is no host name");
    refused("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400, "the header field host is there twice");
}

/* proves: RFC9110 8.6 */
static void
a_length_is_digits_once(void **state)
{
    static const char *const wrong[] = { "+5", "-5", "5 5", "0x5", "5, 5", "5;", "", "5.0", "\x35\xa0" };
    char head[256];
    struct bm_request r;

    (void)state;
    good("POST / HTTP/1.1\r\n" HOST "Content-Length:  007\t \r\n\r\n", &r);
    assert_true(r.length == 7);
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        (void)snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n" HOST "Content-Length: %s\r\n\r\n", wrong[i]);
        refused(head, 400, "the Content-Length is no number");
    }
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400,
            "the header field content-length is there twice");
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\n", 413,
            "the body is larger than anything that is taken here");
    refused("GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 400, "only POST may have a body here");
    good("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", &r);
}

/* proves: RFC9112 6.1 */
static void
a_body_has_one_end(void **state)
{
    (void)state;
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "Transfer-Encoding stands where it must not: send a Content-Length alone");
    refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "Transfer-Encoding stands where it must not: send a Content-Length alone");
    refused("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 411, "the body's length is missing: send a Content-Length");
    refused("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 411, "the body's length is missing: send a Content-Length");
    refused("POST / HTTP/1.1\r\n" HOST "\r\n", 411, "the body's length is missing: send a Content-Length");
}

/* proves: RFC9112 5.1 */
/* proves: RFC9112 5.2 */
static void
a_field_stands_on_one_line_with_its_colon(void **state)
{
    (void)state;
    refused("GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400, "a header field goes on over two lines");
    refused("GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n", 400, "a header field goes on over two lines");
    refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "a header line is no NAME: VALUE");
    refused("GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", 400, "a header line is no NAME: VALUE");
    refused("GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400, "a header line is no NAME: VALUE");
    refused("GET / HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n", 400,
            "the request's head has a control character; its lines end with CR and LF");
    refused("GET / HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n", 400,
            "the request's head has a control character; its lines end with CR and LF");
    refused_bytes(bm_bytes("GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 47 + 5), 400,
                  "the request's head has a control character; its lines end with CR and LF");
    refused("GET / HTTP/1.1\r\n" HOST "Expect: rain\r\n\r\n", 417, "nothing but 100-continue can be expected here");
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Encoding: gzip\r\n\r\n", 415,
            "the body must be sent without a Content-Encoding");
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 400,
            "the header field content-type is there twice");
}

static void
a_head_has_a_size(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf head = { .max = 65536 };
    struct bm_request r;

    (void)state;
    bm_buf_add_str(&head, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 1; i < BM_REQUEST_FIELDS; i++)
        bm_buf_add_fmt(&head, "X-%d: a\r\n", i);
    bm_buf_add(&head, "\r\n", 3);
    good((const char *)head.p, &r);
    head.n -= 3;
    bm_buf_add_str(&head, "X: a\r\n\r\n");
    refused_bytes(bm_buf_bytes(&head), 431, "the request has more than 64 header fields");
    bm_buf_reset(&head);
    bm_buf_add_str(&head, "GET / HTTP/1.1\r\nX: ");
    while (head.n < BM_REQUEST_HEAD)
        bm_buf_add_u8(&head, 'a');
    bm_buf_add_str(&head, "\r\n\r\n");
    refused_bytes(bm_buf_bytes(&head), 431, "the request's head is longer than 8192 bytes");
}

static void
every_truncation_of_a_good_head_is_refused(void **state)
{
    static const char head[] = "POST /v1/confirm HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    struct bm_request r;

    (void)state;
    good(head, &r);
    for (size_t n = 0; n < sizeof(head) - 1; n++) {
        uint8_t *exact = malloc(n + 1); /* no byte past the end may be touched */
        struct bm_fail fail;
        unsigned status = 0;
        size_t from = 0;

        assert_non_null(exact);
        memcpy(exact, head, n);
        assert_int_equal(bm_request_end(bm_bytes(exact, n), &from), 0);
        assert_int_equal(bm_request_parse(&r, &status, bm_bytes(exact, n), &fail), BM_EINPUT);
        free(exact);
    }
}

static void
the_end_of_a_head_is_found_wherever_it_is_cut(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST";
    size_t end = sizeof(head) - 1 - 4;

    (void)state;
    for (size_t cut = 0; cut < end; cut++) {
        size_t from = 0;

        assert_int_equal(bm_request_end(bm_bytes(head, cut), &from), 0);
        assert_int_equal(bm_request_end(bm_bytes(head, sizeof(head) - 1), &from), end);
    }
}

/* proves: RFC9110 5.6.7 */
static void
a_reply_has_exactly_these_bytes(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };

    (void)state;
    bm_reply_build(&buf, &(struct bm_reply){ .status = 200, .type = "application/pkcs7-mime; smime-type=certs-only", .body = text("TUlJ") },
                   784111777);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), text("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                                        "Content-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
                                                        "Content-Length: 4\r\n\r\nTUlJ")));
    bm_buf_reset(&buf);
    bm_reply_build(&buf,
                   &(struct bm_reply){ .status = 503,
                                       .type = "text/plain; charset=utf-8",
                                       .body = text("no\n"),
                                       .retry = 1,
                                       .last = true,
                                       .head = true,
                                       .allow = "GET" },
                   -1);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), text("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                                        "Content-Length: 3\r\nAllow: GET\r\nRetry-After: 1\r\nConnection: close\r\n\r\n")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_of_curl_is_read),
        cmocka_unit_test(what_ends_a_connection_is_read),
        cmocka_unit_test(one_empty_line_before_a_request_is_passed_over),
        cmocka_unit_test(a_request_line_has_one_form),
        cmocka_unit_test(a_path_has_no_second_spelling),
        cmocka_unit_test(a_request_names_one_host),
        cmocka_unit_test(a_length_is_digits_once),
        cmocka_unit_test(a_body_has_one_end),
        cmocka_unit_test(a_field_stands_on_one_line_with_its_colon),
        cmocka_unit_test(a_head_has_a_size),
        cmocka_unit_test(every_truncation_of_a_good_head_is_refused),
        cmocka_unit_test(the_end_of_a_head_is_found_wherever_it_is_cut),
        cmocka_unit_test(a_reply_has_exactly_these_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
