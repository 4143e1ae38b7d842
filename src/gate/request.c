/* The request line, and the lines after it one by one. */
#include "gate/request_parts.h"

#define MAX_METHOD 16

static bool
alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
one_of(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

bool
bm_text_is(struct bm_bytes text, const char *word)
{
    size_t n = strlen(word);

    if (text.n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text.p[i];

        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)word[i])
            return false;
    }
    return true;
}

bool
bm_token_ok(struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!alphanumeric(text.p[i]) && !one_of(text.p[i], "!#$%&'*+-.^_`|~"))
            return false;
    return text.n > 0;
}

size_t
bm_request_end(struct bm_bytes text, size_t *from)
{
    size_t start = *from < 3 ? 0 : *from - 3;
    const uint8_t *end;

    if (start >= text.n)
        return 0;
    end = memmem(text.p + start, text.n - start, "\r\n\r\n", 4);
    *from = text.n;
    return end == NULL ? 0 : (size_t)(end - text.p) + 4;
}

/* The part before the first `c`, which is dropped too; false when there is none. */
static bool
split(struct bm_bytes *ret_part, struct bm_bytes *rest, uint8_t c)
{
    const uint8_t *at = rest->n == 0 ? NULL : memchr(rest->p, c, rest->n);
    size_t n;

    if (at == NULL)
        return false;
    n = (size_t)(at - rest->p);
    *ret_part = bm_bytes(rest->p, n);
    *rest = bm_bytes(at + 1, rest->n - n - 1);
    return true;
}

static enum bm_rc
method_read(struct bm_request_in *in, struct bm_bytes word)
{
    static const struct {
        const char *word;
        enum bm_method method;
    } methods[] = { { "GET", BM_GET },
                    { "HEAD", BM_HEAD },
                    { "POST", BM_POST },
                    { "PUT", BM_METHOD_OTHER },
                    { "DELETE", BM_METHOD_OTHER },
                    { "CONNECT", BM_METHOD_OTHER },
                    { "OPTIONS", BM_METHOD_OTHER },
                    { "TRACE", BM_METHOD_OTHER },
                    { "PATCH", BM_METHOD_OTHER } };

    if (!bm_token_ok(word) || word.n > MAX_METHOD)
        return bm_request_refuse(in, 400, "the request does not begin with a method: speak HTTP/1.1");
    /* req: RFC9110 9.1 methods are told by their case too; one that is not known is 501, one that is not allowed here 405 */
    for (size_t i = 0; i < BM_COUNT(methods); i++)
        if (bm_bytes_equal(word, bm_bytes_str(methods[i].word))) {
            in->request.method = methods[i].method;
            return BM_OK;
        }
    return bm_request_refuse(in, 501, "the method %.*s is not known here; GET, HEAD and POST are", (int)word.n, (const char *)word.p);
}

static enum bm_rc
version_read(struct bm_request_in *in, struct bm_bytes word)
{
    if (bm_bytes_equal(word, bm_bytes_str("HTTP/1.1")))
        return BM_OK;
    if (bm_bytes_equal(word, bm_bytes_str("HTTP/1.0"))) {
        in->old = true;
        return BM_OK;
    }
    if (word.n == 8 && memcmp(word.p, "HTTP/", 5) == 0)
        return bm_request_refuse(in, 505, "this server speaks HTTP/1.1 and HTTP/1.0");
    return bm_request_refuse(in, 400, "the request line must end with HTTP/1.1");
}

/* req: RFC6960 A.1 base64 in a path, where clients encode what a path may have as it is */
static bool
encoded(struct bm_bytes target, size_t at)
{
    const size_t n = strlen(BM_REQUEST_OCSP);

    return target.p[at] == '%' && target.n > n && memcmp(target.p, BM_REQUEST_OCSP, n) == 0 && target.n - at > 2 &&
           (bm_text_is(bm_bytes(target.p + at + 1, 2), "2b") || bm_text_is(bm_bytes(target.p + at + 1, 2), "2f") ||
            bm_text_is(bm_bytes(target.p + at + 1, 2), "3d"));
}

