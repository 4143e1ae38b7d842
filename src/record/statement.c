#include "record/parts.h"

#include "wire/text.h"

const struct bm_statement_form bm_statement_forms[BM_STATEMENT__N] = {
    [BM_STATEMENT_PIN] = { "birthmark/pin/v1", "pin" },
    [BM_STATEMENT_ORDER] = { "birthmark/order/v1", "order" },
    [BM_STATEMENT_ALLOW] = { "birthmark/allow/v1", "allow" },
    [BM_STATEMENT_ROLES] = { "birthmark/roles/v1", "roles" },
    [BM_STATEMENT_POLICY] = { "birthmark/policy/v1", "policy" },
    [BM_STATEMENT_RAISE] = { "birthmark/raise/v1", "raise" },
    [BM_STATEMENT_PROFILE] = { "birthmark/activation/v1", "profile" },
    [BM_STATEMENT_RECOVER] = { "birthmark/recover/v1", "recover" },
    [BM_STATEMENT_CA] = { "birthmark/ca/v1", "ca" },
};

enum bm_rc
bm_statement_act(enum bm_act *ret_act, enum bm_statement_kind kind, struct bm_bytes text, struct bm_fail *fail)
{
    static const enum bm_act acts[BM_STATEMENT__N] = {
        [BM_STATEMENT_PIN] = BM_ACT_PIN,         [BM_STATEMENT_ORDER] = BM_ACT_ORDER, [BM_STATEMENT_ROLES] = BM_ACT_ROLES,
        [BM_STATEMENT_POLICY] = BM_ACT_POLICY,   [BM_STATEMENT_RAISE] = BM_ACT_RAISE, [BM_STATEMENT_PROFILE] = BM_ACT_PROFILE,
        [BM_STATEMENT_RECOVER] = BM_ACT_RECOVER, [BM_STATEMENT_CA] = BM_ACT_CA
    };
    struct bm_statement_head head;
    struct bm_allow allow;
    enum bm_rc rc;

    if (kind != BM_STATEMENT_ALLOW) {
        *ret_act = acts[kind];
        return BM_OK;
    }
    if ((rc = bm_allow_parse(&head, &allow, text, fail)) == BM_OK)
        *ret_act = bm_allow_act(allow.act);
    return rc;
}

const char *
bm_statement_word(enum bm_statement_kind kind)
{
    return kind >= BM_STATEMENT_PIN && kind < BM_STATEMENT__N ? bm_statement_forms[kind].word : "unknown";
}

/* A number in the signer's order; or, of what waits for a second person, one of its own and an end. */
static void
place_take(struct bm_statement_head *head, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;

    if (!bm_lines_have(lines, "proposal", &value)) {
        head->seq = bm_lines_u64(lines, "seq", 1, INT64_MAX);
        return;
    }
    *lines = before;
    bm_lines_hex(lines, "proposal", head->proposal, BM_PROPOSAL);
    head->expires = bm_lines_time(lines, "expires");
}

struct bm_lines
bm_statement_open(struct bm_statement_head *ret_head, enum bm_statement_kind kind, struct bm_bytes text, struct bm_fail *fail)
{
    const struct bm_statement_form *form = &bm_statement_forms[kind];
    struct bm_lines lines = bm_lines_open(text, form->first, form->word, fail);

    if (!lines.bad && text.n > BM_MAX_STATEMENT)
        bm_statement_refuse(&lines, "is larger than it may be: divide it");
    ret_head->kind = kind;
    bm_lines_hex(&lines, "site", ret_head->site, BM_HASH);
    place_take(ret_head, &lines);
    ret_head->time = bm_lines_time(&lines, "time");
    if (ret_head->seq == 0 && (ret_head->expires < ret_head->time || ret_head->expires - ret_head->time > BM_PROPOSAL_DAYS * 86400))
        bm_statement_refuse(&lines, "ends the head of a proposal that does not expire within 30 days after it was made");
    bm_lines_name(&lines, "by", ret_head->by, BM_MAX_NAME);
    return lines;
}

void
bm_statement_head_build(struct bm_buf *buf, enum bm_statement_kind kind, const struct bm_statement_head *head)
{
    char site[2 * BM_HASH + 1], time[BM_TIME_TEXT], proposal[2 * BM_PROPOSAL + 1], expires[BM_TIME_TEXT];

    bm_hex(site, bm_bytes(head->site, BM_HASH));
    bm_time_print(time, head->time);
    bm_buf_add_fmt(buf, "%s\n", bm_statement_forms[kind].first);
    bm_lines_add(buf, "site", site);
    if (head->seq != 0) {
        bm_buf_add_fmt(buf, "seq %llu\n", (unsigned long long)head->seq);
    } else {
        bm_hex(proposal, bm_bytes(head->proposal, BM_PROPOSAL));
        bm_lines_add(buf, "proposal", proposal);
        bm_time_print(expires, head->expires);
        bm_lines_add(buf, "expires", expires);
    }
    bm_lines_add(buf, "time", time);
    bm_lines_add(buf, "by", head->by);
}

