/* lists.c - lists of revoked certificates, as the signer made them: given out again until it says that something else stands there now. */
#include "registrar/registrar.h"

#include "wire/text.h"

#include <stdlib.h>

#define LIST_KEPT (6 * 86400)   /* while no new one can be made: it says itself that the next is due in seven days */
#define LISTS_BYTES (64u << 20) /* of all that are kept; beyond it the oldest goes, and is made again when somebody asks */
#define NO_SUCH "there is no such list here: /crl/CA.txt names those of a CA"

static struct crl_list *
list_find(const struct bm_registrar *r, uint8_t ca, uint32_t bucket)
{
    for (struct crl_list *list = r->lists; list != NULL; list = list->next)
        if (list->ca == ca && list->bucket == bucket)
            return list;
    return NULL;
}

/* Makes room for `n` more bytes. */
static void
lists_trim(struct bm_registrar *r, size_t n)
{
    while (r->lists != NULL && r->lists_bytes + n > LISTS_BYTES) {
        struct crl_list **oldest = &r->lists, *gone;

        for (struct crl_list **at = &r->lists; *at != NULL; at = &(*at)->next)
            if ((*at)->made < (*oldest)->made)
                oldest = at;
        gone = *oldest;
        *oldest = gone->next;
        r->lists_bytes -= gone->der.n;
        bm_buf_done(&gone->der);
        free(gone);
    }
}

