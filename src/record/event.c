#include "record/event.h"

#include "digest/digest.h"
#include "wire/lines.h"
#include "wire/text.h"

#define HEAD "birthmark/event/v1"

enum shape {
    NAME,
    ID,
    DIGEST,
    SERIAL,
    NUMBER,
    TIME,
    TEXT,
    WORDS
};

/* The order of the lines. */
#define FIELD(member) offsetof(struct bm_event, member)
static const struct {
    const char *key;
    size_t at;
    enum shape shape;
} fields[] = {
    { "device", FIELD(device), ID },
    { "chip", FIELD(chip), DIGEST },
    { "lot", FIELD(lot), NAME },
    { "order", FIELD(order), NAME },
    { "profile", FIELD(profile), NAME },
    { "service", FIELD(service), NAME },
    { "evidence-class", FIELD(evidence_class), NAME },
    { "proven", FIELD(proven), WORDS },
    { "tpm-manufacturer", FIELD(tpm_manufacturer), TEXT },
    { "tpm-model", FIELD(tpm_model), TEXT },
    { "tpm-version", FIELD(tpm_version), TEXT },
    { "measured-first", FIELD(measured_first), DIGEST },
    { "measured-code", FIELD(measured_code), DIGEST },
    { "evidence", FIELD(evidence), DIGEST },
    { "serial", FIELD(serial), SERIAL },
    { "certificate", FIELD(certificate), DIGEST },
    { "replaces", FIELD(replaces), SERIAL },
    { "statement", FIELD(statement), DIGEST },
    { "by", FIELD(by), NAME },
    { "second", FIELD(second), NAME },
    { "vendor", FIELD(vendor), TEXT },
    { "until", FIELD(until), TIME },
    { "count", FIELD(count), NUMBER },
    { "what", FIELD(what), NAME },
    { "reason", FIELD(reason), TEXT },
    { "owner", FIELD(owner), TEXT },
    { "state", FIELD(state), NAME },
    { "old-chip", FIELD(old_chip), DIGEST },
    { "was", FIELD(was), WORDS },
    { "balance", FIELD(balance), WORDS },
};

enum {
    DEVICE = 1 << 0,
    CHIP = 1 << 1,
    LOT = 1 << 2,
    ORDER = 1 << 3,
    PROFILE = 1 << 4,
    SERVICE = 1 << 5,
    CLASS = 1 << 6,
    PROVEN = 1 << 7,
    TPM_MAKER = 1 << 8,
    TPM_MODEL = 1 << 9,
    TPM_VERSION = 1 << 10,
    MEASURED_FIRST = 1 << 11,
    MEASURED_CODE = 1 << 12,
    EVIDENCE = 1 << 13,
    SERIALNO = 1 << 14,
    CERTIFICATE = 1 << 15,
    REPLACES = 1 << 16,
    STATEMENT = 1 << 17,
    BY = 1 << 18,
    SECOND = 1 << 19,
    VENDOR = 1 << 20,
    UNTIL = 1 << 21,
    COUNT = 1 << 22,
    WHAT = 1 << 23,
    REASON = 1 << 24,
    OWNER = 1 << 25,
    STATE = 1 << 26,
    OLD_CHIP = 1 << 27,
    WAS = 1 << 28,
    BALANCE = 1 << 29,
};
_Static_assert(BM_COUNT(fields) == 30, "a bit for every field");