enum bm_statement_kind
bm_act_statement(enum bm_act act)
{
    switch (act) {
    case BM_ACT_PIN:
        return BM_STATEMENT_PIN;
    case BM_ACT_ORDER:
        return BM_STATEMENT_ORDER;
    case BM_ACT_RAISE:
        return BM_STATEMENT_RAISE;
    case BM_ACT_PROFILE:
        return BM_STATEMENT_PROFILE;
    case BM_ACT_ROLES:
        return BM_STATEMENT_ROLES;
    case BM_ACT_POLICY:
        return BM_STATEMENT_POLICY;
    case BM_ACT_RECOVER:
        return BM_STATEMENT_RECOVER;
    case BM_ACT_CA:
        return BM_STATEMENT_CA;
    case BM_ACT_WAIVE:
    case BM_ACT_RELEASE:
    case BM_ACT_REISSUE:
    case BM_ACT_RESUME:
    case BM_ACT_REPAIR:
    case BM_ACT_TRANSFER:
    case BM_ACT_SUPPORT:
    case BM_ACT_SCRAP:
    case BM_ACT_WITHDRAW:
    case BM_ACT_CLOSE:
    case BM_ACT_REVOKE:
    case BM_ACT_SUSPEND:
    case BM_ACT_DECOMMISSION:
    case BM_ACT_SUPPORT_CLOSE:
    case BM_ACT_REJECT:
    case BM_ACT_SETTLE:
    case BM_ACT__N:
        break;
    }
    return BM_STATEMENT_ALLOW;
}

void
bm_statement_place_want(struct bm_lines *lines, const struct bm_statement_head *head, enum bm_act act)
{
    if (bm_act_always_two(act) && head->seq != 0)
        bm_statement_refuse(lines, "needs two persons: make it as a proposal, with a number of its own in place of seq");
}

void
bm_statement_refuse(struct bm_lines *lines, const char *why)
{
    if (!lines->bad)
        bm_fail_note(lines->fail, BM_EINPUT, NULL, "%s: line %u %s", lines->what, lines->line, why);
    lines->bad = true;
    lines->rd = (struct bm_rd){ .bad = true };
}

struct bm_bytes
bm_word_take(struct bm_bytes *rest)
{
    const uint8_t *space = rest->n > 0 ? memchr(rest->p, ' ', rest->n) : NULL;
    struct bm_bytes word = *rest;

    if (space == NULL) {
        *rest = bm_bytes(NULL, 0);
        return word;
    }
    word.n = (size_t)(space - rest->p);
    *rest = bm_bytes(space + 1, rest->n - word.n - 1);
    return word;
}

bool
bm_word_name(char ret[static BM_MAX_NAME + 1], struct bm_bytes word)
{
    if (word.n > BM_MAX_NAME)
        return false;
    memset(ret, 0, BM_MAX_NAME + 1);
    if (word.n > 0)
        memcpy(ret, word.p, word.n);
    return memchr(ret, 0, word.n) == NULL && bm_name_ok(ret, BM_MAX_NAME);
}

bool
bm_word_name_hash(char ret_name[static BM_MAX_NAME + 1], uint8_t ret_hash[static BM_HASH], struct bm_bytes value)
{
    struct bm_bytes name = bm_word_take(&value);
    char hex[2 * BM_HASH + 1];
    struct bm_fail ignored;

    if (!bm_word_name(ret_name, name) || bm_hex_parse(ret_hash, BM_HASH, value, &ignored) != BM_OK)
        return false;
    bm_hex(hex, bm_bytes(ret_hash, BM_HASH));
    return bm_bytes_equal(value, bm_bytes_str(hex)); /* lower case */
}

size_t
bm_word_find(const char *const *words, size_t n, struct bm_bytes word)
{
    for (size_t i = 1; i < n; i++)
        if (bm_bytes_equal(word, bm_bytes_str(words[i])))
            return i;
    return 0;
}

static enum bm_rc
kind_find(enum bm_statement_kind *ret_kind, struct bm_bytes text, struct bm_fail *fail)
{
    for (unsigned kind = BM_STATEMENT_PIN; kind < BM_STATEMENT__N; kind++) {
        size_t n = strlen(bm_statement_forms[kind].first);

        if (text.n > n && memcmp(text.p, bm_statement_forms[kind].first, n) == 0 && text.p[n] == '\n') {
            *ret_kind = (enum bm_statement_kind)kind;
            return BM_OK;
        }
    }
    return bm_fail(fail, BM_EINPUT, NULL,
                   "this is none of the statements that a signer takes: pin, order, allow, roles, policy, raise, profile or ca");
}

enum bm_rc
bm_statement_head_parse(struct bm_statement_head *ret_head, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    enum bm_statement_kind kind = BM_STATEMENT_PIN;
    struct bm_lines lines;
    enum bm_rc rc;

    if ((rc = kind_find(&kind, text, fail)) != BM_OK)
        return rc;
    lines = bm_statement_open(&head, kind, text, fail);
    if (lines.bad)
        return fail->rc;
    *ret_head = head;
    return BM_OK;
}