static enum bm_rc
list_keep(struct bm_registrar *r, const struct pending *p, bm_time until, struct bm_bytes der, struct bm_fail *fail)
{
    struct crl_list *list = list_find(r, p->ca, p->bucket);

    if (list == NULL) {
        lists_trim(r, der.n);
        if ((list = calloc(1, sizeof(*list))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another list of revoked certificates");
        *list = (struct crl_list){ .ca = p->ca, .bucket = p->bucket, .next = r->lists };
        r->lists = list;
    }
    r->lists_bytes -= list->der.n;
    bm_buf_reset(&list->der);
    list->der.max = BM_MAX_MESSAGE;
    bm_buf_add_bytes(&list->der, der);
    r->lists_bytes += list->der.n;
    list->made = r->now;
    list->until = until;
    list->stale = p->stale;
    return bm_buf_check(&list->der, "the CRL", fail);
}

void
bm_lists_done(struct bm_registrar *r)
{
    lists_trim(r, LISTS_BYTES + 1);
}

static bool
is_fresh(const struct bm_registrar *r, const struct crl_list *list)
{
    return list != NULL && !list->stale && r->now < list->until && r->now >= list->made;
}

/* Better the last one than none: services that read it go on. */
static bool
is_kept(const struct bm_registrar *r, const struct crl_list *list)
{
    return list != NULL && r->now >= list->made && r->now - list->made < LIST_KEPT;
}

static settle_fn list_settle;

/* The question that is under way for this list, and whose answer is not out of date already. */
static struct pending *
under_way(struct bm_registrar *r, uint8_t ca, uint32_t bucket)
{
    for (struct pending *p = r->pending; r->npending > 0 && p < r->pending + MAX_PENDING; p++)
        if (p->used && p->settle == list_settle && !p->joined && !p->stale && p->ca == ca && p->bucket == bucket)
            return p;
    return NULL;
}

/* ---- from the signer ---- */

static struct bm_bytes
question(uint8_t body[static 5], uint8_t ca, uint32_t bucket)
{
    body[0] = ca;
    for (size_t i = 0; i < 4; i++)
        body[1 + i] = (uint8_t)(bucket >> (24 - 8 * i));
    return bm_bytes(body, 5);
}

/* Nobody asked yet. Where the signer can't be asked now, whoever asks gets a new one all the same. */
static void
list_publish(struct bm_registrar *r, uint8_t ca, uint32_t bucket)
{
    uint8_t body[5];
    struct bm_fail ignored;
    struct pending *p;

    if (bm_signer_ask(r, BM_S_CRL, question(body, ca, bucket), NULL, 0, list_settle, &p, &ignored) != BM_OK)
        return;
    p->ca = ca;
    p->bucket = bucket;
    p->number = ++r->lists_asked;
}

/* Those who asked while this one was being made. */
static enum bm_rc
joined_answer(struct bm_registrar *r, const struct pending *first, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_refused refused;
    char sentence[SENTENCE];
    enum bm_rc rc = BM_OK;

    for (struct pending *p = r->pending; rc == BM_OK && p < r->pending + MAX_PENDING; p++) {
        if (!p->used || !p->joined || p->settle != list_settle || p->ca != first->ca || p->bucket != first->bucket ||
            p->number > first->number)
            continue;
        if (message->type == BM_S_ANSWER) {
            rc = bm_answer(p, BM_G_ANSWER, message->body, fail);
        } else if ((rc = bm_s_refused_parse(&refused, bm_rd(message->body), fail)) == BM_OK && bm_asker_there(p)) {
            bm_view_copy(sentence, sizeof(sentence), refused.sentence);
            rc = bm_answer_refused(r, p->asker, p->asker_id, (enum bm_rc)refused.rc, 0, sentence, fail);
        }
        bm_pending_release(r, p);
    }
    return rc;
}

static enum bm_rc
list_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_message answer = { .type = message->type, .body = message->body };
    struct crl_list *list = list_find(r, p->ca, p->bucket);
    struct bm_rd rd = bm_rd(message->body);
    struct bm_bytes der;
    bm_time until;
    enum bm_rc rc;

    if (message->type == BM_S_ANSWER) {
        until = (bm_time)bm_rd_u64(&rd);
        der = bm_rd_lv32(&rd, BM_MAX_MESSAGE);
        if (!bm_rd_end(&rd))
            return bm_fail(fail, BM_EINPUT, NULL, "a list does not parse");
        if ((rc = list_keep(r, p, until, der, fail)) != BM_OK)
            return rc;
        bm_buf_add_lv32(&body, der);
    } else if (is_kept(r, list)) { /* the token is away */
        list->stale = true;
        bm_buf_add_lv32(&body, bm_buf_bytes(&list->der));
    }
    if (body.n > 0)
        answer = (struct bm_message){ .type = BM_S_ANSWER, .body = bm_buf_bytes(&body) };
    if (p->again)
        list_publish(r, p->ca, p->bucket);
    rc = answer.type == BM_S_ANSWER ? bm_answer(p, BM_G_ANSWER, answer.body, fail) : bm_refused_answer(r, p, &answer, fail);
    return rc != BM_OK ? rc : joined_answer(r, p, &answer, fail);
}

/* What is under way for it was asked before. The last such question is repeated when it is answered: many changes in a row need one list. */
static void
changed(struct bm_registrar *r, uint8_t ca, uint32_t bucket, bool urgent)
{
    struct crl_list *list = list_find(r, ca, bucket);
    struct pending *last = NULL;

    if (list != NULL)
        list->stale = true;
    for (struct pending *p = r->pending; r->npending > 0 && p < r->pending + MAX_PENDING; p++) {
        if (!p->used || p->settle != list_settle || p->joined || p->ca != ca || p->bucket != bucket)
            continue;
        p->stale = true;
        last = last == NULL || last->number < p->number ? p : last;
    }
    if (urgent && last != NULL)
        last->again = true;
    else if (urgent)
        list_publish(r, ca, bucket);
}

enum bm_rc
bm_lists_changed(struct bm_registrar *r, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);

    while (!rd.bad && rd.left > 0) {
        uint8_t ca = bm_rd_u8(&rd);
        uint32_t bucket = bm_rd_u32(&rd);
        bool urgent = bm_rd_u8(&rd) == 1;

        if (rd.bad)
            break;
        changed(r, ca, bucket, urgent);
        bm_ocsp_changed(r, ca, bucket);
    }
    return bm_rd_end(&rd) ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "what changed does not parse");
}

/* ---- for anybody ---- */