/* What a record of this kind must have, and what it may have besides. What stands in neither has nothing to say there. */
#define WHERE (DEVICE | CHIP | LOT | ORDER | PROFILE | SERVICE)
#define SHOWN (CLASS | PROVEN | TPM_MAKER | TPM_MODEL | TPM_VERSION | MEASURED_FIRST | MEASURED_CODE)
#define ISSUED (DEVICE | CHIP | SERVICE | SERIALNO | CERTIFICATE)
static const struct {
    const char *word;
    unsigned must;
    unsigned may;
} kinds[BM_EVENT__N] = {
    [BM_EVENT_SITE_FOUNDED] = { "site-founded", 0, CERTIFICATE | STATEMENT | BY | REASON },
    [BM_EVENT_ROLES_SET] = { "roles-set", STATEMENT, BY | SECOND | COUNT | REASON },
    [BM_EVENT_LOT_PINNED] = { "lot-pinned", LOT | STATEMENT, BY | SECOND | COUNT | REASON },
    [BM_EVENT_ORDER_OPENED] = { "order-opened", ORDER | STATEMENT, LOT | PROFILE | BY | SECOND | COUNT | REASON },
    [BM_EVENT_ALLOWED] = { "allowed", DEVICE | STATEMENT, CHIP | ORDER | SERVICE | BY | SECOND | REASON },
    [BM_EVENT_IDENTITY_ISSUED] = { "identity-issued", ISSUED, WHERE | SHOWN | EVIDENCE | STATEMENT },
    [BM_EVENT_IDENTITY_REPLACED] = { "identity-replaced", ISSUED | REPLACES, WHERE | SHOWN | EVIDENCE | STATEMENT },
    [BM_EVENT_IDENTITY_CONFIRMED] = { "identity-confirmed", SERIALNO, WHERE | CERTIFICATE | REPLACES | UNTIL },
    [BM_EVENT_IDENTITY_REVOKED] = { "identity-revoked", SERIALNO, WHERE | CERTIFICATE | STATEMENT | BY | REASON },
    [BM_EVENT_REFUSED] = { "refused", REASON, WHAT | WHERE | CLASS | EVIDENCE | STATEMENT | BY | COUNT },
    [BM_EVENT_REFUSED_COUNTED] = { "refused-counted", COUNT, REASON },
    [BM_EVENT_SIGNED_AGAIN] = { "signed-again", SERIALNO, WHERE | CERTIFICATE | COUNT | REASON },
    [BM_EVENT_LOT_SUPERSEDED] = { "lot-superseded", LOT | STATEMENT, BY | SECOND | COUNT | REASON },
    [BM_EVENT_LOT_QUARANTINED] = { "lot-quarantined", LOT | REASON, BY },
    [BM_EVENT_LOT_RELEASED] = { "lot-released", LOT | STATEMENT, BY | SECOND | REASON },
    [BM_EVENT_LOT_WITHDRAWN] = { "lot-withdrawn", LOT | REASON, BY },
    [BM_EVENT_CHIPS_SCRAPPED] = { "chips-scrapped", LOT | COUNT | REASON | WAS, CHIP | ORDER | BY },
    [BM_EVENT_CHIPS_WITHDRAWN] = { "chips-withdrawn", LOT | COUNT | REASON | WAS, CHIP | ORDER | BY },
    [BM_EVENT_WAIVED] = { "waived", STATEMENT | VENDOR | WHAT | UNTIL, BY | SECOND | REASON },
    [BM_EVENT_IDENTITY_RENEWED] = { "identity-renewed", ISSUED | REPLACES, WHERE | SHOWN | EVIDENCE | STATEMENT },
    [BM_EVENT_POLICY_SET] = { "policy-set", STATEMENT, BY | SECOND | COUNT | REASON },
    [BM_EVENT_ORDER_RAISED] = { "order-raised", ORDER | COUNT | STATEMENT, BY | SECOND | REASON },
    [BM_EVENT_ORDER_CLOSED] = { "order-closed", ORDER | REASON | BALANCE, BY | COUNT },
    [BM_EVENT_DEVICE_MOVED] = { "device-moved", DEVICE | WHAT | STATE | REASON,
                                WHERE | EVIDENCE | SERIALNO | STATEMENT | BY | SECOND | COUNT | OWNER | OLD_CHIP | WAS },
    [BM_EVENT_PROFILE_ACTIVATED] = { "profile-activated", PROFILE | COUNT | STATEMENT, BY | SECOND | REASON },
    [BM_EVENT_SUPPORT_OPENED] = { "support-opened", DEVICE | PROFILE | STATEMENT | UNTIL | WHAT, BY | SECOND | REASON },
    [BM_EVENT_SUPPORT_CLOSED] = { "support-closed", DEVICE | WHAT | REASON, SERIALNO | BY },
    [BM_EVENT_RESPONDER_CERTIFIED] = { "responder-certified", WHAT | CERTIFICATE, 0 },
    [BM_EVENT_SITE_RECOVERED] = { "site-recovered", COUNT | REASON | STATEMENT, BY },
    [BM_EVENT_CA_CHANGED] = { "ca-changed", WHAT | STATE | STATEMENT, BY | SECOND | CERTIFICATE | REASON },
};

