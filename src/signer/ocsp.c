/* ocsp.c - what became of a certificate, told by the signer itself, out of its own memory: whoever asks through a registrar that lies gets no other answer. */
#include "base/base.h"
#include "signer/signer.h"

#include "wire/text.h"

#define OCSP_SECONDS 3600 /* that an answer is good for: so long who keeps it may not know */

/* ---- what is known ---- */

/* Of a certificate that stands in no list now. */
static bool
issued_by(const struct bm_memory *memory, unsigned ca, struct bm_bytes serial, uint32_t at, uint32_t *ret_bucket)
{
    const struct bm_identity *identity = &memory->slots.identities[at];
    const struct bm_earlier *earlier = bm_slots_earlier(&memory->slots, at);

    if (*ret_bucket != BM_NO_BUCKET)
        return memory->revocations.buckets[*ret_bucket].ca == ca;
    if (earlier != NULL && bm_bytes_equal(serial, bm_bytes(earlier->serial, earlier->nserial))) {
        *ret_bucket = earlier->bucket;
        return earlier->ca == ca;
    }
    if (bm_bytes_equal(serial, bm_bytes(identity->serial, identity->nserial)))
        *ret_bucket = identity->bucket;
    return identity->ca == ca;
}

/* req: RFC6960 2.2 good: this CA issued it, and no list has it; a number that it never used is unknown, never good */
static void
standing(const struct bm_memory *memory, unsigned ca, const struct bm_ocsp_id *id, bm_time now, struct bm_ocsp_answer *ret_answer,
         uint32_t *ret_bucket)
{
    struct bm_revoked entry = { .reason = 0 };
    bool live;
    uint32_t at = bm_slots_serial(&memory->slots, id->serial, &live);
    bm_time until;
    enum bm_listed listed = bm_revocations_of(&memory->revocations, id->serial, now, &entry, ret_bucket, &until);

    *ret_answer = (struct bm_ocsp_answer){ .id = id->der, .status = BM_OCSP_UNKNOWN, .this_update = now };
    ret_answer->next_update = until < now + OCSP_SECONDS ? until : now + OCSP_SECONDS;
    if (at == BM_NONE || listed == BM_LISTED_ONCE)
        return;
    if (listed == BM_LISTED_NOT) {
        if (issued_by(memory, ca, id->serial, at, ret_bucket))
            ret_answer->status = BM_OCSP_GOOD;
        return;
    }
    if (memory->revocations.buckets[*ret_bucket].ca != ca)
        return;
    ret_answer->status = BM_OCSP_REVOKED;
    ret_answer->reason = entry.reason;
    ret_answer->revoked = entry.time;
}

/* The ResponseData, and before it what the registrar has to know: until when the answer holds, and which lists must not change meanwhile. */
static enum bm_rc
answer_make(struct bm_signer *signer, const struct bm_ocsp_question *question, unsigned ca, bm_time now, struct bm_buf *head,
            struct bm_buf *tbs, struct bm_fail *fail)
{
    struct bm_ocsp_answer answers[BM_OCSP_MOST];
    uint32_t buckets[BM_OCSP_MOST];
    bm_time until = question->nonce.n == 0 ? now + OCSP_SECONDS : 0;
    uint8_t n = 0;

    for (size_t i = 0; i < question->n; i++) {
        standing(&signer->memory, ca, &question->id[i], now, &answers[i], &buckets[i]);
        if (answers[i].status == BM_OCSP_UNKNOWN)
            until = 0; /* there are more numbers than anybody could keep answers for */
        else if (answers[i].next_update < until)
            until = answers[i].next_update;
        if (buckets[i] != BM_NO_BUCKET)
            n++;
    }
    bm_buf_add_u64(head, (uint64_t)until);
    bm_buf_add_u8(head, (uint8_t)ca);
    bm_buf_add_u8(head, n);
    for (size_t i = 0; i < question->n; i++)
        if (buckets[i] != BM_NO_BUCKET)
            bm_buf_add_u32(head, signer->memory.revocations.buckets[buckets[i]].number);
    return bm_ocsp_tbs_build(tbs, &signer->ocsp_key->key, now, answers, question->n, question->nonce, fail);
}

