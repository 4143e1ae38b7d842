/* What commands ask: one row a message. */
#include "registrar/registrar.h"
#include "registrar/units.h"

#include "proc/confine.h"
#include "wire/json.h"
#include "wire/text.h"

enum bm_rc
bm_control_row(struct bm_link *link, uint64_t id, const char *json, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    enum bm_rc rc;

    bm_buf_add_lv32(&body, bm_bytes_str(json));
    if ((rc = bm_buf_check(&body, "a row", fail)) != BM_OK)
        return rc;
    return bm_link_queue(link, BM_C_ROW, id, bm_buf_bytes(&body), fail);
}

enum bm_rc
bm_control_end(struct bm_link *link, uint64_t id, struct bm_bytes body, struct bm_fail *fail)
{
    return bm_link_queue(link, BM_C_END, id, body, fail);
}

/* ---- what the site is ---- */

/* Where the CA keys are, and whether they can be used. */
static json_t *
token_row(const struct bm_registrar *r)
{
    char since[BM_TIME_TEXT];

    if (!r->token.kept)
        return json_pack("{s:s}", "state", "file");
    if (r->token.here)
        return json_pack("{s:s}", "state", "here");
    bm_time_print(since, r->token.since);
    return json_pack("{s:s, s:s, s:s}", "state", "away", "since", since, "sentence", r->token.sentence);
}

/* How far this site trusts one person: who reads about it ought to know. */
static const char *
authority_words(size_t persons, bool hardened)
{
    if (persons < 2)
        return "one person: nobody else sees what is signed here before it counts";
    return hardened ? "two persons, for the acts of its policy"
                    : "one person; an officer alone says who the others are, until there is a policy";
}

enum bm_rc
bm_site_row(struct bm_registrar *r, struct bm_buf *json, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf checkpoint = { .max = BM_MAX_NOTE }, two = { .max = 1024 };
    char site[2 * BM_HASH + 1];
    size_t persons = 0;
    bool hardened = false;
    json_t *row, *token;
    enum bm_rc rc;

    /* A store that was lost has none before it is recovered. */
    if (r->ledger.frontier.size > 0 && (rc = bm_store_checkpoint_get(r->store, &checkpoint, fail)) != BM_OK)
        return rc;
    if ((rc = bm_two_words(r, &two, &persons, &hardened, fail)) != BM_OK)
        return rc;
    bm_hex(site, bm_bytes(r->site_hash, BM_HASH));
    token = token_row(r);
    row = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:I, s:s%, s:{s:s, s:s}, s:s, s:o, s:s, s:s%, s:I, s:s, s:o}", "name", r->site.name,
        "url", r->site.url, "site", site, "vkey", r->vkey, "ledger_size", (json_int_t)r->ledger.frontier.size, "next_seq",
        (json_int_t)r->next_seq, "signed", (json_int_t)(r->signed_total + r->issued), "signed_again", (json_int_t)r->signed_again, "gates",
        (int)r->ngates, "pending", (json_int_t)r->npending, "checkpoint", checkpoint.n > 0 ? (const char *)checkpoint.p : "", checkpoint.n,
        "confinement", "signer", r->confinement[0], "registrar", r->confinement[1], "anchor", "none", "token", token, "disk",
        bm_disk_full(r) ? "full" : "ok", "two_persons", (const char *)two.p, two.n, "persons", (json_int_t)persons, "authority",
        authority_words(persons, hardened), "old",
        r->old ? json_pack("{s:I, s:I}", "holds", (json_int_t)r->ledger.frontier.size, "held", (json_int_t)r->held) : json_null());
    if (row == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the site's row");
    rc = bm_json_print(json, row, fail);
    json_decref(row);
    return rc;
}