const char *
bm_event_word(enum bm_event_kind kind)
{
    return kind >= BM_EVENT_SITE_FOUNDED && kind < BM_EVENT__N ? kinds[kind].word : "unknown";
}

static bool
lower_hex(struct bm_bytes v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!((v.p[i] >= '0' && v.p[i] <= '9') || (v.p[i] >= 'a' && v.p[i] <= 'f')))
            return false;
    return true;
}

static bool
decimal(struct bm_bytes v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
    return v.n == 1 || v.p[0] != '0';
}

static bool
name_like(struct bm_bytes v, bool colon)
{
    char name[BM_MAX_NAME + 1] = "";

    for (size_t i = 0; i < v.n; i++)
        name[i] = colon && v.p[i] == ':' ? '_' : (char)v.p[i];
    return memchr(name, 0, v.n) == NULL && bm_name_ok(name, BM_MAX_NAME);
}

/* 2026-11-23T21:34:09Z */
static bool
time_like(struct bm_bytes v)
{
    char text[BM_TIME_TEXT] = { 0 };
    struct bm_fail ignored;
    bm_time t;

    if (v.n >= sizeof(text) || memchr(v.p, 0, v.n) != NULL)
        return false;
    memcpy(text, v.p, v.n);
    return bm_time_parse(&t, text, &ignored) == BM_OK;
}

/* Names with one space between two. */
static bool
words_like(struct bm_bytes v)
{
    size_t at = 0;

    for (size_t i = 0; i <= v.n; i++)
        if (i == v.n || v.p[i] == ' ') {
            if (i == at || i - at > BM_MAX_NAME || !name_like(bm_bytes(v.p + at, i - at), false))
                return false;
            at = i + 1;
        }
    return true;
}

static bool
shape_ok(enum shape shape, struct bm_bytes v)
{
    switch (shape) {
    case NAME:
        return v.n <= BM_MAX_NAME && name_like(v, false);
    case ID:
        return v.n <= BM_MAX_ID && name_like(v, true);
    case DIGEST:
        return v.n == 2 * BM_HASH && lower_hex(v);
    case SERIAL:
        return v.n <= 2 * (BM_MAX_SERIAL + 1) && v.n % 2 == 0 && lower_hex(v);
    case NUMBER:
        return v.n <= 19 && decimal(v);
    case TIME:
        return time_like(v);
    case TEXT:
        return v.n <= BM_EVENT_REASON;
    case WORDS:
        return v.n <= BM_EVENT_REASON && words_like(v);
    }
    return false;
}

static struct bm_bytes *
field_of(struct bm_event *event, size_t i)
{
    return (void *)((char *)event + fields[i].at);
}

/* A reason is recorded whatever it holds (a sentence cut in the middle of a character, another library's words): trimmed, and where it still is
 * no line of text, in ASCII with '?' for the rest. Cleans text in place. */
