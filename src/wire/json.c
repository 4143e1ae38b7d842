#include "wire/json.h"

#include "base/limits.h"
#include "wire/text.h"

/* jansson's own limit is 2048 levels of its C stack: count before it sees the text. Brackets in strings do not nest. */
static bool
depth_ok(struct bm_bytes text)
{
    size_t depth = 0;
    bool string = false;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
        else if (!string && (c == '{' || c == '['))
            depth++;
        else if (!string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > BM_MAX_JSON_DEPTH)
            return false;
    }
    return true;
}

enum bm_rc
bm_json_parse(json_t **ret_json, struct bm_bytes text, size_t max, struct bm_fail *fail)
{
    json_error_t error = { .text = "" };
    json_t *json;

    if (text.n > max)
        return bm_fail(fail, BM_EINPUT, NULL, "the JSON is larger than %zu bytes", max);
    if (!depth_ok(text))
        return bm_fail(fail, BM_EINPUT, NULL, "the JSON is nested deeper than %d levels", BM_MAX_JSON_DEPTH);
    if (text.n == 0)
        return bm_fail(fail, BM_EINPUT, "RFC 8259 2", "a JSON object must stand here, not nothing");
    if ((json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error)) != NULL) {
        *ret_json = json;
        return BM_OK;
    }
    /* jansson's own text repeats the peer's bytes: line and column say as much */
    if (json_error_code(&error) == json_error_out_of_memory)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the JSON");
    if (json_error_code(&error) == json_error_duplicate_key)
        return bm_fail(fail, BM_EINPUT, "RFC 8259 4", "the JSON has one key twice, at line %d, column %d", error.line, error.column);
    return bm_fail(fail, BM_EINPUT, "RFC 8259 2", "this is not JSON, see line %d, column %d", error.line, error.column);
}

struct bm_json_in
bm_json_in(json_t *object, const char *what, struct bm_fail *fail)
{
    struct bm_json_in in = { .object = object, .what = what, .fail = fail };

    if (!json_is_object(object)) {
        bm_fail_note(fail, BM_EINPUT, NULL, "the %s must be a JSON object", what);
        in.bad = true;
    }
    return in;
}

static void
refuse(struct bm_json_in *in, const char *key, const char *must)
{
    bm_fail_note(in->fail, BM_EINPUT, NULL, "the %s: \"%s\" %s", in->what, key, must);
    in->bad = true;
}

/* The value of a field, or NULL when absent or when something was bad before. */
static json_t *
field(struct bm_json_in *in, const char *key)
{
    if (in->bad)
        return NULL;
    if (in->nseen == BM_JSON_FIELDS) {
        bm_fail_note(in->fail, BM_EBUG, NULL, "the %s is read with more than %d fields", in->what, BM_JSON_FIELDS);
        in->bad = true;
        return NULL;
    }
    in->seen[in->nseen++] = key;
    return json_object_get(in->object, key);
}

/* The same where it must be there. */
static json_t *
field_wanted(struct bm_json_in *in, const char *key)
{
    json_t *v = field(in, key);

    if (v == NULL && !in->bad)
        refuse(in, key, "is missing");
    return v;
}

static bool
has_control(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return true;
    return false;
}

static const char *
string_of(struct bm_json_in *in, const char *key, json_t *v, size_t max)
{
    if (!json_is_string(v))
        refuse(in, key, "must be a string");
    else if (json_string_length(v) > max)
        bm_fail_note(in->fail, BM_EINPUT, NULL, "the %s: \"%s\" is longer than %zu bytes", in->what, key, max);
    else if (has_control(json_string_value(v), json_string_length(v)))
        refuse(in, key, "must not hold control characters");
    else
        return json_string_value(v);
    in->bad = true;
    return NULL;
}

const char *
bm_json_str(struct bm_json_in *in, const char *key, size_t max)
{
    json_t *v = field_wanted(in, key);
    const char *s = in->bad ? NULL : string_of(in, key, v, max);

    return s == NULL ? "" : s;
}

