#include "device/link.h"

#include "wire/json.h"
#include "wire/text.h"

/* ---- the messages ---- */

enum kind {
    NONE,
    TEXT,   /* most: bytes */
    BASE64, /* most: bytes behind it */
    NUMBER, /* most: its value */
    TRUE    /* there or not */
};

struct field {
    const char *name;
    enum kind kind;
    bool optional;
    uint64_t most;
};

/* docs/formats/link.md has the same table in words. */
static const struct {
    const char *word;
    struct field fields[9];
} messages[BM_LINK__N] = {
    [BM_LINK_HELLO] = { "hello", { { "link", NUMBER, false, 65535 } } },
    [BM_LINK_STATUS] = { "status", { { 0 } } },
    [BM_LINK_ENROL] = { "enrol",
                        { { "service", TEXT, false, BM_MAX_NAME },
                          { "profile", TEXT, true, BM_MAX_NAME },
                          { "server", TEXT, false, 500 },
                          { "new_key", TRUE, true, 1 } } },
    [BM_LINK_READ] = { "read", { { "service", TEXT, false, BM_MAX_NAME } } },
    [BM_LINK_PROVE] = { "prove", { { "service", TEXT, false, BM_MAX_NAME } } },
    [BM_LINK_BYE] = { "bye", { { 0 } } },
    [BM_LINK_POST] = { "post",
                       { { "path", TEXT, false, 200 }, { "type", TEXT, false, 127 }, { "body", BASE64, false, BM_MAX_HTTP_BODY } } },
    [BM_LINK_CONNECT] = { "connect", { { 0 } } },
    [BM_LINK_TLS] = { "tls", { { "bytes", BASE64, false, BM_LINK_BYTES }, { "more", TRUE, true, 1 } } },
    [BM_LINK_REPLY] = { "reply",
                        { { "status", NUMBER, false, 599 }, { "type", TEXT, false, 127 }, { "body", BASE64, false, BM_MAX_HTTP_BODY } } },
    [BM_LINK_CONNECTED] = { "connected", { { 0 } } },
    [BM_LINK_ENDED] = { "ended", { { 0 } } },
    [BM_LINK_AWAY] = { "away", { { "why", TEXT, false, 400 } } },
    [BM_LINK_DEVICE] = { "device",
                         { { "link", NUMBER, false, 65535 },
                           { "agent", TEXT, false, 32 },
                           { "root", TEXT, false, 32 },
                           { "id", TEXT, false, BM_MAX_ID },
                           { "model", TEXT, false, BM_MAX_ID },
                           { "keys", TEXT, false, BM_MAX_CHIP_KEYS *(2 * BM_HASH + 1) },
                           { "identities", NUMBER, false, BM_MAX_SERVICES } } },
    [BM_LINK_ENROLLED] = { "enrolled", { { "service", TEXT, false, BM_MAX_NAME }, { "warning", TEXT, true, 400 } } },
    [BM_LINK_IDENTITY] = { "identity",
                           { { "service", TEXT, false, BM_MAX_NAME },
                             { "certificate", BASE64, false, BM_MAX_CERT },
                             { "fingerprint", TEXT, false, 2 * BM_HASH },
                             { "key", TEXT, false, 2 * BM_HASH },
                             { "serial", TEXT, false, 2 * BM_MAX_SERIAL } } },
    [BM_LINK_PROVEN] = { "proven", { { "service", TEXT, false, BM_MAX_NAME } } },
    [BM_LINK_REFUSED] = { "refused", { { "class", TEXT, false, 7 }, { "why", TEXT, false, 400 } } },
};

static void
field_check(struct bm_json_in *in, const struct field *field)
{
    bm_cleanup(bm_buf_done) struct bm_buf scratch = { .max = field->kind == BASE64 ? (size_t)field->most : 0 };

    if (field->optional && json_object_get(in->object, field->name) == NULL)
        return;
    if (field->kind == TEXT)
        (void)bm_json_str(in, field->name, (size_t)field->most);
    else if (field->kind == NUMBER)
        (void)bm_json_u64(in, field->name, 0, field->most);
    else if (field->kind == TRUE)
        bm_json_true(in, field->name);
    else
        bm_json_b64(in, field->name, &scratch);
    if (!in->bad && bm_buf_check(&scratch, field->name, in->fail) != BM_OK)
        in->bad = true;
}

static enum bm_rc
message_check(enum bm_link_say *ret_say, json_t *json, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(json, "message on the link", fail);
    const char *word = bm_json_str(&in, "say", 16);
    int say = 0;

    while (say < BM_LINK__N && strcmp(messages[say].word, word) != 0)
        say++;
    if (in.bad)
        return fail->rc;
    if (say == BM_LINK__N)
        return bm_fail(fail, BM_EINPUT, NULL, "the message on the link says a word that is not known here");
    for (const struct field *field = messages[say].fields; field->kind != NONE; field++)
        field_check(&in, field);
    *ret_say = (enum bm_link_say)say;
    return bm_json_in_end(&in);
}

enum bm_rc
bm_link_parse(struct bm_link_message *ret, struct bm_bytes line, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    enum bm_rc rc;

    for (size_t i = 0; i < line.n; i++) { /* a serial line may have seven bits */
        if (line.p[i] < 0x20 || line.p[i] > 0x7e)
            return bm_fail(fail, BM_EINPUT, NULL, "a line on the link is no message: it holds other characters than ASCII's");
    }
    if ((rc = bm_json_parse(&json, line, BM_LINK_LINE, fail)) != BM_OK) {
        bm_fail_prefix(fail, "a line on the link is no message");
        return rc;
    }
    if ((rc = message_check(&ret->say, json, fail)) == BM_OK)
        ret->json = bm_take(json);
    return rc;
}

static int
piece_add(const char *p, size_t n, void *ctx)
{
    struct bm_buf *buf = ctx;

    bm_buf_add(buf, p, n);
    return buf->bad ? -1 : 0;
}

enum bm_rc
bm_link_print(struct bm_buf *line, json_t *json, struct bm_fail *fail)
{
    enum bm_link_say say;
    enum bm_rc rc;

    if ((rc = message_check(&say, json, fail)) != BM_OK)
        return rc;
    if (json_dump_callback(json, piece_add, line, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    bm_buf_add_u8(line, '\n');
    return bm_buf_check(line, "the message on the link", fail);
}

void
bm_link_message_done(struct bm_link_message *message)
{
    json_decref(message->json);
    message->json = NULL;
}

const char *
bm_link_text(const struct bm_link_message *message, const char *field)
{
    return json_string_value(json_object_get(message->json, field));
}

uint64_t
bm_link_number(const struct bm_link_message *message, const char *field)
{
    return (uint64_t)json_integer_value(json_object_get(message->json, field));
}

bool
bm_link_true(const struct bm_link_message *message, const char *field)
{
    return json_is_true(json_object_get(message->json, field));
}

void
bm_link_bytes(const struct bm_link_message *message, const char *field, struct bm_buf *buf)
{
    const json_t *text = json_object_get(message->json, field);
    struct bm_fail ignored; /* it was read before, when the message was checked */

    if (text == NULL || bm_b64_parse(buf, BM_B64_STD, bm_bytes(json_string_value(text), json_string_length(text)), &ignored) != BM_OK)
        buf->bad = true;
}

json_t *
bm_link_b64(struct bm_bytes bytes)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_LINK_LINE };

    bm_b64_add(&text, BM_B64_STD, bytes);
    bm_buf_add_u8(&text, 0);
    return text.bad ? NULL : json_stringn((const char *)text.p, text.n - 1);
}
