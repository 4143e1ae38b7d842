/* listed.h - which lots list a chip: read from the journal when it is asked, since memory has no room for chips that nobody has used. */
#ifndef BM_LISTED_H
#define BM_LISTED_H

#include "signer/journal.h"
#include "signer/lots.h"

/*
 * A chip's name is kept as its first eight bytes. Two names that begin alike by chance stop a lot that is good (once in 4,000 sites of 100 million chips);
 * nothing is allowed by it: what lets a chip in is a proof in the tree of its lot.
 */
#define BM_TAG 8

/* Through all that is listed by lots which count, a run at a time; none that was superseded, nor the one that is left out. */
struct bm_listing {
    const struct bm_lots *lots; /* borrowed: to begin anew where one comes in */
    struct bm_journal *journal;
    uint32_t except; /* BM_NONE: none */
    uint32_t lot;    /* of the run that was seen */
    uint64_t at, left;
    bool begun;
};
/* *ret_run: tags, as they stand in the journal; empty at the end. A view into buf. */
bm_must_use enum bm_rc bm_listing_next(struct bm_listing *listing, struct bm_buf *buf, struct bm_bytes *ret_run, struct bm_fail *fail);

/* A set of tags that runs are held against: a few nanoseconds each. */
struct bm_tags {
    uint64_t factor; /* random and odd, so that nobody who chooses keys chooses where they fall */
    unsigned shift, filter_shift;
    uint64_t *tags;   /* 0: free */
    uint64_t *filter; /* bits: most of those that are not in it end here */
    size_t ntags, nfilter;
    bool zero; /* the tag 0 is in it */
};
bm_must_use enum bm_rc bm_tags_make(struct bm_tags *ret_tags, struct bm_bytes run, uint64_t seed, struct bm_fail *fail);
void bm_tags_done(struct bm_tags *tags);
/* Does the run have a tag in common with the set? */
bool bm_tags_meet(const struct bm_tags *tags, struct bm_bytes run);

/* The lot that lists it, rather one that serves; BM_NONE. Reads what all lots list. */
bm_must_use enum bm_rc bm_listed(const struct bm_lots *lots, struct bm_journal *journal, const uint8_t name[static BM_HASH],
                                 uint32_t *ret_lot, struct bm_fail *fail);

#endif
