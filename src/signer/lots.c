#include "base/base.h"
#include "signer/lots.h"

#include "signer/listed.h"
#include "wire/text.h"

#include <stdlib.h>

void
bm_lots_done(struct bm_lots *lots)
{
    free(lots->lots);
    *lots = (struct bm_lots){ .n = 0 };
}

enum bm_rc
bm_lots_add(struct bm_lots *lots, const struct bm_pin *pin, uint32_t *ret_at, struct bm_fail *fail)
{
    uint32_t at = bm_lots_by_name(lots, pin->lot);
    struct bm_pinned *p = reallocarray(lots->lots, lots->n + 1, sizeof(*p));

    if (p == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another lot");
    lots->lots = p;
    if (at == BM_NONE) {
        at = (uint32_t)lots->n;
        p[at] = (struct bm_pinned){ .size = 0 };
    } else {
        p[lots->n] = p[at];
        p[lots->n].superseded = true;
    }
    lots->n++;
    *ret_at = at;
    p += at; /* of an earlier revision: what was restricted stays so */
    p->kind = pin->kind;
    p->revision = pin->revision;
    memcpy(p->lot, pin->lot, sizeof(p->lot));
    memcpy(p->vendor, pin->vendor, sizeof(p->vendor));
    memcpy(p->root, pin->root, sizeof(p->root));
    memcpy(p->ek_roots, pin->ek_roots, sizeof(p->ek_roots));
    p->nek_roots = pin->nek_roots;
    p->size = pin->size;
    return BM_OK;
}

/* A site has hundreds of lots: a walk costs less than a microsecond. */
uint32_t
bm_lots_by_root(const struct bm_lots *lots, const uint8_t root[static BM_HASH], uint64_t size)
{
    for (size_t i = 0; i < lots->n; i++)
        if (memcmp(lots->lots[i].root, root, BM_HASH) == 0 && (size == 0 || lots->lots[i].size == size))
            return (uint32_t)i;
    return BM_NONE;
}

uint32_t
bm_lots_by_name(const struct bm_lots *lots, const char *name)
{
    return bm_lots_find(lots, bm_bytes_str(name));
}

uint32_t
bm_lots_find(const struct bm_lots *lots, struct bm_bytes name)
{
    for (size_t i = 0; i < lots->n; i++)
        if (!lots->lots[i].superseded && bm_bytes_equal(name, bm_bytes_str(lots->lots[i].lot)))
            return (uint32_t)i;
    return BM_NONE;
}

/* Own format: the chipmaker's signature on the head, by the key that the pin names, over just what the pin says. */
static enum bm_rc
head_check(const struct bm_pin *pin, struct bm_bytes head_note, bool test, struct bm_fail *fail)
{
    struct bm_note_key key;
    struct bm_lot_head head;
    struct bm_note note;
    enum bm_rc rc;

    if ((rc = bm_note_vkey_parse(&key, bm_bytes_str(pin->vendor_key), fail)) != BM_OK ||
        (rc = bm_note_parse(&note, head_note, fail)) != BM_OK || (rc = bm_lot_head_parse(&head, note.text, fail)) != BM_OK)
        return rc;
    if (bm_note_check(&note, &key, fail) != BM_OK)
        return bm_fail(fail, BM_EPOLICY, NULL, "the head of lot %s is not signed by the chipmaker's key that the pin names", pin->lot);
    if (strcmp(head.lot, pin->lot) != 0 || head.kind != pin->kind || head.revision != pin->revision || head.size != pin->size ||
        memcmp(head.root, pin->root, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the pin of lot %s says something else than the chipmaker's head: receive the lot again",
                       pin->lot);
    if (head.test && !test)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s is for tests, says its maker, and a production site takes none", pin->lot);
    return BM_OK;
}

/* A name that is taken: by an earlier revision of the same list, or it is refused. */
static enum bm_rc
revision_check(const struct bm_pin *pin, const struct bm_pinned *held, struct bm_fail *fail)
{
    if (strcmp(held->vendor, pin->vendor) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "a lot with the name %s is pinned already, from %s: receive this one under another name",
                       pin->lot, held->vendor);
    if (pin->revision <= held->revision)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "lot %s is pinned already with revision %llu and this list has revision %llu: only a later one replaces it, so ask "
                       "the chipmaker for the newest",
                       pin->lot, (unsigned long long)held->revision, (unsigned long long)pin->revision);
    if (held->withdrawn)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s was withdrawn, and no revision of it is taken any more", pin->lot);
    if (held->kind != pin->kind)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "revision %llu of lot %s lists its chips in another way than the one before: ask the chipmaker",
                       (unsigned long long)pin->revision, pin->lot);
    return BM_OK;
}

enum bm_rc
bm_pin_check(const struct bm_pin *pin, struct bm_bytes head_note, const struct bm_lots *lots, bool test, struct bm_fail *fail)
{
    uint32_t at = bm_lots_by_name(lots, pin->lot);
    enum bm_rc rc;

    if (pin->size == 0 || pin->size > BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s has %llu chips; 1 to %d are taken: divide it", pin->lot,
                       (unsigned long long)pin->size, BM_MAX_LOT_CHIPS);
    if (bm_lots_by_root(lots, pin->root, 0) != BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s is pinned already, as %s", pin->lot,
                       lots->lots[bm_lots_by_root(lots, pin->root, 0)].lot);
    if (at != BM_NONE && (rc = revision_check(pin, &lots->lots[at], fail)) != BM_OK)
        return rc;
    if (pin->source == BM_SOURCE_BIRTHMARK)
        return head_check(pin, head_note, test, fail);
    if (head_note.n != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "lot %s is of a foreign format and comes with a head note all the same", pin->lot);
    return BM_OK;
}

