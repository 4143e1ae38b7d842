/* Proposals: statements that one operator signed and that wait for a second. Nothing counts on them before the signer has taken both signatures. */
#include "registrar/registrar.h"
#include "registrar/units.h"

#include "wire/json.h"
#include "wire/text.h"

#include <stdlib.h>

/* What the store keeps of one, and the texts that it views. */
struct proposed {
    struct bm_store_proposal row;
    struct bm_statement_head head;
    enum bm_act act;
    struct bm_allow allow; /* kind allow: all of it; else what names something */
    char reason[SENTENCE];
};

/* What is proposed, as people read it in a list; the note itself says it word for word. */
static enum bm_rc
order_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    enum bm_rc rc = bm_order_parse(&p->head, &order, text, fail);

    if (rc != BM_OK)
        return rc;
    (void)snprintf(p->reason, sizeof(p->reason), "order %s: %llu units of %s%s from lot %s%s%s%s", order.order,
                   (unsigned long long)order.quantity, order.profiles[0].name, order.nprofiles > 1 ? " and more" : "", order.lots[0],
                   order.nlots > 1 ? " and more" : "", order.product[0] != 0 ? ", product " : "", order.product);
    return BM_OK;
}

static enum bm_rc
pin_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_pin pin;
    enum bm_rc rc = bm_pin_parse(&p->head, &pin, text, fail);

    if (rc != BM_OK)
        return rc;
    memcpy(p->allow.vendor, pin.vendor, sizeof(p->allow.vendor));
    memcpy(p->allow.lot, pin.lot, sizeof(p->allow.lot));
    (void)snprintf(p->reason, sizeof(p->reason), "lot %s: %llu chips", pin.lot, (unsigned long long)pin.size);
    return BM_OK;
}

static enum bm_rc
raise_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_raise raise;
    enum bm_rc rc = bm_raise_parse(&p->head, &raise, text, fail);

    int n = 0;

    if (rc != BM_OK)
        return rc;
    n = snprintf(p->reason, sizeof(p->reason), "order %s:", raise.order);
    if (raise.quantity != 0)
        n += snprintf(p->reason + n, sizeof(p->reason) - (size_t)n, " %llu units", (unsigned long long)raise.quantity);
    for (unsigned what = 0; what < BM_COUNTED__N; what++)
        if (raise.limits.most[what] != 0)
            n += snprintf(p->reason + n, sizeof(p->reason) - (size_t)n, " %llu %s", (unsigned long long)raise.limits.most[what],
                          bm_counted_word((enum bm_counted)what));
    return BM_OK;
}

static enum bm_rc
profile_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_activation activation;
    enum bm_rc rc = bm_activation_parse(&p->head, &activation, text, fail);

    if (rc == BM_OK)
        (void)snprintf(p->reason, sizeof(p->reason), "profile %s: version %llu", activation.profile.name,
                       (unsigned long long)activation.version);
    return rc;
}

static enum bm_rc
roles_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = calloc(1, sizeof(*roles));
    bm_cleanup(bm_buf_done) struct bm_buf words = { .max = 16384 };
    enum bm_rc rc;

    if (roles == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the operators");
    if ((rc = bm_roles_parse(&p->head, roles, text, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < roles->noperators; i++)
        bm_buf_add_fmt(&words, "%s%s %s", i == 0 ? "operators: " : ", ", roles->operators[i].name, bm_role_word(roles->operators[i].role));
    bm_view_copy(p->reason, sizeof(p->reason), bm_buf_bytes(&words));
    return bm_buf_check(&words, "the operators", fail);
}

static enum bm_rc
policy_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_policy policy;
    size_t n;
    enum bm_rc rc = bm_policy_parse(&p->head, &policy, text, fail);

    if (rc != BM_OK)
        return rc;
    n = (size_t)snprintf(p->reason, sizeof(p->reason), "two persons for: %s", policy.two == 0 ? "nothing more" : "");
    for (unsigned act = BM_ACT_PIN; act < BM_ACT__N; act++)
        if ((policy.two & 1u << act) != 0)
            n += (size_t)snprintf(p->reason + n, sizeof(p->reason) - n, "%s ", bm_act_word((enum bm_act)act));
    while (p->reason[n - 1] == ' ')
        p->reason[--n] = 0;
    return BM_OK;
}

/* What an allow gives its device, besides the act: two proposals that differ in it are two. */
static void
given_print(char *ret, size_t n, const struct bm_allow *allow)
{
    char hex[2 * BM_HASH + 1];

    ret[0] = 0;
    if (allow->act == BM_ALLOW_REPAIR) {
        bm_hex(hex, bm_bytes(allow->chip, BM_HASH));
        (void)snprintf(ret, n, " with chip %s", hex);
    } else if (allow->act == BM_ALLOW_TRANSFER) {
        (void)snprintf(ret, n, " to %s", allow->owner);
    } else if (allow->act == BM_ALLOW_RESUME && allow->keep != BM_KEEP_UNSAID) {
        bm_hex(hex, bm_bytes(allow->serial, allow->nserial));
        (void)snprintf(ret, n, " keeping %s", allow->keep == BM_KEEP_SERIAL ? hex : "none");
    } else if (allow->act == BM_ALLOW_SUPPORT) {
        (void)snprintf(ret, n, " %s for %llu hours by profile %s", allow->ticket, (unsigned long long)allow->hours, allow->support.name);
    } else if (allow->service[0] != 0) {
        (void)snprintf(ret, n, " %s", allow->service);
    }
}

static enum bm_rc
allow_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    char given[256];
    enum bm_rc rc = bm_allow_parse(&p->head, &p->allow, text, fail);

    if (rc != BM_OK)
        return rc;
    given_print(given, sizeof(given), &p->allow);
    (void)snprintf(p->reason, sizeof(p->reason), "%s%s%s%s", p->allow.device, given, p->allow.device[0] != 0 ? ": " : "", p->allow.reason);
    return BM_OK;
}