/* "https://AUTHORITY/path": a server must read it (RFC 9112 3.2.2); the authority must then be Host's, see bm_request_settle(). */
static enum bm_rc
target_read(struct bm_request_in *in, struct bm_bytes target)
{
    size_t scheme = target.n > 8 && bm_text_is(bm_bytes(target.p, 8), "https://")  ? 8
                    : target.n > 7 && bm_text_is(bm_bytes(target.p, 7), "http://") ? 7
                                                                                   : 0;

    if (scheme > 0) {
        const uint8_t *path = memchr(target.p + scheme, '/', target.n - scheme);

        if (path == NULL || path == target.p + scheme)
            return bm_request_refuse(in, 400, "the request's target names no path");
        in->authority = bm_bytes(target.p + scheme, (size_t)(path - target.p) - scheme);
        target = bm_bytes(path, target.n - (size_t)(path - target.p));
    }
    if (target.n == 0 || target.p[0] != '/')
        return bm_request_refuse(in, 400, "the request's target must be a path that begins with /");
    for (size_t i = 0; i < target.n; i++)
        if (!alphanumeric(target.p[i]) && !one_of(target.p[i], "-._~!$&'()*+,;=:@/") && !encoded(target, i))
            return bm_request_refuse(in, 400, "the request's path has a character that no path here has: no query, no percent-encoding");
    in->request.path = target;
    return BM_OK;
}

/* req: RFC9112 3 one space between the three parts: anything else is read differently by different programs */
static enum bm_rc
line_read(struct bm_request_in *in, struct bm_bytes line)
{
    struct bm_bytes method, target;
    enum bm_rc rc;

    if (!split(&method, &line, ' '))
        return bm_request_refuse(in, 400, "the request line must be METHOD /path HTTP/1.1");
    if ((rc = method_read(in, method)) != BM_OK)
        return rc;
    if (!split(&target, &line, ' '))
        return bm_request_refuse(in, 400, "the request line must be METHOD /path HTTP/1.1");
    if ((rc = version_read(in, line)) != BM_OK)
        return rc;
    return target_read(in, target);
}

/* The next line without its CR LF. A CR or LF alone, and every other control character but the tab, is refused. */
static enum bm_rc
line_next(struct bm_request_in *in, struct bm_bytes *rest, struct bm_bytes *ret_line)
{
    const uint8_t *end = rest->n == 0 ? NULL : memmem(rest->p, rest->n, "\r\n", 2);
    struct bm_bytes line;

    if (end == NULL)
        return bm_request_refuse(in, 400, "the request's head is cut short");
    line = bm_bytes(rest->p, (size_t)(end - rest->p));
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
            return bm_request_refuse(in, 400, "the request's head has a control character; its lines end with CR and LF");
    *rest = bm_bytes(end + 2, rest->n - line.n - 2);
    *ret_line = line;
    return BM_OK;
}

static enum bm_rc
head_read(struct bm_request_in *in, struct bm_bytes rest)
{
    struct bm_bytes line;
    enum bm_rc rc;

    /* req: RFC9112 2.2 one empty line before the request is passed over: old clients end a body with it */
    if (rest.n >= 2 && memcmp(rest.p, "\r\n", 2) == 0)
        rest = bm_bytes(rest.p + 2, rest.n - 2);
    if ((rc = line_next(in, &rest, &line)) != BM_OK || (rc = line_read(in, line)) != BM_OK)
        return rc;
    for (size_t i = 0; i <= BM_REQUEST_FIELDS; i++) {
        if ((rc = line_next(in, &rest, &line)) != BM_OK)
            return rc;
        if (line.n == 0)
            return rest.n == 0 ? bm_request_settle(in) : bm_request_refuse(in, 400, "the request's head goes on after its end");
        if ((rc = bm_request_field(in, line)) != BM_OK)
            return rc;
    }
    return bm_request_refuse(in, 431, "the request has more than %d header fields", BM_REQUEST_FIELDS);
}

enum bm_rc
bm_request_parse(struct bm_request *ret_request, unsigned *ret_status, struct bm_bytes head, struct bm_fail *fail)
{
    struct bm_request_in in = { .request = { .head = head.n }, .status = 400, .fail = fail };
    enum bm_rc rc = head.n > BM_REQUEST_HEAD ? bm_request_refuse(&in, 431, "the request's head is longer than %d bytes", BM_REQUEST_HEAD)
                                             : head_read(&in, head);

    if (rc != BM_OK) {
        *ret_status = in.status;
        return rc;
    }
    *ret_request = in.request;
    return BM_OK;
}
