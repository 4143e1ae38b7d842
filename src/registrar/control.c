/* What commands ask: one row a message. */
#include "registrar/registrar.h"

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

enum bm_rc
bm_site_row(struct bm_registrar *r, struct bm_buf *json, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf checkpoint = { .max = BM_MAX_NOTE };
    char site[2 * BM_HASH + 1];
    json_t *row;
    enum bm_rc rc;

    if ((rc = bm_store_checkpoint_get(r->store, &checkpoint, fail)) != BM_OK)
        return rc;
    bm_hex(site, bm_bytes(r->site_hash, BM_HASH));
    row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:I, s:s%, s:{s:s, s:s}, s:s}", "name", r->site.name, "url", r->site.url,
                    "site", site, "vkey", r->vkey, "ledger_size", (json_int_t)r->ledger.frontier.size, "next_seq", (json_int_t)r->next_seq,
                    "signed", (json_int_t)(r->signed_total + r->issued), "signed_again", (json_int_t)r->signed_again, "gates",
                    (int)r->ngates, "pending", (json_int_t)r->npending, "checkpoint", (const char *)checkpoint.p, checkpoint.n,
                    "confinement", "signer", r->confinement[0], "registrar", r->confinement[1], "anchor", "none");
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

/* Tells which leaf and alarm came of an act, as one row. */
static enum bm_rc
act_row(struct pending *p, const struct bm_s_leaves *leaves, struct bm_fail *fail)
{
    char json[96];
    enum bm_rc rc;

    if (p->asker == NULL || p->asker->fd < 0 || p->asker->generation != p->generation)
        return BM_OK;
    (void)snprintf(json, sizeof(json), "{\"leaf\":%lld}", leaves->n == 0 ? -1LL : (long long)leaves->leaf[0].index);
    if ((rc = bm_control_row(p->asker, p->asker_id, json, fail)) != BM_OK)
        return rc;
    return bm_control_end(p->asker, p->asker_id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
act_refused(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_refused refused;
    char sentence[400];
    uint64_t alarm;
    enum bm_rc rc;

    if ((rc = bm_s_refused_parse(&refused, bm_rd(message->body), fail)) != BM_OK ||
        (rc = bm_records_keep(r, &refused.leaves, p, &alarm, fail)) != BM_OK)
        return rc;
    bm_view_copy(sentence, sizeof(sentence), refused.sentence);
    if (p->asker == NULL || p->asker->fd < 0 || p->asker->generation != p->generation)
        return BM_OK;
    return bm_answer_refused(r, p->asker, p->asker_id, (enum bm_rc)refused.rc, alarm, sentence, fail);
}

static enum bm_rc
act_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return act_refused(r, p, message, fail);
    if ((rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK ||
        (rc = bm_records_keep(r, &leaves, p, &alarm, fail)) != BM_OK)
        return rc;
    return act_row(p, &leaves, fail);
}

static enum bm_rc
statement_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    if (message->type == BM_S_ANSWER)
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
    return act_ask(ctx, id, BM_S_STATEMENT, bm_rd_rest(&body), statement_settle, true, fail);
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
    return act_ask(peer, id, BM_S_REVOKE, bm_buf_bytes(&ask), act_settle, false, fail);
}

/* A command refused a file before it came here: the refusal is an event all the same. */
static enum bm_rc
serve_lot_refused(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    char lot[BM_MAX_NAME + 1], by[BM_MAX_NAME + 1], sentence[400];
    const struct peer *peer = ctx;
    const struct refusal refusal = { .what = "lot", .class = BM_EPOLICY, .chip = "", .lot = lot, .by = by, .sentence = sentence };

    bm_view_copy(lot, sizeof(lot), bm_rd_lv16(&body, BM_MAX_NAME));
    bm_view_copy(by, sizeof(by), bm_rd_lv16(&body, BM_MAX_NAME));
    bm_view_copy(sentence, sizeof(sentence), bm_rd_lv16(&body, sizeof(sentence) - 1));
    if (!bm_rd_end(&body) || !bm_name_ok(by, BM_MAX_NAME) || (lot[0] != 0 && !bm_name_ok(lot, BM_MAX_NAME)))
        return bm_fail(fail, BM_EINPUT, NULL, "LOT_REFUSED does not parse");
    return bm_refuse(peer->r, peer->link, id, &refusal, fail);
}

/* ---- the store's own ---- */

static const char *const formats[] = { "auto", "birthmark", "microchip" };

static enum bm_rc
serve_vendor_add(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_bytes whole = bm_bytes(body.p, body.left);
    char name[BM_MAX_NAME + 1];
    uint8_t format;
    enum bm_rc rc;

    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, BM_MAX_NAME));
    format = bm_rd_u8(&body);
    if (body.bad || name[0] == 0 || format >= BM_COUNT(formats))
        return bm_fail(fail, BM_EINPUT, NULL, "VENDOR_ADD does not parse");
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK ||
        (rc = bm_store_vendor_put(peer->r->store, name, formats[format], whole, peer->r->now, fail)) != BM_OK)
        return rc;
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
serve_vendor(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_MESSAGE_BODY };
    const struct peer *peer = ctx;
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, BM_MAX_NAME));
    rc = bm_store_vendor_get(peer->r->store, name, &record, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : bm_control_end(peer->link, id, bm_buf_bytes(&record), fail);
}