static enum bm_rc
ca_tell(struct proposed *p, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    char hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc = bm_ca_statement_parse(&p->head, &ca, text, fail);

    if (rc != BM_OK)
        return rc;
    bm_sha256(hash, bm_buf_bytes(&ca.certificate));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    (void)snprintf(p->reason, sizeof(p->reason), "%s%s%s%s%s%s%s", bm_ca_act_word(ca.act), ca.name[0] != 0 ? " " : "", ca.name,
                   ca.replaces[0] != 0 ? " in place of " : "", ca.replaces, ca.certificate.n > 0 ? ", certificate " : "",
                   ca.certificate.n > 0 ? hex : "");
    return BM_OK;
}

static enum bm_rc
proposal_of(struct proposed *ret, struct bm_bytes note, struct bm_fail *fail)
{
    static enum bm_rc (*const tell[BM_STATEMENT__N])(struct proposed *, struct bm_bytes, struct bm_fail *) = {
        [BM_STATEMENT_PIN] = pin_tell,         [BM_STATEMENT_ORDER] = order_tell,   [BM_STATEMENT_ALLOW] = allow_tell,
        [BM_STATEMENT_ROLES] = roles_tell,     [BM_STATEMENT_POLICY] = policy_tell, [BM_STATEMENT_RAISE] = raise_tell,
        [BM_STATEMENT_PROFILE] = profile_tell, [BM_STATEMENT_CA] = ca_tell,
    };
    struct bm_note parts;
    enum bm_rc rc;

    *ret = (struct proposed){ .reason = "" };
    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_statement_head_parse(&ret->head, parts.text, fail)) != BM_OK)
        return rc;
    if (tell[ret->head.kind] == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "a statement of %s takes one person and is never proposed",
                       bm_statement_word(ret->head.kind));
    if ((rc = bm_statement_act(&ret->act, ret->head.kind, parts.text, fail)) != BM_OK ||
        (rc = tell[ret->head.kind](ret, parts.text, fail)) != BM_OK)
        return rc;
    if (ret->head.seq != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no proposal: it is one person's statement");
    ret->row = (struct bm_store_proposal){ .number = ret->head.proposal,
                                           .act = bm_act_word(ret->act),
                                           .vendor = ret->allow.vendor,
                                           .check = ret->allow.check,
                                           .lot = ret->allow.lot,
                                           .reason = ret->reason,
                                           .by = ret->head.by,
                                           .until = ret->allow.until,
                                           .time = ret->head.time,
                                           .expires = ret->head.expires,
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
        strcmp(bm_json_text(row, "by"), as->by) == 0 &&
        (strcmp(as->act, "waive") == 0 || strcmp(as->act, "release") == 0 || strcmp(bm_json_text(row, "reason"), as->reason) == 0) &&
        bm_time_parse(&expires, bm_json_text(row, "expires"), fail) == BM_OK && expires > same->now)
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
proposal_keep(struct bm_registrar *r, const struct proposed *proposed, uint64_t *ret_id, struct bm_fail *fail)
{
    struct same same = { .as = &proposed->row, .now = r->now };
    enum bm_rc rc;

    if ((rc = subject_check(r, &proposed->allow, fail)) != BM_OK || (rc = same_find(r, &same, fail)) != BM_OK)
        return rc;
    *ret_id = same.id;
    return same.id != 0 ? BM_OK : bm_store_proposal_put(r->store, &proposed->row, ret_id, fail);
}

enum bm_rc
bm_serve_propose(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_bytes note = bm_rd_lv32(&body, BM_MAX_NOTE), behind = bm_rd_lv32(&body, BM_S_MAX_SIGNED);
    const struct pending to = { .asker = peer->link, .generation = peer->link->generation, .asker_id = id };
    struct proposed proposed;
    uint64_t number = 0;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "PROPOSE does not parse");
    if ((rc = proposal_of(&proposed, note, fail)) != BM_OK)
        return rc == BM_ENOMEM ? rc : bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0, fail->text, fail);
    proposed.row.behind = behind;
    /* the signer looks at both names and signatures again: here it is told early, and goes on record */
    if ((rc = bm_registrar_may(peer->r, proposed.head.by, proposed.act, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_refuse_barred(peer, id, proposed.head.by, fail) : rc;
    if ((rc = bm_units_check(peer->r, note, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK || (rc = proposal_keep(peer->r, &proposed, &number, fail)) != BM_OK)
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
    if ((rc = bm_units_check(peer->r, note, fail)) != BM_OK ||
        (rc = bm_store_proposal_behind(peer->r->store, proposal, &ask, fail)) != BM_OK)
        return rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
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

/* The signer took a statement: was it one of two persons? Then it is known here before, or not. */
enum bm_rc
bm_proposal_keep(struct bm_registrar *r, struct bm_bytes attachment, struct bm_bytes second, uint64_t leaf, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(attachment);
    char approver[BM_MAX_NAME + 1];
    struct proposed proposed;
    enum bm_rc rc;

    if (second.n == 0)
        return BM_OK;
    bm_view_copy(approver, sizeof(approver), second);
    if ((rc = proposal_of(&proposed, bm_rd_lv32(&rd, BM_MAX_NOTE), fail)) != BM_OK)
        return rc;
    return bm_store_proposal_approved(r->store, &proposed.row, approver, leaf, fail);
}