const char *
bm_json_str_opt(struct bm_json_in *in, const char *key, size_t max)
{
    json_t *v = field(in, key);

    return v == NULL || in->bad ? NULL : string_of(in, key, v, max);
}

uint64_t
bm_json_u64(struct bm_json_in *in, const char *key, uint64_t least, uint64_t most)
{
    json_t *v = field_wanted(in, key);

    if (in->bad)
        return 0;
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        uint64_t n = (uint64_t)json_integer_value(v);

        if (n >= least && n <= most)
            return n;
    }
    bm_fail_note(in->fail, BM_EINPUT, NULL, "the %s: \"%s\" must be a whole number from %llu to %llu", in->what, key,
                 (unsigned long long)least, (unsigned long long)most);
    in->bad = true;
    return 0;
}

void
bm_json_true(struct bm_json_in *in, const char *key)
{
    json_t *v = field_wanted(in, key);

    if (!in->bad && !json_is_true(v))
        refuse(in, key, "must be true, or left out");
}

json_t *
bm_json_array(struct bm_json_in *in, const char *key, size_t max)
{
    json_t *v = field_wanted(in, key);

    if (in->bad)
        return NULL;
    if (json_is_array(v) && json_array_size(v) <= max)
        return v;
    bm_fail_note(in->fail, BM_EINPUT, NULL, "the %s: \"%s\" must be a list of at most %zu", in->what, key, max);
    in->bad = true;
    return NULL;
}

json_t *
bm_json_object(struct bm_json_in *in, const char *key)
{
    json_t *v = field_wanted(in, key);

    if (in->bad)
        return NULL;
    if (json_is_object(v))
        return v;
    refuse(in, key, "must be an object");
    return NULL;
}

void
bm_json_b64(struct bm_json_in *in, const char *key, struct bm_buf *buf)
{
    json_t *v = field_wanted(in, key);
    enum bm_rc rc;

    if (in->bad)
        return;
    if (!json_is_string(v)) {
        refuse(in, key, "must be a string");
        return;
    }
    rc = bm_b64_parse(buf, BM_B64_STD, bm_bytes(json_string_value(v), json_string_length(v)), in->fail);
    if (rc != BM_OK) {
        bm_fail_prefix(in->fail, "the %s: \"%s\"", in->what, key);
        in->bad = true;
    }
}

static bool
was_asked(const struct bm_json_in *in, const char *key)
{
    for (size_t i = 0; i < in->nseen; i++)
        if (strcmp(in->seen[i], key) == 0)
            return true;
    return false;
}

enum bm_rc
bm_json_in_end(struct bm_json_in *in)
{
    const char *key;
    json_t *v;

    if (in->bad)
        return in->fail->rc;
    json_object_foreach(in->object, key, v)
    {
        if (was_asked(in, key))
            continue;
        in->bad = true;
        if (bm_name_ok(key, BM_MAX_NAME))
            return bm_fail(in->fail, BM_EINPUT, NULL, "the %s has a field \"%s\" that is not known here: remove it", in->what, key);
        return bm_fail(in->fail, BM_EINPUT, NULL, "the %s has a field that is not known here: remove it", in->what);
    }
    return BM_OK;
}

static int
add_piece(const char *p, size_t n, void *ctx)
{
    struct bm_buf *buf = ctx;

    bm_buf_add(buf, p, n);
    return buf->bad ? -1 : 0;
}

enum bm_rc
bm_json_print(struct bm_buf *buf, const json_t *json, struct bm_fail *fail)
{
    size_t before = buf->n;

    if (json_dump_callback(json, add_piece, buf, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0)
        return BM_OK;
    buf->n = before;
    if (buf->bad)
        return bm_buf_check(buf, "the JSON", fail);
    return bm_fail(fail, BM_EBUG, NULL, "a JSON document of ours cannot be written");
}

const char *
bm_json_text(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text != NULL ? text : "";
}

void
bm_json_done(json_t **json)
{
    json_decref(*json);
}
