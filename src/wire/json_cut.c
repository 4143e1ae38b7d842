#include "wire/json_cut.h"

#include "base/limits.h"
#include "wire/json_string.h"
#include "wire/rd.h"
#include "wire/text.h"

#define WHOLE_DIGITS 18

struct in {
    struct bm_rd rd;
    struct bm_bytes text;
    const char *what;
    struct bm_buf *room;
    struct bm_fail *fail;
};

/* Past white space; 0 at the end. */
static uint8_t
next(struct bm_rd *rd)
{
    while (rd->left > 0 && (rd->p[0] == ' ' || rd->p[0] == '\t' || rd->p[0] == '\n' || rd->p[0] == '\r')) {
        rd->p++;
        rd->left--;
    }
    return rd->left > 0 ? rd->p[0] : 0;
}

static bool
mark_take(struct in *in, uint8_t mark)
{
    if (next(&in->rd) != mark)
        return false;
    in->rd.p++;
    in->rd.left--;
    return true;
}

static enum bm_rc
not_json(const struct in *in)
{
    return bm_fail(in->fail, BM_EINPUT, "RFC 8259 2", "the %s is not JSON as it is wanted here, see its byte %zu", in->what,
                   in->text.n - in->rd.left + 1);
}

static enum bm_rc
refuse(const struct in *in, const char *name, const char *must)
{
    return bm_fail(in->fail, BM_EINPUT, NULL, "the %s: \"%s\" %s", in->what, name, must);
}

