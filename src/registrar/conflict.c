/*
 * A lot that contradicts another: one of the two lists is wrong, and nobody here knows which, so neither serves until somebody does.
 *
 * Only a lot whose pin the signer took comes so far: the command verified the chipmaker's signature, an operator signed the head, and the signer has
 * checked both. A file that nobody verified puts no other lot into quarantine; a list in CSV that nobody signed (its ids are a column's) is refused
 * and no more. A command that lies could do it, as it could withdraw any lot: that stops work and mints nothing.
 */
#include "registrar/registrar.h"

/* Is the id one that the vendor signed? A file name or an unsigned column says too little against another lot. */
static bool
id_signed(const struct bm_leaf *leaf)
{
    return leaf->id_source == BM_LABEL_SIGNED || leaf->id_source == BM_LABEL_CERTIFICATE;
}

static enum bm_rc
key_conflict(struct bm_registrar *r, const struct bm_leaf *leaf, const struct bm_store_key *key, struct bm_fail *fail)
{
    struct arrival *a = &r->arrival;
    char id[BM_MAX_ID + 1];
    enum bm_rc rc;
    bool found;

    if ((rc = bm_store_chip_elsewhere(r->store, key->hash, a->name, &found, a->against, id, fail)) != BM_OK || !found)
        return rc;
    a->unsigned_list = leaf->id_source == BM_LABEL_COLUMN;
    if (a->unsigned_list)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "chip %s of lot %s stands in lot %s too, as %s, and nobody signed the list of %s: it is refused, and %s stays as it is",
            leaf->id, a->name, a->against, id, a->name, a->against);
    return bm_fail(
        fail, BM_EPOLICY, NULL,
        "chip %s of lot %s (root key %02x%02x\xe2\x80\xa6%02x) stands in lot %s too, as %s: ask the chipmaker which list is right; "
        "nothing is issued from either until then",
        leaf->id, a->name, key->hash[0], key->hash[1], key->hash[BM_HASH - 1], a->against, id);
}

enum bm_rc
bm_conflict_check(struct bm_registrar *r, const struct bm_leaf *leaf, const struct bm_store_key *keys, size_t nkeys, struct bm_fail *fail)
{
    struct arrival *a = &r->arrival;
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    struct bm_leaf other;
    enum bm_rc rc;
    bool found;

    for (size_t i = 0; i < nkeys; i++)
        if ((rc = key_conflict(r, leaf, &keys[i], fail)) != BM_OK)
            return rc;
    if (!id_signed(leaf))
        return BM_OK;
    if ((rc = bm_store_id_elsewhere(r->store, leaf->id, a->vendor, a->name, &found, a->against, &der, fail)) != BM_OK || !found)
        return rc;
    if (bm_leaf_parse(&other, bm_buf_bytes(&der), fail) != BM_OK || !id_signed(&other)) {
        a->against[0] = 0;
        return BM_OK;
    }
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "chip %s of lot %s has another root key in lot %s: ask the chipmaker which list is right; nothing is issued from either "
                   "until then",
                   leaf->id, a->name, a->against);
}

/* Nobody waits for it: the command hears of the refusal. */
static enum bm_rc
quarantine_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    if ((rc = bm_s_leaves_parse(&leaves, bm_rd(message->body), fail)) != BM_OK)
        return rc;
    return bm_records_keep(r, &leaves, p, &alarm, fail);
}

static enum bm_rc
quarantine_ask(struct bm_registrar *r, const char *lot, const char *by, const char *reason, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 2048 };
    struct pending *p;
    enum bm_rc rc;

    bm_s_lot_state_build(&body,
                         &(struct bm_s_lot_state){
                             .what = BM_LOT_QUARANTINE, .lot = bm_bytes_str(lot), .by = bm_bytes_str(by), .reason = bm_bytes_str(reason) });
    if ((rc = bm_buf_check(&body, "the restriction", fail)) != BM_OK ||
        (rc = bm_signer_ask(r, BM_S_LOT_STATE, bm_buf_bytes(&body), NULL, 0, quarantine_settle, &p, fail)) != BM_OK)
        return rc;
    bm_buf_add_bytes(&p->kept, bm_buf_bytes(&body));
    return bm_buf_check(&p->kept, "the restriction", fail);
}

enum bm_rc
bm_conflict_hold(const struct peer *peer, uint64_t id, const struct arrival *a, const char *sentence, struct bm_fail *fail)
{
    const struct refusal refusal = { .what = "lot", .class = BM_EPOLICY, .chip = "", .lot = a->name, .by = a->by, .sentence = sentence };
    const struct bm_store_held held = {
        .name = a->name, .vendor = a->vendor, .source = a->source, .reason = sentence, .size = a->size, .root = a->root
    };
    enum bm_rc rc;

    if (a->unsigned_list)
        return bm_refuse(peer->r, peer->link, id, &refusal, fail);
    rc = bm_store_lot_held(peer->r->store, &held, peer->r->now, fail);

    /* a later revision of a lot that is pinned: its name is there already */
    if ((rc != BM_OK && rc != BM_EPOLICY) || (rc = quarantine_ask(peer->r, a->against, a->by, sentence, fail)) != BM_OK)
        return rc;
    return bm_refuse(peer->r, peer->link, id, &refusal, fail);
}
