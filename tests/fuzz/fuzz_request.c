/* fuzz_request.c - a request's head: what is read ends where it says, its path and type lie in it, and it reads the same again without what is not read. */
#include "fuzz.h"

#include "gate/request.h"

#include <stdio.h>

static void
path_holds(struct bm_bytes path)
{
    must(path.n > 0 && path.p[0] == '/');
    for (size_t i = 0; i < path.n; i++)
        must(path.p[i] > 0x20 && path.p[i] < 0x7f && strchr("%?#\\\"<>{}|^`", path.p[i]) == NULL);
}

/* The least head that says the same. */
static void
again(const struct bm_request *r)
{
    static const struct {
        enum bm_method method;
        const char *word;
    } words[] = { { BM_GET, "GET" }, { BM_HEAD, "HEAD" }, { BM_POST, "POST" }, { BM_METHOD_OTHER, "PUT" } };
    bm_cleanup(bm_buf_done) struct bm_buf head = { .max = 3 * BM_REQUEST_HEAD };
    struct bm_fail fail = { 0 };
    struct bm_request second;
    unsigned status = 0;

    for (size_t i = 0; i < BM_COUNT(words); i++)
        if (words[i].method == r->method)
            bm_buf_add_str(&head, words[i].word);
    bm_buf_add_str(&head, " ");
    bm_buf_add_bytes(&head, r->path);
    bm_buf_add_str(&head, " HTTP/1.1\r\nHost: a\r\n");
    if (r->type.n > 0) {
        bm_buf_add_str(&head, "Content-Type: ");
        bm_buf_add_bytes(&head, r->type);
        bm_buf_add_str(&head, "\r\n");
    }
    if (r->has_length)
        bm_buf_add_fmt(&head, "Content-Length: %llu\r\n", (unsigned long long)r->length);
    if (r->last)
        bm_buf_add_str(&head, "Connection: close\r\n");
    if (r->expects)
        bm_buf_add_str(&head, "Expect: 100-continue\r\n");
    bm_buf_add_str(&head, "\r\n");
    if (head.n > BM_REQUEST_HEAD)
        return;
    must(bm_request_parse(&second, &status, bm_buf_bytes(&head), &fail) == BM_OK);
    must(second.method == r->method && bm_bytes_equal(second.path, r->path) && bm_bytes_equal(second.type, r->type));
    must(second.has_length == r->has_length && second.length == r->length && second.last == r->last && second.expects == r->expects);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_bytes input = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_request r;
    unsigned status = 0;
    size_t from = 0, end = bm_request_end(input, &from);

    must(end <= size);
    if (bm_request_parse(&r, &status, bm_bytes(data, end), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0 && status >= 400 && status < 600);
        return 0;
    }
    must(r.head == end && (r.method == BM_POST) <= r.has_length && (r.method == BM_POST || r.length == 0));
    must(r.type.n == 0 || (r.type.p > data && r.type.p + r.type.n < data + end));
    path_holds(r.path);
    again(&r);
    return 0;
}
