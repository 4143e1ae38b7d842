#include "base/base.h"
#include "signer/apply.h"

#include "pki/tbs.h"

void
bm_responder_done(struct bm_responder *responder)
{
    bm_buf_done(&responder->tbs);
    bm_buf_done(&responder->der);
}

enum bm_rc
bm_apply_responder(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_responder_record intent;
    struct bm_responder *responder;
    enum bm_rc rc;

    if ((rc = bm_responder_record_parse(&intent, record->body, fail)) != BM_OK)
        return rc;
    if (intent.ca >= memory->cas.n || memory->responders[intent.ca].open)
        return bm_contradiction("a responder's certificate for a CA that is not there, or while another is to be signed", fail);
    responder = &memory->responders[intent.ca];
    bm_buf_reset(&responder->tbs);
    responder->tbs.max = responder->der.max = BM_MAX_CERT;
    bm_buf_add_bytes(&responder->tbs, intent.tbs);
    memcpy(responder->next_key, intent.key, BM_HASH);
    responder->next_end = intent.not_after;
    responder->open = true;
    memory->last_signed = intent.time;
    return bm_buf_check(&responder->tbs, "a responder's certificate", fail);
}

enum bm_rc
bm_apply_responder_signed(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_responder_signed made;
    struct bm_responder *responder;
    enum bm_rc rc;

    if ((rc = bm_responder_signed_parse(&made, record->body, fail)) != BM_OK)
        return rc;
    if (made.ca >= memory->cas.n || !memory->responders[made.ca].open)
        return bm_contradiction("a signature for no responder's certificate", fail);
    responder = &memory->responders[made.ca];
    bm_buf_reset(&responder->der);
    bm_signed_build(&responder->der, bm_buf_bytes(&responder->tbs), made.alg, made.signature);
    memcpy(responder->key, responder->next_key, BM_HASH);
    responder->not_after = responder->next_end;
    responder->open = false;
    if ((rc = bm_buf_check(&responder->der, "a responder's certificate", fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &made.leaves, record->at, fail);
}
