#include "gate/reply.h"

static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

static const char *
phrase_of(unsigned status)
{
    for (size_t i = 0; i < BM_COUNT(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

/* req: RFC9110 5.6.7 "Sun, 06 Nov 1994 08:49:37 GMT" */
static void
date_add(struct bm_buf *buf, const char *name, bm_time now)
{
    static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }; /* 1970-01-01 was a Thursday */
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct bm_civil t = bm_time_civil(now);

    bm_buf_add_fmt(buf, "%s: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", name, days[now / 86400 % 7], t.day, months[t.month - 1], t.year,
                   t.hour, t.minute, t.second);
}

void
bm_reply_build(struct bm_buf *buf, const struct bm_reply *reply, bm_time now)
{
    bm_buf_add_fmt(buf, "HTTP/1.1 %u %s\r\n", reply->status, phrase_of(reply->status));
    if (now >= 0)
        date_add(buf, "Date", now);
    bm_buf_add_fmt(buf, "Content-Type: %s\r\nContent-Length: %zu\r\n", reply->type, reply->body.n);
    if (reply->allow != NULL)
        bm_buf_add_fmt(buf, "Allow: %s\r\n", reply->allow);
    if (reply->retry > 0)
        bm_buf_add_fmt(buf, "Retry-After: %u\r\n", reply->retry);
    /* req: RFC5019 6.2 who stands between may give it out again until it ends */
    if (reply->max_age > 0) {
        bm_buf_add_fmt(buf, "Cache-Control: max-age=%u, public, no-transform, must-revalidate\r\n", reply->max_age);
        if (now >= 0)
            date_add(buf, "Expires", now + reply->max_age);
    }
    if (reply->last || reply->keep_alive)
        bm_buf_add_str(buf, reply->last ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
    bm_buf_add_str(buf, "\r\n");
    if (!reply->head)
        bm_buf_add_bytes(buf, reply->body);
}
