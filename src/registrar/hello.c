/* The first talk with the signer: what the journal holds and the store does not is caught up, and both must hold the same leaves. */
#include "registrar/registrar.h"

#include <stdlib.h>

/* One message from the signer while nothing else is served yet. */
static enum bm_rc
hear(struct bm_registrar *r, uint8_t *buffer, struct bm_message *ret_message, struct bm_fail *fail)
{
    enum bm_heard heard = BM_HEARD_NOTHING;
    struct bm_s_refused refused;
    enum bm_rc rc;

    do { /* the last words of a signer that began anew may still be there */
        if ((rc = bm_channel_recv(&heard, ret_message, r->signer.fd, buffer, BM_MAX_MESSAGE, -1, fail)) != BM_OK)
            return rc;
        if (heard == BM_HEARD_MESSAGE && bm_signer_unasked(ret_message) && (rc = bm_signer_heard(r, ret_message, fail)) != BM_OK)
            return rc;
    } while (heard == BM_HEARD_MESSAGE && bm_signer_unasked(ret_message));
    if (heard != BM_HEARD_MESSAGE)
        return bm_fail(fail, BM_EBUSY, NULL, "the signer is gone: its own message says why");
    if (ret_message->type == BM_S_ANSWER)
        return BM_OK;
    if (ret_message->type == BM_S_REFUSED && bm_s_refused_parse(&refused, bm_rd(ret_message->body), fail) == BM_OK)
        return bm_fail(fail, refused.rc == BM_EINPUT ? BM_EBUG : (enum bm_rc)refused.rc, NULL, "%.*s", (int)refused.sentence.n,
                       (const char *)refused.sentence.p);
    return bm_fail(fail, BM_EBUG, NULL, "the signer answered with a message of type %u", (unsigned)ret_message->type);
}

static enum bm_rc
say_u64(struct bm_registrar *r, uint16_t type, uint64_t v, struct bm_fail *fail)
{
    uint8_t body[8];

    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(v >> (56 - 8 * i));
    return bm_channel_send(r->signer.fd, &(struct bm_message){ .type = type, .body = bm_bytes(body, sizeof(body)) }, fail);
}

/* What the journal holds and the store does not: certificates that were signed and never answered for. */
/* req: FAULTS F3 */
static enum bm_rc
replay(struct bm_registrar *r, uint8_t *buffer, struct bm_fail *fail)
{
    struct bm_s_leaves leaves = { .n = 1 };
    struct bm_message message;
    uint64_t alarm;
    enum bm_rc rc;

    if ((rc = say_u64(r, BM_S_REPLAY, r->ledger.frontier.size, fail)) != BM_OK)
        return rc;
    while (leaves.n > 0) {
        if ((rc = hear(r, buffer, &message, fail)) != BM_OK || (rc = bm_s_leaves_parse(&leaves, bm_rd(message.body), fail)) != BM_OK)
            return rc;
        if ((rc = bm_records_keep(r, &leaves, NULL, &alarm, fail)) != BM_OK) {
            if (rc == BM_EBUG)
                bm_fail_prefix(fail, "the store does not go on in the signer's journal: put this site's back, or move it away and run "
                                     "birthmark site recover");
            return rc;
        }
    }
    return BM_OK;
}

/* req: FAULTS F12 */
/* The same number of leaves, and the same leaves: a store from elsewhere, or one that was changed, is found out here. */
static enum bm_rc
agree(struct bm_registrar *r, uint64_t size, struct bm_bytes checkpoint, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (r->ledger.frontier.size != size)
        return bm_fail(fail, BM_EBUG, NULL, "after the replay the store holds %llu ledger leaves and the signer %llu",
                       (unsigned long long)r->ledger.frontier.size, (unsigned long long)size);
    if ((rc = bm_ledger_checkpoint(&r->ledger, checkpoint, fail)) == BM_EBUG)
        return bm_fail(fail, BM_EBUG, NULL,
                       "the store's ledger is not the one that the signer signed: it is damaged or another site's: restore it");
    return rc;
}

struct asking {
    struct bm_registrar *r;
    uint8_t *buffer;
};

static enum bm_rc
ask_now(void *ctx, uint16_t type, struct bm_bytes body, struct bm_message *ret_answer, struct bm_fail *fail)
{
    const struct asking *asking = ctx;
    enum bm_rc rc = bm_channel_send(asking->r->signer.fd, &(struct bm_message){ .type = type, .body = body }, fail);

    return rc != BM_OK ? rc : hear(asking->r, asking->buffer, ret_answer, fail);
}

