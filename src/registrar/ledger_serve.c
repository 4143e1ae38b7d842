/* The ledger, for whoever checks it: always as far as the checkpoint that goes with it. */
#include "registrar/registrar.h"

#include "wire/json.h"
#include "wire/text.h"

enum bm_rc
bm_leaf_row(struct bm_registrar *r, struct bm_link *link, uint64_t id, uint64_t index, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf event = { .max = BM_MAX_EVENT };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_MESSAGE_BODY };
    char salt_hex[2 * BM_SALT + 1];
    uint8_t salt[BM_SALT];
    uint8_t kind;
    json_t *row;
    enum bm_rc rc;

    if ((rc = bm_store_leaf_get(r->store, index, &kind, salt, &event, fail)) != BM_OK)
        return rc;
    bm_hex(salt_hex, bm_bytes(salt, sizeof(salt)));
    if ((row = json_pack("{s:I, s:s, s:s%}", "index", (json_int_t)index, "salt", salt_hex, "event", (const char *)event.p, event.n)) ==
        NULL)
        return bm_fail(fail, BM_EBUG, NULL, "leaf %llu of the store can't be read: restore the store", (unsigned long long)index);
    rc = bm_json_print(&text, row, fail);
    json_decref(row);
    if (rc != BM_OK)
        return rc;
    bm_buf_add_u8(&text, 0);
    if ((rc = bm_buf_check(&text, "a leaf", fail)) != BM_OK)
        return rc;
    return bm_control_row(link, id, (const char *)text.p, fail);
}

/* While a batch's answers come in, the leaves are ahead of the checkpoint by a few: those wait for the next. */
static enum bm_rc
checkpoint_get(struct bm_registrar *r, struct bm_buf *note, uint64_t *ret_size, struct bm_fail *fail)
{
    struct bm_checkpoint checkpoint;
    struct bm_note parts;
    enum bm_rc rc;

    if ((rc = bm_store_checkpoint_get(r->store, note, fail)) != BM_OK || (rc = bm_note_parse(&parts, bm_buf_bytes(note), fail)) != BM_OK ||
        (rc = bm_checkpoint_parse(&checkpoint, parts.text, fail)) != BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "the store's checkpoint can't be read: restore the store");
    *ret_size = checkpoint.size;
    return BM_OK;
}

enum bm_rc
bm_serve_ledger(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const struct peer *peer = ctx;
    struct listing *listing = &peer->r->listings[peer->link - peer->r->controls];
    uint64_t first = bm_rd_u64(&body), most = bm_rd_u32(&body), size;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "LEDGER does not parse");
    if ((rc = checkpoint_get(peer->r, &note, &size, fail)) != BM_OK)
        return rc;
    *listing = (struct listing){ .open = true, .id = id, .next = first, .last = { .max = BM_MAX_MESSAGE_BODY } };
    listing->end = first < size && size - first > most ? first + most : size;
    bm_buf_add_lv16(&listing->last, bm_buf_bytes(&note));
    if ((rc = bm_buf_check(&listing->last, "the checkpoint", fail)) != BM_OK)
        return rc;
    return bm_listing_go(peer->r, listing, peer->link, fail);
}

enum bm_rc
bm_serve_prove(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE_BODY };
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const struct peer *peer = ctx;
    struct bm_tree_source source = bm_ledger_source(&peer->r->ledger);
    uint64_t index = bm_rd_u64(&body), size;
    struct bm_proof proof;
    enum bm_rc rc;

    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "PROVE does not parse");
    if ((rc = checkpoint_get(peer->r, &note, &size, fail)) != BM_OK)
        return rc;
    if (index >= size)
        return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0, "the ledger has no such leaf: see `birthmark ledger show`", fail);
    if ((rc = bm_inclusion_make(&proof, &source, index, size, fail)) != BM_OK ||
        (rc = bm_leaf_row(peer->r, peer->link, id, index, fail)) != BM_OK)
        return rc;
    bm_proof_build(&end, &proof);
    bm_buf_add_lv16(&end, bm_buf_bytes(&note));
    if ((rc = bm_buf_check(&end, "the proof", fail)) != BM_OK)
        return rc;
    return bm_control_end(peer->link, id, bm_buf_bytes(&end), fail);
}
