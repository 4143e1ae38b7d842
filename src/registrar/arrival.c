/*
 * Lots that come in. The command has put the lot's index where it will stay (HOME/lots/ROOT.index), and asks for one step after the other: leaves go from it
 * to the signer, which makes the tree again, and the lot is compared with the others. Nothing is written here before the signer's pin.
 */
#include "registrar/registrar.h"

#include "wire/text.h"

void
bm_arrival_done(struct arrival *a)
{
    bm_index_done(&a->index);
    bm_conflicts_done(&a->conflicts);
    bm_buf_done(&a->begin);
    *a = (struct arrival){ .open = false };
}

/* May this connection go on with it? Not once the signer was asked to pin it: the records would not hold what was pinned. */
static bool
is_from(const struct arrival *a, const struct bm_link *link)
{
    return a->open && !a->ending && a->from == link && a->generation == link->generation;
}

/* Does the answer speak of the lot that comes in now, not of one before it? */
static bool
is_of(const struct arrival *a, const struct pending *p)
{
    return a->open && a->number == p->number;
}

/* The signer's word on a step; a refusal ends the lot. */
static enum bm_rc
step_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (message->type == BM_S_ANSWER)
        return bm_answer(p, BM_C_END, bm_buf_bytes(&p->kept), fail);
    if ((rc = bm_refused_answer(r, p, message, fail)) == BM_OK && is_of(&r->arrival, p))
        bm_arrival_done(&r->arrival);
    return rc;
}

static enum bm_rc
step_ask(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, settle_fn *settle, struct pending **ret_pending,
         struct bm_fail *fail)
{
    enum bm_rc rc = bm_signer_ask(peer->r, type, body, peer->link, id, settle, ret_pending, fail);

    if (rc == BM_OK) {
        memcpy((*ret_pending)->lot, peer->r->arrival.pin.lot, sizeof((*ret_pending)->lot));
        (*ret_pending)->number = peer->r->arrival.number;
    }
    return rc;
}

/* With the sentence of `fail`, a record and an alarm. */
static enum bm_rc
refuse_lot(const struct peer *peer, uint64_t id, const char *lot, const char *by, struct bm_fail *fail)
{
    const struct bm_fail why = *fail;
    const struct refusal refusal = { .what = "lot", .class = BM_EPOLICY, .chip = "", .lot = lot, .by = by, .sentence = why.text };

    return bm_refuse(peer->r, peer->link, id, &refusal, fail);
}

/* ---- its beginning ---- */

static enum bm_rc
arrival_open(const struct peer *peer, const struct bm_pin *pin, const char *by, struct bm_bytes begin, struct bm_fail *fail)
{
    struct arrival *a = &peer->r->arrival;
    enum bm_rc rc;
    bool taken;

    if (pin->size == 0 || pin->size > BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s has %llu chips; 1 to %d are taken: divide it", pin->lot,
                       (unsigned long long)pin->size, BM_MAX_LOT_CHIPS);
    if ((rc = bm_store_lot_taken(peer->r->store, pin->lot, pin->revision, pin->root, &taken, fail)) != BM_OK)
        return rc;
    if (taken)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s, or another with the very same chips, was received before: see `birthmark lot list`",
                       pin->lot);
    *a = (struct arrival){ .open = true,
                           .number = ++peer->r->arrivals,
                           .from = peer->link,
                           .generation = peer->link->generation,
                           .pin = *pin,
                           .begin = { .max = BM_MAX_MESSAGE_BODY } };
    (void)snprintf(a->by, sizeof(a->by), "%s", by);
    bm_buf_add_bytes(&a->begin, begin);
    return bm_buf_check(&a->begin, "the pin", fail);
}