static void
reason_clean(char *text)
{
    bm_cleanup(bm_buf_done) struct bm_buf tried = { .max = 2 * BM_EVENT_REASON };
    size_t n = strlen(text), skip = strspn(text, " ");

    memmove(text, text + skip, n - skip + 1);
    for (n -= skip; n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = 0;
    if (n == 0)
        memcpy(text, "?", 2);
    bm_lines_add(&tried, "reason", text);
    for (size_t i = 0; tried.bad && i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            text[i] = '?';
}

static void
line_add(struct bm_buf *buf, size_t i, struct bm_bytes value)
{
    char text[BM_EVENT_REASON + 1];

    if (fields[i].shape == TEXT && value.n > BM_EVENT_REASON)
        value.n = BM_EVENT_REASON;
    else if (!shape_ok(fields[i].shape, value))
        buf->bad = true;
    if (buf->bad)
        return;
    memcpy(text, value.p, value.n);
    text[value.n] = 0;
    if (fields[i].shape == TEXT)
        reason_clean(text);
    bm_lines_add(buf, fields[i].key, text);
}

void
bm_event_build(struct bm_buf *buf, const struct bm_event *event)
{
    struct bm_event copy = *event;
    char time[BM_TIME_TEXT];
    unsigned has = 0;

    if (event->kind < BM_EVENT_SITE_FOUNDED || event->kind >= BM_EVENT__N) {
        buf->bad = true;
        return;
    }
    bm_time_print(time, event->time);
    bm_buf_add_str(buf, HEAD "\n");
    bm_lines_add(buf, "kind", kinds[event->kind].word);
    bm_lines_add(buf, "time", time);
    for (size_t i = 0; i < BM_COUNT(fields); i++) {
        struct bm_bytes value = *field_of(&copy, i);

        if (value.n == 0)
            continue;
        has |= 1u << i;
        line_add(buf, i, value);
    }
    if ((kinds[event->kind].must & ~has) != 0 || (has & ~(kinds[event->kind].must | kinds[event->kind].may)) != 0)
        buf->bad = true;
}

static enum bm_event_kind
kind_find(struct bm_bytes word)
{
    for (unsigned kind = BM_EVENT_SITE_FOUNDED; kind < BM_EVENT__N; kind++)
        if (bm_bytes_equal(word, bm_bytes_str(kinds[kind].word)))
            return (enum bm_event_kind)kind;
    return BM_EVENT__N;
}

static enum bm_rc
fields_take(struct bm_event *event, struct bm_lines *lines, struct bm_fail *fail)
{
    unsigned has = 0;
    enum bm_rc rc;

    for (size_t i = 0; i < BM_COUNT(fields); i++) {
        struct bm_bytes *value = field_of(event, i);

        if (!bm_lines_have(lines, fields[i].key, value))
            continue;
        has |= 1u << i;
        if (!shape_ok(fields[i].shape, *value))
            return bm_fail(fail, BM_EINPUT, NULL, "event: line %u: the %s has not the form that it must have", lines->line, fields[i].key);
    }
    if ((rc = bm_lines_close(lines)) != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_COUNT(fields); i++) {
        if ((kinds[event->kind].must & ~has & 1u << i) != 0)
            return bm_fail(fail, BM_EINPUT, NULL, "event: a record of \"%s\" needs its %s", kinds[event->kind].word, fields[i].key);
        if ((has & ~(kinds[event->kind].must | kinds[event->kind].may) & 1u << i) != 0)
            return bm_fail(fail, BM_EINPUT, NULL, "event: a record of \"%s\" has no %s", kinds[event->kind].word, fields[i].key);
    }
    return BM_OK;
}

enum bm_rc
bm_event_parse(struct bm_event *ret_event, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "event", fail);
    struct bm_bytes word = bm_lines_want(&lines, "kind");
    struct bm_event event = { .kind = kind_find(word) };
    enum bm_rc rc;

    event.time = bm_lines_time(&lines, "time");
    if (lines.bad)
        return fail->rc;
    if (text.n > BM_MAX_EVENT || event.kind == BM_EVENT__N)
        return bm_fail(fail, BM_EINPUT, NULL, "event: it is of a kind that is not known here, or larger than %d bytes", BM_MAX_EVENT);
    if ((rc = fields_take(&event, &lines, fail)) != BM_OK)
        return rc;
    *ret_event = event;
    return BM_OK;
}

/* Salted, so that the ledger can be public while the salts are kept, and erased, in the store. */
void
bm_entry_build(uint8_t ret_entry[static BM_ENTRY], enum bm_event_kind kind, const uint8_t salt[static BM_SALT], struct bm_bytes event)
{
    const struct bm_bytes pieces[] = { bm_bytes_str("birthmark/leaf/v1\n"), bm_bytes(salt, BM_SALT), event };

    ret_entry[0] = 1;
    ret_entry[1] = (uint8_t)kind;
    bm_sha256_pieces(ret_entry + 2, pieces, BM_COUNT(pieces));
}