static enum bm_rc
serve_site(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = BM_MAX_JSON };
    const struct peer *peer = ctx;
    enum bm_rc rc;

    (void)body;
    if ((rc = bm_site_row(peer->r, &json, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&json, 0);
    if ((rc = bm_control_row(peer->link, id, (const char *)json.p, fail)) != BM_OK)
        return rc;
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

/* ---- acts that the signer decides ---- */

/* Tells which leaf came of an act, as one row. */
static enum bm_rc
act_row(struct pending *p, const struct bm_s_leaves *leaves, struct bm_fail *fail)
{
    char json[96];
    enum bm_rc rc;

    if (!bm_asker_there(p))
        return BM_OK;
    (void)snprintf(json, sizeof(json), "{\"leaf\":%lld}", leaves->n == 0 ? -1LL : (long long)leaves->leaf[0].index);
    if ((rc = bm_control_row(p->asker, p->asker_id, json, fail)) != BM_OK)
        return rc;
    return bm_control_end(p->asker, p->asker_id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
act_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    if ((rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK ||
        (rc = r->old ? bm_signer_recovered(r, fail) : bm_records_keep(r, &leaves, p, &alarm, fail)) != BM_OK)
        return rc;
    return act_row(p, &leaves, fail);
}

bool
bm_note_has_seq(struct bm_bytes body)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_statement_head head;
    struct bm_fail ignored;
    struct bm_note note;

    return bm_note_parse(&note, bm_rd_lv32(&rd, BM_MAX_NOTE), &ignored) == BM_OK &&
           bm_statement_head_parse(&head, note.text, &ignored) == BM_OK && head.seq != 0;
}

static enum bm_rc
statement_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    if (message->type == BM_S_ANSWER && bm_note_has_seq(bm_buf_bytes(&p->kept)))
        r->next_seq++;
    return act_settle(r, p, message, fail);
}

static enum bm_rc
act_ask(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, settle_fn *settle, bool keep, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc = bm_signer_ask(peer->r, type, body, peer->link, id, settle, &p, fail);

    if (rc != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    if (!keep)
        return BM_OK;
    bm_buf_add_bytes(&p->kept, body);
    return bm_buf_check(&p->kept, "the statement", fail);
}

static enum bm_rc
serve_statement(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_bytes whole = bm_bytes(body.p, body.left), note = bm_rd_lv32(&body, BM_MAX_NOTE);
    const struct peer *peer = ctx;
    size_t n = bm_rd_u8(&body);
    enum bm_rc rc;

    for (size_t i = 0; i < n && i < BM_MAX_ORDER_PROFILES; i++)
        (void)bm_rd_lv16(&body, BM_MAX_PROFILE);
    if (!bm_rd_end(&body) || note.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "STATEMENT does not parse");
    if ((rc = bm_units_check(peer->r, note, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    return act_ask(ctx, id, BM_S_STATEMENT, whole, statement_settle, true, fail);
}

static enum bm_rc
serve_revoke(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf ask = { .max = 1024 };
    const struct peer *peer = ctx;
    struct bm_bytes hex = bm_rd_lv16(&body, 2 * BM_MAX_SERIAL);
    uint8_t reason = bm_rd_u8(&body);
    struct bm_bytes by = bm_rd_lv16(&body, BM_MAX_NAME);
    struct bm_bytes text = bm_rd_lv16(&body, 200);
    uint8_t serial[BM_MAX_SERIAL];

    if (!bm_rd_end(&body) || hex.n % 2 != 0 || bm_hex_parse(serial, hex.n / 2, hex, fail) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0,
                                 "a serial number is written in hex, as `birthmark identity list` shows it", fail);
    bm_buf_add_lv16(&ask, bm_bytes(serial, hex.n / 2));
    bm_buf_add_u8(&ask, reason);
    bm_buf_add_lv16(&ask, by);
    bm_buf_add_lv16(&ask, text);
    return act_ask(peer, id, BM_S_REVOKE, bm_buf_bytes(&ask), act_settle, true, fail);
}

/* A command refused a file before it came here: the refusal is an event all the same. */
static enum bm_rc
serve_lot_refused(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    char lot[BM_MAX_NAME + 1], by[BM_MAX_NAME + 1], sentence[SENTENCE];
    const struct peer *peer = ctx;
    const struct refusal refusal = { .what = "lot", .class = BM_EPOLICY, .chip = "", .lot = lot, .by = by, .sentence = sentence };

    bm_view_copy(lot, sizeof(lot), bm_rd_lv16(&body, BM_MAX_NAME));
    bm_view_copy(by, sizeof(by), bm_rd_lv16(&body, BM_MAX_NAME));
    bm_view_copy(sentence, sizeof(sentence), bm_rd_lv16(&body, sizeof(sentence) - 1));
    if (!bm_rd_end(&body) || sentence[0] == 0 || !bm_name_ok(by, BM_MAX_NAME) || (lot[0] != 0 && !bm_name_ok(lot, BM_MAX_NAME)))
        return bm_fail(fail, BM_EINPUT, NULL, "LOT_REFUSED does not parse");
    return bm_refuse(peer->r, peer->link, id, &refusal, fail);
}

/* ---- the store's own ---- */

/* One line for people: printable UTF-8. */
bool
bm_line_ok(struct bm_bytes text)
{
    size_t at = 0, n = 1;

    for (; at < text.n && n > 0; at += n)
        n = bm_utf8_size(text.p + at, text.n - at);
    return n > 0;
}

static enum bm_rc
serve_settle(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    char by[BM_MAX_NAME + 1], note[256];
    uint64_t alarm = bm_rd_u64(&body);
    struct bm_bytes who = bm_rd_lv16(&body, BM_MAX_NAME), text = bm_rd_lv16(&body, sizeof(note) - 1);
    enum bm_rc rc;

    bm_view_copy(by, sizeof(by), who);
    bm_view_copy(note, sizeof(note), text);
    if (!bm_rd_end(&body) || !bm_name_ok(by, BM_MAX_NAME) || !bm_line_ok(text))
        return bm_fail(fail, BM_EINPUT, NULL, "ALARM_SETTLE does not parse");
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK)
        return rc;
    if ((rc = bm_registrar_may(peer->r, by, BM_ACT_SETTLE, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_refuse_barred(peer, id, by, fail) : rc;
    rc = bm_store_alarm_settle(peer->r->store, alarm, by, note, peer->r->now, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

/* What was open of it is another file by now. */
static enum bm_rc
serve_lot_index(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    uint8_t root[BM_HASH];

    bm_rd_copy(&body, root, sizeof(root));
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "LOT_INDEX does not parse");
    bm_holdings_close(&peer->r->holdings, root);
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

#define ALWAYS 1u
#define ANY_BODY BM_MAX_MESSAGE_BODY
const struct bm_rule bm_control_rules[] = {
    { .type = BM_C_SITE, .phases = ALWAYS, .min = 0, .max = 0, .serve = serve_site },
    { .type = BM_C_STATEMENT, .phases = ALWAYS, .min = 6, .max = BM_S_MAX_SIGNED, .serve = serve_statement },
    { .type = BM_C_LOT_BEGIN, .phases = ALWAYS, .min = 12, .max = BM_S_MAX_SIGNED, .serve = bm_lot_begin },
    { .type = BM_C_LOT_NEXT, .phases = ALWAYS, .min = 0, .max = 0, .serve = bm_lot_next },
    { .type = BM_C_LOT_END, .phases = ALWAYS, .min = 0, .max = 0, .serve = bm_lot_end },
    { .type = BM_C_LOT_REFUSED, .phases = ALWAYS, .min = 8, .max = 1024, .serve = serve_lot_refused },
    { .type = BM_C_VENDOR_ADD, .phases = ALWAYS, .min = 7, .max = ANY_BODY, .serve = bm_serve_vendor_add },
    { .type = BM_C_LIST, .phases = ALWAYS, .min = 4, .max = 8192, .serve = bm_serve_list },
    { .type = BM_C_SHOW, .phases = ALWAYS, .min = 4, .max = 512, .serve = bm_serve_show },
    { .type = BM_C_VENDOR, .phases = ALWAYS, .min = 3, .max = 2 + BM_MAX_NAME, .serve = bm_serve_vendor },
    { .type = BM_C_REVOKE, .phases = ALWAYS, .min = 7, .max = 1024, .serve = serve_revoke },
    { .type = BM_C_ALARM_SETTLE, .phases = ALWAYS, .min = 13, .max = 1024, .serve = serve_settle },
    { .type = BM_C_LEDGER, .phases = ALWAYS, .min = 12, .max = 12, .serve = bm_serve_ledger },
    { .type = BM_C_PROVE, .phases = ALWAYS, .min = 8, .max = 8, .serve = bm_serve_prove },
    { .type = BM_C_VENDOR_RETIRE, .phases = ALWAYS, .min = 3, .max = 2 + BM_MAX_NAME, .serve = bm_serve_vendor_retire },
    { .type = BM_C_LOT_STATE, .phases = ALWAYS, .min = 10, .max = 1024, .serve = bm_serve_lot_state },
    { .type = BM_C_KEYS, .phases = ALWAYS, .min = 0, .max = 0, .serve = bm_serve_keys },
    { .type = BM_C_CA, .phases = ALWAYS, .min = 1, .max = 1, .serve = bm_serve_ca },
    { .type = BM_C_ROOT, .phases = ALWAYS, .min = 1, .max = 1, .serve = bm_serve_root },
    { .type = BM_C_CHIPS, .phases = ALWAYS, .min = 18, .max = 1024 + 4 * BM_C_MAX_CHIPS, .serve = bm_serve_chips },
    { .type = BM_C_PROPOSE, .phases = ALWAYS, .min = 9, .max = 8 + BM_MAX_NOTE + BM_S_MAX_SIGNED, .serve = bm_serve_propose },
    { .type = BM_C_APPROVE, .phases = ALWAYS, .min = 13, .max = 12 + BM_MAX_NOTE, .serve = bm_serve_approve },
    { .type = BM_C_VENDOR_PART, .phases = ALWAYS, .min = 1, .max = ANY_BODY, .serve = bm_serve_vendor_part },
    { .type = BM_C_REJECT, .phases = ALWAYS, .min = 14, .max = 1024, .serve = bm_serve_reject },
    { .type = BM_C_ORDER_CLOSE, .phases = ALWAYS, .min = 9, .max = 1024, .serve = bm_serve_order_close },
    { .type = BM_C_DEVICE, .phases = ALWAYS, .min = 10, .max = 1024 + BM_MAX_ERASED, .serve = bm_serve_device },
    { .type = BM_C_SUPPORT_CLOSE, .phases = ALWAYS, .min = 8, .max = 1024, .serve = bm_serve_support_close },
    { .type = BM_C_LOT_INDEX, .phases = ALWAYS, .min = BM_HASH, .max = BM_HASH, .serve = serve_lot_index },
};
const size_t bm_control_nrules = BM_COUNT(bm_control_rules);