enum bm_rc
bm_lot_begin(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    const struct bm_bytes ask = bm_bytes(body.p, body.left);
    struct bm_bytes note = bm_rd_lv32(&body, BM_MAX_NOTE);
    struct bm_statement_head statement;
    struct bm_note parts;
    struct pending *p;
    struct bm_pin pin;
    enum bm_rc rc;

    (void)bm_rd_lv32(&body, BM_MAX_NOTE); /* the head note */
    if (!bm_rd_end(&body) || ask.n > BM_S_MAX_SIGNED)
        return bm_fail(fail, BM_EINPUT, NULL, "LOT_BEGIN does not parse");
    if (peer->r->arrival.open)
        return bm_answer_refused(peer->r, peer->link, id, BM_EBUSY, 0,
                                 "another lot is being received at this moment: try again when it is in", fail);
    if ((rc = bm_note_parse(&parts, note, fail)) != BM_OK || (rc = bm_pin_parse(&statement, &pin, parts.text, fail)) != BM_OK)
        return rc == BM_EINPUT || rc == BM_EPOLICY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    if ((rc = arrival_open(peer, &pin, statement.by, ask, fail)) != BM_OK)
        return rc == BM_EPOLICY ? refuse_lot(peer, id, pin.lot, statement.by, fail) : rc;
    return step_ask(peer, id, BM_S_LOT_BEGIN, ask, step_settle, &p, fail);
}

/* ---- step by step ---- */

static enum bm_rc
not_from(const struct peer *peer, uint64_t id, struct bm_fail *fail)
{
    return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0,
                             "no lot is being received on this connection: it was refused, begin again", fail);
}

/* Ends it with a sentence, a record and an alarm. */
static enum bm_rc
refuse_step(const struct peer *peer, uint64_t id, const char *sentence, struct bm_fail *fail)
{
    char lot[BM_MAX_NAME + 1], by[BM_MAX_NAME + 1];
    const struct refusal refusal = { .what = "lot", .class = BM_EPOLICY, .chip = "", .lot = lot, .by = by, .sentence = sentence };

    memcpy(lot, peer->r->arrival.pin.lot, sizeof(lot));
    memcpy(by, peer->r->arrival.by, sizeof(by));
    bm_arrival_done(&peer->r->arrival);
    return bm_refuse(peer->r, peer->link, id, &refusal, fail);
}

/* The next leaves, as many as one message takes. */
static enum bm_rc
leaves_take(struct arrival *a, struct bm_buf *body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf chunk = { .max = BM_MAX_MESSAGE };
    const uint64_t from = a->have;
    struct bm_bytes der;
    enum bm_rc rc;

    for (; a->have < a->pin.size && chunk.n < BM_MESSAGE_PART; a->have++) {
        if ((rc = bm_index_leaf(a->index, a->have, &der, fail)) != BM_OK)
            return rc;
        bm_buf_add_lv16(&chunk, der);
    }
    bm_index_forget(a->index);
    bm_buf_add_u32(body, (uint32_t)(a->have - from));
    bm_buf_add_bytes(body, bm_buf_bytes(&chunk));
    return bm_buf_check(body, "a part of the lot", fail);
}

/* u64 leaves that went to the signer, u8: is there more to do? */
static void
progress_build(struct bm_buf *buf, const struct arrival *a, bool more)
{
    bm_buf_add_u64(buf, a->have);
    bm_buf_add_u8(buf, more || a->have < a->pin.size);
}

static enum bm_rc
leaves_send(const struct peer *peer, uint64_t id, bool more, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, progress = { .max = 16 };
    struct arrival *a = &peer->r->arrival;
    struct pending *p;
    enum bm_rc rc;

    if (a->have == a->pin.size) {
        progress_build(&progress, a, more);
        return bm_control_end(peer->link, id, bm_buf_bytes(&progress), fail);
    }
    if ((rc = leaves_take(a, &body, fail)) != BM_OK ||
        (rc = step_ask(peer, id, BM_S_LOT_LEAVES, bm_buf_bytes(&body), step_settle, &p, fail)) != BM_OK)
        return rc;
    progress_build(&p->kept, a, more);
    return bm_buf_check(&p->kept, "the lot's progress", fail);
}