enum bm_rc
bm_ocsp_done(struct bm_signer *signer, unsigned ca, struct bm_bytes head, struct bm_bytes tbs, struct bm_bytes signature,
             struct bm_answer *answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_OCSP_ANSWER }, body = { .max = BM_OCSP_ANSWER + 256 };
    enum bm_rc rc;

    bm_ocsp_build(&der, tbs, bm_key_sig_alg(signer->ocsp_key->key.alg), signature, bm_buf_bytes(&signer->memory.responders[ca].der));
    if ((rc = bm_buf_check(&der, "an answer about certificates", fail)) != BM_OK)
        return rc;
    bm_buf_add_bytes(&body, head);
    bm_buf_add_lv32(&body, bm_buf_bytes(&der));
    answer->later = BM_LATER_OCSP;
    answer->made = bm_batch_keep(signer, bm_buf_bytes(&body));
    return bm_buf_check(&body, "an answer about certificates", fail);
}

static void
error_answer(struct bm_signer *signer, struct bm_answer *answer, enum bm_ocsp_error error)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 16 }, body = { .max = 64 };

    bm_ocsp_error_build(&der, error);
    bm_buf_add_u64(&body, 0);
    bm_buf_add_u8(&body, 0);
    bm_buf_add_u8(&body, 0);
    bm_buf_add_lv32(&body, bm_buf_bytes(&der));
    answer->later = BM_LATER_OCSP;
    answer->made = bm_batch_keep(signer, bm_buf_bytes(&body));
}

/* ---- the responder's certificate ---- */

static bool
responder_good(const struct bm_signer *signer, unsigned ca, bm_time at)
{
    const struct bm_responder *responder = &signer->memory.responders[ca];

    return responder->der.n > 0 && responder->not_after >= at && memcmp(responder->key, signer->ocsp_key->key.hash, BM_HASH) == 0;
}