size_t
bm_json_extent(struct bm_bytes text)
{
    size_t depth = 0;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        size_t n;

        if (depth == 0 && c != '{' && c != '[')
            return 0;
        if (c == '"') {
            if ((n = bm_json_string_size(bm_bytes(text.p + i + 1, text.n - i - 1))) == text.n - i - 1)
                return 0;
            i += 1 + n;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

uint64_t
bm_json_whole(struct bm_bytes digits)
{
    uint64_t v = 0;

    for (size_t i = 0; i < digits.n; i++)
        v = v * 10 + (uint64_t)(digits.p[i] - '0');
    return v;
}

enum bm_rc
bm_json_room(struct bm_buf *room, struct bm_bytes text, struct bm_fail *fail)
{
    bm_buf_reset(room);
    if (text.n == 0 || memchr(text.p, '\\', text.n) == NULL)
        return BM_OK;
    room->max = text.n;
    (void)bm_buf_grow(room, text.n);
    room->n = 0;
    return bm_buf_check(room, "the text", fail);
}

/* ---- values ---- */

static bool
string_take(struct in *in, struct bm_bytes *ret)
{
    size_t n;

    if (!mark_take(in, '"'))
        return false;
    n = bm_json_string_size(bm_bytes(in->rd.p, in->rd.left));
    if (n == in->rd.left || !bm_json_string(ret, bm_bytes(in->rd.p, n), in->room))
        return false;
    (void)bm_rd_take(&in->rd, n + 1);
    return true;
}

static bool
whole_take(struct in *in, struct bm_bytes *ret)
{
    size_t n = 0;

    (void)next(&in->rd);
    while (n < in->rd.left && in->rd.p[n] >= '0' && in->rd.p[n] <= '9')
        n++;
    if (n == 0 || n > WHOLE_DIGITS || (n > 1 && in->rd.p[0] == '0'))
        return false;
    *ret = bm_rd_take(&in->rd, n);
    /* a fraction or an exponent would go on here */
    return in->rd.left > 0 && memchr(" \t\n\r,}]", in->rd.p[0], 8) != NULL;
}

static bool
nested_take(struct in *in, uint8_t bracket, struct bm_bytes *ret)
{
    size_t n;

    if (next(&in->rd) != bracket || (n = bm_json_extent(bm_bytes(in->rd.p, in->rd.left))) == 0)
        return false;
    *ret = bm_rd_take(&in->rd, n);
    return true;
}

static bool
kind_take(struct in *in, enum bm_json_kind kind, struct bm_bytes *ret)
{
    switch (kind) {
    case BM_JSON_STRING:
        return string_take(in, ret);
    case BM_JSON_WHOLE:
        return whole_take(in, ret);
    case BM_JSON_OBJECT:
        return nested_take(in, '{', ret);
    case BM_JSON_LIST:
        return nested_take(in, '[', ret);
    }
    return false;
}

/* A value that nobody asks for: as far as it goes. */
static bool
any_pass(struct in *in)
{
    uint8_t c = next(&in->rd);
    struct bm_bytes rest = bm_bytes(in->rd.p, in->rd.left);
    size_t n = 0;

    if (c == '"')
        n = bm_json_string_size(bm_bytes(rest.p + 1, rest.n - 1)) + 2;
    else if (c == '{' || c == '[')
        n = bm_json_extent(rest);
    else
        while (n < rest.n && memchr(" \t\n\r,}]", rest.p[n], 8) == NULL)
            n++;
    (void)bm_rd_take(&in->rd, n);
    return n > 0 && !in->rd.bad;
}

/* ---- members ---- */

static enum bm_rc
value_take(struct in *in, const struct bm_json_member *member, struct bm_bytes *view)
{
    static const char *const must[] = { [BM_JSON_STRING] = "must be a string in UTF-8 without control characters",
                                        [BM_JSON_WHOLE] = "must be a whole number",
                                        [BM_JSON_OBJECT] = "must be an object",
                                        [BM_JSON_LIST] = "must be a list" };

    if (view->p != NULL)
        return refuse(in, member->name, "is there twice");
    if (!kind_take(in, member->kind, view))
        return refuse(in, member->name, must[member->kind]);
    if (member->kind == BM_JSON_STRING && view->n > member->max)
        return bm_fail(in->fail, BM_EINPUT, NULL, "the %s: \"%s\" is longer than %zu bytes", in->what, member->name, member->max);
    return BM_OK;
}

static enum bm_rc
unknown_refuse(const struct in *in, struct bm_bytes name)
{
    char text[BM_MAX_NAME + 1];

    (void)snprintf(text, sizeof(text), "%.*s", (int)(name.n < sizeof(text) ? name.n : sizeof(text)), (const char *)name.p);
    if (name.n < sizeof(text) && bm_name_ok(text, BM_MAX_NAME))
        return bm_fail(in->fail, BM_EINPUT, NULL, "the %s has a field \"%s\" that is not known here: remove it", in->what, text);
    return bm_fail(in->fail, BM_EINPUT, NULL, "the %s has a field that is not known here: remove it", in->what);
}

static bool
is(struct bm_bytes name, const struct bm_json_member *member)
{
    return member->name != NULL && name.n > 0 && name.p[0] == (uint8_t)member->name[0] && bm_bytes_equal(name, bm_bytes_str(member->name));
}

/* *at: of the member that is likely to come, since lists are written by one program in one order. */
static enum bm_rc
member_take(struct in *in, const struct bm_json_shape *shape, struct bm_bytes *views, size_t *at)
{
    struct bm_bytes name;

    if (!string_take(in, &name) || !mark_take(in, ':'))
        return not_json(in);
    for (size_t i = 0; i < BM_JSON_MEMBERS; i++, ++*at)
        if (is(name, &shape->member[*at % BM_JSON_MEMBERS])) {
            const size_t found = (*at)++ % BM_JSON_MEMBERS;

            return value_take(in, &shape->member[found], &views[found]);
        }
    if (!shape->others)
        return unknown_refuse(in, name);
    return any_pass(in) ? BM_OK : not_json(in);
}

enum bm_rc
bm_json_cut(struct bm_bytes *ret_views, const struct bm_json_shape *shape, struct bm_bytes object, struct bm_buf *room,
            struct bm_fail *fail)
{
    struct in in = { .rd = bm_rd(object), .text = object, .what = shape->what, .room = room, .fail = fail };
    struct bm_bytes views[BM_JSON_MEMBERS] = { { .p = NULL } };
    size_t n = 0, at = 0;
    enum bm_rc rc;

    if (!mark_take(&in, '{'))
        return bm_fail(fail, BM_EINPUT, NULL, "the %s must be a JSON object", shape->what);
    if (!mark_take(&in, '}')) {
        do
            if ((rc = member_take(&in, shape, views, &at)) != BM_OK)
                return rc;
        while (mark_take(&in, ','));
        if (!mark_take(&in, '}'))
            return not_json(&in);
    }
    (void)next(&in.rd);
    if (!bm_rd_end(&in.rd))
        return not_json(&in);
    for (; n < BM_JSON_MEMBERS && shape->member[n].name != NULL; n++)
        if (views[n].p == NULL && !shape->member[n].optional)
            return refuse(&in, shape->member[n].name, "is missing");
    memcpy(ret_views, views, n * sizeof(*views));
    return BM_OK;
}

enum bm_rc
bm_json_cut_list(struct bm_bytes *ret_views, size_t *ret_n, size_t max, enum bm_json_kind kind, struct bm_bytes list, const char *what,
                 struct bm_buf *room, struct bm_fail *fail)
{
    struct in in = { .rd = bm_rd(list), .text = list, .what = what, .room = room, .fail = fail };
    size_t n = 0;

    if (!mark_take(&in, '['))
        return not_json(&in);
    if (!mark_take(&in, ']')) {
        do {
            if (n == max)
                return bm_fail(fail, BM_EINPUT, NULL, "the %s has more than %zu entries", what, max);
            if (!kind_take(&in, kind, &ret_views[n++]))
                return not_json(&in);
        } while (mark_take(&in, ','));
        if (!mark_take(&in, ']'))
            return not_json(&in);
    }
    (void)next(&in.rd);
    if (!bm_rd_end(&in.rd))
        return not_json(&in);
    *ret_n = n;
    return BM_OK;
}
