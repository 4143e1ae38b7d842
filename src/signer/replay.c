/* replay.c - the journal read again: into memory when the signer wakes, to the registrar when its store is behind. */
#include "base/base.h"
#include "signer/signer.h"

#include "proc/confine.h"
#include "wire/text.h"

/* ---- waking ---- */

static enum bm_rc
apply_each(void *ctx, const struct bm_record *record, struct bm_fail *fail)
{
    return bm_memory_apply(ctx, record, fail);
}

/* The first operators, as a statement that nobody needed to sign. */
static enum bm_rc
founding_roles(struct bm_signer *signer, bm_time now, struct bm_buf *text, struct bm_fail *fail)
{
    const struct bm_roles *operators = &signer->site->operators;
    struct bm_statement_head head = { .kind = BM_STATEMENT_ROLES, .seq = 1, .time = now };

    if (operators->noperators == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf names no operator: nobody could ever sign a statement");
    memcpy(head.site, signer->memory.site, BM_HASH);
    memcpy(head.by, operators->operators[0].name, sizeof(head.by));
    bm_roles_build(text, &head, operators);
    return bm_buf_check(text, "the operators of site.conf", fail);
}

static enum bm_rc
found(struct bm_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    char digest[2 * BM_HASH + 1], count[24];
    uint8_t hash[BM_HASH];
    struct bm_event events[2] = { { .kind = BM_EVENT_SITE_FOUNDED, .reason = bm_bytes_str(signer->site->name) },
                                  { .kind = BM_EVENT_ROLES_SET } };
    struct bm_founded founded = { .leaves = { .n = 2 } };
    enum bm_rc rc;

    if ((rc = signer->env->now(signer->env->ctx, &events[0].time, fail)) != BM_OK ||
        (rc = founding_roles(signer, events[0].time, &text, fail)) != BM_OK)
        return rc;
    bm_sha256(hash, bm_buf_bytes(&text));
    bm_hex(digest, bm_bytes(hash, BM_HASH));
    (void)snprintf(count, sizeof(count), "%zu", signer->site->operators.noperators);
    events[1].time = events[0].time;
    events[1].statement = bm_bytes_str(digest);
    events[1].by = bm_bytes_str(signer->site->operators.operators[0].name);
    events[1].count = bm_bytes_str(count);
    for (size_t i = 0; i < 2; i++)
        if ((rc = bm_leaf_make(signer, i, &events[i], &founded.leaves.leaf[i], fail)) != BM_OK)
            return rc;
    memcpy(founded.site, signer->memory.site, BM_HASH);
    founded.roles = bm_buf_bytes(&text);
    founded.root = bm_buf_bytes(&signer->root);
    for (size_t i = 0; i < BM_CA__N; i++)
        founded.ca[i] = bm_buf_bytes(&signer->keys[i].der);
    bm_buf_reset(&signer->record);
    bm_founded_build(&signer->record, &founded);
    return bm_commit(signer, BM_R_FOUNDED, &founded.leaves, NULL, fail);
}

/* Whether it was signed before the crash nobody knows: the same bytes are signed once more, and both are counted as one. */
/* req: FAULTS F2 */
static enum bm_rc
finish_open(struct bm_signer *signer, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t i = 0; i < signer->memory.nopen;) {
        struct bm_answer nobody = { .id = 0 };
        bool waits;

        if ((rc = bm_queue_intent(signer, signer->memory.open[i], NULL, &waits, fail)) != BM_OK ||
            (!waits && (rc = bm_sign_intent(signer, signer->memory.open[i], true, &nobody, fail)) != BM_OK))
            return rc;
        i += waits;
    }
    bm_buf_reset(&signer->arena);
    return BM_OK;
}