void
bm_old_store(const struct bm_registrar *r, char ret_sentence[static SENTENCE])
{
    (void)snprintf(ret_sentence, SENTENCE,
                   "the store is an old copy: it holds %llu ledger entries and held %llu before, so vendors, notes on alarms and open "
                   "proposals that came later are not in it; put its newest copy back, or, where there is none, let a security officer run "
                   "birthmark site recover",
                   (unsigned long long)r->ledger.frontier.size, (unsigned long long)r->held);
}

/* Whose it is its own checkpoint says. */
static enum bm_rc
own_check(struct bm_registrar *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct bm_checkpoint checkpoint;
    struct bm_note_key key;
    enum bm_rc rc;

    if (r->ledger.frontier.size == 0)
        return BM_OK;
    if ((rc = bm_store_checkpoint_get(r->store, &note, fail)) != BM_OK ||
        (rc = bm_note_vkey_parse(&key, bm_bytes_str(r->vkey), fail)) != BM_OK)
        return rc;
    if (bm_checkpoint_open(&checkpoint, bm_buf_bytes(&note), &key, key.name, fail) == BM_OK)
        return BM_OK;
    return bm_fail(fail, BM_EBUG, NULL,
                   "the store is another site's: put this site's back, or move it away and run birthmark site recover");
}

/* Older than it was: a command may look at that, a door stays shut. */
static enum bm_rc
old_open(struct bm_registrar *r, struct bm_fail *fail)
{
    char sentence[SENTENCE];
    enum bm_rc rc;

    if ((rc = own_check(r, fail)) != BM_OK)
        return rc;
    r->old = true;
    bm_old_store(r, sentence);
    return r->ngates == 0 ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "%s", sentence);
}

enum bm_rc
bm_signer_held(struct bm_registrar *r, struct bm_fail *fail)
{
    uint8_t body[8];
    uint64_t held = r->ledger.frontier.size;

    if (held <= r->held || r->old)
        return BM_OK;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(held >> (56 - 8 * i));
    r->held = held;
    return bm_link_queue(&r->signer, BM_S_HELD, 0, bm_bytes(body, sizeof(body)), fail);
}

static enum bm_rc
hello(struct bm_registrar *r, uint8_t *buffer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf checkpoint = { .max = BM_MAX_NOTE };
    struct bm_message message;
    struct bm_s_site site;
    uint64_t ledger_size;
    enum bm_rc rc;

    if ((rc = say_u64(r, BM_S_HELLO, r->ledger.frontier.size, fail)) != BM_OK || (rc = hear(r, buffer, &message, fail)) != BM_OK ||
        (rc = bm_s_site_parse(&site, bm_rd(message.body), fail)) != BM_OK)
        return rc;
    memcpy(r->site_hash, site.site, sizeof(r->site_hash));
    bm_view_copy(r->vkey, sizeof(r->vkey), site.vkey);
    bm_view_copy(r->confinement[0], sizeof(r->confinement[0]), site.confinement);
    r->next_seq = site.next_seq;
    r->held = site.held;
    r->signed_total = site.signed_total;
    r->signed_again = site.signed_again;
    ledger_size = site.ledger_size; /* the rest of it goes with the next message */
    bm_buf_add_bytes(&checkpoint, site.checkpoint);
    if ((rc = bm_buf_check(&checkpoint, "the checkpoint", fail)) != BM_OK ||
        (rc = bm_cas_load(r, ask_now, &(struct asking){ .r = r, .buffer = buffer }, fail)) != BM_OK)
        return rc;
    if (r->ledger.frontier.size < r->held)
        return old_open(r, fail);
    if (r->ledger.frontier.size < ledger_size && (rc = replay(r, buffer, fail)) != BM_OK)
        return rc;
    return agree(r, ledger_size, bm_buf_bytes(&checkpoint), fail);
}

enum bm_rc
bm_signer_hello(struct bm_registrar *r, struct bm_fail *fail)
{
    uint8_t *buffer = malloc(BM_MAX_MESSAGE);
    enum bm_rc rc;

    if (buffer == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to start");
    rc = hello(r, buffer, fail);
    free(buffer);
    return rc;
}

enum bm_rc
bm_signer_recovered(struct bm_registrar *r, struct bm_fail *fail)
{
    uint8_t *buffer = malloc(BM_MAX_MESSAGE);
    enum bm_rc rc;

    if (buffer == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to recover the store");
    r->old = false;
    r->held = 0; /* said again when all of it is committed */
    rc = bm_registrar_transaction(r, fail);
    if (rc == BM_OK)
        rc = replay(r, buffer, fail); /* each leaf with its checkpoint */
    free(buffer);
    return rc;
}
