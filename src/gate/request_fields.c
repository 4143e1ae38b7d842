/* The header fields that decide where a request ends and what it is; all others are only checked for their shape. */
#include "gate/request_parts.h"

#define MAX_DIGITS 12 /* of a Content-Length: far above any body that is taken, far below an overflow */

static struct bm_bytes
trim(struct bm_bytes text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = bm_bytes(text.p + 1, text.n - 1);
    while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}

/* Up to the first `c`, trimmed; rest goes on after it. */
static struct bm_bytes
part_next(struct bm_bytes *rest, uint8_t c)
{
    const uint8_t *at = rest->n == 0 ? NULL : memchr(rest->p, c, rest->n);
    size_t n = at == NULL ? rest->n : (size_t)(at - rest->p);
    struct bm_bytes part = bm_bytes(rest->p, n);

    *rest = at == NULL ? bm_bytes(NULL, 0) : bm_bytes(at + 1, rest->n - n - 1);
    return trim(part);
}

static enum bm_rc
host_read(struct bm_request_in *in, struct bm_bytes value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] >= 0x7f || (!bm_token_ok(bm_bytes(value.p + i, 1)) && strchr(":[]", value.p[i]) == NULL))
            return bm_request_refuse(in, 400, "the Host field is no host name");
    if (value.n == 0)
        return bm_request_refuse(in, 400, "the Host field is empty");
    in->host = value;
    return BM_OK;
}

/* req: RFC9110 8.6 digits only, no sign, no list; two lengths, even equal ones, are refused */
static enum bm_rc
length_read(struct bm_request_in *in, struct bm_bytes value)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return bm_request_refuse(in, 400, "the Content-Length is no number");
        if (i >= MAX_DIGITS)
            return bm_request_refuse(in, 413, "the body is larger than anything that is taken here");
        length = 10 * length + (uint64_t)(value.p[i] - '0');
    }
    if (value.n == 0)
        return bm_request_refuse(in, 400, "the Content-Length is no number");
    in->request.has_length = true;
    in->request.length = length;
    return BM_OK;
}

static enum bm_rc
chunked_read(struct bm_request_in *in, struct bm_bytes value)
{
    (void)value;
    in->chunked = true;
    return BM_OK;
}

static enum bm_rc
type_read(struct bm_request_in *in, struct bm_bytes value)
{
    in->request.type = part_next(&value, ';');
    return in->request.type.n > 0 ? BM_OK : bm_request_refuse(in, 400, "the Content-Type is empty");
}

static enum bm_rc
coding_read(struct bm_request_in *in, struct bm_bytes value)
{
    return bm_text_is(value, "identity") ? BM_OK : bm_request_refuse(in, 415, "the body must be sent without a Content-Encoding");
}

static enum bm_rc
expect_read(struct bm_request_in *in, struct bm_bytes value)
{
    if (!bm_text_is(value, "100-continue"))
        return bm_request_refuse(in, 417, "nothing but 100-continue can be expected here");
    in->request.expects = true;
    return BM_OK;
}

static enum bm_rc
connection_read(struct bm_request_in *in, struct bm_bytes value)
{
    while (value.n > 0) {
        struct bm_bytes word = part_next(&value, ',');

        in->close = in->close || bm_text_is(word, "close");
        in->keep = in->keep || bm_text_is(word, "keep-alive");
    }
    return BM_OK;
}

static enum bm_rc
station_read(struct bm_request_in *in, struct bm_bytes value)
{
    in->request.station = value;
    return value.n > 0 ? BM_OK : bm_request_refuse(in, 400, "the Birthmark-Station field is empty");
}

/* In lower case. */
static const struct {
    const char *name;
    bool once;
    enum bm_rc (*read)(struct bm_request_in *in, struct bm_bytes value);
} fields[] = {
    { "host", true, host_read },
    { "content-length", true, length_read },
    { "transfer-encoding", true, chunked_read },
    { "content-type", true, type_read },
    { "content-encoding", true, coding_read },
    { "expect", true, expect_read },
    { "connection", false, connection_read },
    { "birthmark-station", true, station_read },
};

enum bm_rc
bm_request_field(struct bm_request_in *in, struct bm_bytes line)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    struct bm_bytes name = bm_bytes(line.p, colon == NULL ? 0 : (size_t)(colon - line.p)), value;

    /* req: RFC9112 5.2 a line that goes on with a space is refused, not joined */
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return bm_request_refuse(in, 400, "a header field goes on over two lines");
    /* req: RFC9112 5.1 no space between the name and its colon */
    if (!bm_token_ok(name))
        return bm_request_refuse(in, 400, "a header line is no NAME: VALUE");
    value = trim(bm_bytes(colon + 1, line.n - name.n - 1));
    for (size_t i = 0; i < BM_COUNT(fields); i++) {
        if (!bm_text_is(name, fields[i].name))
            continue;
        if (fields[i].once && (in->seen & 1u << i) != 0)
            return bm_request_refuse(in, 400, "the header field %s is there twice", fields[i].name);
        in->seen |= 1u << i;
        return fields[i].read(in, value);
    }
    return BM_OK;
}

enum bm_rc
bm_request_settle(struct bm_request_in *in)
{
    struct bm_request *r = &in->request;

    /* req: RFC9112 3.2 HTTP/1.1 names its host, once; a target that names one too names the same */
    if (!in->old && in->host.n == 0)
        return bm_request_refuse(in, 400, "the Host field is missing");
    if (in->authority.n > 0 && !bm_bytes_equal(in->authority, in->host))
        return bm_request_refuse(in, 400, "the request's target and its Host field name two hosts");
    /* req: RFC9112 6.1 a body with two ends is refused; chunks are answered with 411, as 6.3 allows */
    if (in->chunked && (r->has_length || in->old))
        return bm_request_refuse(in, 400, "Transfer-Encoding stands where it must not: send a Content-Length alone");
    if (in->chunked || (r->method == BM_POST && !r->has_length))
        return bm_request_refuse(in, 411, "the body's length is missing: send a Content-Length");
    if (r->method != BM_POST && r->length > 0)
        return bm_request_refuse(in, 400, "only POST may have a body here");
    r->expects = r->expects && !in->old && r->length > 0;
    r->keep_alive = in->old && in->keep && !in->close;
    r->last = in->close || (in->old && !in->keep);
    return BM_OK;
}