static enum bm_rc
list_give(const struct peer *peer, uint64_t id, const struct crl_list *list, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    bm_buf_add_lv32(&body, bm_buf_bytes(&list->der));
    return bm_link_queue(peer->link, BM_G_ANSWER, id, bm_buf_bytes(&body), fail);
}

/* "NAME-NUMBER", the number without leading zeros. */
static bool
named(struct bm_registrar *r, struct bm_bytes text, uint8_t *ret_ca, uint32_t *ret_bucket)
{
    const uint8_t *dash = text.n == 0 ? NULL : memrchr(text.p, '-', text.n);
    size_t n = dash == NULL ? 0 : (size_t)(dash - text.p), digits = dash == NULL ? 0 : text.n - n - 1;
    const struct issuing *ca = dash == NULL ? NULL : bm_ca_named(r, bm_bytes(text.p, n));

    *ret_bucket = 0;
    if (ca == NULL || digits == 0 || digits > 9 || dash[1] == '0')
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (dash[1 + i] < '0' || dash[1 + i] > '9')
            return false;
        *ret_bucket = *ret_bucket * 10 + (uint32_t)(dash[1 + i] - '0');
    }
    *ret_ca = (uint8_t)(ca - r->cas);
    return true;
}

/* One signature serves all who wait: otherwise whoever asks without end would fill the journal. */
enum bm_rc
bm_serve_crl(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_registrar *r = peer->r;
    uint8_t ca, ask[5];
    uint32_t bucket;
    struct crl_list *list;
    struct pending *p, *first;
    enum bm_rc rc;

    if (!named(r, bm_rd_rest(&body), &ca, &bucket))
        return bm_answer_refused(r, peer->link, id, BM_EINPUT, 0, NO_SUCH, fail);
    list = list_find(r, ca, bucket);
    if (is_fresh(r, list) || (bm_disk_full(r) && is_kept(r, list)))
        return list_give(peer, id, list, fail);
    if ((first = under_way(r, ca, bucket)) != NULL) {
        if ((rc = bm_pending_new(r, peer->link, id, list_settle, &p, fail)) != BM_OK)
            return bm_answer_refused(r, peer->link, id, rc, 0, fail->text, fail);
        p->joined = true;
        p->number = first->number;
    } else {
        if ((rc = bm_gate_forward(peer, id, BM_S_CRL, question(ask, ca, bucket), list_settle, &p, fail)) != BM_OK || p == NULL)
            return rc;
        p->number = ++r->lists_asked;
    }
    p->ca = ca;
    p->bucket = bucket;
    return BM_OK;
}

static enum bm_rc
names_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_MESSAGE_BODY - 4 }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_rd rd = bm_rd(message->body);
    uint32_t n;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    n = bm_rd_u32(&rd);
    for (uint32_t i = 0; i < n && !rd.bad; i++)
        bm_buf_add_fmt(&text, "%s/crl/%s-%u.pem\n", r->site.url, r->cas[p->ca].name, bm_rd_u32(&rd));
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "the names of lists do not parse");
    if (text.bad && bm_asker_there(p))
        return bm_answer_refused(r, p->asker, p->asker_id, BM_EBUSY, 0, "this CA has more lists than one answer can name", fail);
    bm_buf_add_lv32(&body, bm_buf_bytes(&text));
    return bm_answer(p, BM_G_ANSWER, bm_buf_bytes(&body), fail);
}

enum bm_rc
bm_serve_lists(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    const struct issuing *issuing = bm_ca_named(peer->r, bm_rd_rest(&body));
    struct pending *p;
    uint8_t ca;
    enum bm_rc rc;

    if (issuing == NULL)
        return bm_answer_refused(peer->r, peer->link, id, BM_EINPUT, 0, "there is no CA of this name here", fail);
    ca = (uint8_t)(issuing - peer->r->cas);
    if ((rc = bm_gate_forward(peer, id, BM_S_LISTS, bm_bytes(&ca, 1), names_settle, &p, fail)) == BM_OK && p != NULL)
        p->ca = ca;
    return rc;
}
