/* sign.c - the only two things that the CA keys ever sign: the TBS of an intent that is on record, and CRLs. */
#include "base/base.h"
#include "signer/signer.h"

#include "wire/text.h"

#include <stdlib.h>

#define HEX(n) (2 * (n) + 1)

/* The issue as the ledger tells it. */
static enum bm_rc
issue_event(struct bm_signer *signer, const struct bm_intent *intent, const struct bm_answer *answer, struct bm_bytes der,
            struct bm_record_leaf *ret_leaf, struct bm_fail *fail)
{
    char chip[HEX(BM_HASH)], evidence[HEX(BM_HASH)], certificate[HEX(BM_HASH)], serial[HEX(BM_MAX_SERIAL)], replaces[HEX(BM_MAX_SERIAL)];
    char proven[BM_MAX_PROVEN], first[HEX(BM_HASH)], code[HEX(BM_HASH)];
    const struct bm_shown *shown = &intent->shown;
    uint8_t hash[BM_HASH];
    struct bm_event event = {
        .kind = intent->decision == BM_DECISION_RENEW ? BM_EVENT_IDENTITY_RENEWED
                : intent->replaces.n > 0              ? BM_EVENT_IDENTITY_REPLACED
                                                      : BM_EVENT_IDENTITY_ISSUED,
        .time = intent->time,
        .device = bm_bytes_str(answer->device),
        .lot = intent->lot,
        .order = intent->order,
        .profile = intent->profile,
        .service = intent->service,
        .evidence_class = bm_bytes_str(bm_evidence_class_word(intent->evidence)),
        .tpm_manufacturer = shown->manufacturer,
        .tpm_model = shown->model,
        .tpm_version = shown->version,
    };

    bm_proven_print(proven, shown->proven);
    event.proven = bm_bytes_str(proven);
    bm_hex(first, bm_bytes(shown->first, BM_HASH));
    bm_hex(code, bm_bytes(shown->code, BM_HASH));
    if ((shown->proven & BM_PROVEN_DICE) != 0) {
        event.measured_first = bm_bytes_str(first);
        event.measured_code = bm_bytes_str(code);
    }
    bm_hex(chip, bm_bytes(intent->chip, BM_HASH));
    bm_sha256(hash, intent->bundle);
    bm_hex(evidence, bm_bytes(hash, BM_HASH));
    bm_sha256(hash, der);
    bm_hex(certificate, bm_bytes(hash, BM_HASH));
    bm_hex(serial, intent->serial);
    bm_hex(replaces, intent->replaces);
    event.chip = bm_bytes_str(chip);
    event.evidence = bm_bytes_str(evidence);
    event.certificate = bm_bytes_str(certificate);
    event.serial = bm_bytes_str(serial);
    event.replaces = bm_bytes_str(replaces);
    return bm_leaf_make(signer, 0, &event, ret_leaf, fail);
}

static enum bm_rc
again_event(struct bm_signer *signer, const struct bm_intent *intent, const struct bm_answer *answer, struct bm_record_leaf *ret_leaf,
            struct bm_fail *fail)
{
    char serial[HEX(BM_MAX_SERIAL)];
    struct bm_event event = { .kind = BM_EVENT_SIGNED_AGAIN,
                              .time = intent->time,
                              .device = bm_bytes_str(answer->device),
                              .service = intent->service,
                              .reason = bm_bytes_str("signer or token stopped between intent and signature; the same TBS was signed") };

    bm_hex(serial, intent->serial);
    event.serial = bm_bytes_str(serial);
    return bm_leaf_make(signer, 1, &event, ret_leaf, fail);
}

static enum bm_rc
done_record(struct bm_signer *signer, const struct bm_intent *intent, struct bm_done *done, struct bm_answer *answer, struct bm_fail *fail)
{
    enum bm_rc rc;

    bm_buf_reset(&signer->der);
    bm_signed_build(&signer->der, intent->tbs, done->alg, done->signature);
    if ((rc = bm_buf_check(&signer->der, "a certificate", fail)) != BM_OK)
        return rc;
    done->leaves.n = done->again ? 2 : 1;
    if ((rc = issue_event(signer, intent, answer, bm_buf_bytes(&signer->der), &done->leaves.leaf[0], fail)) != BM_OK ||
        (done->again && (rc = again_event(signer, intent, answer, &done->leaves.leaf[1], fail)) != BM_OK))
        return rc;
    bm_buf_reset(&signer->record);
    bm_done_build(&signer->record, done);
    if ((rc = bm_commit(signer, BM_R_DONE, &done->leaves, answer, fail)) != BM_OK)
        return rc;
    answer->leaf[answer->nleaves - done->leaves.n].certificate = bm_batch_keep(signer, bm_buf_bytes(&signer->der));
    return BM_OK;
}

