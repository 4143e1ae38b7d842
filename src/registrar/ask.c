/* Requests on their way through the signer, and its answers. */
#include "registrar/registrar.h"

#include <stdlib.h>

bool
bm_asker_is_gate(const struct bm_registrar *r, const struct bm_link *asker)
{
    return asker >= r->gates && asker < r->gates + r->ngates;
}

static struct pending *
slot_free(struct bm_registrar *r)
{
    for (size_t i = 0; i < MAX_PENDING; i++)
        if (!r->pending[i].used)
            return &r->pending[i];
    return NULL;
}

enum bm_rc
bm_signer_ask(struct bm_registrar *r, uint16_t type, struct bm_bytes body, struct bm_link *asker, uint64_t asker_id, settle_fn *settle,
              struct pending **ret_pending, struct bm_fail *fail)
{
    struct pending *p = slot_free(r);
    enum bm_rc rc;

    if (p == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "too much is under way: try again in a moment");
    if ((rc = bm_link_queue(&r->signer, type, (uint64_t)(p - r->pending), body, fail)) != BM_OK)
        return rc;
    *p = (struct pending){ .used = true, .settle = settle, .asker = asker, .asker_id = asker_id, .kept = { .max = BM_MAX_MESSAGE } };
    if (asker != NULL)
        p->generation = asker->generation;
    r->npending++;
    *ret_pending = p;
    return BM_OK;
}

static void
slot_release(struct bm_registrar *r, struct pending *p)
{
    bm_buf_done(&p->kept);
    p->used = false;
    r->npending--;
}

enum bm_rc
bm_signer_heard(struct bm_registrar *r, const struct bm_message *message, struct bm_fail *fail)
{
    struct pending *p;
    enum bm_rc rc;

    if (message->id >= MAX_PENDING || !r->pending[message->id].used)
        return bm_fail(fail, BM_EBUG, NULL, "the signer answered what nobody asked");
    p = &r->pending[message->id];
    rc = p->settle(r, p, message, fail);
    slot_release(r, p);
    return rc;
}

enum bm_rc
bm_answer(struct pending *p, uint16_t type, struct bm_bytes body, struct bm_fail *fail)
{
    if (p->asker == NULL || p->asker->fd < 0 || p->asker->generation != p->generation)
        return BM_OK;
    return bm_link_queue(p->asker, type, p->asker_id, body, fail);
}

enum bm_rc
bm_answer_refused(struct bm_registrar *r, struct bm_link *asker, uint64_t id, enum bm_rc class, uint64_t alarm, const char *sentence,
                  struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 2048 };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1024 };

    bm_buf_add_str(&text, sentence);
    if (alarm != 0)
        bm_buf_add_fmt(&text, "%s Recorded as alarm %llu.", text.n > 0 && text.p[text.n - 1] == '.' ? "" : ".", (unsigned long long)alarm);
    if (bm_asker_is_gate(r, asker)) {
        bm_g_refused_build(&body, &(struct bm_g_refused){ .rc = (uint8_t) class, .sentence = bm_buf_bytes(&text) });
        return bm_link_queue(asker, BM_G_REFUSED, id, bm_buf_bytes(&body), fail);
    }
    bm_c_refused_build(&body, &(struct bm_c_refused){ .rc = (uint8_t) class, .alarm = alarm, .sentence = bm_buf_bytes(&text) });
    return bm_link_queue(asker, BM_C_REFUSED, id, bm_buf_bytes(&body), fail);
}

/* One message from the signer while nothing else is served yet. */
static enum bm_rc
hear(struct bm_registrar *r, uint8_t *buffer, struct bm_message *ret_message, struct bm_fail *fail)
{
    enum bm_heard heard;
    enum bm_rc rc = bm_channel_recv(&heard, ret_message, r->signer.fd, buffer, BM_MAX_MESSAGE, -1, fail);
    struct bm_s_refused refused;

    if (rc != BM_OK)
        return rc;
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
static enum bm_rc
replay(struct bm_registrar *r, uint8_t *buffer, struct bm_fail *fail)
{
    struct bm_s_leaves leaves = { .n = 1 };
    struct bm_message message;
    uint64_t alarm;
    enum bm_rc rc;

    if ((rc = say_u64(r, BM_S_REPLAY, r->ledger.frontier.size, fail)) != BM_OK)
        return rc;
    while (leaves.n > 0)
        if ((rc = hear(r, buffer, &message, fail)) != BM_OK || (rc = bm_s_leaves_parse(&leaves, bm_rd(message.body), fail)) != BM_OK ||
            (rc = bm_records_keep(r, &leaves, NULL, &alarm, fail)) != BM_OK)
            return rc;
    return BM_OK;
}

static enum bm_rc
hello(struct bm_registrar *r, uint8_t *buffer, struct bm_fail *fail)
{
    struct bm_message message;
    struct bm_s_site site;
    uint64_t size;
    enum bm_rc rc;

    if ((rc = say_u64(r, BM_S_HELLO, r->ledger.frontier.size, fail)) != BM_OK || (rc = hear(r, buffer, &message, fail)) != BM_OK ||
        (rc = bm_s_site_parse(&site, bm_rd(message.body), fail)) != BM_OK)
        return rc;
    memcpy(r->site_hash, site.site, sizeof(r->site_hash));
    bm_view_copy(r->vkey, sizeof(r->vkey), site.vkey);
    bm_view_copy(r->confinement[0], sizeof(r->confinement[0]), site.confinement);
    r->next_seq = site.next_seq;
    r->signed_total = site.signed_total;
    r->signed_again = site.signed_again;
    size = site.ledger_size;
    if (r->ledger.frontier.size < size && (rc = replay(r, buffer, fail)) != BM_OK)
        return rc;
    if (r->ledger.frontier.size != size)
        return bm_fail(fail, BM_EBUG, NULL, "after the replay the store holds %llu ledger leaves and the signer %llu",
                       (unsigned long long)r->ledger.frontier.size, (unsigned long long)size);
    return BM_OK;
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
