#include "base/base.h"
#include "signer/apply.h"

#include "record/site.h"

#include <stdlib.h>

enum bm_rc
bm_memory_init(struct bm_memory *ret_memory, const uint8_t site[static BM_HASH], uint64_t seed, struct bm_fail *fail)
{
    memset(ret_memory, 0, sizeof(*ret_memory));
    if ((ret_memory->roles = calloc(1, sizeof(*ret_memory->roles))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the operators");
    memcpy(ret_memory->site, site, BM_HASH);
    bm_slots_init(&ret_memory->slots, seed);
    bm_waivers_init(&ret_memory->waivers, seed);
    bm_revocations_init(&ret_memory->revocations, seed);
    return BM_OK;
}

void
bm_memory_done(struct bm_memory *memory)
{
    free(memory->roles);
    bm_slots_done(&memory->slots);
    bm_lots_done(&memory->lots);
    bm_orders_done(&memory->orders);
    bm_books_done(&memory->books);
    bm_profiles_done(&memory->profiles);
    bm_waivers_done(&memory->waivers);
    bm_supports_done(&memory->supports);
    bm_book_done(&memory->book);
    bm_cas_done(&memory->cas);
    bm_revocations_done(&memory->revocations);
    for (size_t i = 0; i < BM_MAX_CAS; i++)
        bm_responder_done(&memory->responders[i]);
    memset(memory, 0, sizeof(*memory));
}

enum bm_rc
bm_statement_text(struct bm_rd *body, struct bm_bytes *ret_note, struct bm_bytes *ret_text, struct bm_fail *fail)
{
    struct bm_note note;
    struct bm_bytes bytes = bm_rd_lv32(body, BM_MAX_NOTE);
    enum bm_rc rc;

    if (body->bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the statement is malformed or longer than %d bytes", BM_MAX_NOTE);
    if ((rc = bm_note_parse(&note, bytes, fail)) != BM_OK)
        return rc;
    *ret_note = bytes;
    *ret_text = note.text;
    return BM_OK;
}

enum bm_rc
bm_contradiction(const char *what, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: %s", what);
}

static enum bm_rc
apply_founded(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_founded founded;
    enum bm_rc rc;

    if ((rc = bm_founded_parse(&founded, record->body, fail)) != BM_OK)
        return rc;
    if (memcmp(founded.site, memory->site, BM_HASH) != 0)
        return bm_fail(fail, BM_EBUG, NULL, "it belongs to another ledger key than signer/ledger.key: put the right key back");
    if ((rc = bm_roles_parse(&head, memory->roles, founded.roles, fail)) != BM_OK ||
        (rc = bm_cas_root(&memory->cas, founded.root, bm_bytes(NULL, 0), bm_bytes(NULL, 0), fail)) != BM_OK)
        return rc;
    for (unsigned i = 0; i < BM_CA__N; i++)
        if ((rc = bm_cas_add(&memory->cas, bm_bytes_str(bm_ca_word((enum bm_ca)i)), (enum bm_ca)i, founded.ca[i], fail)) != BM_OK)
            return rc;
    memory->founded = true;
    memory->next_seq = 1;
    memory->last_signed = head.time;
    return bm_book_append(&memory->book, &founded.leaves, record->at, fail);
}

static enum bm_rc
apply_noted(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_plain plain;
    enum bm_rc rc;

    if ((rc = bm_plain_parse(&plain, record->body, fail)) != BM_OK)
        return rc;
    return bm_book_append(&memory->book, &plain.leaves, record->at, fail);
}

static bm_apply *const applies[BM_R__N] = {
    [BM_R_FOUNDED] = apply_founded,
    [BM_R_STATEMENT] = bm_apply_statement,
    [BM_R_LOT] = bm_apply_lot,
    [BM_R_LOT_KEYS] = bm_apply_lot_keys,
    [BM_R_LOT_END] = bm_apply_lot_end,
    [BM_R_INTENT] = bm_apply_intent,
    [BM_R_DONE] = bm_apply_done,
    [BM_R_CONFIRMED] = bm_apply_confirmed,
    [BM_R_REVOKED] = bm_apply_revoked,
    [BM_R_NOTED] = apply_noted,
    [BM_R_CRL] = bm_apply_crl,
    [BM_R_LOT_STATE] = bm_apply_lot_state,
    [BM_R_CHIPS] = bm_apply_chips,
    [BM_R_FORKED] = bm_apply_forked,
    [BM_R_ORDER_CLOSED] = bm_apply_order_closed,
    [BM_R_DEVICE] = bm_apply_device,
    [BM_R_SUPPORT_CLOSED] = bm_apply_support_closed,
    [BM_R_RESPONDER] = bm_apply_responder,
    [BM_R_RESPONDER_SIGNED] = bm_apply_responder_signed,
    [BM_R_HELD] = bm_apply_held,
};

enum bm_rc
bm_memory_apply(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (record->type >= BM_R__N || applies[record->type] == NULL)
        return bm_fail(fail, BM_EBUG, NULL, "a record of type %u is not known: run the release that wrote it, or a newer one",
                       record->type);
    if (memory->founded != (record->type != BM_R_FOUNDED))
        return bm_contradiction(memory->founded ? "a second founding" : "it does not begin with the founding", fail);
    rc = applies[record->type](memory, record, fail);
    /* What a record says was checked before it was written: a refusal here is no refusal of a peer's. */
    if (rc == BM_EINPUT || rc == BM_EPOLICY)
        fail->rc = rc = BM_EBUG;
    return rc;
}