static enum bm_rc
serve_vendor_retire(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, BM_MAX_NAME));
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "VENDOR_RETIRE does not parse");
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK)
        return rc;
    rc = bm_store_vendor_retire(peer->r->store, name, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
serve_settle(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    char by[BM_MAX_NAME + 1], note[256];
    uint64_t alarm = bm_rd_u64(&body);
    enum bm_rc rc;

    bm_view_copy(by, sizeof(by), bm_rd_lv16(&body, BM_MAX_NAME));
    bm_view_copy(note, sizeof(note), bm_rd_lv16(&body, sizeof(note) - 1));
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "ALARM_SETTLE does not parse");
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK)
        return rc;
    rc = bm_store_alarm_settle(peer->r->store, alarm, by, note, peer->r->now, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

/* ---- lists ---- */

struct rows {
    struct bm_link *link;
    uint64_t id;
    uint64_t n;
};

static enum bm_rc
row_send(void *ctx, const char *json, struct bm_fail *fail)
{
    struct rows *rows = ctx;

    rows->n++;
    return bm_control_row(rows->link, rows->id, json, fail);
}

static enum bm_rc
filter_parse(struct bm_store_filter *ret_filter, json_t **ret_json, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = bm_json_parse(ret_json, text, 4096, fail)) != BM_OK)
        return rc;
    in = bm_json_in(*ret_json, "the filter", fail);
    ret_filter->name = bm_json_str_opt(&in, "name", 128);
    ret_filter->state = bm_json_str_opt(&in, "state", 32);
    ret_filter->lot = bm_json_str_opt(&in, "lot", BM_MAX_NAME);
    ret_filter->order = bm_json_str_opt(&in, "order", BM_MAX_NAME);
    ret_filter->profile = bm_json_str_opt(&in, "profile", BM_MAX_NAME);
    ret_filter->device = bm_json_str_opt(&in, "device", BM_MAX_NAME);
    if (json_object_get(*ret_json, "after") != NULL)
        ret_filter->after = bm_json_u64(&in, "after", 0, INT64_MAX);
    return bm_json_in_end(&in);
}

static void
json_done(json_t **json)
{
    json_decref(*json);
}

static enum bm_rc
rows_serve(const struct peer *peer, uint64_t id, const char *what, struct bm_bytes filter_text, uint64_t *ret_n, struct bm_fail *fail)
{
    bm_cleanup(json_done) json_t *json = NULL;
    struct bm_store_filter filter = { .name = NULL };
    struct rows rows = { .link = peer->link, .id = id };
    enum bm_rc rc;

    if ((rc = filter_parse(&filter, &json, filter_text, fail)) != BM_OK)
        return rc;
    rc = bm_store_rows(peer->r->store, what, &filter, row_send, &rows, fail);
    *ret_n = rows.n;
    return rc;
}

static enum bm_rc
serve_list(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    char what[32];
    uint64_t n;
    enum bm_rc rc;

    bm_view_copy(what, sizeof(what), bm_rd_lv16(&body, sizeof(what) - 1));
    rc = rows_serve(peer, id, what, bm_rd_lv16(&body, 4096), &n, fail);
    if (rc == BM_EINPUT)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
serve_show(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 512 };
    bm_cleanup(json_done) json_t *json = NULL;
    const struct peer *peer = ctx;
    char what[32], name[129], sentence[256];
    uint64_t n = 0;
    enum bm_rc rc;

    bm_view_copy(what, sizeof(what), bm_rd_lv16(&body, sizeof(what) - 1));
    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, sizeof(name) - 1));
    if (!bm_rd_end(&body) || (json = json_pack("{s:s}", "name", name)) == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "SHOW does not parse");
    if ((rc = bm_json_print(&filter, json, fail)) != BM_OK)
        return rc;
    rc = rows_serve(peer, id, what, bm_buf_bytes(&filter), &n, fail);
    if (rc == BM_EINPUT)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    if (rc != BM_OK)
        return rc;
    if (n == 0) {
        (void)snprintf(sentence, sizeof(sentence), "there is no %s %s: see `birthmark %s list`", what, name, what);
        return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0, sentence, fail);
    }
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

/* ---- the ledger, for whoever checks it ---- */