enum bm_rc
bm_lot_next(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct arrival *a = &peer->r->arrival;
    struct bm_fail why;
    bool more;
    enum bm_rc rc;

    (void)body;
    if (!is_from(a, peer->link))
        return not_from(peer, id, fail);
    if (a->index == NULL && (a->index = bm_holdings_index(&peer->r->holdings, a->pin.root, a->pin.size)) == NULL)
        return refuse_step(peer, id,
                           "the lot's index is not where it should be, beside the other lots, or is not the pinned lot's: receive it again",
                           fail);
    rc = bm_conflicts_look(&a->conflicts, &peer->r->holdings, &a->pin, a->index, &more, fail);
    if (rc == BM_OK)
        rc = leaves_send(peer, id, more, fail);
    if (rc != BM_EINPUT && rc != BM_EPOLICY && rc != BM_EBUG)
        return rc;
    why = *fail;
    return refuse_step(peer, id, why.text, fail);
}

/* ---- its end ---- */

/* The sentence of the worst, and the names of the other lots that go into quarantine with it, as many as find room. */
static void
all_print(char ret[static BM_CONFLICT_SENTENCE], const struct bm_conflicts *conflicts, const struct bm_conflict *worst)
{
    size_t n = strlen(worst->sentence);
    const char *before = "; in quarantine too: ";

    memcpy(ret, worst->sentence, n + 1);
    for (size_t i = 0; i < conflicts->n; i++) {
        const struct bm_conflict *other = &conflicts->all[i];

        if (other == worst || other->verdict == BM_VERDICT_NEW || n + strlen(before) + strlen(other->name) >= BM_CONFLICT_SENTENCE)
            continue;
        n += (size_t)snprintf(ret + n, BM_CONFLICT_SENTENCE - n, "%s%s", before, other->name);
        before = ", ";
    }
}

/* It stands in quarantine beside the lots that it contradicts: that is a refusal to whoever sent it, with an alarm. Those that only the
 * other lot is to blame for are alarms without an asker. */
static enum bm_rc
conflicts_tell(struct bm_registrar *r, const struct pending *p, const struct arrival *a, bool *ret_refused, struct bm_fail *fail)
{
    const struct bm_conflict *worst = bm_conflicts_worst(&a->conflicts);
    struct refusal refusal = { .what = "lot", .class = BM_EPOLICY, .chip = "", .lot = a->pin.lot, .by = a->by };
    char all[BM_CONFLICT_SENTENCE];
    enum bm_rc rc = BM_OK;

    *ret_refused = worst != NULL && worst->verdict == BM_VERDICT_BOTH;
    for (size_t i = 0; i < a->conflicts.n && rc == BM_OK && !*ret_refused; i++) {
        refusal.lot = a->conflicts.all[i].name;
        refusal.sentence = a->conflicts.all[i].sentence;
        rc = bm_refuse(r, NULL, 0, &refusal, fail);
    }
    if (!*ret_refused)
        return rc;
    all_print(all, &a->conflicts, worst);
    refusal.sentence = all;
    return bm_refuse(r, bm_asker_there(p) ? p->asker : NULL, p->asker_id, &refusal, fail);
}

static enum bm_rc
end_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm;
    bool refused;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return step_settle(r, p, message, fail);
    if (bm_note_has_seq(bm_buf_bytes(&p->kept)))
        r->next_seq++;
    if ((rc = bm_records_keep_answer(r, p, message, &alarm, fail)) != BM_OK ||
        (rc = conflicts_tell(r, p, &r->arrival, &refused, fail)) != BM_OK)
        return rc;
    bm_arrival_done(&r->arrival);
    return refused ? BM_OK : bm_row_answer(r, p, "lot", p->lot, fail);
}

/* Nobody waits for it: the command hears of the lot that it sent. */
static enum bm_rc
quarantine_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    return bm_records_keep_answer(r, p, message, &alarm, fail);
}

static enum bm_rc
quarantine_ask(struct bm_registrar *r, const struct bm_conflict *conflict, const char *by, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc;

    if ((rc = bm_pending_new(r, NULL, 0, quarantine_settle, &p, fail)) != BM_OK)
        return rc;
    bm_s_lot_state_build(&p->kept, &(struct bm_s_lot_state){ .what = BM_LOT_QUARANTINE,
                                                             .lot = bm_bytes_str(conflict->name),
                                                             .by = bm_bytes_str(by),
                                                             .reason = bm_bytes_str(conflict->sentence) });
    if ((rc = bm_buf_check(&p->kept, "the restriction", fail)) != BM_OK)
        return rc;
    return bm_link_queue(&r->signer, BM_S_LOT_STATE, (uint64_t)(p - r->pending), bm_buf_bytes(&p->kept), fail);
}