/* An intent like any other: on record before it is signed. Where it cannot be made now the one that still holds goes on. */
static enum bm_rc
responder_intend(struct bm_signer *signer, unsigned ca, bm_time now, struct bm_fail *fail)
{
    const struct bm_issuer *issuer = &signer->issuers[ca];
    const struct bm_record_leaves none = { .n = 0 };
    struct bm_responder_record intent = { .time = now, .not_after = now + BM_RESPONDER_SECONDS, .ca = ca };
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    if (bm_queue_admit(signer, ca, false, &why) != BM_OK)
        return BM_OK;
    if (intent.not_after > issuer->not_after)
        intent.not_after = issuer->not_after;
    if (intent.not_after <= now)
        return BM_OK;
    if ((rc = bm_serial_draw(signer, serial, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->der);
    rc = bm_tbs_responder_build(&signer->der, issuer, BM_RESPONDER_NAME, bm_key_spki(&signer->ocsp_key->key),
                                bm_bytes(serial, sizeof(serial)), now, intent.not_after, fail);
    if (rc != BM_OK)
        return rc;
    memcpy(intent.key, signer->ocsp_key->key.hash, BM_HASH);
    intent.tbs = bm_buf_bytes(&signer->der);
    bm_buf_reset(&signer->record);
    bm_responder_record_build(&signer->record, &intent);
    return bm_commit(signer, BM_R_RESPONDER, &none, NULL, fail);
}

/* req: ARCHITECTURE 2 each certificate that a CA's key signs has its leaf */
enum bm_rc
bm_responder_signed(struct bm_signer *signer, unsigned ca, struct bm_bytes signature, struct bm_fail *fail)
{
    struct bm_responder_signed made = { .leaves = { .n = 1 }, .ca = ca, .alg = signer->issuers[ca].alg, .signature = signature };
    struct bm_event event = { .kind = BM_EVENT_RESPONDER_CERTIFIED, .what = bm_bytes_str(signer->memory.cas.row[ca]->name) };
    char certificate[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    bm_buf_reset(&signer->der);
    bm_signed_build(&signer->der, bm_buf_bytes(&signer->memory.responders[ca].tbs), made.alg, signature);
    bm_sha256(hash, bm_buf_bytes(&signer->der));
    bm_hex(certificate, bm_bytes(hash, BM_HASH));
    event.certificate = bm_bytes_str(certificate);
    if ((rc = signer->env->now(signer->env->ctx, &event.time, fail)) != BM_OK ||
        (rc = bm_leaf_make(signer, 0, &event, &made.leaves.leaf[0], fail)) != BM_OK)
        return rc;
    bm_buf_reset(&signer->record);
    bm_responder_signed_build(&signer->record, &made);
    return bm_commit(signer, BM_R_RESPONDER_SIGNED, &made.leaves, bm_batch_answer(signer, 0, BM_S_LATE), fail);
}

/* The certificate of an intent that is durable by now. */
static enum bm_rc
responder_sign(struct bm_signer *signer, unsigned ca, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes tbs = bm_buf_bytes(&signer->memory.responders[ca].tbs);
    struct bm_fail why = { .rc = BM_OK };
    const struct bm_ca_key *key;
    enum bm_rc rc;

    if (bm_ca_key(&key, signer, ca, &why) != BM_OK)
        return BM_OK;
    if (key->kept)
        return bm_queue_responder(signer, ca, tbs, fail);
    if (signer->nbatch == BM_BATCH + BM_BATCH_MORE) /* of other CAs' in this very batch: the next question signs it */
        return BM_OK;
    rc = bm_token_sign(key->token, tbs, &signature, signer->crypto, fail);
    return rc != BM_OK ? rc : bm_responder_signed(signer, ca, bm_buf_bytes(&signature), fail);
}

/* ---- questions ---- */

/* One answer is one responder's, and so about certificates of one CA. */
static bool
ca_of(const struct bm_signer *signer, const struct bm_ocsp_question *question, unsigned *ret_ca)
{
    unsigned ca = 0;

    while (ca < signer->nissuers && !bm_ocsp_issuer_is(&signer->asked_by[ca], &question->id[0]))
        ca++;
    for (size_t i = 0; ca < signer->nissuers && i < question->n; i++)
        if (!bm_ocsp_issuer_is(&signer->asked_by[ca], &question->id[i]))
            return false;
    *ret_ca = ca;
    return ca < signer->nissuers;
}

enum bm_rc
bm_serve_ocsp(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct bm_bytes der = bm_rd_rest(&body);
    struct bm_answer *answer;
    struct bm_ocsp_question question;
    struct bm_fail why = { .rc = BM_OK };
    unsigned ca;
    bm_time now;
    enum bm_rc rc;

    if ((rc = signer->env->now(signer->env->ctx, &now, fail)) != BM_OK)
        return rc;
    answer = bm_batch_answer(signer, id, BM_S_ANSWER);
    if (bm_ocsp_parse(&question, der, &why) != BM_OK) {
        error_answer(signer, answer, BM_OCSP_MALFORMED);
    } else if (signer->ocsp_key == NULL || !ca_of(signer, &question, &ca)) {
        error_answer(signer, answer, BM_OCSP_UNAUTHORIZED);
    } else if (now < signer->memory.last_signed || now - signer->memory.last_signed > BM_CLOCK_JUMP) {
        error_answer(signer, answer, BM_OCSP_LATER); /* req: FAULTS F16 */
    } else {
        answer->later = BM_LATER_OCSP;
        answer->crl = (struct bm_crl_record){ .ca = ca, .time = now };
        answer->question = bm_batch_keep(signer, der);
        if (!signer->memory.responders[ca].open && !responder_good(signer, ca, now + BM_RESPONDER_SECONDS / 2))
            return responder_intend(signer, ca, now, fail);
    }
    return BM_OK;
}

/* What is durable may be signed; without a responder's certificate there is nobody who could answer. */
enum bm_rc
bm_ocsp_go(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf head = { .max = 256 }, tbs = { .max = BM_OCSP_ANSWER }, signature = { .max = BM_MAX_SIGNATURE };
    const unsigned ca = answer->crl.ca;
    const bm_time now = answer->crl.time;
    struct bm_ocsp_question question;
    enum bm_rc rc;

    if (signer->memory.responders[ca].open && (rc = responder_sign(signer, ca, fail)) != BM_OK)
        return rc;
    if (!responder_good(signer, ca, now)) {
        error_answer(signer, answer, BM_OCSP_LATER);
        return BM_OK;
    }
    if ((rc = bm_ocsp_parse(&question, bm_batch_kept(signer, answer->question), fail)) != BM_OK ||
        (rc = answer_make(signer, &question, ca, now, &head, &tbs, fail)) != BM_OK)
        return rc;
    if (signer->ocsp_key->kept) {
        if (!bm_queue_ocsp(signer, answer, bm_buf_bytes(&head), bm_buf_bytes(&tbs)))
            error_answer(signer, answer, BM_OCSP_LATER);
        return BM_OK;
    }
    rc = bm_token_sign(signer->ocsp_key->token, bm_buf_bytes(&tbs), &signature, signer->crypto, fail);
    return rc != BM_OK ? rc : bm_ocsp_done(signer, ca, bm_buf_bytes(&head), bm_buf_bytes(&tbs), bm_buf_bytes(&signature), answer, fail);
}