enum bm_rc
bm_signer_wake(struct bm_signer *signer, int journal, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_journal_open(&signer->journal, journal, apply_each, &signer->memory, fail)) != BM_OK)
        return rc;
    bm_revocations_told(&signer->memory.revocations); /* a registrar that begins holds no list that could be out of date */
    if (!signer->memory.founded && (rc = found(signer, fail)) != BM_OK)
        return rc;
    if ((rc = bm_ca_join(signer, fail)) != BM_OK || (rc = finish_open(signer, fail)) != BM_OK ||
        (rc = bm_journal_sync(&signer->journal, fail)) != BM_OK)
        return rc;
    return bm_checkpoint_now(signer, fail);
}

/* ---- to the registrar ---- */

enum bm_rc
bm_serve_hello(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    const struct bm_memory *memory = &signer->memory;
    struct bm_s_site site = { .ledger_size = memory->book.frontier.size,
                              .held = memory->held,
                              .next_seq = memory->next_seq,
                              .signed_total = memory->signed_total,
                              .signed_again = memory->signed_again };
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    uint64_t store = bm_rd_u64(&body);
    char confinement[BM_CONFINE_TEXT];
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a greeting is malformed");
    if (store > site.ledger_size) { /* req: FAULTS F12 */
        bm_fail_note(
            &why, BM_EBUSY, NULL,
            "the store is ahead of the signer's journal: it holds %llu ledger entries and the journal %llu, so the journal is an old copy; "
            "put the newest back",
            (unsigned long long)store, (unsigned long long)site.ledger_size);
        return bm_batch_refuse(signer, id, &why, NULL, fail);
    }
    signer->queue.told = false;
    if ((rc = bm_queue_tell(signer, fail)) != BM_OK)
        return rc;
    memcpy(site.site, memory->site, BM_HASH);
    bm_note_vkey_build(&vkey, &signer->ledger.key);
    bm_confine_probe(confinement);
    site.vkey = bm_buf_bytes(&vkey);
    site.checkpoint = bm_buf_bytes(&signer->checkpoint);
    site.confinement = bm_bytes_str(confinement);
    bm_buf_reset(&signer->body);
    bm_s_site_build(&signer->body, &site);
    /* req: FAULTS F12 */
    signer->rules.phase = store < memory->held ? BM_PHASE_OLD : BM_PHASE_READY;
    signer->store = store;
    signer->queue.synced = store == site.ledger_size;
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}

/* Not durable by itself: with the next batch, or by the kernel. A lost one makes a store look no older than it is. */
enum bm_rc
bm_serve_held(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_plain plain = { .rest = bm_bytes(body.p, body.left) };
    uint64_t held = bm_rd_u64(&body);
    enum bm_rc rc;

    (void)id;
    if (!bm_rd_end(&body) || held > signer->memory.book.frontier.size)
        return bm_fail(fail, BM_EINPUT, NULL, "the store says that it holds what was never given to it");
    if (held <= signer->memory.held)
        return BM_OK;
    bm_buf_reset(&signer->record);
    bm_plain_build(&signer->record, &plain);
    if ((rc = bm_commit(signer, BM_R_HELD, &plain.leaves, NULL, fail)) != BM_OK)
        return rc;
    return bm_journal_write(&signer->journal, fail);
}