/* The others go into quarantine before the signer hears of the pin: whatever happens in between, too little serves and never too much. */
static enum bm_rc
end_ask(const struct peer *peer, uint64_t id, const struct bm_conflict *worst, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 2 * BM_CONFLICT_SENTENCE };
    struct arrival *a = &peer->r->arrival;
    struct pending *p;
    enum bm_rc rc;

    for (size_t i = 0; i < a->conflicts.n; i++)
        if (a->conflicts.all[i].verdict != BM_VERDICT_NEW && (rc = quarantine_ask(peer->r, &a->conflicts.all[i], a->by, fail)) != BM_OK)
            return rc;
    if (worst != NULL && worst->verdict == BM_VERDICT_BOTH)
        bm_buf_add_lv16(&body, bm_bytes_str(worst->sentence));
    if ((rc = bm_buf_check(&body, "the lot's end", fail)) != BM_OK ||
        (rc = step_ask(peer, id, BM_S_LOT_END, bm_buf_bytes(&body), end_settle, &p, fail)) != BM_OK)
        return rc;
    a->ending = true;
    bm_buf_add_bytes(&p->kept, bm_buf_bytes(&a->begin));
    bm_buf_add_bytes(&p->kept, bm_buf_bytes(&body));
    return bm_buf_check(&p->kept, "the pin", fail);
}

enum bm_rc
bm_lot_end(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct arrival *a = &peer->r->arrival;
    const struct bm_conflict *worst = bm_conflicts_worst(&a->conflicts);
    char sentence[BM_CONFLICT_SENTENCE];
    enum bm_rc rc;

    (void)body;
    if (!is_from(a, peer->link))
        return not_from(peer, id, fail);
    if (a->have != a->pin.size || a->conflicts.compared < peer->r->holdings.n) {
        (void)snprintf(sentence, sizeof(sentence),
                       "lot %s came with %llu chips and its head says %llu, or was not compared with every other", a->pin.lot,
                       (unsigned long long)a->have, (unsigned long long)a->pin.size);
        return refuse_step(peer, id, sentence, fail);
    }
    if (worst == NULL || worst->verdict != BM_VERDICT_NEW) {
        rc = end_ask(peer, id, worst, fail);
        return rc == BM_EBUSY ? bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail) : rc;
    }
    memcpy(sentence, worst->sentence, sizeof(sentence));
    return refuse_step(peer, id, sentence, fail);
}

void
bm_arrival_abandon(struct bm_registrar *r, struct bm_link *gone)
{
    if (is_from(&r->arrival, gone))
        bm_arrival_done(&r->arrival);
}

/* ---- once it is pinned ---- */

/* In a replay nobody waits, and the comparison is made again from the start. */
static enum bm_rc
look_again(struct bm_registrar *r, const struct bm_pin *pin, struct bm_conflicts *conflicts, struct bm_fail *fail)
{
    bm_cleanup(bm_index_done) struct bm_index *index = bm_holdings_index(&r->holdings, pin->root, pin->size);
    enum bm_rc rc = BM_OK;

    for (bool more = index != NULL; more && rc == BM_OK;)
        rc = bm_conflicts_look(conflicts, &r->holdings, pin, index, &more, fail);
    return rc == BM_EPOLICY || rc == BM_EINPUT ? BM_OK : rc; /* an index is away: then lists say less of chips that stand in two lots */
}

enum bm_rc
bm_arrival_keep(struct bm_registrar *r, const struct bm_pin *pin, int64_t lot, bool live, struct bm_fail *fail)
{
    bm_cleanup(bm_conflicts_done) struct bm_conflicts again = { .n = 0 };
    const struct bm_conflicts *conflicts = live ? &r->arrival.conflicts : &again;
    enum bm_rc rc;

    if (!live && (rc = look_again(r, pin, &again, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < conflicts->n; i++)
        if ((rc = bm_store_overlap_put(r->store, lot, conflicts->all[i].lot, fail)) != BM_OK)
            return rc;
    return BM_OK;
}