enum bm_rc
bm_stream_open(struct bm_stream *ret_stream, const struct bm_statement_head *head, const struct bm_pin *pin, struct bm_bytes begin,
               uint64_t seed, struct bm_fail *fail)
{
    *ret_stream = (struct bm_stream){ .open = true,
                                      .pin = *pin,
                                      .head = *head,
                                      .tags = { .max = (size_t)BM_MAX_LOT_CHIPS * BM_MAX_CHIP_KEYS * BM_TAG },
                                      .begin = { .max = BM_MAX_MESSAGE } };
    bm_table_init(&ret_stream->seen, seed);
    bm_buf_add_bytes(&ret_stream->begin, begin);
    return bm_table_reserve(&ret_stream->seen, (size_t)pin->size, fail); /* which bm_pin_check() has held against its limit */
}

void
bm_stream_close(struct bm_stream *stream)
{
    bm_table_done(&stream->seen);
    bm_buf_done(&stream->tags);
    bm_buf_done(&stream->begin);
    stream->open = false;
}

/* One of the two lists is wrong, and nobody here knows which. */
enum bm_rc
bm_shared_check(const struct bm_pinned *other, struct bm_fail *fail)
{
    if (other->quarantined && !other->withdrawn)
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "it lists a chip that stands in lot %s too, and a chip is in one lot: ask the chipmaker which list is right",
                   other->lot);
}

static enum bm_rc
names_check(struct bm_stream *stream, const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, struct bm_fail *fail)
{
    const uint32_t here = (uint32_t)stream->frontier.size;
    uint32_t unit, twin = here;
    enum bm_rc rc;

    if ((rc = bm_slots_unit(slots, hashes, n, &unit, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if ((rc = bm_table_add(&stream->seen, hashes[i], here, &twin, fail)) != BM_OK)
            return rc;
        if (twin != here)
            return bm_fail(fail, BM_EPOLICY, NULL, "it lists one %s for two chips (%u and %u): ask the chipmaker which is right",
                           stream->pin.kind == BM_LEAF_ID ? "id" : "root key", twin, here);
        bm_buf_add(&stream->tags, hashes[i], BM_TAG);
    }
    return bm_buf_check(&stream->tags, "a lot's keys", fail);
}

/* By which its slot is found: its root keys; what stands for its id where that is all. */
static size_t
names_of(const struct bm_leaf *leaf, uint8_t ret[static BM_MAX_CHIP_KEYS][BM_HASH])
{
    if (leaf->kind == BM_LEAF_ID) {
        bm_leaf_id_hash(leaf, ret[0]);
        return 1;
    }
    for (size_t i = 0; i < leaf->nkeys; i++)
        memcpy(ret[i], leaf->keys[i].key.hash, BM_HASH);
    return leaf->nkeys;
}

enum bm_rc
bm_stream_leaf(struct bm_stream *stream, const struct bm_slots *slots, struct bm_bytes der, struct bm_fail *fail)
{
    uint8_t hashes[BM_MAX_CHIP_KEYS][BM_HASH], hash[BM_HASH];
    const struct bm_leaf *leaf = &stream->leaf;
    enum bm_rc rc;
    size_t n;

    if (stream->frontier.size == stream->pin.size)
        return bm_fail(fail, BM_EPOLICY, NULL, "it has more chips than the %llu of its pin", (unsigned long long)stream->pin.size);
    if ((rc = bm_leaf_parse(&stream->leaf, der, fail)) != BM_OK)
        return rc;
    if (leaf->kind != stream->pin.kind)
        return bm_fail(fail, BM_EPOLICY, NULL, "chip %s is of another kind than its lot's pin says", leaf->id);
    n = names_of(leaf, hashes);
    for (size_t i = 0; i < n; i++)
        bm_table_soon(&stream->seen, hashes[i]);
    bm_tree_leaf(hash, der); /* while memory fetches what names_check() needs */
    if ((rc = names_check(stream, slots, (const uint8_t(*)[BM_HASH])hashes, n, fail)) != BM_OK)
        return rc;
    bm_frontier_append(&stream->frontier, hash);
    return BM_OK;
}

enum bm_rc
bm_stream_check(const struct bm_stream *stream, struct bm_fail *fail)
{
    uint8_t root[BM_HASH];

    if (stream->frontier.size != stream->pin.size)
        return bm_fail(fail, BM_EPOLICY, NULL, "%llu of its %llu chips came", (unsigned long long)stream->frontier.size,
                       (unsigned long long)stream->pin.size);
    bm_frontier_root(&stream->frontier, root);
    if (memcmp(root, stream->pin.root, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "its chips are not those that were signed: its tree has another head");
    return BM_OK;
}

bool
bm_keys_next(struct bm_rd *rd, const uint8_t (**ret_hashes)[BM_HASH], size_t *ret_n)
{
    struct bm_bytes view;
    size_t n;

    if (rd->bad || rd->left == 0)
        return false;
    n = bm_rd_u8(rd);
    view = bm_rd_take(rd, n * BM_HASH);
    if (rd->bad || n == 0 || n > BM_MAX_CHIP_KEYS) {
        rd->bad = true;
        return false;
    }
    *ret_hashes = (const void *)view.p;
    *ret_n = n;
    return true;
}