enum bm_rc
bm_serve_checkpoint(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    enum bm_rc rc;

    (void)body; /* empty, by the table */
    if ((rc = bm_batch_finish(signer, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->body);
    bm_buf_add_lv16(&signer->body, bm_buf_bytes(&signer->checkpoint));
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}

/* The certificate of a done record, and the bundle that it was issued on: both stand with its intent. */
static enum bm_rc
done_fill(struct bm_signer *signer, struct bm_bytes body, struct bm_s_leaf *leaf, struct bm_fail *fail)
{
    struct bm_record record;
    struct bm_intent intent;
    struct bm_done done;
    enum bm_rc rc;

    if ((rc = bm_done_parse(&done, body, fail)) != BM_OK ||
        (rc = bm_journal_read(&signer->journal, done.intent, &signer->read, &record, fail)) != BM_OK ||
        (rc = bm_intent_parse(&intent, record.body, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->der);
    bm_signed_build(&signer->der, intent.tbs, done.alg, done.signature);
    leaf->certificate = bm_buf_bytes(&signer->der);
    leaf->evidence = intent.bundle;
    return bm_buf_check(&signer->der, "a certificate", fail);
}

static enum bm_rc
leaf_fill(struct bm_signer *signer, const struct bm_record *record, size_t i, struct bm_s_leaf *leaf, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(record->body);
    struct bm_record_leaves leaves;
    struct bm_founded founded;
    struct bm_s_device device;
    enum bm_rc rc;

    bm_record_leaves_take(&rd, &leaves);
    if (rd.bad || i >= leaves.n)
        return bm_fail(fail, BM_EBUG, NULL, "the index of the ledger leaves is wrong");
    memcpy(leaf->salt, leaves.leaf[i].salt, BM_SALT);
    leaf->event = leaves.leaf[i].event;
    if (record->type == BM_R_DONE && i == 0)
        return done_fill(signer, record->body, leaf, fail);
    if (record->type == BM_R_STATEMENT || record->type == BM_R_LOT_END || record->type == BM_R_LOT_STATE || record->type == BM_R_CHIPS)
        leaf->attachment = bm_rd_rest(&rd);
    if (record->type == BM_R_DEVICE && bm_rd_u64(&rd) != 0 && bm_s_device_parse(&device, rd, fail) == BM_OK && device.receipt.n > 0)
        leaf->attachment = device.receipt;
    if (record->type == BM_R_FORKED && i == 0) {
        (void)bm_rd_lv16(&rd, BM_MAX_SERIAL);
        leaf->attachment = bm_rd_lv32(&rd, BM_MAX_EVIDENCE);
    }
    if (record->type == BM_R_FOUNDED && i == 1) {
        if ((rc = bm_founded_parse(&founded, record->body, fail)) != BM_OK)
            return rc;
        leaf->attachment = founded.roles;
    }
    return BM_OK;
}

/* One leaf an answer: the largest evidence and the largest statement each nearly fill a message. */
enum bm_rc
bm_leaf_send(struct bm_signer *signer, uint16_t type, uint64_t id, uint64_t index, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf read = { .max = BM_MAX_RECORD };
    const struct bm_book *book = &signer->memory.book;
    struct bm_s_leaves leaves = { .n = 1, .leaf = { { .index = index } }, .checkpoint = bm_buf_bytes(&signer->checkpoint) };
    uint64_t at = book->at[index], first = index;
    struct bm_record record;
    enum bm_rc rc;

    while (first > 0 && book->at[first - 1] == at)
        first--;
    if ((rc = bm_journal_read(&signer->journal, at, &read, &record, fail)) != BM_OK ||
        (rc = leaf_fill(signer, &record, (size_t)(index - first), &leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->body);
    bm_s_leaves_build(&signer->body, &leaves);
    if ((rc = bm_buf_check(&signer->body, "a replayed leaf", fail)) != BM_OK)
        return rc;
    return bm_channel_send(signer->channel, &(struct bm_message){ .type = type, .id = id, .body = bm_buf_bytes(&signer->body) }, fail);
}

enum bm_rc
bm_serve_replay(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_s_leaves end = { .n = 0 };
    uint64_t index = bm_rd_u64(&body);
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "a question for a replay is malformed");
    if ((rc = bm_batch_finish(signer, fail)) != BM_OK)
        return rc;
    for (; index < signer->memory.book.frontier.size; index++)
        if ((rc = bm_leaf_send(signer, BM_S_ANSWER, id, index, fail)) != BM_OK)
            return rc;
    signer->queue.synced = true;
    end.checkpoint = bm_buf_bytes(&signer->checkpoint);
    bm_buf_reset(&signer->body);
    bm_s_leaves_build(&signer->body, &end);
    return bm_answer_now(signer, id, bm_buf_bytes(&signer->body), fail);
}
