#include "base/base.h"
#include "signer/listed.h"

#include "base/large.h"
#include "signer/records.h"

/* The next lot that counts and lists anything. */
static bool
lot_next(struct bm_listing *listing)
{
    const struct bm_lots *lots = listing->lots;

    for (listing->lot = listing->begun ? listing->lot + 1 : 0; listing->lot < lots->n; listing->lot++) {
        const struct bm_pinned *lot = &lots->lots[listing->lot];

        listing->begun = true;
        if (lot->superseded || listing->lot == listing->except)
            continue;
        listing->at = lot->tags_at;
        listing->left = lot->ntags;
        return true;
    }
    return false;
}

enum bm_rc
bm_listing_next(struct bm_listing *listing, struct bm_buf *buf, struct bm_bytes *ret_run, struct bm_fail *fail)
{
    struct bm_record record;
    struct bm_plain plain;
    enum bm_rc rc;

    *ret_run = bm_bytes(NULL, 0);
    if (listing->left == 0 && !lot_next(listing))
        return BM_OK;
    if ((rc = bm_journal_read(listing->journal, listing->at, buf, &record, fail)) != BM_OK ||
        (rc = bm_plain_parse(&plain, record.body, fail)) != BM_OK)
        return rc;
    if (record.type != BM_R_LOT_KEYS || plain.rest.n == 0 || plain.rest.n % BM_TAG != 0 || plain.rest.n / BM_TAG > listing->left)
        return bm_fail(fail, BM_EBUG, NULL, "the signer's journal has changed since it was opened (byte %llu): start the server again",
                       (unsigned long long)listing->at);
    listing->at += BM_RECORD_FRAME + record.body.n;
    listing->left -= plain.rest.n / BM_TAG;
    *ret_run = plain.rest;
    return BM_OK;
}

static uint64_t
tag_at(struct bm_bytes run, size_t i)
{
    uint64_t tag;

    memcpy(&tag, run.p + i * BM_TAG, sizeof(tag));
    return tag;
}

static void
tag_add(struct bm_tags *tags, uint64_t tag)
{
    uint64_t mixed = tag * tags->factor, bit = mixed >> tags->filter_shift;
    size_t at = (size_t)(mixed >> tags->shift);

    tags->zero |= tag == 0;
    tags->filter[bit / 64] |= 1ull << bit % 64;
    while (tags->tags[at] != 0 && tags->tags[at] != tag)
        at = (at + 1) % tags->ntags;
    tags->tags[at] = tag;
}

/* Half full at the most, and sixteen bits or more a tag. */
enum bm_rc
bm_tags_make(struct bm_tags *ret_tags, struct bm_bytes run, uint64_t seed, struct bm_fail *fail)
{
    struct bm_tags tags = { .factor = seed | 1, .shift = 64 - 6 };
    size_t n = run.n / BM_TAG;

    while ((1ull << (64 - tags.shift)) < 2 * n)
        tags.shift--;
    tags.filter_shift = tags.shift - 3;
    tags.ntags = (size_t)1 << (64 - tags.shift);
    tags.nfilter = ((size_t)1 << (64 - tags.filter_shift)) / 64;
    tags.tags = bm_large_new(tags.ntags, sizeof(*tags.tags));
    tags.filter = bm_large_new(tags.nfilter, sizeof(*tags.filter));
    if (tags.tags == NULL || tags.filter == NULL) {
        bm_tags_done(&tags);
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to compare a lot of %zu root keys with those that are here", n);
    }
    for (size_t i = 0; i < n; i++)
        tag_add(&tags, tag_at(run, i));
    *ret_tags = tags;
    return BM_OK;
}

void
bm_tags_done(struct bm_tags *tags)
{
    bm_large_free(tags->tags, tags->ntags, sizeof(*tags->tags));
    bm_large_free(tags->filter, tags->nfilter, sizeof(*tags->filter));
    *tags = (struct bm_tags){ .ntags = 0 };
}

static bool
tag_in(const struct bm_tags *tags, uint64_t tag)
{
    size_t at = (size_t)((tag * tags->factor) >> tags->shift);

    if (tag == 0)
        return tags->zero;
    while (tags->tags[at] != 0 && tags->tags[at] != tag)
        at = (at + 1) % tags->ntags;
    return tags->tags[at] == tag;
}

bool
bm_tags_meet(const struct bm_tags *tags, struct bm_bytes run)
{
    for (size_t i = 0; i < run.n / BM_TAG; i++) {
        uint64_t tag = tag_at(run, i), bit = (tag * tags->factor) >> tags->filter_shift;

        if ((tags->filter[bit / 64] & 1ull << bit % 64) != 0 && tag_in(tags, tag))
            return true;
    }
    return false;
}

enum bm_rc
bm_listed(const struct bm_lots *lots, struct bm_journal *journal, const uint8_t name[static BM_HASH], uint32_t *ret_lot,
          struct bm_fail *fail)
{
    struct bm_listing listing = { .lots = lots, .journal = journal, .except = BM_NONE };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = BM_MAX_RECORD };
    struct bm_bytes run;
    enum bm_rc rc;

    *ret_lot = BM_NONE;
    do {
        if ((rc = bm_listing_next(&listing, &buf, &run, fail)) != BM_OK)
            return rc;
        for (size_t i = 0; i < run.n / BM_TAG; i++) {
            if (memcmp(run.p + i * BM_TAG, name, BM_TAG) != 0)
                continue;
            *ret_lot = listing.lot;
            if (!lots->lots[listing.lot].withdrawn && !lots->lots[listing.lot].quarantined)
                return BM_OK;
            break;
        }
    } while (run.n > 0);
    return BM_OK;
}
