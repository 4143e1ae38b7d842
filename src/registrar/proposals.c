/* Proposals: statements that one operator signed and that wait for a second. Nothing counts on them before the signer has taken both signatures. */
#include "registrar/registrar.h"

#include "wire/json.h"
#include "wire/text.h"

static enum bm_rc
proposal_of(struct bm_store_proposal *ret, struct bm_allow *allow, struct bm_statement_head *head, struct bm_bytes note,
            struct bm_fail *fail)
{
    struct bm_note parts;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_allow_parse(head, allow, parts.text, fail)) != BM_OK)
        return rc;
    if (head->seq != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no proposal: it needs one person only");
    *ret = (struct bm_store_proposal){ .number = head->proposal,
                                       .act = bm_allow_act_word(allow->act),
                                       .vendor = allow->vendor,
                                       .check = allow->check,
                                       .lot = allow->lot,
                                       .reason = allow->reason,
                                       .by = head->by,
                                       .until = allow->until,
                                       .time = head->time,
                                       .expires = head->expires,
                                       .note = note };
    return BM_OK;
}

static enum bm_rc
row_answer(struct bm_registrar *r, const struct pending *to, uint64_t proposal, struct bm_fail *fail)
{
    char name[24];

    (void)snprintf(name, sizeof(name), "%llu", (unsigned long long)proposal);
    return bm_row_answer(r, to, "proposal", name, fail);
}

/* ---- may it be proposed? ---- */

static enum bm_rc
state_take(void *ctx, const char *json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc = bm_json_parse(&row, bm_bytes_str(json), BM_MAX_JSON, fail);

    if (rc == BM_OK)
        (void)snprintf(ctx, BM_MAX_NAME + 1, "%s", bm_json_text(row, "state"));
    return rc;
}

static enum bm_rc
quarantine_check(struct bm_registrar *r, const char *lot, struct bm_fail *fail)
{
    struct bm_store_filter filter = { .name = lot };
    struct bm_store_page page = { .most = 1 };
    char state[BM_MAX_NAME + 1] = "";
    enum bm_rc rc = bm_store_rows(r->store, "lot", &filter, &page, state_take, state, fail);

    if (rc != BM_OK || strcmp(state, "quarantined") == 0)
        return rc;
    if (state[0] == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no lot %s: see `birthmark lot list`", lot);
    return bm_fail(fail, BM_EPOLICY, NULL, "lot %s is %s and not in quarantine: there is nothing to release it from", lot, state);
}

/* What two persons would decide about nothing is not asked of a second one. */
static enum bm_rc
subject_check(struct bm_registrar *r, const struct bm_allow *allow, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_VENDOR };

    if (allow->act == BM_ALLOW_WAIVE)
        return bm_store_vendor_get(r->store, allow->vendor, &record, fail);
    return allow->act == BM_ALLOW_RELEASE ? quarantine_check(r, allow->lot, fail) : BM_OK;
}

struct same {
    const struct bm_store_proposal *as;
    bm_time now;
    uint64_t id; /* 0: there is none */
};

static enum bm_rc
same_take(void *ctx, const char *json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct same *same = ctx;
    const struct bm_store_proposal *as = same->as;
    bm_time expires = 0;
    enum bm_rc rc = bm_json_parse(&row, bm_bytes_str(json), BM_MAX_JSON, fail);

    if (rc != BM_OK)
        return rc;
    if (strcmp(bm_json_text(row, "act"), as->act) == 0 && strcmp(bm_json_text(row, "vendor"), as->vendor) == 0 &&
        strcmp(bm_json_text(row, "check"), as->check) == 0 && strcmp(bm_json_text(row, "lot"), as->lot) == 0 &&
        strcmp(bm_json_text(row, "by"), as->by) == 0 && bm_time_parse(&expires, bm_json_text(row, "expires"), fail) == BM_OK &&
        expires > same->now)
        same->id = (uint64_t)json_integer_value(json_object_get(row, "proposal"));
    return BM_OK;
}

/* The open one of the same person for the same thing: one question is asked once. */
static enum bm_rc
same_find(struct bm_registrar *r, struct same *same, struct bm_fail *fail)
{
    struct bm_store_filter filter = { .state = "open" };
    struct bm_store_page page = { .most = 256 };
    enum bm_rc rc;

    do
        rc = bm_store_rows(r->store, "proposal", &filter, &page, same_take, same, fail);
    while (rc == BM_OK && page.more && same->id == 0);
    return rc;
}