enum bm_rc
bm_intent_read(struct bm_signer *signer, uint64_t at, struct bm_intent *ret_intent, struct bm_fail *fail)
{
    struct bm_record record;
    enum bm_rc rc;

    if ((rc = bm_journal_read(&signer->journal, at, &signer->read, &record, fail)) != BM_OK)
        return rc;
    if (record.type != BM_R_INTENT)
        return bm_fail(fail, BM_EBUG, NULL, "there is no intent at byte %llu of the signer's journal", (unsigned long long)at);
    return bm_intent_parse(ret_intent, record.body, fail);
}

enum bm_rc
bm_intent_done(struct bm_signer *signer, uint64_t at, bool again, struct bm_bytes signature, struct bm_answer *answer, struct bm_fail *fail)
{
    struct bm_done done = { .intent = at, .again = again, .signature = signature };
    struct bm_intent intent;
    uint32_t unit;
    enum bm_rc rc;

    if ((rc = bm_intent_read(signer, at, &intent, fail)) != BM_OK)
        return rc;
    if (!bm_table_find(&signer->memory.slots.roots, intent.chip, &unit))
        return bm_fail(fail, BM_EBUG, NULL, "the intent at byte %llu of the signer's journal is for no chip", (unsigned long long)at);
    done.alg = signer->issuers[intent.ca].alg;
    bm_slots_device_print(&signer->memory.slots, unit, answer->device);
    memcpy(answer->serial, intent.serial.p, intent.serial.n);
    answer->nserial = intent.serial.n;
    return done_record(signer, &intent, &done, answer, fail);
}

enum bm_rc
bm_sign_intent(struct bm_signer *signer, uint64_t at, bool again, struct bm_answer *answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    const struct bm_ca_key *key;
    struct bm_intent intent;
    enum bm_rc rc;

    if ((rc = bm_intent_read(signer, at, &intent, fail)) != BM_OK || (rc = bm_ca_key(&key, signer, intent.ca, fail)) != BM_OK ||
        (rc = bm_token_sign(key->token, intent.tbs, &signature, signer->crypto, fail)) != BM_OK)
        return rc;
    return bm_intent_done(signer, at, again, bm_buf_bytes(&signature), answer, fail);
}

#define CRL_SECONDS (7 * 86400) /* until the next: a service that reads it weekly misses none */
#define CRL_AGE 86400           /* given out again for so long: then another is made, with days to spare before this one's end */

static void
revoked_done(struct bm_revoked **revoked)
{
    free(*revoked);
}

enum bm_rc
bm_crl_tbs(struct bm_signer *signer, const struct bm_crl_record *crl, struct bm_buf *tbs, bm_time *ret_until, struct bm_fail *fail)
{
    const struct bm_revocations *lists = &signer->memory.revocations;
    bm_cleanup(revoked_done) struct bm_revoked *revoked = NULL;
    struct bm_issuer issuer;
    size_t n = 0;
    enum bm_rc rc =
        bm_revocations_now(&lists->buckets[bm_bucket_find(lists, crl->ca, crl->bucket)], crl->time, &revoked, &n, ret_until, fail);

    if (rc != BM_OK)
        return rc;
    if (*ret_until > crl->time + CRL_AGE)
        *ret_until = crl->time + CRL_AGE;
    bm_ca_bucket(&issuer, signer, crl->ca, crl->bucket);
    return bm_crl_build(tbs, &issuer, revoked, n, crl->number, crl->time, crl->time + CRL_SECONDS, fail);
}

enum bm_rc
bm_crl_done(struct bm_signer *signer, unsigned ca, struct bm_bytes tbs, struct bm_bytes signature, struct bm_answer *answer,
            struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_MESSAGE_BODY - 12 };
    enum bm_rc rc;

    bm_signed_build(&der, tbs, signer->issuers[ca].alg, signature);
    if ((rc = bm_buf_check(&der, "the list of revoked certificates", fail)) != BM_OK)
        return rc;
    answer->later = BM_LATER_CRL;
    answer->crl_der = bm_batch_keep(signer, bm_buf_bytes(&der));
    return BM_OK;
}

enum bm_rc
bm_sign_crl(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_MESSAGE }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_fail why = { .rc = BM_OK };
    const struct bm_ca_key *key;
    enum bm_rc rc;

    if ((rc = bm_ca_key(&key, signer, answer->crl.ca, &why)) == BM_OK &&
        (rc = bm_crl_tbs(signer, &answer->crl, &tbs, &answer->until, &why)) == BM_OK) {
        if ((rc = bm_token_sign(key->token, bm_buf_bytes(&tbs), &signature, signer->crypto, fail)) != BM_OK)
            return rc;
        rc = bm_crl_done(signer, answer->crl.ca, bm_buf_bytes(&tbs), bm_buf_bytes(&signature), answer, &why);
    }
    return rc == BM_OK ? BM_OK : bm_answer_turn(signer, answer, &why, fail);
}
