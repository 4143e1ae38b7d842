/* Proposals: statements that one operator signed and that wait for a second. Nothing counts on them before the signer has taken both signatures. */
#include "registrar/registrar.h"

#include "wire/text.h"

static enum bm_rc
proposal_of(struct bm_store_proposal *ret, struct bm_allow *allow, struct bm_statement_head *head, struct bm_bytes note,
            struct bm_fail *fail)
{
    struct bm_note parts;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_allow_parse(head, allow, parts.text, fail)) != BM_OK)
        return rc;
    if (head->seq != 0 || bm_statement_persons(head->kind, allow->act) < 2)
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
row_send(void *ctx, const char *json, struct bm_fail *fail)
{
    const struct pending *p = ctx;

    return bm_control_row(p->asker, p->asker_id, json, fail);
}

static enum bm_rc
row_answer(struct bm_registrar *r, struct pending *to, uint64_t proposal, struct bm_fail *fail)
{
    char name[24];
    struct bm_store_filter filter = { .name = name };
    struct bm_store_page page = { .most = 1 };
    enum bm_rc rc;

    (void)snprintf(name, sizeof(name), "%llu", (unsigned long long)proposal);
    if ((rc = bm_store_rows(r->store, "proposal", &filter, &page, row_send, to, fail)) != BM_OK)
        return rc;
    return bm_control_end(to->asker, to->asker_id, bm_bytes(NULL, 0), fail);
}

enum bm_rc
bm_serve_propose(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_bytes note = bm_rd_lv32(&body, BM_MAX_NOTE);
    struct pending to = { .asker = peer->link, .asker_id = id };
    struct bm_store_proposal proposal;
    struct bm_statement_head head;
    struct bm_allow allow;
    uint64_t number = 0;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "PROPOSE does not parse");
    if (proposal_of(&proposal, &allow, &head, note, fail) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0, fail->text, fail);
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK ||
        (rc = bm_store_proposal_put(peer->r->store, &proposal, &number, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    return row_answer(peer->r, &to, number, fail);
}

static enum bm_rc
approve_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    if ((rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK ||
        (rc = bm_records_keep(r, &leaves, p, &alarm, fail)) != BM_OK || !bm_asker_there(p))
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
    struct pending to = { .asker = peer->link, .asker_id = id };
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