static enum bm_rc
leaf_row(const struct peer *peer, uint64_t id, uint64_t index, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf event = { .max = BM_MAX_EVENT };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 2 * BM_MAX_EVENT };
    char salt_hex[2 * BM_SALT + 1];
    uint8_t salt[BM_SALT];
    uint8_t kind;
    json_t *row;
    enum bm_rc rc;

    if ((rc = bm_store_leaf_get(peer->r->store, index, &kind, salt, &event, fail)) != BM_OK)
        return rc;
    bm_hex(salt_hex, bm_bytes(salt, sizeof(salt)));
    if ((row = json_pack("{s:I, s:s, s:s%}", "index", (json_int_t)index, "salt", salt_hex, "event", (const char *)event.p, event.n)) ==
        NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for leaf %llu", (unsigned long long)index);
    rc = bm_json_print(&text, row, fail);
    json_decref(row);
    if (rc != BM_OK)
        return rc;
    bm_buf_add_u8(&text, 0);
    return bm_control_row(peer->link, id, (const char *)text.p, fail);
}

static enum bm_rc
serve_ledger(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE_BODY };
    const struct peer *peer = ctx;
    uint64_t first = bm_rd_u64(&body);
    uint64_t most = bm_rd_u32(&body);
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "LEDGER does not parse");
    for (uint64_t i = first; i < peer->r->ledger.frontier.size && i - first < most; i++)
        if ((rc = leaf_row(peer, id, i, fail)) != BM_OK)
            return rc;
    if ((rc = bm_store_checkpoint_get(peer->r->store, &note, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv16(&end, bm_buf_bytes(&note));
    return bm_control_end(peer->link, id, bm_buf_bytes(&end), fail);
}

static enum bm_rc
serve_prove(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE_BODY };
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const struct peer *peer = ctx;
    uint64_t index = bm_rd_u64(&body);
    struct bm_tree_source source = bm_ledger_source(&peer->r->ledger);
    struct bm_proof proof;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "PROVE does not parse");
    if (index >= peer->r->ledger.frontier.size)
        return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0, "the ledger has no such leaf: see `birthmark ledger show`", fail);
    if ((rc = bm_inclusion_make(&proof, &source, index, peer->r->ledger.frontier.size, fail)) != BM_OK ||
        (rc = bm_store_checkpoint_get(peer->r->store, &note, fail)) != BM_OK || (rc = leaf_row(peer, id, index, fail)) != BM_OK)
        return rc;
    bm_proof_build(&end, &proof);
    bm_buf_add_lv16(&end, bm_buf_bytes(&note));
    return bm_control_end(peer->link, id, bm_buf_bytes(&end), fail);
}

#define ALWAYS 1u
#define ANY_BODY BM_MAX_MESSAGE_BODY
const struct bm_rule bm_control_rules[] = {
    { .type = BM_C_SITE, .phases = ALWAYS, .min = 0, .max = 0, .serve = serve_site },
    { .type = BM_C_STATEMENT, .phases = ALWAYS, .min = 5, .max = BM_MAX_NOTE + 32768, .serve = serve_statement },
    { .type = BM_C_LOT_BEGIN, .phases = ALWAYS, .min = 10, .max = ANY_BODY, .serve = bm_lot_begin },
    { .type = BM_C_LOT_LEAVES, .phases = ALWAYS, .min = 4, .max = ANY_BODY, .serve = bm_lot_leaves },
    { .type = BM_C_LOT_END, .phases = ALWAYS, .min = 0, .max = 0, .serve = bm_lot_end },
    { .type = BM_C_LOT_REFUSED, .phases = ALWAYS, .min = 6, .max = 1024, .serve = serve_lot_refused },
    { .type = BM_C_VENDOR_ADD, .phases = ALWAYS, .min = 5, .max = ANY_BODY, .serve = serve_vendor_add },
    { .type = BM_C_LIST, .phases = ALWAYS, .min = 4, .max = 8192, .serve = serve_list },
    { .type = BM_C_SHOW, .phases = ALWAYS, .min = 4, .max = 512, .serve = serve_show },
    { .type = BM_C_VENDOR, .phases = ALWAYS, .min = 2, .max = 128, .serve = serve_vendor },
    { .type = BM_C_REVOKE, .phases = ALWAYS, .min = 7, .max = 1024, .serve = serve_revoke },
    { .type = BM_C_ALARM_SETTLE, .phases = ALWAYS, .min = 12, .max = 1024, .serve = serve_settle },
    { .type = BM_C_LEDGER, .phases = ALWAYS, .min = 12, .max = 12, .serve = serve_ledger },
    { .type = BM_C_PROVE, .phases = ALWAYS, .min = 8, .max = 8, .serve = serve_prove },
    { .type = BM_C_VENDOR_RETIRE, .phases = ALWAYS, .min = 3, .max = 128, .serve = serve_vendor_retire },
};
const size_t bm_control_nrules = BM_COUNT(bm_control_rules);