/* Into the store, or found there: its number. */
static enum bm_rc
proposal_keep(struct bm_registrar *r, const struct bm_allow *allow, const struct bm_store_proposal *proposal, uint64_t *ret_id,
              struct bm_fail *fail)
{
    struct same same = { .as = proposal, .now = r->now };
    enum bm_rc rc;

    if ((rc = subject_check(r, allow, fail)) != BM_OK || (rc = same_find(r, &same, fail)) != BM_OK)
        return rc;
    *ret_id = same.id;
    return same.id != 0 ? BM_OK : bm_store_proposal_put(r->store, proposal, ret_id, fail);
}

enum bm_rc
bm_serve_propose(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_bytes note = bm_rd_lv32(&body, BM_MAX_NOTE);
    const struct pending to = { .asker = peer->link, .generation = peer->link->generation, .asker_id = id };
    struct bm_store_proposal proposal;
    struct bm_statement_head head;
    struct bm_allow allow;
    uint64_t number = 0;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "PROPOSE does not parse");
    if (proposal_of(&proposal, &allow, &head, note, fail) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0, fail->text, fail);
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK || (rc = proposal_keep(peer->r, &allow, &proposal, &number, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    return row_answer(peer->r, &to, number, fail);
}

static enum bm_rc
approve_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    if ((rc = bm_records_keep_answer(r, p, message, &alarm, fail)) != BM_OK)
        return rc;
    return row_answer(r, p, p->number, fail);
}

enum bm_rc
bm_serve_approve(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf ask = { .max = BM_S_MAX_SIGNED };
    const struct peer *peer = ctx;
    uint64_t proposal = bm_rd_u64(&body);
    struct bm_bytes note = bm_rd_lv32(&body, BM_MAX_NOTE);
    struct pending *p;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "APPROVE does not parse");
    bm_buf_add_lv32(&ask, note);
    bm_buf_add_u8(&ask, 0);
    if ((rc = bm_buf_check(&ask, "the proposal", fail)) != BM_OK)
        return rc;
    if ((rc = bm_signer_ask(peer->r, BM_S_STATEMENT, bm_buf_bytes(&ask), peer->link, id, approve_settle, &p, fail)) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    p->number = proposal;
    bm_buf_add_bytes(&p->kept, bm_buf_bytes(&ask));
    return bm_buf_check(&p->kept, "the proposal", fail);
}

enum bm_rc
bm_serve_reject(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    const struct pending to = { .asker = peer->link, .generation = peer->link->generation, .asker_id = id };
    uint64_t proposal = bm_rd_u64(&body);
    struct bm_bytes who = bm_rd_lv16(&body, BM_MAX_NAME), why = bm_rd_lv16(&body, SENTENCE - 1);
    char by[BM_MAX_NAME + 1], reason[SENTENCE];
    enum bm_rc rc;

    bm_view_copy(by, sizeof(by), who);
    bm_view_copy(reason, sizeof(reason), why);
    if (!bm_rd_end(&body) || !bm_name_ok(by, BM_MAX_NAME) || why.n == 0 || !bm_line_ok(why))
        return bm_fail(fail, BM_EINPUT, NULL, "REJECT does not parse");
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK)
        return rc;
    if ((rc = bm_registrar_may(peer->r, by, BM_ACT_REJECT, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_refuse_barred(peer, id, by, fail) : rc;
    rc = bm_store_proposal_reject(peer->r->store, proposal, by, reason, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : row_answer(peer->r, &to, proposal, fail);
}

/* The signer took it: known here before or not. */
enum bm_rc
bm_proposal_keep(struct bm_registrar *r, struct bm_bytes attachment, struct bm_bytes second, uint64_t leaf, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(attachment);
    struct bm_store_proposal proposal;
    struct bm_statement_head head;
    char approver[BM_MAX_NAME + 1];
    struct bm_allow allow;
    enum bm_rc rc;

    bm_view_copy(approver, sizeof(approver), second);
    if ((rc = proposal_of(&proposal, &allow, &head, bm_rd_lv32(&rd, BM_MAX_NOTE), fail)) != BM_OK)
        return rc;
    return bm_store_proposal_approved(r->store, &proposal, approver, leaf, fail);
}
